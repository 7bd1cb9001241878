// The board: one solved transport problem, drawn and linked; its sliders ask Python for the next one.
//
// Streamlit calls the exported function for each message, with a root that stays. Everything that lasts is kept on that
// root, so a call may come twice, and a cleanup may belong to a call that a newer one has overtaken. Bytes are those of
// otviz/transport/packing.py behind a u32 length and JSON options. One question is in flight at a time: while it is, only
// the newest values of the sliders are remembered, so a drag asks as often as answers come and never queues up.

// ---------------------------------------------------------------------------------------------------------- constants

const COLOURS = { target: "#56B4E9", moving: "#FF7A1A", source: "#8A8F98" };
const CIVIDIS = ["00224e", "123570", "3b496c", "575d6d", "707173", "8a8678", "a59c74", "c3b369", "e1cc55", "fee838"];
const KINDS = { f4: Float32Array, i4: Int32Array, u2: Uint16Array, u1: Uint8Array };
const SMOOTH = ["force", "map", "planned", "mass_x", "mass_y", "field_x", "field_y"]; // slide from answer to answer
const TWEEN = 90, PLAY = 2600, REST = 150, AGAIN = 250, PATIENCE = 3000, MOST_PATIENCE = 24000; // milliseconds
const MOST_SMOOTH = 6000; // with more points than these a tween would cost more paints than it is worth
const MOST_LINES = 6000, MOST_HEADS = 2000; // beyond it the weakest lines, and the heads of arrows, are left out
const WIDE = 640, HOVER = 14;
const COUNTS = { 0: "none", 25: "25", 50: "50", 150: "150", all: "all" };
const FIELDS = { none: "none", field_x: "source", field_y: "target" };
const WAYS = { arrows: "arrows", map: "map", plan: "plan" };
const WAY_TIPS = {
  arrows: "Along the arrows: the gradient step from x to x + force",
  map: "Along the barycentric map: each point goes to the mean of its partners",
  plan: "Along the plan: each point goes straight to one partner drawn from its row (displacement interpolation)",
};
const NOTEBOOK =
  "The notebook adds the gradient instead of subtracting it: points flee the target. " +
  "On a symmetric ring it hardly shows; move the target off-centre.";

const LAYERS = [
  { id: "arrows", label: "arrows", on: true, tip: "Arrows: the gradient step of some source points" },
  { id: "lines", label: "plan lines", on: false, plan: true, tip: "Lines: where the same points send their mass; opacity is the share" },
  { id: "map", label: "map", on: false, plan: true, tip: "Diamonds: barycentric map, the mean of each point's partners" },
  { id: "source", label: "source", on: true, tip: "Grey rings: source points x" },
  { id: "target", label: "target", on: true, tip: "Blue squares: target points y" },
  { id: "moving", label: "moving", on: true, tip: "Orange discs: the source points at time t" },
];

const ICONS = {
  play: '<path d="M4 2.5v11l9-5.5z"/>',
  pause: '<path d="M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z"/>',
};

// -------------------------------------------------------------------------------------------------------------- entry

export default function mount({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".otviz-board") ?? parentElement.appendChild(make("div", "otviz-board"));
  const board = (root.board ??= createBoard(root));
  const call = ++board.calls;
  board.send = (question) => setTriggerValue("asked", question);
  readTheme(board);
  if (data && data.length > 4) receive(board, data);
  start(board);
  return () => {
    if (call === board.calls) stop(board);
  };
}

function createBoard(root) {
  const board = {
    root, calls: 0, reduced: matchMedia("(prefers-reduced-motion: reduce)").matches,
    options: { limits: { blur: [1e-3, 10], reach: [0.05, 20] }, height: 640 }, theme: {}, sprites: {}, cache: {},
    answer: null, shown: {}, tween: {}, tweenStart: 0, version: 0, painted: 0, dirty: true,
    wanted: { blur: 0.05, reach: null }, lastReach: 1,
    talk: { serial: 0, sent: null, waiting: false, patience: PATIENCE, timer: 0, rest: 0, refined: "" },
    layers: Object.fromEntries(LAYERS.map(({ id, on }) => [id, on])),
    view: { field: "field_x", count: "50", way: "arrows", flipped: false, t: 0 },
    playing: false, mark: null, pointer: null, moved: null, words: true, rows: [], frameRequest: 0, lastTick: 0, ratio: 0, width: 0,
  };
  buildShell(board);
  return board;
}

function start(board) {
  if (board.frameRequest) return;
  board.observer = new ResizeObserver(() => layout(board));
  board.observer.observe(board.root);
  board.lastTick = performance.now();
  board.frameRequest = requestAnimationFrame((now) => tick(board, now));
}

function stop(board) {
  cancelAnimationFrame(board.frameRequest);
  board.frameRequest = 0;
  board.observer?.disconnect();
}

function tick(board, now) {
  if (!board.root.isConnected) return stop(board);
  board.frameRequest = requestAnimationFrame((next) => tick(board, next));
  const passed = Math.min(now - board.lastTick, 100);
  board.lastTick = now;
  if (board.ratio !== devicePixelRatio || board.windowHeight !== innerHeight) layout(board);
  if (board.playing) setTime(board, board.view.t + passed / PLAY);
  slide(board, now);
  if (board.dirty && board.width) paint(board);
}

// ----------------------------------------------------------------------------------------------------------- messages

function receive(board, data) {
  const bytes = data.slice(); // a buffer of its own: the one that came may be shared and unaligned
  const end = 4 + new DataView(bytes.buffer).getUint32(0, true);
  Object.assign(board.options, JSON.parse(new TextDecoder().decode(bytes.subarray(4, end))));
  if (bytes.length < end + 8) return forget(board);
  const answer = readAnswer(bytes.slice(end)), old = board.answer;
  if (answer.under_way) return waitOn(board, answer);
  const fresh = !old || old.problem !== answer.problem;
  if (!fresh && (answer.serial < old.serial || (answer.serial === old.serial && old.finished && !answer.finished))) return;
  if (fresh) begin(board, answer);
  else if (answer.sent !== old.sent) board.talk.refined = ""; // sent again: what it asked for was given up
  adopt(board, answer, fresh);
  heed(board, answer);
}

function readAnswer(bytes) {
  const start = 4 + new DataView(bytes.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, start)));
  const answer = { ...header, columns: {}, ranges: { field_x: header.field_x, field_y: header.field_y } };
  for (const [name, { at, shape, kind }] of Object.entries(header.arrays)) {
    answer[name] = new KINDS[kind](bytes.buffer, start + at, shape.reduce((product, n) => product * n, 1));
    answer.columns[name] = shape[1];
  }
  answer.has_plan = Boolean(header.has_plan && answer.partner);
  if (answer.has_plan) answer.planned = Float32Array.from(answer.x, (_, i) => answer.y[2 * answer.partner[i >> 1] + (i & 1)]);
  return answer;
}

