// The pad: a cloud drawn by mouse, finger or keyboard.
//
// Streamlit calls the exported function for each message, with a root that stays; what lasts is kept on that root, so a
// call may come twice. A drawing is a list of strokes, a stroke a list of vertices [x, y] on the 256 x 256 grid of its text
// (see pad.py). After each change the text goes to Python, which gives it back with the next message. Such an
// echo may be late, while the viewer draws on; only a text of the page's own replaces the drawing.

const LOW = -4, SIDE = 8, GRID = 255, MOST = 1000;
const TOOLS = { brush: "Draw", eraser: "Erase" };
const FULL = `A drawing holds at most ${MOST} vertices: erase some, or draw with a wider brush.`;

// -------------------------------------------------------------------------------------------------------------- entry

export default function mount({ data, parentElement, setTriggerValue }) {
  const root = rootIn(parentElement, "pad");
  const pad = (root.pad ??= createPad(root));
  const call = ++pad.calls;
  pad.send = (text) => setTriggerValue("drawn", text);
  readTheme(pad);
  if (data && data.length > 4) receive(pad, data);
  pad.observer ??= new ResizeObserver(() => fit(pad));
  pad.observer.observe(root);
  fit(pad);
  return () => {
    if (call !== pad.calls) return;
    pad.observer?.disconnect();
    pad.observer = null;
  };
}

function createPad(root) {
  const pad = {
    root, calls: 0, options: { strokes: "", label: "", brush: 0.2, height: 300 }, others: new Float32Array(0),
    strokes: [], past: [], future: [], unheard: [], given: null, tool: "brush", theme: {},
    draft: null, erased: null, pointer: null, cross: null, full: false, ratio: 1, painting: 0,
  };
  buildShell(pad);
  return pad;
}

function receive(pad, data) {
  const { options, body } = readMessage(data);
  Object.assign(pad.options, options);
  pad.others = new Float32Array(body.buffer);
  const { strokes, label, height } = pad.options, echo = pad.unheard.indexOf(strokes);
  if (strokes !== pad.given && echo < 0) replace(pad, strokes);
  pad.unheard = pad.unheard.slice(echo + 1);
  pad.given = strokes;
  pad.root.style.setProperty("--side", height ? `${height}px` : "max(300px, calc(100vh - 330px))");
  const keys = "Arrow keys move a cross-hair, space puts a point, Delete erases, Control Z undoes.";
  pad.parts.canvas.setAttribute("aria-label", `Drawing of the ${label}. ${keys}`);
}

function replace(pad, text) {
  Object.assign(pad, { strokes: decode(text), past: [], future: [], unheard: [], draft: null, erased: null, full: false });
  show(pad);
}

// --------------------------------------------------------------------------------------------------------------- text

