// The shelf of the gallery: large cards of models, cards of studies, small cards. A click anywhere on a card opens it.
//
// Streamlit calls the exported function for each message, with a root that stays. Pictures are WebP files behind the options.

let opened = ""; // what was opened last: the shelf comes back to it

export default function mount({ data, parentElement, setTriggerValue }) {
  const root = rootIn(parentElement, "shelf");
  const shelf = (root.shelf ??= { root, chosen: [], urls: [] });
  shelf.send = (text) => {
    opened = text;
    setTriggerValue("opened", text);
  };
  if (!data || data.length <= 4) return;
  const { options, body } = readMessage(data), told = JSON.stringify(options), fresh = !shelf.told;
  if (shelf.told === told) return;
  Object.assign(shelf, { told, options, body });
  build(shelf);
  if (fresh && opened) setTimeout(comeBack, 100, root); // once it is on the page
}

function comeBack(root) {
  const link = root.querySelector(`[data-opens="${CSS.escape(opened)}"] h3 a`);
  if (!link) return;
  link.focus({ preventScroll: true });
  link.scrollIntoView({ block: "center" });
}

function build(shelf) {
  const { heroes, studies, others, words } = shelf.options;
  shelf.urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
  shelf.chosen = [];
  shelf.bar = make("div", "bar", { role: "status" });
  const section = (title, line, kind, cards) =>
    cards.length ? [make("h2", title ? "" : "unseen", {}, title || "Models"), ...(line ? [make("p", "line", {}, line)] : []), make("ul", kind, { role: "list" }, ...cards)] : [];
  const first = "Click a model to play with its images: walk between them, find their nearest real ones, see what it misses.";
  shelf.root.replaceChildren(
    ...section("Models", first, "heroes", heroes.map((card) => modelCard(shelf, card))),
    ...section("Studies", "The same noise, one setting changed. Open one and move its slider.", "studies", studies.map((card) => studyCard(shelf, card))),
    ...section(words.others, "", "others", others.map((card) => modelCard(shelf, card))),
    shelf.bar,
  );
  showBar(shelf);
}

function modelCard(shelf, card) {
  const compare = button("compare", "Choose for a comparison", () => toggle(shelf, card, compare), icon("tick"), make("span", "", {}, "Compare"));
  compare.setAttribute("aria-pressed", "false");
  compare.setAttribute("aria-label", `Compare ${card.title}`);
  const picture = pictureOf(shelf, card.picture, card.columns, card.rows, `Images made by ${card.title}${card.by_class ? ", a class in each column" : ""}`);
  return clickable(shelf, "model", card, picture, make("div", "head", {}, title("model", card), compare), chips(card));
}

function studyCard(shelf, card) {
  const lines = card.lines.map(({ value, picture }) =>
    make("div", "strip", {}, make("span", "value", {}, value), pictureOf(shelf, picture, card.columns, 1, `${card.axis}: ${value}`)));
  return clickable(shelf, "study", card, title("study", card), make("p", "claim", {}, card.claim), judges(card), make("p", "axis", {}, `${card.row}, by ${card.axis}`),
    make("div", "strips", {}, ...lines));
}

const judges = (card) =>
  make("p", "judges", {}, ...card.judges.map(({ experiment, words }) =>
    make("a", "", { href: `experiments?claim=${encodeURIComponent(experiment)}`, "data-sends": `experiment:${experiment}` }, words)));

const title = (kind, card) => make("h3", "", {}, make("a", "", { href: `?${kind}=${encodeURIComponent(card.name)}` }, card.title));

function chips({ chips: known }) {
  return make("p", "chips", {}, ...known.map(({ label, value, floor, tip }) =>
    make("span", "chip", { title: tip }, `${label} `, make("b", "", {}, value), ...(floor ? [make("span", "floor", {}, ` real ${floor}`)] : []))));
}

function pictureOf(shelf, [start, size], columns, rows, alt) {
  const url = URL.createObjectURL(new Blob([shelf.body.subarray(start, start + size)], { type: "image/webp" }));
  shelf.urls.push(url);
  return make("div", "sheet", { style: `--columns: ${columns}; --rows: ${rows}` }, make("img", "", { src: url, alt, decoding: "async", draggable: "false" }));
}

function clickable(shelf, kind, card, ...parts) {
  const name = `${kind}:${card.name}`, item = make("li", "card", { "data-opens": name }, ...parts);
  item.addEventListener("click", (event) => {
    if (event.target.closest("button")) return;
    const own = event.target.closest("a");
    if ((own && (event.ctrlKey || event.metaKey || event.shiftKey)) || getSelection().toString()) return; // the browser's own way
    event.preventDefault();
    item.classList.add("going");
    shelf.send(own?.dataset.sends ?? name);
  });
  return item;
}

// --------------------------------------------------------------------------------------------------------- comparisons

function toggle(shelf, card, element) {
  const { chosen, options } = shelf, at = chosen.findIndex(({ name }) => name === card.name);
  if (at >= 0) chosen.splice(at, 1);
  else if (chosen.length < options.most) chosen.push(card);
  element.setAttribute("aria-pressed", chosen.includes(card));
  showBar(shelf);
}

function showBar(shelf) {
  const { chosen, bar, options, root } = shelf, full = chosen.length === options.most;
  root.dataset.choosing = chosen.length > 0;
  bar.hidden = !chosen.length;
  const words = chosen.length < 2 ? `${chosen[0]?.title}: choose one more` : chosen.map((card) => card.title).join(" · ");
  const go = button("go", "Compare the chosen models on the same noise", () => shelf.send(`compare:${chosen.map((card) => card.name).join(",")}`), "Compare");
  go.disabled = chosen.length < 2;
  bar.replaceChildren(make("span", "names", {}, words + (full ? ` (at most ${options.most})` : "")), go,
    button("clear", "Choose none", () => {
      chosen.splice(0);
      root.querySelectorAll(".compare").forEach((one) => one.setAttribute("aria-pressed", "false"));
      showBar(shelf);
    }, icon("cross")));
}