function forget(board) {
  if (!board.answer) return;
  Object.assign(board, { answer: null, shown: {}, tween: {}, mark: null, cache: {}, words: true, dirty: true, playing: false });
}

/** Another problem: its blur and reach are the page's, and questions about the old one are void. */
function begin(board, { serial, blur, reach }) {
  const { talk } = board;
  clearTimeout(talk.timer);
  Object.assign(board, { wanted: { blur, reach }, mark: null, pointer: null, rows: [] });
  Object.assign(talk, { serial: Math.max(talk.serial, serial), sent: { serial, blur, reach }, waiting: false, patience: PATIENCE, refined: "" });
  if (reach !== null) board.lastReach = reach;
}

function adopt(board, answer, fresh) {
  const smooth = !fresh && !board.reduced && answer.x.length < 2 * MOST_SMOOTH, old = board.answer;
  board.tween = {};
  for (const name of SMOOTH) {
    const to = answer[name], from = board.shown[name];
    if (!to) delete board.shown[name];
    else if (smooth && from?.length === to.length) board.tween[name] = { from: from.slice(), to };
    else board.shown[name] = Float32Array.from(to);
  }
  const same = (...names) => Boolean(old) && names.every((name) => equal(old[name], answer[name]));
  if (!same("x", "y", "mass_x", "mass_y")) board.version++;
  if (!same("x", "y")) Object.assign(board.cache, { order: null, near: {} });
  const sized = old?.x.length === answer.x.length && old.y.length === answer.y.length && old.has_plan === answer.has_plan;
  answer.fading = [answer.mass_x, answer.mass_y].some((mass) => mass?.some((m) => m < 0.995));
  Object.assign(board, { answer, tweenStart: performance.now(), dirty: true, words: true });
  board.mark &&= sized ? { ...board.mark, links: linksOf(board, board.mark) } : null;
  showReadout(board);
  refreshLegend(board);
}

const equal = (a, b) => a === b || (a?.length === b?.length && a.every((value, i) => value === b[i]));

/** Moves what is shown towards the newest answer. */
function slide(board, now) {
  const names = Object.keys(board.tween);
  if (!names.length) return;
  const t = clamp((now - board.tweenStart) / TWEEN, 0, 1), eased = t * (2 - t);
  for (const name of names) {
    const { from, to } = board.tween[name], out = board.shown[name];
    for (let i = 0; i < to.length; i++) out[i] = from[i] + eased * (to[i] - from[i]);
  }
  if (t === 1) board.tween = {};
  if (board.answer.fading) board.version++;
  board.dirty = true;
}

// ---------------------------------------------------------------------------------------------------------- questions

/** The sliders were moved. */
function want(board, change) {
  Object.assign(board.wanted, change);
  if (board.wanted.reach !== null) board.lastReach = board.wanted.reach;
  board.dirty = true;
  showSliders(board);
  if (!board.answer) return;
  if (!board.talk.waiting && differs(board.talk.sent, board.wanted)) ask(board);
  refineWhenAtRest(board);
}

const differs = (a, b) => a.blur !== b.blur || a.reach !== b.reach;

/** A question repeated because no answer came keeps its serial, so that a late answer still counts. */
function ask(board) {
  const { talk, wanted } = board;
  if (differs(talk.sent, wanted)) talk.sent = { serial: ++talk.serial, ...wanted };
  talk.waiting = true;
  clearTimeout(talk.timer);
  talk.timer = setTimeout(() => board.root.isConnected && ask(board), talk.patience);
  talk.patience = Math.min(2 * talk.patience, MOST_PATIENCE);
  board.root.dataset.asked = talk.sent.serial;
  board.send({ ...talk.sent, stage: "first" });
}

/** An answer came: ask for what was wanted meanwhile. */
function heed(board, { serial }) {
  const { talk } = board;
  if (serial >= talk.sent.serial) {
    clearTimeout(talk.timer);
    Object.assign(talk, { waiting: false, patience: PATIENCE, serial: Math.max(talk.serial, serial) });
    if (differs(talk.sent, board.wanted)) ask(board);
  }
  showSliders(board);
  refineWhenAtRest(board);
}

function refineWhenAtRest(board) {
  clearTimeout(board.talk.rest);
  board.talk.rest = setTimeout(() => refine(board), REST);
}

function refine(board) {
  const { talk, answer, root } = board, key = `${answer?.problem}:${answer?.serial}`;
  if (!answer || talk.waiting || talk.refined === key || !root.isConnected || answer.complete) return;
  talk.refined = key;
  board.send({ serial: answer.serial, blur: answer.blur, reach: answer.reach, stage: "refine" });
}

/** The rest of an answer takes longer: ask again soon, so that the page can answer other questions in between. */
function waitOn(board, { serial, blur, reach }) {
  const { talk, answer } = board;
  clearTimeout(talk.rest);
  if (!answer) return board.send({ serial, blur, reach, stage: "first" }); // this board is new and has missed the picture
  talk.refined = "";
  talk.rest = setTimeout(() => refine(board), AGAIN);
}

// --------------------------------------------------------------------------------------------------------------- time

function setTime(board, t) {
  board.view.t = clamp(t, 0, 1);
  if (t >= 1) setPlaying(board, false);
  board.dirty = true;
}

function setPlaying(board, playing) {
  if (playing && board.view.t >= 1) board.view.t = 0;
  Object.assign(board, { playing: playing && Boolean(board.answer), dirty: true });
  const { play } = board.parts, words = board.playing ? "Pause" : "Play";
  play.replaceChildren(icon(board.playing ? "pause" : "play"));
  play.title = `${words}: move the points from t = 0 to t = 1`;
  play.setAttribute("aria-label", words);
}

const wayOf = ({ answer, view }) => (answer.has_plan ? view.way : "arrows");
const signOf = ({ view }) => (view.flipped ? -1 : 1);

/** The points at time t, in data units: (1 - t) x + t goal. */
function movedPoints(board) {
  const { answer: { x }, shown, view } = board, step = signOf(board) * view.t;
  const goal = { map: shown.map, plan: shown.planned }[wayOf(board)];
  const out = board.moved?.length === x.length ? board.moved : (board.moved = new Float32Array(x.length));
  for (let i = 0; i < x.length; i++) out[i] = x[i] + (goal ? view.t * (goal[i] - x[i]) : step * shown.force[i]);
  return out;
}

// ----------------------------------------------------------------------------------------------------------- painting

function paint(board) {
  const { root, answer } = board;
  board.dirty = false;
  if (board.words) showWords(board);
  board.words = false;
  root.dataset.painted = ++board.painted;
  drawPicture(board);
  drawMatrix(board);
  showCaption(board);
  if (!answer) return;
  Object.assign(root.dataset, { serial: answer.serial, stage: answer.stage, finished: answer.finished, blur: answer.blur });
}