/** Strokes as URL-safe base64 of u16 counts and u8 coordinates. */
function encode(strokes) {
  const bytes = strokes.flatMap((stroke) => [stroke.length & 255, stroke.length >> 8, ...stroke.flat()]);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** What can be read of a text; what is cut off or broken is left out. */
function decode(text) {
  const strokes = [];
  let raw = "";
  try {
    raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return strokes;
  }
  const bytes = Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  for (let at = 0, left = MOST; at + 2 <= bytes.length && left > 0; ) {
    const count = Math.min(bytes[at] + 256 * bytes[at + 1], (bytes.length - at - 2) >> 1, left);
    const stroke = Array.from({ length: count }, (_, k) => [bytes[at + 2 + 2 * k], bytes[at + 3 + 2 * k]]);
    if (count) strokes.push(stroke);
    at += 2 + 2 * (bytes[at] + 256 * bytes[at + 1]);
    left -= count;
  }
  return strokes;
}

const vertices = (strokes) => strokes.reduce((sum, stroke) => sum + stroke.length, 0);
const toData = (k) => LOW + (SIDE * k) / GRID;
const radius = ({ options }) => (options.brush * GRID) / SIDE; // of the brush, in cells of the grid

// ------------------------------------------------------------------------------------------------------------ changes

/** A finished change: it can be undone, and Python hears of it. */
function commit(pad, strokes) {
  if (encode(strokes) === encode(pad.strokes)) return show(pad);
  pad.past.push(pad.strokes);
  pad.future = [];
  tell(pad, strokes);
}

function tell(pad, strokes) {
  const text = encode(strokes);
  Object.assign(pad, { strokes, full: pad.full && vertices(strokes) >= MOST });
  pad.unheard.push(text);
  show(pad);
  pad.send(text);
}

function undo(pad) {
  if (!pad.past.length) return;
  pad.future.push(pad.strokes);
  tell(pad, pad.past.pop());
}

function redo(pad) {
  if (!pad.future.length) return;
  pad.past.push(pad.strokes);
  tell(pad, pad.future.pop());
}

/** Adds a vertex to the stroke in hand unless it is too near to the one before. */
function extend(pad, [x, y]) {
  const { draft, strokes } = pad, before = draft[draft.length - 1];
  if (before && Math.hypot(x - before[0], y - before[1]) < Math.max(2, radius(pad) / 3)) return;
  if (vertices(strokes) + draft.length >= MOST) {
    pad.full = true;
    return;
  }
  draft.push([Math.round(x), Math.round(y)]);
}

/** Without the vertices near (x, y); a stroke that is cut falls into two. */
function erase(strokes, [x, y], reach) {
  const kept = [];
  for (const stroke of strokes) {
    let piece = [];
    for (const vertex of stroke) {
      if (Math.hypot(vertex[0] - x, vertex[1] - y) > reach) piece.push(vertex);
      else if (piece.length) {
        kept.push(piece);
        piece = [];
      }
    }
    if (piece.length) kept.push(piece);
  }
  return kept;
}

// ------------------------------------------------------------------------------------------------- pointer and keyboard

function cellAt(pad, event) {
  const { canvas } = pad.parts, along = (at, size) => clamp((at / size) * GRID, 0, GRID);
  return [along(event.offsetX, canvas.clientWidth), GRID - along(event.offsetY, canvas.clientHeight)];
}

function onDown(pad, event) {
  if (event.button) return;
  pad.parts.canvas.setPointerCapture(event.pointerId);
  Object.assign(pad, { cross: null, pointer: cellAt(pad, event), full: false });
  if (pad.tool === "brush") pad.draft = [];
  else pad.erased = pad.strokes;
  onMove(pad, event);
}

function onMove(pad, event) {
  pad.pointer = cellAt(pad, event);
  if (pad.draft) extend(pad, pad.pointer);
  if (pad.erased) pad.erased = erase(pad.erased, pad.pointer, radius(pad));
  show(pad);
}

function onUp(pad) {
  const { draft, erased } = pad;
  Object.assign(pad, { draft: null, erased: null });
  if (draft?.length) commit(pad, [...pad.strokes, draft]);
  else if (erased) commit(pad, erased);
  else show(pad);
}

function onKey(pad, event) {
  const direction = DIRECTIONS[event.key], here = (pad.cross ?? [GRID / 2, GRID / 2]).map(Math.round);
  const drop = () => erasePoint(pad, here);
  const actions = { " ": () => putPoint(pad, here), Delete: drop, Backspace: drop, Escape: () => (pad.cross = null) };
  const action = direction ? () => moveCross(pad, here, direction, event.shiftKey ? 16 : 4) : actions[event.key];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  take(event);
  action();
  speak(pad);
  show(pad);
}

function onShortcut(pad, event) {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || !["z", "y"].includes(key)) return;
  take(event);
  if (key === "y" || event.shiftKey) redo(pad);
  else undo(pad);
  speak(pad);
}

/** Keys used here are not also shortcuts of the page. */
function take(event) {
  event.preventDefault();
  event.stopPropagation();
}

function moveCross(pad, [x, y], [dx, dy], step) {
  pad.cross = pad.cross ? [clamp(x + step * dx, 0, GRID), clamp(y + step * dy, 0, GRID)] : [x, y];
}

function putPoint(pad, at) {
  pad.cross = at;
  pad.full = vertices(pad.strokes) >= MOST;
  if (!pad.full) commit(pad, [...pad.strokes, [at]]);
}

function erasePoint(pad, at) {
  pad.cross = at;
  commit(pad, erase(pad.strokes, at, Math.max(radius(pad), 4)));
}

function speak({ parts, strokes, cross }) {
  const at = cross ? ` Cross-hair at ${cross.map((k) => toData(k).toFixed(1)).join(", ")}.` : "";
  parts.announcer.textContent = `${vertices(strokes)} points.${at}`;
}

// ----------------------------------------------------------------------------------------------------------- painting

/** Brings buttons and words up to date now, and the canvas with the next frame. */
function show(pad) {
  const { parts, strokes, past, future, root } = pad, count = vertices(pad.erased ?? strokes) + (pad.draft?.length ?? 0);
  for (const tool of Object.keys(TOOLS)) parts[tool].setAttribute("aria-pressed", pad.tool === tool);
  const focused = root.getRootNode().activeElement;
  parts.undo.disabled = !past.length;
  parts.redo.disabled = !future.length;
  parts.clear.disabled = !strokes.length;
  if (focused?.disabled) parts.canvas.focus({ preventScroll: true }); // a disabled button would swallow the next keys
  parts.words.textContent = pad.full ? FULL : count ? `${count} ${count === 1 ? "vertex" : "vertices"}` : `Draw the ${pad.options.label} here`;
  parts.words.classList.toggle("full", pad.full);
  Object.assign(root.dataset, { strokes: strokes.length, vertices: vertices(strokes), text: encode(strokes) });
  pad.painting ||= requestAnimationFrame(() => {
    pad.painting = 0;
    paint(pad);
  });
}

