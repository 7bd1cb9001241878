// Tiles: a radio group of pictures, open as a grid, or folded to a card that shows the one chosen.
//
// Arrow keys move the focus, space and Enter choose: a choice may start a training anew, so moving alone must not.

export default function mount({ data, parentElement, setTriggerValue }) {
  const root = rootIn(parentElement, "tiles");
  const tiles = (root.tiles ??= { root, open: false, asked: null, buttons: [] });
  tiles.send = (name) => setTriggerValue("chosen", name);
  themeOf(root);
  if (!data || data.length <= 4) return;
  const { options } = readMessage(data), text = JSON.stringify(options);
  if (text === tiles.text) return;
  const same = tiles.text && JSON.stringify({ ...options, chosen: 0 }) === JSON.stringify({ ...tiles.options, chosen: 0 });
  Object.assign(tiles, { text, options });
  if (same) mark(tiles);
  else build(tiles);
}

function build(tiles) {
  const { root, options } = tiles, { card, label, disabled } = options;
  const rows = options.tiles.some((tile) => tile.line);
  tiles.buttons = options.tiles.map((tile) => tileButton(tiles, tile, rows));
  tiles.group = make("div", rows ? "list" : "grid", { role: "radiogroup", "aria-label": label }, ...tiles.buttons);
  tiles.group.addEventListener("keydown", (event) => onKey(tiles, event));
  tiles.name = make("b");
  const heading = make("div", "heading", {}, make("span"), ...(card ? [] : [tiles.name]));
  heading.firstChild.textContent = label;
  tiles.card = card ? make("button", "card", { type: "button", "aria-expanded": "false" }) : null;
  if (tiles.card) {
    tiles.card.disabled = disabled;
    tiles.card.addEventListener("click", () => unfold(tiles, !tiles.open));
  }
  root.replaceChildren(heading, ...(tiles.card ? [tiles.card] : []), tiles.group);
  unfold(tiles, tiles.open && card);
  mark(tiles);
}

function tileButton(tiles, tile, rows) {
  const one = make("button", "", { type: "button", role: "radio", title: rows ? "" : tile.title, "aria-label": tile.title });
  one.disabled = tiles.options.disabled;
  fill(one, tile, rows);
  one.addEventListener("click", () => choose(tiles, tile.name));
  return one;
}

/** Pictures are SVGs that the server ships or draws; words are set as text. */
function fill(element, tile, words) {
  const picture = make("span", "picture", { "aria-hidden": "true" });
  picture.innerHTML = tile.picture;
  element.replaceChildren(picture);
  if (!words) return;
  const [title, line] = [make("b"), make("span")];
  [title.textContent, line.textContent] = [tile.title, tile.line];
  element.append(make("span", "words", {}, title, line));
}

function choose(tiles, name) {
  if (tiles.card) {
    unfold(tiles, false);
    tiles.card.focus({ preventScroll: true });
  }
  if (name === tiles.options.chosen) return;
  tiles.options.chosen = name;
  tiles.text = JSON.stringify(tiles.options);
  mark(tiles);
  tiles.send(name);
}

/** Shows which one is chosen. */
function mark(tiles) {
  const { options, buttons, card } = tiles, at = Math.max(options.tiles.findIndex((tile) => tile.name === options.chosen), 0);
  buttons.forEach((one, k) => {
    one.setAttribute("aria-checked", k === at);
    one.tabIndex = k === at ? 0 : -1;
  });
  const tile = options.tiles[at];
  tiles.name.textContent = tile.title;
  tiles.root.dataset.chosen = tile.name;
  if (!card) return;
  fill(card, tile, true);
  card.setAttribute("aria-label", `${options.label}: ${tile.title}. Change`);
  card.insertAdjacentHTML("beforeend", '<svg class="chevron" viewBox="0 0 16 16" aria-hidden="true"><path d="M3 6l5 5 5-5"/></svg>');
}

function unfold(tiles, open) {
  tiles.open = open;
  if (!tiles.card) return;
  tiles.group.hidden = !open;
  tiles.card.setAttribute("aria-expanded", open);
  if (open) tiles.buttons.find((one) => one.tabIndex === 0)?.focus({ preventScroll: true });
}

function onKey(tiles, event) {
  const { buttons, group } = tiles, at = buttons.indexOf(group.getRootNode().activeElement);
  const across = group.classList.contains("list") ? 1 : getComputedStyle(group).gridTemplateColumns.split(" ").length;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across };
  if (event.key === "Escape" && tiles.card) {
    unfold(tiles, false);
    tiles.card.focus({ preventScroll: true });
  } else if (event.key in steps && at >= 0) {
    const to = buttons[at + steps[event.key]];
    if (to) to.focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}