function drawPicture(board) {
  const { canvas } = board.parts, c = canvas.getContext("2d", { alpha: false }), size = canvas.width;
  c.globalAlpha = 1;
  c.fillStyle = board.theme.plain;
  c.fillRect(0, 0, size, size);
  const { answer, layers, view } = board;
  if (!answer) return;
  const place = (board.place = placing(answer.box, size)), hot = view.field !== "none";
  if (hot) drawHeat(c, board, place);
  if (layers.lines && answer.has_plan) drawLines(c, board, place, hot);
  for (const role of ["target", "source"]) if (layers[role]) c.drawImage(pointLayer(board, role, place), 0, 0);
  if (layers.map && answer.has_plan) drawMap(c, board, place);
  const moved = movedPoints(board);
  if (layers.moving && view.t > 0) stamp(c, board, "moving", moved, board.shown.mass_x, place);
  if (layers.arrows) drawArrows(c, board, place, hot);
  if (board.mark) drawMark(c, board, place);
  drawBlur(c, board, place);
}

/** The box fills the canvas, with equal scales along x and y; pixels of x are `left + scale * x`, of y `low - scale * y`. */
function placing([x0, x1, y0, y1], size) {
  const scale = size / Math.max(x1 - x0, y1 - y0);
  const left = (size - scale * (x1 - x0)) / 2 - scale * x0, low = (size + scale * (y1 - y0)) / 2 + scale * y0;
  return { scale, left, low, size, box: [x0, x1, y0, y1] };
}

function drawHeat(c, board, { scale, left, low, box: [x0, x1, y0, y1] }) {
  const values = board.shown[board.view.field], side = board.answer.columns[board.view.field];
  if (!values) return;
  const rows = values.length / side;
  const heat = (board.cache.heat ??= document.createElement("canvas"));
  if (heat.width !== side || heat.height !== rows) Object.assign(heat, { width: side, height: rows });
  const image = new ImageData(side, rows), pixels = new Uint32Array(image.data.buffer);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let k = 0, o = (rows - 1 - row) * side; k < side; k++, i++, o++) pixels[o] = CIVIDIS_LUT[(values[i] + 0.5) | 0];
  }
  heat.getContext("2d").putImageData(image, 0, 0);
  const width = scale * (x1 - x0), height = scale * (y1 - y0), x = left + scale * x0, y = low - scale * y1;
  // Grid values sit on the edges of the box: half a cell of the picture is drawn beyond them.
  const dx = width / (side - 1) / 2, dy = height / (rows - 1) / 2;
  c.save();
  c.beginPath();
  c.rect(x, y, width, height);
  c.clip();
  c.drawImage(heat, x - dx, y - dy, width + 2 * dx, height + 2 * dy);
  c.restore();
}

const CIVIDIS_LUT = Uint32Array.from({ length: 256 }, (_, i) => {
  const at = (i / 255) * (CIVIDIS.length - 1), k = Math.min(at | 0, CIVIDIS.length - 2), t = at - k;
  const part = (n, offset) => parseInt(CIVIDIS[n].slice(offset, offset + 2), 16);
  const mix = (offset) => Math.round((1 - t) * part(k, offset) + t * part(k + 1, offset));
  return (255 << 24) | (mix(4) << 16) | (mix(2) << 8) | mix(0);
});

/** Points that do not move, drawn once per size, theme and change of the points. */
function pointLayer(board, role, place) {
  const key = [place.size, board.version, board.theme.key, place.box].join(), old = board.cache[role];
  if (old?.key === key) return old.canvas;
  const canvas = old?.canvas ?? document.createElement("canvas");
  Object.assign(canvas, { width: place.size, height: place.size });
  const [points, mass] = role === "source" ? [board.answer.x, board.shown.mass_x] : [board.answer.y, board.shown.mass_y];
  stamp(canvas.getContext("2d"), board, role, points, mass, place);
  board.cache[role] = { canvas, key };
  return canvas;
}

/** Marks shrink with their number; below two pixels they are plain rectangles. Points that give less mass fade. */
function stamp(c, board, role, points, mass, { scale, left, low, size }) {
  const radius = markRadius(board, size, points.length / 2), mark = radius > 1.2 * board.ratio && sprite(board, role, radius);
  const half = mark ? mark.width / 2 : radius, fading = board.answer.fading && mass;
  c.fillStyle = COLOURS[role];
  for (let i = 0; i < points.length; i += 2) {
    const x = left + scale * points[i] - half, y = low - scale * points[i + 1] - half;
    if (fading) c.globalAlpha = 0.15 + 0.85 * clamp(mass[i >> 1], 0, 1);
    if (mark) c.drawImage(mark, x, y);
    else c.fillRect(x, y, 2 * half, 2 * half);
  }
  c.globalAlpha = 1;
}

function markRadius({ ratio }, size, count) {
  return clamp(size * 0.0068 * Math.sqrt(800 / Math.max(count, 150)), 0.8 * ratio, 6 * ratio);
}

/** Marks are drawn once and stamped: a disc, a square or a ring with a thin dark edge, told apart in grey too. */
function sprite(board, role, radius) {
  const key = `${role}${radius.toFixed(2)}`;
  if (board.sprites[key]) return board.sprites[key];
  const side = 2 * Math.ceil(radius + 1.5), middle = side / 2;
  const mark = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const c = mark.getContext("2d");
  c.beginPath();
  if (role === "target") c.rect(middle - radius * 0.86, middle - radius * 0.86, 1.72 * radius, 1.72 * radius);
  else c.arc(middle, middle, radius, 0, 2 * Math.PI);
  c.lineWidth = Math.max(0.6, radius * 0.28) * (role === "source" ? 1.6 : 1);
  c.strokeStyle = role === "source" ? "#C9CDD3" : "rgba(0, 0, 0, 0.5)";
  c.fillStyle = COLOURS[role];
  c.globalAlpha = 0.92;
  if (role !== "source") c.fill();
  c.stroke();
  if (role === "source") {
    c.lineWidth *= 0.5;
    c.strokeStyle = COLOURS.source;
    c.stroke();
  }
  return (board.sprites[key] = mark);
}

/** The source points that arrows and lines start from: spread evenly, because neighbours follow each other in the order. */
function chosen(board) {
  const { answer: { x }, view, cache } = board, n = x.length / 2;
  const order = (cache.order ??= zOrder(x)), count = view.count === "all" ? n : Math.min(Number(view.count), n);
  return Array.from({ length: count }, (_, k) => order[Math.floor(((k + 0.5) * n) / count)]);
}

