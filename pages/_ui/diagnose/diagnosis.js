// The picture of a diagnosis: both sides on one plane, with what is missing and what is too much; beside it the clusters.
//
// Streamlit calls the exported function for each message, with a root that stays. What a point is (its row or image, and its
// nearest neighbours on the other side) comes from the channel, once asked for. HTML of the clusters was escaped by otviz.

const ASK_AFTER = 70; // milliseconds that the pointer rests on a point
const LAYERS = [
  { id: "real", words: "real", tip: "Blue squares: real samples" },
  { id: "generated", words: "generated", tip: "Orange discs: generated samples" },
  { id: "missing", words: "missing", tip: "Large blue squares: real samples that no generated one comes near" },
  { id: "surplus", words: "too much", tip: "Large orange discs: generated samples that have nothing real near, or that are too many" },
  { id: "copies", words: "copies", tip: "Purple rings: generated samples that copy a real one" },
];
const STEPS = { missing: "Show a missing one", surplus: "Show one too much", copies: "Show a copy" };

export default function mount({ data, parentElement }) {
  const root = rootIn(parentElement, "diagnosis");
  const view = (root.view ??= createView(root));
  if (data && data.length > 4) receive(view, data);
  view.dark = isDark(root);
  draw(view);
  view.watcher ??= watch(view);
  return () => {};
}

function createView(root) {
  const canvas = make("canvas", "plane", { tabindex: "0", role: "img" });
  const view = { root, canvas, off: new Set(), at: null, kept: null, lit: -1, cards: new Map(), turn: {} };
  view.legend = make("div", "legend");
  view.tip = make("div", "tip", { hidden: "" });
  view.card = make("div", "card", { "aria-live": "polite" });
  view.list = make("div", "list", { tabindex: "0", role: "group", "aria-label": "Clusters" });
  view.note = make("p", "note");
  view.style = make("style");
  view.steps = make("div", "steps");
  const stage = make("div", "stage", {}, canvas, view.tip);
  root.append(view.style, make("div", "picture", {}, view.legend, stage, make("div", "under", {}, view.steps, view.note)),
    make("div", "beside", {}, view.card, view.list));
  canvas.addEventListener("pointermove", (event) => hover(view, event));
  canvas.addEventListener("pointerleave", () => point(view, null));
  canvas.addEventListener("click", (event) => keep(view, found(view, event)));
  canvas.addEventListener("keydown", (event) => event.key === "Escape" && keep(view, null));
  view.list.addEventListener("pointerover", ({ target }) => light(view, target.closest("[data-cluster]")));
  view.list.addEventListener("pointerleave", () => light(view, null));
  return view;
}

function watch(view) {
  const watcher = new ResizeObserver(() => draw(view));
  watcher.observe(view.canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(() => refresh(view), 300));
  return watcher;
}

function refresh(view) {
  view.dark = isDark(view.root);
  draw(view);
}

// ------------------------------------------------------------------------------------------------------------ messages

function receive(view, data) {
  const { options, body } = readMessage(data);
  view.channel = options.channel;
  if (view.told === options.serial) return;
  Object.assign(view, { told: options.serial, options, at: null, kept: null, lit: -1, turn: {} });
  view.cards.clear();
  readSides(view, options.counts, body);
  view.box = boxOf(view.sides);
  view.style.textContent = options.style;
  view.list.innerHTML = options.clusters;
  setText(view.note, options.note);
  view.canvas.setAttribute("aria-label", options.words);
  view.root.dataset.counts = options.counts.join(" ");
  view.root.dataset.loud = view.order.map((order) => order.length).join(" ");
  view.legend.replaceChildren(...LAYERS.filter(({ id }) => id !== "copies" || view.marked.copies.length).map((layer) => layerButton(view, layer)));
  view.steps.replaceChildren(...Object.keys(STEPS).filter((id) => view.marked[id].length).map((id) => stepButton(view, id)));
  showCard(view);
}

