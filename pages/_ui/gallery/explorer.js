// Models to click into: a sheet of each, and the map of its samples among real images. One image picked: what it is; two: a path.
//
// All sheets show the same latents, so a pick counts for every model. Answers come from the channel; maps are drawn by plane.js.

const HINT = "Click an image: its class, its nearest real images and its place on the map. Click a second one: a path between both.";
const TRIES = 4; // after which a server that does not answer is asked for no map any more
const REST = 90; // milliseconds that the pointer rests on a point before it is asked for
const LAYERS = [
  { id: "real", words: "real", tip: "Blue squares: real images" },
  { id: "generated", words: "generated", tip: "Orange discs: generated images" },
  { id: "missing", words: "missed", tip: "Large blue squares: real images that nothing generated comes near" },
  { id: "surplus", words: "unlike any real", tip: "Large orange discs: generated images that have nothing real near" },
];

export default function mount({ data, parentElement, setTriggerValue }) {
  const root = rootIn(parentElement, "explorer");
  const explorer = (root.explorer ??= { root, picked: [], urls: [], columns: [] });
  explorer.send = (text) => setTriggerValue("sent", text);
  if (data && data.length > 4) receive(explorer, data);
  explorer.watcher ??= watch(explorer);
  return () => {};
}

function watch(explorer) {
  const paint = () => explorer.columns.forEach((column) => refresh(column.map)), watcher = new ResizeObserver(paint);
  watcher.observe(explorer.root);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(paint, 300));
  return watcher;
}

function refresh(map) {
  map.dark = isDark(map.root);
  draw(map);
}

function receive(explorer, data) {
  const { options, body } = readMessage(data);
  explorer.channel = options.channel;
  if (explorer.serial === options.serial) return;
  const held = explorer.columns.map(({ map }) => map);
  explorer.urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
  Object.assign(explorer, { serial: options.serial, options, body, picked: options.picked, answers: new Map() });
  explorer.columns = options.models.map((model, at) => createColumn(explorer, model, at));
  explorer.columns.forEach(({ map }, at) => held[at] && (map.off = held[at].off));
  explorer.root.dataset.models = options.models.length;
  explorer.hint = make("p", "hint", {}, HINT);
  explorer.root.replaceChildren(...(options.models.length > 1 ? [explorer.hint] : []), make("div", "columns", {}, ...explorer.columns.map(({ element }) => element)));
  explorer.columns.forEach((column) => loadMap(explorer, column));
  showPicked(explorer);
}

// -------------------------------------------------------------------------------------------------------------- columns

function createColumn(explorer, model, at) {
  const several = explorer.options.models.length > 1, column = { at, model };
  column.map = createMap(explorer, column);
  column.detail = make("div", "detail", { "aria-live": "polite" });
  column.sheet = sheetOf(explorer, model);
  const heads = model.heads.map((name) => make("span", "", {}, name));
  const head = heads.length ? [make("div", "heads", { style: `--columns: ${model.columns}` }, ...heads)] : [];
  const title = several
    ? [make("h3", "", {}, button("title", "Look into this model", () => explorer.send(`open:${model.name}`), model.title))]
    : [];
  column.element = make("section", "column", { "aria-label": model.title }, ...title,
    make("div", "images", {}, ...head, column.sheet.element), column.map.element, column.detail);
  return column;
}

function sheetOf(explorer, model) {
  const [start, size] = model.picture, { columns, count, sides } = model;
  const url = URL.createObjectURL(new Blob([explorer.body.subarray(start, start + size)], { type: "image/webp" }));
  explorer.urls.push(url);
  const cells = Array.from({ length: count }, (_, at) => button("cell", "", () => pick(explorer, at)));
  cells.forEach((cell, at) => (cell.tabIndex = at ? -1 : 0));
  const grid = make("div", "cells", { role: "group", "aria-label": `${count} images made by ${model.title}` }, ...cells);
  grid.addEventListener("keydown", (event) => moveFocus(event, cells, columns));
  const rows = Math.ceil(count / columns);
  const element = make("div", "sheet", { style: `--columns: ${columns}; --ratio: ${(columns * sides[1]) / (rows * sides[0])}` },
    make("img", "", { src: url, alt: "", draggable: "false" }), grid);
  return { element, cells };
}