function zOrder(points) {
  let low = [Infinity, Infinity], high = [-Infinity, -Infinity];
  points.forEach((value, i) => ((low[i & 1] = Math.min(low[i & 1], value)), (high[i & 1] = Math.max(high[i & 1], value))));
  const cell = (i, axis) => (255 * (points[i + axis] - low[axis])) / (high[axis] - low[axis] || 1);
  const spread = (v) => ((v = (v | (v << 4)) & 0x0f0f), (v = (v | (v << 2)) & 0x3333), (v | (v << 1)) & 0x5555);
  const codes = Float64Array.from({ length: points.length / 2 }, (_, i) => spread(cell(2 * i, 0)) * 2 + spread(cell(2 * i, 1)));
  return Uint32Array.from(codes.keys()).sort((a, b) => codes[a] - codes[b]);
}

function drawArrows(c, board, { scale, left, low }, hot) {
  const { answer: { x }, shown: { force }, ratio } = board, some = chosen(board), path = new Path2D(), sign = signOf(board);
  for (const i of some) {
    const x0 = left + scale * x[2 * i], y0 = low - scale * x[2 * i + 1];
    addArrow(path, x0, y0, sign * scale * force[2 * i], -sign * scale * force[2 * i + 1], some.length > MOST_HEADS ? 0 : 6 * ratio);
  }
  strokeHaloed(c, path, (some.length > 200 ? 1 : 1.5) * ratio, hot ? "#fff" : board.theme.text, hot ? "rgba(0, 0, 0, 0.5)" : "", 0.9 * dimming(board));
}

/** While one point is looked at, the arrows and lines of the others step back. */
const dimming = ({ mark }) => (mark ? 0.35 : 1);

function addArrow(path, x, y, u, v, most) {
  const length = Math.hypot(u, v), head = Math.min(most / length, 0.4) || 0, x1 = x + u, y1 = y + v;
  if (length < 0.5) return;
  path.moveTo(x, y);
  path.lineTo(x1, y1);
  if (!head) return;
  path.moveTo(x1 - head * (u + 0.55 * v), y1 - head * (v - 0.55 * u));
  path.lineTo(x1, y1);
  path.lineTo(x1 - head * (u - 0.55 * v), y1 - head * (v + 0.55 * u));
}

/** Thin lines stay readable on the heat map by a dark shadow beside them, which is cheaper than a wide one below. */
function strokeHaloed(c, path, width, colour, halo, alpha = 0.9) {
  c.globalAlpha = alpha;
  c.lineWidth = width;
  c.lineJoin = "miter";
  if (halo) {
    c.strokeStyle = halo;
    c.translate(0.7 * width, 0.7 * width);
    c.stroke(path);
    c.translate(-0.7 * width, -0.7 * width);
  }
  c.strokeStyle = colour;
  c.stroke(path);
  c.globalAlpha = 1;
}

/** Lines are gathered in a few strengths: one stroke each. */
function drawLines(c, board, { scale, left, low }, hot) {
  const { answer: { x, y, lines_to, lines_share, columns } } = board, k = columns.lines_to, some = chosen(board);
  const each = Math.min(k, Math.max(1, Math.floor(MOST_LINES / Math.max(some.length, 1))));
  const stride = Math.ceil((some.length * each) / MOST_LINES), paths = Array.from({ length: 6 }, () => new Path2D());
  for (let s = 0; s < some.length; s += stride) {
    for (let i = some[s], at = i * k; at < i * k + each; at++) {
      const j = lines_to[at], share = lines_share[at];
      if (!(share > 0.01)) continue;
      const path = paths[Math.min(5, Math.floor(6 * Math.sqrt(share)))];
      path.moveTo(left + scale * x[2 * i], low - scale * x[2 * i + 1]);
      path.lineTo(left + scale * y[2 * j], low - scale * y[2 * j + 1]);
    }
  }
  c.strokeStyle = hot ? "#fff" : COLOURS.moving;
  paths.forEach((path, strength) => {
    c.globalAlpha = (0.12 + 0.14 * strength) * dimming(board);
    c.lineWidth = board.ratio;
    c.stroke(path);
  });
  c.globalAlpha = 1;
}

function drawMap(c, board, { scale, left, low, size }) {
  const { map } = board.shown, arm = 1.1 * markRadius(board, size, map.length / 2), path = new Path2D();
  const plain = arm < 1.5 * board.ratio; // many diamonds would take a second
  c.fillStyle = COLOURS.moving;
  for (let i = 0; i < map.length; i += 2) {
    const x = left + scale * map[i], y = low - scale * map[i + 1];
    if (plain) {
      c.fillRect(x - arm, y - arm, 2 * arm, 2 * arm);
      continue;
    }
    path.moveTo(x - arm, y);
    path.lineTo(x, y - arm);
    path.lineTo(x + arm, y);
    path.lineTo(x, y + arm);
    path.closePath();
  }
  strokeHaloed(c, path, board.ratio, COLOURS.moving, "rgba(0, 0, 0, 0.4)");
}

/** The blur is a length: a circle true to scale, in the corner and around the pointer. */
function drawBlur(c, board, { scale, size }) {
  const { ratio, wanted, theme, pointer } = board, radius = scale * wanted.blur, pad = 10 * ratio;
  c.font = `${11.5 * ratio}px ${theme.font}`;
  const words = blurWords(board), width = c.measureText(words).width + 2 * pad, top = size - 24 * ratio;
  const inset = pad + Math.min(radius, 0.09 * size);
  ring(c, inset, top - inset + 4 * ratio, Math.max(radius, 1.2 * ratio), ratio, theme);
  if (pointer) ring(c, pointer.x, pointer.y, radius, ratio, theme);
  if (pointer && wanted.reach !== null) ring(c, pointer.x, pointer.y, scale * wanted.reach, ratio, theme, [5 * ratio, 4 * ratio]);
  c.fillStyle = theme.plain;
  c.globalAlpha = 0.82;
  c.beginPath();
  c.roundRect(5 * ratio, top, width - 4 * ratio, 19 * ratio, 5 * ratio);
  c.fill();
  c.globalAlpha = 1;
  c.fillStyle = theme.text;
  c.textBaseline = "middle";
  c.textAlign = "left";
  c.fillText(words, pad + 3 * ratio, top + 10 * ratio);
}

function ring(c, x, y, radius, ratio, { plain, text }, dash = []) {
  c.beginPath();
  c.arc(x, y, radius, 0, 2 * Math.PI);
  c.fillStyle = "rgba(255, 122, 26, 0.18)";
  if (!dash.length && radius < 60 * ratio) c.fill(); // a large one would tint the picture
  c.setLineDash(dash);
  for (const [colour, width] of [[plain, 3], [text, 1.4]]) {
    c.strokeStyle = colour;
    c.lineWidth = width * ratio;
    c.stroke();
  }
  c.setLineDash([]);
}