function paint(pad) {
  const { canvas } = pad.parts, c = canvas.getContext("2d"), size = canvas.width, { ratio, theme, draft } = pad;
  const place = ([x, y]) => [(x / GRID) * size, size - (y / GRID) * size], width = (2 * pad.options.brush * size) / SIDE;
  c.clearRect(0, 0, size, size);
  drawGrid(c, size, pad);
  drawOthers(c, size, pad);
  c.strokeStyle = c.fillStyle = theme.accent;
  for (const stroke of [...(pad.erased ?? pad.strokes), ...(draft ? [draft] : [])]) {
    drawStroke(c, stroke.map(place), width, 0.3);
    drawStroke(c, stroke.map(place), 2 * ratio, 1);
  }
  const at = pad.cross ?? pad.pointer;
  if (!at) return;
  const [x, y] = place(at);
  c.beginPath();
  c.arc(x, y, width / 2, 0, 2 * Math.PI);
  if (pad.cross) for (const [dx, dy] of [[1, 0], [0, 1]]) {
    c.moveTo(x - 9 * dx * ratio, y - 9 * dy * ratio);
    c.lineTo(x + 9 * dx * ratio, y + 9 * dy * ratio);
  }
  c.strokeStyle = theme.text;
  c.lineWidth = 1.3 * ratio;
  c.setLineDash(pad.tool === "eraser" ? [4 * ratio, 3 * ratio] : []);
  c.stroke();
  c.setLineDash([]);
}

function drawGrid(c, size, { theme, ratio }) {
  c.fillStyle = theme.text;
  for (let k = 0; k <= SIDE; k++) {
    const at = Math.round((k / SIDE) * size - ratio / 2);
    c.globalAlpha = k === SIDE / 2 ? 0.32 : 0.1;
    c.fillRect(at, 0, ratio, size);
    c.fillRect(0, at, size, ratio);
  }
  c.globalAlpha = 0.6;
  c.font = `${10 * ratio}px ${theme.font}`;
  c.textBaseline = "top";
  for (const value of [-2, 2]) {
    c.fillText(String(value).replace("-", "\u2212"), ((value - LOW) / SIDE) * size + 3 * ratio, size / 2 + 3 * ratio);
    c.fillText(String(value).replace("-", "\u2212"), size / 2 + 3 * ratio, ((-value - LOW) / SIDE) * size + 3 * ratio);
  }
  c.globalAlpha = 1;
}

function drawOthers(c, size, { others, ratio }) {
  c.fillStyle = COLOURS.source;
  c.globalAlpha = 0.45;
  for (let i = 0; i < others.length; i += 2) {
    c.fillRect(((others[i] - LOW) / SIDE) * size - ratio, size - ((others[i + 1] - LOW) / SIDE) * size - ratio, 2 * ratio, 2 * ratio);
  }
  c.globalAlpha = 1;
}

function drawStroke(c, points, width, alpha) {
  c.globalAlpha = alpha;
  c.lineWidth = width;
  c.lineCap = c.lineJoin = "round";
  c.beginPath();
  points.forEach(([x, y], k) => (k ? c.lineTo(x, y) : c.moveTo(x, y)));
  if (points.length === 1) c.lineTo(points[0][0] + 0.01, points[0][1]);
  c.stroke();
  c.globalAlpha = 1;
}

// -------------------------------------------------------------------------------------------------------------- shell

function buildShell(pad) {
  const { root } = pad, canvas = make("canvas", "", { tabindex: 0, role: "application", "aria-roledescription": "drawing" });
  pad.parts = {
    canvas,
    ...Object.fromEntries(Object.entries(TOOLS).map(([tool, label]) => [tool, button(tool, label, () => ((pad.tool = tool), show(pad)), icon(tool))])),
    undo: button("undo", "Undo (Ctrl+Z)", () => undo(pad), icon("undo")),
    redo: button("redo", "Redo (Ctrl+Y)", () => redo(pad), icon("redo")),
    clear: button("clear", "Clear", () => commit(pad, []), icon("clear")),
    words: make("span", "words", { role: "status" }),
    announcer: make("div", "unseen", { "aria-live": "polite" }),
  };
  const { brush, eraser, undo: back, redo: forward, clear, words, announcer } = pad.parts;
  const tools = make("div", "tools", { role: "group", "aria-label": "Drawing tools" }, brush, eraser, make("i"), back, forward, make("i"), clear);
  canvas.addEventListener("pointerdown", (event) => onDown(pad, event));
  canvas.addEventListener("pointermove", (event) => onMove(pad, event));
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => onUp(pad));
  canvas.addEventListener("pointerleave", () => ((pad.pointer = null), show(pad)));
  canvas.addEventListener("keydown", (event) => onKey(pad, event));
  root.addEventListener("keydown", (event) => onShortcut(pad, event));
  acceptFiles(root, () => pad.options.drop);
  root.append(tools, canvas, words, announcer);
  show(pad);
}

function fit(pad) {
  const { canvas } = pad.parts, ratio = devicePixelRatio, size = Math.round(canvas.clientWidth * ratio);
  if (!size || (canvas.width === size && canvas.height === size && pad.ratio === ratio)) return;
  Object.assign(canvas, { width: size, height: size });
  pad.ratio = ratio;
  show(pad);
}

function readTheme(pad) {
  pad.theme = themeOf(pad.root);
  show(pad);
}
