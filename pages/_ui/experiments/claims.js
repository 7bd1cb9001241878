// The claims as a list of cards: a link in each opens it, and so does a click anywhere on the card.
//
// Streamlit calls the exported function for each message, with a root that stays. Texts are set as text; the drawing of a card
// is an SVG that otviz made and escaped.

let opened = ""; // the claim that was opened last: the list comes back to it

export default function mount({ data, parentElement, setTriggerValue }) {
  const root = rootIn(parentElement, "claims");
  if (!data || data.length <= 4) return;
  const { options } = readMessage(data), told = JSON.stringify(options), fresh = !root.told;
  root.open = (name) => {
    opened = name;
    setTriggerValue("opened", name);
  };
  if (root.told !== told) {
    root.told = told;
    if (options.wide) root.replaceChildren(drawing("wide", options.wide), drawing("narrow", options.narrow)); // one chart alone
    else root.replaceChildren(make("ul", "cards", { role: "list" }, ...options.cards.map((card) => claimCard(card, root))));
  }
  if (fresh && opened && options.cards) setTimeout(comeBack, 100, root); // once it is on the page
}

function comeBack(root) {
  const link = root.querySelector(`[data-claim="${CSS.escape(opened)}"] h3 a`);
  if (!link) return;
  link.focus({ preventScroll: true });
  link.scrollIntoView({ block: "center" });
}

function drawing(name, svg) {
  const holder = make("div", name);
  holder.innerHTML = svg;
  return holder;
}

function claimCard(card, root) {
  const link = make("a", "", { href: `?claim=${encodeURIComponent(card.name)}` }, card.title);
  const verdict = make("p", `verdict ${card.tone}`, {}, card.verdict);
  const cited = card.url
    ? make("a", "", { href: card.url, target: "_blank", rel: "noopener noreferrer" }, card.citation)
    : card.citation;
  const item = make(
    "li", "card", { "data-claim": card.name }, verdict, make("h3", "", {}, link), make("p", "cited", {}, cited),
    drawing("chart", card.svg),
    make("p", "told", {}, card.told), make("p", "takes", {}, card.takes),
  );
  item.addEventListener("click", (event) => {
    const away = event.target.closest("a"), other = event.ctrlKey || event.metaKey || event.shiftKey;
    if ((away && away !== link) || (away && other) || getSelection().toString()) return; // the browser's own way
    event.preventDefault();
    item.classList.add("going");
    root.open(card.name);
  });
  return item;
}