function blurWords({ wanted: { blur }, answer: { p } }) {
  return p === 2 ? `blur = ${short(blur)},  ε = blur² = ${short(blur * blur)}` : `blur = ${short(blur)} = ε`;
}

// ---------------------------------------------------------------------------------------------- what the pointer is on

/** A mark is {kind: "source" | "target", at} or {kind: "cell", row, column}; `links` are the entries of the plan it shows. */
function setMark(board, mark) {
  const same = mark?.kind === board.mark?.kind && ["at", "row", "column"].every((name) => mark?.[name] === board.mark?.[name]);
  if (same) return;
  board.mark = mark && { ...mark, links: linksOf(board, mark) };
  board.dirty = true;
  showReadout(board);
}

function linksOf({ answer }, { kind, at }) {
  if (!answer.has_plan || kind === "cell") return [];
  const { lines_to, lines_share, columns } = answer, k = columns.lines_to, links = [];
  const [first, end] = kind === "source" ? [at * k, at * k + k] : [0, lines_to.length];
  for (let e = first; e < end; e++) {
    const j = lines_to[e], share = lines_share[e];
    if (share > 0.001 && (kind === "source" || j === at)) links.push({ i: Math.floor(e / k), j, share });
  }
  return links.sort((a, b) => b.share - a.share);
}

/** Buckets of points, so that finding the nearest one stays cheap with many. */
function bucketed(points, [x0, x1, y0, y1], side = 64) {
  const cell = (value, low, high) => clamp(Math.floor((side * (value - low)) / (high - low)), 0, side - 1);
  const of = (x, y) => side * cell(y, y0, y1) + cell(x, x0, x1), n = points.length / 2;
  const starts = new Uint32Array(side * side + 1), within = new Uint32Array(n);
  for (let i = 0; i < n; i++) starts[of(points[2 * i], points[2 * i + 1]) + 1]++;
  for (let k = 0; k < side * side; k++) starts[k + 1] += starts[k];
  const next = starts.slice();
  for (let i = 0; i < n; i++) within[next[of(points[2 * i], points[2 * i + 1])]++] = i;
  return { starts, within, side, cell, box: [x0, x1, y0, y1] };
}

function nearest(points, { starts, within, side, cell, box: [x0, x1, y0, y1] }, x, y, radius) {
  let best = -1, least = radius * radius;
  for (let row = cell(y - radius, y0, y1); row <= cell(y + radius, y0, y1); row++) {
    const first = side * row + cell(x - radius, x0, x1), end = side * row + cell(x + radius, x0, x1);
    for (let e = starts[first]; e < starts[end + 1]; e++) {
      const i = within[e], far = (points[2 * i] - x) ** 2 + (points[2 * i + 1] - y) ** 2;
      if (far < least) [best, least] = [i, far];
    }
  }
  return { at: best, far: least };
}

function onPointer(board, event) {
  const { answer, place, ratio, layers, cache } = board;
  if (!answer || !place) return;
  const x = event.offsetX * ratio, y = event.offsetY * ratio, found = [];
  board.pointer = { x, y };
  board.dirty = true;
  for (const [kind, points] of [["source", answer.x], ["target", answer.y]]) {
    if (!layers[kind]) continue;
    const near = (cache.near[kind] ??= bucketed(points, place.box));
    const hit = nearest(points, near, (x - place.left) / place.scale, (place.low - y) / place.scale, (HOVER * ratio) / place.scale);
    if (hit.at >= 0) found.push({ kind, ...hit });
  }
  const [hit] = found.sort((a, b) => a.far - b.far);
  setMark(board, hit ? { kind: hit.kind, at: hit.at } : null);
}

function onMatrix(board, event) {
  const { answer, parts: { matrix } } = board;
  if (!answer?.has_plan) return;
  const columns = answer.columns.matrix, rows = answer.matrix.length / columns;
  const row = clamp(Math.floor((event.offsetY / matrix.clientHeight) * rows), 0, rows - 1);
  const column = clamp(Math.floor((event.offsetX / matrix.clientWidth) * columns), 0, columns - 1);
  setMark(board, { kind: "cell", row, column });
}

function leave(board, event) {
  if (event.pointerType === "touch") return; // a tap stays until the next one
  Object.assign(board, { pointer: null, dirty: true });
  setMark(board, null);
}

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function onKey(board, event) {
  const direction = DIRECTIONS[event.key];
  if (!board.answer || (!direction && event.key !== "Escape")) return;
  event.preventDefault();
  event.stopPropagation();
  board.pointer = null;
  setMark(board, direction ? { kind: "source", at: neighbour(board, direction) } : null);
  board.dirty = true;
}

/** The source point that comes next in a direction; near ones count less the more they lie aside. */
function neighbour({ answer: { x, box }, mark }, [dx, dy]) {
  const here = mark?.kind === "source" ? mark.at : -1;
  const [x0, y0] = here < 0 ? [(box[0] + box[1]) / 2, (box[2] + box[3]) / 2] : [x[2 * here], x[2 * here + 1]];
  let best = here, least = Infinity;
  for (let i = 0; i < x.length / 2; i++) {
    const u = x[2 * i] - x0, v = x[2 * i + 1] - y0, ahead = u * dx + v * dy, aside = Math.abs(u * dy - v * dx);
    if (here >= 0 && (ahead <= 0 || i === here)) continue;
    const far = here < 0 ? Math.hypot(u, v) : ahead + 2 * aside;
    if (far < least) [best, least] = [i, far];
  }
  return best;
}

function drawMark(c, board, { scale, left, low, size }) {
  const { answer: { x, y, bin_x, bin_y }, mark: { kind, at, row, column, links }, ratio, shown, theme } = board;
  const pixel = (points, i) => [left + scale * points[2 * i], low - scale * points[2 * i + 1]];
  const radius = Math.max(markRadius(board, size, x.length / 2), 2.5 * ratio);
  if (kind === "cell") {
    for (const [points, bins, bin, role] of [[x, bin_x, row, "source"], [y, bin_y, column, "target"]]) {
      bins.forEach((b, i) => b === bin && halo(c, ...pixel(points, i), radius, role, board));
    }
    return;
  }
  for (const { i, j, share } of links) {
    const path = new Path2D();
    path.moveTo(...pixel(x, i));
    path.lineTo(...pixel(y, j));
    strokeHaloed(c, path, (0.8 + 3 * share) * ratio, COLOURS.moving, "rgba(0, 0, 0, 0.5)");
    halo(c, ...(kind === "source" ? pixel(y, j) : pixel(x, i)), radius, kind === "source" ? "target" : "source", board);
  }
  if (kind === "source") {
    const path = new Path2D(), sign = signOf(board) * scale;
    addArrow(path, ...pixel(x, at), sign * shown.force[2 * at], -sign * shown.force[2 * at + 1], 8 * ratio);
    strokeHaloed(c, path, 2.4 * ratio, theme.text, theme.plain);
  }
  halo(c, ...pixel(kind === "source" ? x : y, at), 1.7 * radius, kind, board);
  labelShares(c, board, links.slice(0, 4).map(({ i, j, share }) => [share, ...(kind === "source" ? pixel(y, j) : pixel(x, i))]));
}