function moveFocus(event, cells, columns) {
  const at = cells.indexOf(event.target), step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
  if (!step || at < 0) return;
  event.preventDefault();
  event.stopPropagation();
  const to = cells[at + step];
  if (!to) return;
  cells[at].tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

// ---------------------------------------------------------------------------------------------------------------- picks

function pick(explorer, at) {
  const { picked } = explorer;
  explorer.picked = picked.length === 1 && picked[0] !== at ? [picked[0], at] : picked.length === 1 ? [] : [at];
  showPicked(explorer);
  explorer.send(`picked:${explorer.picked.join(",")}`);
}

function showPicked(explorer) {
  const { picked } = explorer;
  explorer.root.dataset.picked = picked.join(",");
  for (const column of explorer.columns) {
    column.sheet.cells.forEach((cell, at) => {
      const turn = picked.indexOf(at);
      cell.className = turn < 0 ? "cell" : `cell picked ${turn ? "second" : "first"}`;
      cell.setAttribute("aria-label", `Image ${at + 1}`);
      cell.setAttribute("aria-pressed", turn >= 0);
      cell.replaceChildren(...(turn < 0 ? [] : [make("span", "badge", { "aria-hidden": "true" }, String(turn + 1))]));
    });
    column.path = null;
    showDetail(explorer, column);
    draw(column.map);
  }
}

function showDetail(explorer, column) {
  const { picked } = explorer;
  if (!picked.length) column.detail.replaceChildren(...(explorer.options.models.length > 1 ? [] : [make("p", "hint", {}, HINT)]));
  else if (picked.length === 1) answer(explorer, column, "image", picked, (found) => column.detail.replaceChildren(...imageParts(found, picked[0])));
  else answer(explorer, column, "path", picked, (found) => {
    column.path = found.places;
    column.detail.replaceChildren(...pathParts(found, picked));
    draw(column.map);
  });
}

/** Ask once, and show the answer unless something else has been picked meanwhile. */
async function answer(explorer, column, ask, at, show) {
  const key = `${column.at}:${ask}:${at}`, { serial, answers } = explorer;
  if (!answers.has(key)) answers.set(key, askChannel(explorer.channel, { model: column.at, ask, at }));
  const { options, failure, gone } = await answers.get(key);
  if (failure) answers.delete(key);
  if (gone) redrawUnknownPage();
  if (explorer.serial !== serial || String(explorer.picked) !== String(at)) return;
  if (failure) column.detail.replaceChildren(make("p", "trouble", {}, failure));
  else show(options);
}

function imageParts(found, at) {
  const facts = [make("p", "name", {}, `Image ${at + 1}`)];
  if (found.asked) facts.push(make("p", "", {}, "Asked for: ", make("b", "", {}, found.asked)));
  if (found.seen) facts.push(make("p", "", {}, "The classifier sees ", make("b", "", {}, found.seen), ...(found.next ? [`, or ${found.next}`] : [])));
  const near = found.near ? found.near.map((one) =>
    make("figure", "", {}, make("img", "", { src: one.image, alt: `A real image${one.class ? `: ${one.class}` : ""}` }), make("figcaption", "", {}, make("b", "", {}, one.class), ` ${one.title}`))) : [];
  return [
    make("div", "image", {}, make("img", "", { src: found.image, alt: `Image ${at + 1}` }), make("div", "facts", {}, ...facts)),
    make("div", "nearest", {}, make("div", "row", {}, ...near), make("p", "words", {}, found.words)),
  ];
}

function pathParts(found, [first, second]) {
  const rows = found.rows.map(({ name, image }) =>
    make("div", "way", {}, make("span", "", {}, name), make("img", "", { src: image, alt: `${found.stops} images on the way: ${name}` })));
  return [make("div", "path", {}, make("p", "name", {}, `From image ${first + 1} to image ${second + 1}, on an arc through the noise`), ...rows)];
}

// ----------------------------------------------------------------------------------------------------------------- map

function createMap(explorer, column) {
  const canvas = make("canvas", "plane", { tabindex: "0", role: "img", "aria-label": "The map is being drawn" });
  const map = { root: explorer.root, canvas, off: new Set(["surplus"]), at: null, kept: null, lit: -1, cards: new Map() };
  map.legend = make("div", "legend");
  map.tip = make("div", "tip", { hidden: "" });
  map.words = make("p", "words", {}, "Drawing the map …");
  map.over = (c, to) => drawPicked(explorer, column, c, to);
  map.element = make("div", "map", {}, map.legend, make("div", "stage", {}, canvas, map.tip), map.words);
  canvas.addEventListener("pointermove", (event) => event.pointerType !== "touch" && point(explorer, column, found(map, event), REST));
  canvas.addEventListener("pointerleave", () => point(explorer, column, null));
  canvas.addEventListener("click", (event) => point(explorer, column, found(map, event), 0));
  return map;
}

async function loadMap(explorer, column, tries = 0) {
  const { serial } = explorer, { map } = column, { options, body, failure, gone } = await askChannel(explorer.channel, { model: column.at, ask: "map", at: [] });
  if (gone) redrawUnknownPage();
  if (explorer.serial !== serial) return;
  map.element.classList.toggle("none", Boolean(failure || options.trouble));
  if (failure && !gone && tries < TRIES) setTimeout(() => explorer.serial === serial && loadMap(explorer, column, tries + 1), PAUSE * 2 ** tries);
  if (failure || options.trouble) return setText(map.words, failure || options.trouble);
  map.options = options;
  readSides(map, options.counts, body);
  map.box = boxOf(map.sides.slice(0, 1)); // of the real images, so that all models share it
  map.legend.replaceChildren(...LAYERS.map((layer) => layerButton(map, layer)));
  map.words.replaceChildren(make("b", "", {}, options.words), ` ${options.note}`);
  canvasWords(map, options.words);
  explorer.root.dataset.maps = explorer.columns.filter((one) => one.map.sides).length;
  refresh(map);
}

const canvasWords = (map, words) => map.canvas.setAttribute("aria-label", `Map of real and generated images. ${words}`);

function layerButton(map, { id, words, tip }) {
  const side = id === "real" || id === "missing" ? 0 : 1, count = map.marked[id]?.length ?? map.sides[side].n;
  const element = button("layer", tip, () => {
    map.off.has(id) ? map.off.delete(id) : map.off.add(id);
    element.setAttribute("aria-pressed", !map.off.has(id));
    draw(map);
  }, make("span", `swatch ${id}`), `${words} ${count}`);
  element.setAttribute("aria-pressed", !map.off.has(id));
  return element;
}

function point(explorer, column, one, wait = 0) {
  const { map } = column;
  if (map.at?.side === one?.side && map.at?.at === one?.at && wait) return;
  map.at = one;
  map.tip.hidden = true;
  clearTimeout(map.timer);
  if (one) map.timer = setTimeout(() => showTip(explorer, column, one), wait);
  draw(map);
}

async function showTip(explorer, column, one) {
  const { map } = column, key = `${one.side}:${one.at}`, { serial } = explorer;
  if (!map.cards.has(key)) {
    const { options, failure } = await askChannel(explorer.channel, { model: column.at, ask: "point", side: one.side, place: one.at });
    if (failure || explorer.serial !== serial) return;
    map.cards.set(key, options);
  }
  if (map.at !== one) return;
  const card = map.cards.get(key);
  map.tip.replaceChildren(make("img", "", { src: card.image, alt: "" }), make("p", "", {}, card.title), ...(card.what ? [make("p", "what", {}, card.what)] : []));
  map.tip.hidden = false;
  const [x, y] = scaleOf(map)(map.sides[one.side], one.at).map((value) => value / map.ratio), { clientWidth, clientHeight } = map.canvas;
  const wide = map.tip.offsetWidth, high = map.tip.offsetHeight;
  map.tip.style.left = px(clamp(x + 16 + wide > clientWidth ? x - wide - 16 : x + 16, 0, Math.max(0, clientWidth - wide)));
  map.tip.style.top = px(clamp(y - high / 2, 0, Math.max(0, clientHeight - high)));
}

/** Rings where the picked images lie, and the path between them. */
function drawPicked({ picked }, { map, path }, c, to) {
  const { places } = map.options, { ratio } = map, spot = (place) => to({ places: place }, 0), ink = themeOf(map.root).text;
  if (path?.length && picked.length === 2) {
    c.strokeStyle = ink;
    c.lineWidth = 2 * ratio;
    c.beginPath();
    path.forEach((place) => c.lineTo(...spot(place)));
    c.stroke();
    c.fillStyle = ink;
    for (const place of path.slice(1, -1)) {
      c.beginPath();
      c.arc(...spot(place), 3 * ratio, 0, 2 * Math.PI);
      c.fill();
    }
  }
  picked.forEach((at, turn) => {
    const [x, y] = spot(places[at]);
    c.beginPath();
    c.arc(x, y, 11 * ratio, 0, 2 * Math.PI);
    c.fillStyle = turn ? "#a34700" : "#006b4e";
    c.strokeStyle = "#fff";
    c.lineWidth = 2.5 * ratio;
    c.fill();
    c.stroke();
    c.fillStyle = "#fff";
    c.font = `700 ${13 * ratio}px ${themeOf(map.root).font}`;
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.fillText(String(turn + 1), x, y + 0.5 * ratio);
  });
}