function layerButton(view, { id, words, tip }) {
  const side = id === "real" || id === "missing" ? 0 : 1;
  const count = view.marked[id]?.length ?? view.sides[side].n;
  const element = button("layer", tip, () => {
    view.off.has(id) ? view.off.delete(id) : view.off.add(id);
    element.setAttribute("aria-pressed", !view.off.has(id));
    draw(view);
  }, make("span", `swatch ${id}`), `${words} ${count.toLocaleString("en")}`);
  element.setAttribute("aria-pressed", !view.off.has(id));
  return element;
}

function stepButton(view, id) {
  return button("step", "One after the other, the most striking first", () => {
    view.turn[id] = ((view.turn[id] ?? -1) + 1) % view.marked[id].length;
    keep(view, { side: id === "missing" ? 0 : 1, at: view.marked[id][view.turn[id]] });
  }, STEPS[id]);
}

// ------------------------------------------------------------------------------------------------------ point and card

const same = (a, b) => a?.side === b?.side && a?.at === b?.at;

function hover(view, event) {
  if (event.pointerType === "touch") return;
  point(view, found(view, event));
}

function point(view, one) {
  if (same(view.at, one)) return;
  view.at = one;
  view.tip.hidden = true;
  clearTimeout(view.timer);
  if (one) view.timer = setTimeout(() => ask(view, one).then((card) => card && same(view.at, one) && showTip(view, one, card)), ASK_AFTER);
  draw(view);
}

function keep(view, one) {
  view.kept = one;
  view.tip.hidden = true;
  showCard(view);
  if (one) ask(view, one).then(() => showCard(view));
  draw(view);
}

function light(view, row) {
  const lit = row ? Number(row.dataset.cluster) : -1;
  if (lit === view.lit) return;
  view.lit = lit;
  draw(view);
}

/** What the server says of a point; null, with a note, if it does not answer. */
async function ask(view, { side, at }) {
  const key = `${side}:${at}`, told = view.told;
  if (!view.cards.has(key)) {
    const { options, failure, gone } = await askChannel(view.channel, { side, at, serial: told });
    if (gone) redrawUnknownPage();
    if (failure || view.told !== told) return null;
    view.cards.set(key, options);
  }
  draw(view);
  return view.cards.get(key);
}

function showTip(view, { side, at }, card) {
  view.tip.replaceChildren(...cardParts(card, false));
  view.tip.hidden = false;
  const [x, y] = scaleOf(view)(view.sides[side], at).map((value) => value / view.ratio);
  const wide = view.tip.offsetWidth, high = view.tip.offsetHeight, { clientWidth, clientHeight } = view.canvas;
  view.tip.style.left = px(clamp(x + 18 + wide > clientWidth ? x - wide - 18 : x + 18, 0, Math.max(0, clientWidth - wide)));
  view.tip.style.top = px(clamp(y - high / 2, 0, Math.max(0, clientHeight - high)));
}

function showCard(view) {
  const card = view.kept && view.cards.get(`${view.kept.side}:${view.kept.at}`);
  view.root.dataset.kept = card ? card.title : "";
  if (card) view.card.replaceChildren(...cardParts(card, true), button("close", "Let go of this point", () => keep(view, null), icon("cross")));
  else view.card.replaceChildren(make("p", "hint", {}, "Point at a sample to see what it is and what lies nearest on the other side. A click keeps it here."));
}

function cardParts(card, whole) {
  const picture = ({ image, title }) => (image ? [make("img", "", { src: image, alt: title })] : []);
  const near = card.near.map((one) => make("li", "", {}, ...picture(one), make("span", "", {}, one.title)));
  const rows = card.rows.slice(0, whole ? 40 : 6).map(([name, value]) => [make("dt", "", {}, name), make("dd", "", {}, value)]).flat();
  return [
    make("p", `title ${card.side}`, {}, card.title), ...picture(card), make("dl", "", { tabindex: "0" }, ...rows),
    make("p", "what", {}, card.what), make("p", "nearest", {}, `Nearest ${card.other}:`), make("ul", "", {}, ...near),
  ];
}