function halo(c, x, y, radius, role, { theme, ratio }) {
  c.beginPath();
  if (role === "target") c.rect(x - radius, y - radius, 2 * radius, 2 * radius);
  else c.arc(x, y, radius, 0, 2 * Math.PI);
  c.fillStyle = role === "target" ? COLOURS.target : theme.plain;
  c.fill();
  for (const [colour, width] of [[theme.plain, 4], [theme.text, 1.8]]) {
    c.strokeStyle = colour;
    c.lineWidth = width * ratio;
    c.stroke();
  }
}

function labelShares(c, { ratio, theme }, labels) {
  c.font = `600 ${11 * ratio}px ${theme.font}`;
  c.textAlign = "left";
  c.textBaseline = "middle";
  c.lineWidth = 3 * ratio;
  c.lineJoin = "round";
  const taken = [];
  for (const [share, x, y] of labels) {
    if (share < 0.05 || taken.some(([a, b]) => Math.abs(a - x) < 34 * ratio && Math.abs(b - y) < 14 * ratio)) continue;
    taken.push([x, y]);
    c.strokeStyle = theme.plain;
    c.strokeText(percent(share), x + 8 * ratio, y);
    c.fillStyle = theme.text;
    c.fillText(percent(share), x + 8 * ratio, y);
  }
}

function showReadout(board) {
  const { mark, parts: { readout }, place, ratio, answer } = board;
  readout.hidden = !mark;
  if (!mark) return;
  const [title, ...lines] = readoutLines(board);
  readout.replaceChildren(make("b", "", {}, title), ...lines.map((line) => make("span", "", {}, line)));
  // In the corner that is farthest from what is shown; the one with the legend of the blur is not free.
  const linked = mark.links.slice(0, 4).flatMap(({ i, j }) => [["source", i], ["target", j]]);
  const ends = mark.kind === "cell" ? [] : [[mark.kind, mark.at], ...linked];
  const side = place.size / ratio, right = side - readout.offsetWidth - 8, bottom = side - readout.offsetHeight - 30;
  const room = ([x, y]) => Math.min(...ends.map(([kind, i]) => {
    const points = kind === "target" ? answer.y : answer.x;
    const u = (place.left + place.scale * points[2 * i]) / ratio - x, v = (place.low - place.scale * points[2 * i + 1]) / ratio - y;
    return Math.hypot(u - readout.offsetWidth / 2, v - readout.offsetHeight / 2);
  }));
  const top = board.view.flipped ? 76 : 8, [x, y] = [[8, top], [right, top], [right, bottom]].sort((a, b) => room(b) - room(a))[0];
  readout.style.left = px(x);
  readout.style.top = px(y);
}

function readoutLines({ answer, mark: { kind, at, row, column, links } }) {
  if (kind === "cell") {
    const count = (bins, bin) => bins.reduce((sum, b) => sum + (b === bin), 0);
    const sources = count(answer.bin_x, row), targets = count(answer.bin_y, column);
    return ["Cell of the plan", `row ${row}: ${sources} source points`, `column ${column}: ${targets} target points`];
  }
  const source = kind === "source", points = source ? answer.x : answer.y, mass = source ? answer.mass_x : answer.mass_y;
  const potential = (source ? answer.potential_x : answer.potential_y)?.[at];
  const lines = [`${kind} ${at}`, `at (${points[2 * at].toFixed(2)}, ${points[2 * at + 1].toFixed(2)})`.replaceAll("-", "\u2212")];
  if (Number.isFinite(potential)) lines.push(`potential ${short(potential)}`);
  if (mass) lines.push(`${source ? "gives" : "takes"} ${mass[at].toFixed(2)} of its mass`);
  for (const { i, j, share } of links.slice(0, 4)) {
    lines.push(source ? `${percent(share)} to target ${j}` : `${percent(share)} of source ${i}`);
  }
  if (links.length > 4) lines.push(`and ${links.length - 4} more`);
  return lines;
}

// ------------------------------------------------------------------------------------------------- matrix and numbers

function drawMatrix(board) {
  const { parts: { matrix }, answer, mark, theme, ratio } = board, c = matrix.getContext("2d"), { width, height } = matrix;
  c.clearRect(0, 0, width, height);
  if (!answer?.has_plan) return;
  const columns = answer.columns.matrix, rows = answer.matrix.length / columns;
  c.imageSmoothingEnabled = false;
  c.drawImage(matrixImage(board, rows, columns), 0, 0, width, height);
  if (!mark) return;
  const [row, column] = { source: [answer.bin_x[mark.at], -1], target: [-1, answer.bin_y[mark.at]], cell: [mark.row, mark.column] }[mark.kind];
  c.strokeStyle = theme.text;
  c.lineWidth = 1.2 * ratio;
  if (row >= 0) c.strokeRect(-2, (row / rows) * height, width + 4, height / rows);
  if (column >= 0) c.strokeRect((column / columns) * width, -2, width / columns, height + 4);
}

/** Opacity is the entry, so that an empty plan has the colour of the page. */
function matrixImage({ answer, cache }, rows, columns) {
  if (cache.matrix?.of === answer) return cache.matrix.canvas;
  const canvas = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  const image = new ImageData(columns, rows), pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < answer.matrix.length; i++) pixels[i] = (answer.matrix[i] << 24) | 0x1a7aff;
  canvas.getContext("2d").putImageData(image, 0, 0);
  cache.matrix = { of: answer, canvas };
  return canvas;
}

const minus = (text) => text.replace("-", "\u2212");
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)} %`;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const px = (value) => `${Math.floor(value)}px`;

function short(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e6 || size < 1e-4) return minus(value.toExponential(1).replace("e+", "e").replace("e-", "e\u2212"));
  return minus(Number(value.toPrecision(3)).toString());
}

/** A number that only full answers have keeps its row while coarse ones come, so that a drag does not shift the others. */
function steadyRows(board) {
  const now = board.answer?.numbers ?? [];
  if (now.length >= board.rows.length) return (board.rows = now);
  return board.rows.map((row) => now.find(({ name }) => name === row.name) ?? { ...row, value: "\u2013", unit: "" });
}

function showWords(board) {
  const { parts, answer } = board;
  const rows = steadyRows(board).map(({ name, symbol, value, unit, meaning }) =>
    make("div", "number", { title: meaning ?? "" },
      make("span", "label", {}, make("b", "", {}, symbol || name), symbol ? ` ${name}` : ""),
      make("span", "value", {}, value, make("i", "", {}, unit ? ` ${unit}` : "")),
      make("span", "meaning", {}, meaning ?? "")));
  parts.numbers.replaceChildren(...rows);
  parts.plan.hidden = !answer?.has_plan;
  parts.noPlan.hidden = !answer || answer.has_plan;
  setText(parts.warning, answer?.warning ?? "");
  const more = answer && !answer.finished && !answer.complete ? ["The full answer is on its way \u2026"] : [];
  setText(parts.notes, [...(answer?.notes ?? []).map((note) => `${note}.`.replace(/\.\.$/, ".")), ...more].join(" "));
  const facts = (answer?.numbers ?? []).map(({ name, value, unit }) => `${name} ${value} ${unit ?? ""}`.trim());
  const words = answer
    ? `${answer.x.length / 2} source and ${answer.y.length / 2} target points, blur ${short(answer.blur)}: ` +
      `${facts.join(", ")}. Arrow keys look at source points, Escape ends it.`
    : "Nothing is solved yet.";
  parts.empty.hidden = Boolean(answer);
  parts.canvas.setAttribute("aria-label", words);
  layout(board);
}

function showCaption(board) {
  const { parts, answer, view, layers } = board, heat = answer?.[view.field];
  parts.scale.style.visibility = heat ? "visible" : "hidden";
  if (heat) {
    const { low, high } = answer.ranges[view.field];
    const arrows = view.flipped ? "plus its gradient" : "minus its gradient";
    setText(parts.scale.children[0], "potential");
    setText(parts.scale.children[1], short(low));
    setText(parts.scale.children[3], short(high));
    setText(parts.scale.children[4], view.field === "field_x" && layers.arrows ? `the arrows are ${arrows}` : "");
  }
  const out = answer ? outside(board) : 0;
  setText(parts.outside, out ? `${out} outside` : "");
  setText(parts.time, `t = ${view.t.toFixed(2)}`);
  parts.t.value = view.t;
  parts.t.style.setProperty("--share", view.t);
  parts.notebook.hidden = !view.flipped;
}

function outside({ answer: { x, y, box: [x0, x1, y0, y1] }, view, layers, moved }) {
  let count = 0;
  for (const points of [layers.source && x, layers.target && y, layers.moving && view.t > 0 && moved]) {
    for (let i = 0; i < points.length; i += 2) count += points[i] < x0 || points[i] > x1 || points[i + 1] < y0 || points[i + 1] > y1;
  }
  return count;
}

// ------------------------------------------------------------------------------------------------- shell and controls

function make(tag, className = "", attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function icon(name) {
  const holder = make("span", "icon", { "aria-hidden": "true" });
  holder.innerHTML = `<svg viewBox="0 0 16 16">${ICONS[name]}</svg>`;
  return holder;
}

function button(className, tip, onClick, ...children) {
  const element = make("button", className, { type: "button", title: tip }, ...children);
  element.addEventListener("click", onClick);
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function range(label, attributes, onInput) {
  const input = make("input", "slider", { type: "range", "aria-label": label, ...attributes });
  input.addEventListener("input", () => onInput(Number(input.value)));
  return input;
}

/** One of a few: a row of joined buttons. */
function segmented(label, options, tips, onPick) {
  const group = make("div", "segmented", { role: "group", "aria-label": label });
  for (const [id, text] of Object.entries(options)) {
    group.append(Object.assign(button("", tips[id] ?? "", () => onPick(id), text), { value: id }));
  }
  return group;
}

function press(group, id) {
  for (const each of group.children) each.setAttribute("aria-pressed", each.value === id);
}

function buildShell(board) {
  const { root } = board, parts = (board.parts = {});
  const stage = make("div", "stage", {}, buildPicture(board), buildSide(board));
  root.append(buildSliders(board), buildLegend(board), stage);
  Object.assign(root.dataset, { painted: 0, serial: "", asked: "", stage: "", finished: "", blur: "" });
  root.setAttribute("role", "region");
  root.setAttribute("aria-label", "Optimal transport between two clouds of points");
  setPlaying(board, false);
  refreshLegend(board);
  showSliders(board);
}

function buildSliders(board) {
  const { parts } = board, blur = (log) => want(board, { blur: tidy(10 ** log, board.options.limits.blur) });
  const reach = (log) => want(board, { reach: tidy(10 ** log, board.options.limits.reach) });
  parts.blur = range("Blur", { step: 0.01 }, blur);
  parts.reach = range("Reach", { step: 0.01 }, reach);
  parts.blurValue = make("output", "", { title: "Blur is a length; epsilon, the weight of the entropy, is blur to the power p" });
  parts.reachValue = make("output", "", { title: "Reach is a length: mass further than this from any partner is dropped" });
  parts.unbalanced = button("toggle", "Unbalanced transport: mass further than reach from any partner is dropped", () =>
    want(board, { reach: board.wanted.reach === null ? board.lastReach : null }), "unbalanced");
  return (parts.sliders = make("div", "sliders", {},
    make("div", "knob blur", {}, make("span", "name", { "aria-hidden": "true" }, "blur"), parts.blur, parts.blurValue),
    make("div", "knob", {}, parts.unbalanced, parts.reach, parts.reachValue)));
}

const tidy = (value, [low, high]) => clamp(Number(value.toPrecision(3)), low, high);

function showSliders({ parts, options: { limits }, wanted, lastReach, answer }) {
  const show = (input, value, [low, high], words) => {
    const min = Math.floor(100 * Math.log10(low)) / 100, max = Math.log10(high), at = Math.log10(value); // decades are steps
    Object.assign(input, { min, max });
    if (Math.abs(Number(input.value) - at) > 0.0051) input.value = at;
    input.style.setProperty("--share", clamp((at - min) / (max - min), 0, 1));
    input.setAttribute("aria-valuetext", words);
  };
  show(parts.blur, wanted.blur, limits.blur, short(wanted.blur));
  show(parts.reach, lastReach, limits.reach, short(lastReach));
  const balanced = wanted.reach === null;
  parts.reach.disabled = balanced;
  parts.unbalanced.setAttribute("aria-pressed", !balanced);
  setText(parts.blurValue, `${short(wanted.blur)}${answer ? `  ε ${short(wanted.blur ** answer.p)}` : ""}`);
  setText(parts.reachValue, balanced ? "balanced" : `reach ${short(wanted.reach)}`);
}

function buildLegend(board) {
  const { parts, view } = board, legend = make("div", "legend", { role: "group", "aria-label": "Layers" });
  const change = (values) => (Object.assign(view, values), refreshLegend(board));
  const fieldTips = {
    none: "No heat map", field_x: "Potential on the source side: the arrows are minus its gradient", field_y: "Potential on the target side",
  };
  parts.fields = segmented("Potential", FIELDS, fieldTips, (field) => change({ field }));
  parts.counts = make("select", "counts", { "aria-label": "Source points with arrows and lines", title: "How many source points show arrows and plan lines" });
  for (const [value, text] of Object.entries(COUNTS)) parts.counts.append(new Option(text, value, value === view.count, value === view.count));
  parts.counts.addEventListener("change", () => change({ count: parts.counts.value }));
  legend.append(make("span", "field", {}, make("span", "swatch potential", { "aria-hidden": "true" }), "potential", parts.fields));
  parts.layers = {};
  for (const { id, label, tip } of LAYERS) {
    const toggle = () => ((board.layers[id] = !board.layers[id]), refreshLegend(board));
    parts.layers[id] = button("layer", tip, toggle, make("span", `swatch ${id}`, { "aria-hidden": "true" }), label);
    legend.append(parts.layers[id]);
    if (id === "lines") legend.append(make("label", "field", {}, "of", parts.counts));
  }
  return (parts.legend = legend);
}

function refreshLegend(board) {
  const { parts, layers, view, answer } = board, planless = Boolean(answer && !answer.has_plan);
  for (const { id, plan } of LAYERS) {
    parts.layers[id].setAttribute("aria-pressed", layers[id] && !(plan && planless));
    parts.layers[id].disabled = Boolean(plan && planless);
  }
  press(parts.fields, view.field);
  if (parts.ways) {
    press(parts.ways, planless ? "arrows" : view.way);
    for (const each of parts.ways.children) each.disabled = planless && each.value !== "arrows";
    parts.sign.setAttribute("aria-pressed", view.flipped);
  }
  board.dirty = true;
}

function buildPicture(board) {
  const { parts, view } = board;
  const canvas = (parts.canvas = make("canvas", "", { tabindex: 0, role: "application", "aria-roledescription": "picture" }));
  for (const kind of ["pointermove", "pointerdown"]) canvas.addEventListener(kind, (event) => onPointer(board, event));
  canvas.addEventListener("pointerleave", (event) => leave(board, event));
  canvas.addEventListener("keydown", (event) => onKey(board, event));
  parts.readout = make("div", "readout", { role: "status", hidden: "" });
  parts.notebook = make("p", "notebook", { hidden: "" }, NOTEBOOK);
  parts.empty = make("p", "empty", {}, "Choose a source and a target: the picture appears here.");
  parts.scale = make("span", "scale", { title: "Lowest and highest value of the heat map" },
    make("span"), make("span"), make("span", "ramp"), make("span"), make("span", "about"));
  parts.outside = make("span", "outside", { title: "Points outside the picture" });
  parts.play = button("play", "", () => setPlaying(board, !board.playing));
  parts.t = range("Time t", { min: 0, max: 1, step: 0.01, value: 0 }, (t) => (setPlaying(board, false), setTime(board, t)));
  parts.time = make("output", "time", { title: "Time: 0 is the source, 1 the goal" });
  const change = (values) => (Object.assign(view, values), refreshLegend(board));
  parts.ways = segmented("Along", WAYS, WAY_TIPS, (way) => change({ way }));
  parts.sign = button("toggle", "Flip the arrows to the sign of the course's notebook", () => change({ flipped: !view.flipped }), "notebook\u2019s sign");
  return make("div", "left", {},
    make("div", "picture", {}, canvas, parts.notebook, parts.readout, parts.outside, parts.empty),
    (parts.caption = make("div", "caption", {}, parts.scale, parts.sign)),
    (parts.motion = make("div", "motion", { role: "group", "aria-label": "Motion" },
      parts.play, parts.t, parts.time, make("span", "name", {}, "along"), parts.ways)));
}

function buildSide(board) {
  const { parts } = board;
  const words = "Transport plan as a matrix: rows are source points, columns target points";
  parts.matrix = make("canvas", "matrix", { role: "img", "aria-label": words });
  for (const kind of ["pointermove", "pointerdown"]) parts.matrix.addEventListener(kind, (event) => onMatrix(board, event));
  parts.matrix.addEventListener("pointerleave", (event) => leave(board, event));
  parts.noPlan = make("p", "notes", { hidden: "" }, "This loss compares the clouds without a plan: there is no matrix, map or partner.");
  parts.numbers = make("div", "numbers");
  parts.warning = make("p", "warning", { role: "status" });
  parts.notes = make("p", "notes");
  parts.plan = make("figure", "plan", { hidden: "" },
    make("span", "down", { "aria-hidden": "true" }, "source points, sorted"), parts.matrix,
    make("figcaption", "", {}, "target points, sorted"));
  const say = make("div", "say", {}, parts.warning, parts.notes);
  return make("div", "side", {}, parts.plan, make("div", "facts", {}, parts.noPlan, parts.numbers, say));
}

// ------------------------------------------------------------------------------------------------------------- layout

function layout(board) {
  const { root, parts, options } = board, width = root.clientWidth, wide = width > WIDE;
  Object.assign(board, { width, ratio: devicePixelRatio, windowHeight: innerHeight, dirty: true });
  if (!width) return;
  root.dataset.layout = wide ? "wide" : "stack";
  const tall = (element) => element.offsetHeight;
  const chrome = tall(parts.sliders) + tall(parts.legend) + tall(parts.caption) + tall(parts.motion) + 26;
  const height = Math.max(options.height, innerHeight - 900 + options.height);
  const picture = wide ? clamp(height - chrome, 240, 0.63 * width) : width - 6;
  const side = wide ? width - picture - 30 : width - 6, column = picture + tall(parts.caption) + tall(parts.motion);
  const twin = side > 560 && column < 620, room = wide ? clamp(column - 86 - 37 * board.rows.length, 150, 0.52 * column) : 420;
  const matrix = twin ? Math.min(0.5 * side, column - 30) - 20 : Math.min(side - 20, room);
  root.dataset.side = twin ? "twin" : "single";
  const sizes = { "--picture": px(picture), "--matrix": px(matrix), "--column": wide ? px(column) : "auto" };
  for (const [name, value] of Object.entries(sizes)) root.style.setProperty(name, value);
  for (const canvas of [parts.canvas, parts.matrix]) fitCanvas(canvas, board.ratio);
}

function fitCanvas(canvas, ratio) {
  const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
  if (!width || !height || (canvas.width === width && canvas.height === height)) return;
  Object.assign(canvas, { width, height });
}

function readTheme(board) {
  const style = getComputedStyle(board.root), value = (name, other) => style.getPropertyValue(`--st-${name}`).trim() || other;
  const theme = {
    text: value("text-color", "#31333f"),
    plain: value("background-color", "#ffffff"),
    font: value("font", "sans-serif"),
  };
  theme.key = Object.values(theme).join();
  board.theme = theme;
  board.dirty = true;
}
