// The player: moving pictures of training runs on canvases, one timeline for all panels.
//
// Streamlit calls the exported function for each message, with a root that stays. Everything that lasts is kept on that
// root, so a call may come twice, and a cleanup may belong to a call that a newer one has overtaken. Bytes are those of
// otviz/wire.py behind a u32 length and JSON options. The playhead is a training step: it means the same in every panel
// and stays true when frames are thinned or arrive late.

// ---------------------------------------------------------------------------------------------------------- constants

const COLOURS = { target: "#56B4E9", generated: "#FF7A1A", adversary: "#CC79A7", source: "#8A8F98" };
const CIVIDIS = ["00224e", "123570", "3b496c", "575d6d", "707173", "8a8678", "a59c74", "c3b369", "e1cc55", "fee838"];
const SPEEDS = [0.25, 0.5, 1, 2, 4];
const LIVE_DELAY = 0.55; // seconds behind the newest frame, so that there is always a next one to move to
const MOST_FRAMES = 600; // kept per panel; beyond it the older half is thinned
const GRID_MAX = 65534, OUTSIDE = 65535;
const OVER = new Set(["done", "failed", "stopped"]);
const GROUND_EVERY = 60; // milliseconds between drawings of the heat map and arrows while playing
const SINGLE_WIDE = 720, PANEL_MIN = 250;

const LAYERS = [
  { id: "potential", label: "potential", on: true, tip: "Heat map: value of the potential or critic over the plane" },
  { id: "arrows", label: "gradient", on: true, tip: "Arrows: gradient of the potential or critic" },
  { id: "target", label: "target", on: true, tip: "Blue squares: samples of the target" },
  { id: "source", label: "source", on: false, tip: "Grey rings: samples of the source, before the generator" },
  { id: "generated", label: "generated", on: true, tip: "Orange discs: the same probe of the source through the generator" },
  { id: "centres", label: "mode centres", on: true, tip: "Plus signs: centres of the target's modes" },
  { id: "manifold", label: "generator grid", on: true, tip: "Thin lines: image of a regular grid of source points" },
];

const ICONS = {
  play: '<path d="M4 2.5v11l9-5.5z"/>',
  pause: '<path d="M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z"/>',
  back: '<path d="M3 2.5h2v11H3zM13 2.5v11L6 8z"/>',
  forward: '<path d="M11 2.5h2v11h-2zM3 2.5v11L10 8z"/>',
  enlarge: '<path d="M9 2h5v5h-2V5.4L9.7 7.7 8.3 6.3 10.6 4H9zM7 14H2V9h2v1.6l2.3-2.3 1.4 1.4L5.4 12H7z"/>',
};

// -------------------------------------------------------------------------------------------------------------- entry

export default function mount({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".otviz-player") ?? parentElement.appendChild(make("div", "otviz-player"));
  const player = (root.player ??= createPlayer(root));
  const call = ++player.calls;
  player.askForAll = () => setTriggerValue("resend", true);
  readTheme(player);
  if (data && data.length > 4) receive(player, data);
  start(player);
  return () => {
    if (call === player.calls) stop(player);
  };
}

function createPlayer(root) {
  const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const player = {
    root, reduced, calls: 0, panels: [], options: {}, theme: {}, sprites: {},
    layers: Object.fromEntries(LAYERS.map((layer) => [layer.id, layer.on])),
    step: null, playing: null, live: false, speed: 1, dragging: false, focus: -1,
    arrivals: [], rest: 0, painted: 0, dirty: true, textAt: 0, spokenAt: 0, askedAt: -1e9,
    frameRequest: 0, lastTick: 0, ratio: 0, width: 0,
  };
  buildShell(player);
  return player;
}

function start(player) {
  if (player.frameRequest) return;
  player.observer = new ResizeObserver(() => layout(player));
  player.observer.observe(player.root);
  player.sight = new IntersectionObserver((entries) => onSight(player, entries), { rootMargin: "80px" });
  for (const panel of player.panels) player.sight.observe(panel.parts.panel);
  player.lastTick = performance.now();
  player.frameRequest = requestAnimationFrame((now) => tick(player, now));
}

function stop(player) {
  cancelAnimationFrame(player.frameRequest);
  player.frameRequest = 0;
  player.observer?.disconnect();
  player.sight?.disconnect();
}

function onSight(player, entries) {
  for (const entry of entries) {
    const panel = player.panels.find(({ parts }) => parts.panel === entry.target);
    if (panel) panel.inSight = entry.isIntersecting;
  }
  Object.assign(player, { dirty: true, textAt: 0 });
}

function tick(player, now) {
  if (!player.root.isConnected) return stop(player);
  player.frameRequest = requestAnimationFrame((next) => tick(player, next));
  const seconds = Math.min(now - player.lastTick, 200) / 1000;
  player.lastTick = now;
  if (player.ratio !== devicePixelRatio) layout(player);
  advance(player, seconds, now);
  if (player.dirty && player.width) paint(player, now);
}

// -------------------------------------------------------------------------------------------------- messages and merge

function receive(player, data) {
  const bytes = data.slice(); // a buffer of its own: the one that came may be shared and unaligned
  const optionsEnd = 4 + new DataView(bytes.buffer).getUint32(0, true);
  Object.assign(player.options, JSON.parse(new TextDecoder().decode(bytes.subarray(4, optionsEnd))));
  const message = readWire(bytes.slice(optionsEnd));
  if (message) mergeMessage(player, message);
}

function readWire(bytes) {
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(0, 4)) !== "OTVZ") return null;
  const view = new DataView(bytes.buffer);
  if (view.getUint16(4, true) !== 1) return null;
  const start = 12 + view.getUint32(8, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(12, start)));
  const blob = (entry, Kind) =>
    entry && new Kind(bytes.buffer, start + entry.at, entry.shape.reduce((product, n) => product * n, 1));
  return { ...header, blob };
}

function mergeMessage(player, { panels, margin, blob }) {
  if (!panels.length) return;
  const fresh = panels.every((update, i) => player.panels[i]?.run !== update.run);
  const resized = panels.length !== player.panels.length;
  if (resized) fitPanels(player, panels.length);
  const before = headStep(player);
  panels.forEach((update, i) => mergePanel(player, player.panels[i], { ...update, margin }, blob));
  if (fresh) Object.assign(player, { step: null, playing: null, live: false, arrivals: [] });
  const head = headStep(player);
  if (head !== null && (fresh || head !== before)) noteArrival(player, head);
  if (player.step === null && head !== null) begin(player, head);
  refreshLegend(player);
  player.dirty = true;
  if (fresh || resized) layout(player);
}

function mergePanel(player, panel, update, blob) {
  if (panel.run !== update.run) Object.assign(panel, emptyRun(update));
  if (update.scene) Object.assign(panel, { scene: readScene(update.scene, blob), cache: {} });
  else if (!panel.scene && update.frames.length) askAgain(player);
  for (const frame of update.frames) {
    if (!panel.bySequence.has(frame.sequence)) panel.bySequence.set(frame.sequence, readFrame(frame, blob));
  }
  thinOld(panel.bySequence);
  panel.frames = [...panel.bySequence.values()].sort((a, b) => a.sequence - b.sequence);
  if (update.curve.step.shape[0]) panel.curve = readCurve(update.curve, blob);
  panel.cache.losses = null;
  if (panel.status !== update.status) announce(player, panel, update.status);
  const { box, margin, status, message, rate } = update;
  Object.assign(panel, { box, margin, status, message, rate });
  showStatus(panel);
}

function emptyRun({ run, box, margin }) {
  return { run, box, margin, scene: null, frames: [], bySequence: new Map(), curve: null, status: "", cache: {}, shown: {} };
}

function readScene(scene, blob) {
  const places = ["target", "source", "centres"].map((name) => [name, blob(scene[name], Uint16Array)]);
  return { ...scene, ...Object.fromEntries(places) };
}

function readFrame(frame, blob) {
  const heat = frame.potential && { ...frame.potential, values: blob(frame.potential, Uint8Array) };
  const arrows = frame.arrows && { ...frame.arrows, values: blob(frame.arrows, Int8Array) };
  const manifold = frame.manifold && { ...frame.manifold, values: blob(frame.manifold, Uint16Array) };
  return { ...frame, potential: heat, arrows, manifold, generated: blob(frame.generated, Uint16Array) };
}

function readCurve(curve, blob) {
  return {
    step: blob(curve.step, Uint32Array),
    generator: blob(curve.generator, Float32Array),
    adversary: blob(curve.adversary, Float32Array),
  };
}

function thinOld(bySequence) {
  if (bySequence.size <= MOST_FRAMES) return;
  const old = [...bySequence.keys()].sort((a, b) => a - b).slice(1, MOST_FRAMES / 2);
  old.forEach((sequence, i) => i % 2 === 0 && bySequence.delete(sequence));
}

function askAgain(player) {
  const now = performance.now();
  if (now - player.askedAt < 2000) return;
  player.askedAt = now;
  player.askForAll();
}

// ------------------------------------------------------------------------------------------------------------ timeline

const last = (list) => list[list.length - 1];
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const shownPanels = (player) => (player.focus < 0 ? player.panels : [player.panels[player.focus]]);
const withFrames = (player) => player.panels.filter((panel) => panel.frames.length);
const isOver = (player) => player.panels.every((panel) => OVER.has(panel.status));

function headStep(player) {
  const panels = withFrames(player);
  return panels.length ? Math.max(...panels.map((panel) => last(panel.frames).step)) : null;
}

function firstStep(player) {
  return Math.min(...withFrames(player).map((panel) => panel.frames[0].step));
}

function begin(player, head) {
  const over = isOver(player);
  if (player.playing === null) player.playing = Boolean(player.options.autoplay) && !player.reduced;
  player.live = player.playing && !over;
  player.step = player.playing && over ? firstStep(player) : head;
}

function noteArrival(player, head) {
  const now = performance.now();
  player.arrivals = player.arrivals.filter((arrival) => now - arrival.now < 3000).concat({ now, head });
}

function liveRate(player) {
  const oldest = player.arrivals[0], newest = last(player.arrivals);
  const seconds = newest ? (newest.now - oldest.now) / 1000 : 0;
  const measured = seconds > 0.8 ? (newest.head - oldest.head) / seconds : 0;
  return measured || Math.max(0, ...player.panels.map((panel) => panel.rate || 0));
}

function replayRate(player) {
  const frames = Math.max(...player.panels.map((panel) => panel.frames.length));
  const whole = (headStep(player) - firstStep(player)) / clamp(0.12 * frames, 5, 24);
  return isOver(player) ? whole : liveRate(player) || whole;
}

function advance(player, seconds, now) {
  if (!player.playing || player.dragging || player.step === null) return;
  const head = headStep(player);
  if (player.live && isOver(player)) player.live = false;
  if (player.live) return moveTo(player, followed(player, head, seconds, now));
  const step = player.step + seconds * player.speed * replayRate(player);
  if (step < head) return moveTo(player, step);
  moveTo(player, head);
  atTheEnd(player, seconds);
}

function followed(player, head, seconds, now) {
  const rate = liveRate(player);
  if (!rate) return head;
  const age = (now - last(player.arrivals).now) / 1000;
  const goal = Math.min(head, head + rate * (age - LIVE_DELAY));
  const behind = (goal - player.step) / rate;
  if (Math.abs(behind) > 3) return Math.max(goal, firstStep(player));
  return Math.min(head, player.step + seconds * rate * clamp(1 + 2 * behind, 0, 4));
}

function atTheEnd(player, seconds) {
  if (!isOver(player)) player.live = player.speed >= 1;
  else if (!player.options.loop) setPlaying(player, false);
  else if ((player.rest += seconds) > 1.2) Object.assign(player, { rest: 0, step: firstStep(player), dirty: true });
}

function moveTo(player, step) {
  if (step === player.step) return;
  player.step = step;
  player.dirty = true;
}

function seek(player, step) {
  if (player.step === null) return;
  Object.assign(player, { live: false, rest: 0, textAt: 0 });
  moveTo(player, clamp(step, firstStep(player), headStep(player)));
  setPlaying(player, false);
}

function seekFrame(player, direction) {
  const steps = withFrames(player).flatMap((panel) => panel.frames.map((frame) => frame.step));
  const here = player.step;
  const ahead = steps.filter((step) => (direction > 0 ? step > here + 1e-6 : step < here - 1e-6));
  if (ahead.length) seek(player, direction > 0 ? Math.min(...ahead) : Math.max(...ahead));
  else seek(player, here);
}

function goLive(player) {
  if (player.step === null) return;
  const over = isOver(player);
  moveTo(player, headStep(player));
  Object.assign(player, { live: !over, textAt: 0 });
  setPlaying(player, !over);
}

function togglePlay(player) {
  const atEnd = player.step !== null && player.step >= headStep(player);
  if (!player.playing && atEnd && isOver(player)) moveTo(player, firstStep(player));
  if (!player.playing && atEnd && !isOver(player)) player.live = true;
  setPlaying(player, !player.playing);
}

function setPlaying(player, playing) {
  if (!playing) player.live = false;
  Object.assign(player, { playing, dirty: true, rest: 0, textAt: 0 });
}

function locate(frames, step) {
  if (!frames.length) return null;
  let low = 0, high = frames.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (frames[middle].step <= step) low = middle;
    else high = middle - 1;
  }
  const a = frames[low], b = frames[Math.min(low + 1, frames.length - 1)];
  return { a, b, t: b.step > a.step ? clamp((step - a.step) / (b.step - a.step), 0, 1) : 0 };
}

// ------------------------------------------------------------------------------------------------------------ painting

function paint(player, now) {
  player.dirty = false;
  player.groundsLeft = 2; // spread over frames, so that none takes long
  const words = now - player.textAt > 100;
  const speech = words && now - player.spokenAt > 1000;
  for (const panel of shownPanels(player)) {
    if (!panel.inSight) continue;
    const moment = player.step === null ? null : locate(panel.frames, player.step);
    drawPicture(player, panel, moment, now);
    drawLosses(player, panel);
    if (words) showNumbers(player, panel, moment);
    if (speech) describe(panel, moment);
  }
  if (words) player.textAt = now;
  else player.dirty = true; // paint once more, so that the last numbers are those of the last picture
  if (speech) player.spokenAt = now;
  showControls(player);
  player.root.dataset.painted = ++player.painted;
}

function drawPicture(player, panel, moment, now) {
  const { canvas } = panel.parts, c = canvas.getContext("2d", { alpha: false }), size = canvas.width;
  const on = player.layers, place = placing(panel, size), scene = panel.scene;
  c.globalAlpha = 1;
  c.drawImage(ground(player, panel, moment, place, now), 0, 0);
  if (on.manifold && moment?.a.manifold) drawManifold(c, player, moment, place);
  if (on.generated && moment) drawGenerated(c, player, moment, place);
  if (on.centres && scene?.centres) drawCentres(c, scene.centres, place, player.ratio);
}

/** What lies under the moving points. It changes slowly and costs most, so it is drawn less often while playing. */
function ground(player, panel, moment, place, now) {
  const { size } = place, on = player.layers, { scene } = panel;
  const still = [size, player.theme.key, Object.values(on), panel.run, panel.status, panel.box, Boolean(scene)].join();
  const key = moment ? `${moment.a.sequence}:${moment.t}` : "";
  const old = panel.cache.ground;
  if (old?.still === still && old.key === key) return old.canvas;
  const soon = now - old?.at < GROUND_EVERY + 10 * player.panels.length || player.groundsLeft <= 0;
  if (old?.still === still && player.playing && soon) return old.canvas;
  player.groundsLeft--;
  const canvas = old?.canvas ?? document.createElement("canvas");
  if (canvas.width !== size) Object.assign(canvas, { width: size, height: size });
  const c = canvas.getContext("2d", { alpha: false });
  c.globalAlpha = 1;
  c.fillStyle = player.theme.plain;
  c.fillRect(0, 0, size, size);
  if (on.potential && moment?.a.potential) drawHeat(c, panel, moment, size);
  if (on.arrows && moment?.a.arrows) drawArrows(c, player, panel, moment, size);
  if ((on.source || panel.status === "ready") && scene?.source) stampCached(c, player, panel, "source", place);
  if (on.target && scene?.target) stampCached(c, player, panel, "target", place);
  panel.cache.ground = { canvas, still, key, at: now };
  return canvas;
}

/** From the u16 grid of positions to pixels; the box fills the canvas, with equal scales along x and y. */
function placing({ box, margin }, size) {
  const width = box[1] - box[0], height = box[3] - box[2], scale = size / Math.max(width, height);
  const kx = (scale * width * (1 + 2 * margin)) / GRID_MAX, ky = (scale * height * (1 + 2 * margin)) / GRID_MAX;
  const left = (size - scale * width) / 2, low = size - (size - scale * height) / 2;
  return { kx, ky, x0: left - scale * width * margin, y0: low + scale * height * margin, left, low, scale, size };
}

/** Positions between two frames, in pixels; a point that is beyond the margin in one of them stays where it is known. */
function between(a, b, t, place, into) {
  const same = a.length === b.length;
  const out = into?.length === a.length ? into : new Float32Array(a.length);
  for (let i = 0; i < a.length; i += 2) {
    const [from, to] = same ? [a[i], b[i]] : [a[i], a[i]];
    if (from === OUTSIDE && to === OUTSIDE) {
      out[i] = out[i + 1] = NaN;
      continue;
    }
    const u = !same || to === OUTSIDE ? 0 : from === OUTSIDE ? 1 : t;
    const j = same ? b : a;
    out[i] = place.x0 + place.kx * (u === 1 ? j[i] : a[i] + u * (j[i] - a[i]));
    out[i + 1] = place.y0 - place.ky * (u === 1 ? j[i + 1] : a[i + 1] + u * (j[i + 1] - a[i + 1]));
  }
  return out;
}

function drawHeat(c, panel, { a, b, t }, size) {
  const [rows, columns] = a.potential.shape, from = a.potential.values;
  const to = b.potential?.values.length === from.length ? b.potential.values : from;
  if (panel.heat?.width !== columns || panel.heat?.height !== rows) {
    panel.heat = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
    panel.heatPixels = new ImageData(columns, rows);
  }
  const pixels = new Uint32Array(panel.heatPixels.data.buffer);
  for (let row = 0; row < rows; row++) {
    for (let column = 0, i = row * columns, o = (rows - 1 - row) * columns; column < columns; column++, i++, o++) {
      pixels[o] = CIVIDIS_LUT[(from[i] + t * (to[i] - from[i]) + 0.5) | 0];
    }
  }
  panel.heat.getContext("2d").putImageData(panel.heatPixels, 0, 0);
  const { left, low, scale } = placing(panel, size), width = (panel.box[1] - panel.box[0]) * scale;
  const height = (panel.box[3] - panel.box[2]) * scale;
  // Grid values sit on the edges of the box: half a cell of the picture is drawn beyond them.
  const dx = width / (columns - 1) / 2, dy = height / (rows - 1) / 2;
  c.save();
  c.beginPath();
  c.rect(left, low - height, width, height);
  c.clip();
  c.drawImage(panel.heat, left - dx, low - height - dy, width + 2 * dx, height + 2 * dy);
  c.restore();
}

function drawArrows(c, player, panel, { a, b, t }, size) {
  const [rows, columns] = a.arrows.shape, from = a.arrows.values;
  const to = b.arrows?.values.length === from.length ? b.arrows.values : from;
  const fromScale = a.arrows.scale / 127, toScale = (b.arrows?.scale ?? a.arrows.scale) / 127;
  const longest = Math.max((1 - t) * a.arrows.scale + t * (b.arrows?.scale ?? a.arrows.scale), 1e-30);
  const { left, low, scale } = placing(panel, size);
  const width = (panel.box[1] - panel.box[0]) * scale, height = (panel.box[3] - panel.box[2]) * scale;
  const reach = (0.85 * Math.min(width / columns, height / rows)) / longest;
  const path = new Path2D();
  for (let row = 0, i = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, i += 2) {
      const u = (1 - t) * from[i] * fromScale + t * to[i] * toScale;
      const v = (1 - t) * from[i + 1] * fromScale + t * to[i + 1] * toScale;
      const x = left + (width * column) / (columns - 1), y = low - (height * row) / (rows - 1);
      addArrow(path, x, y, u, -v, reach, longest);
    }
  }
  strokeThin(c, path, player.ratio, Boolean(player.layers.potential && a.potential), player.theme);
}

/** Length grows with the root of the gradient, so that flat regions still show a direction. */
function addArrow(path, x, y, u, v, reach, longest) {
  const norm = Math.hypot(u, v);
  if (norm < longest * 0.004) return;
  const length = reach * longest * Math.sqrt(norm / longest), ex = (u / norm) * length, ey = (v / norm) * length;
  const x1 = x + ex / 2, y1 = y + ey / 2, head = 0.3;
  path.moveTo(x - ex / 2, y - ey / 2);
  path.lineTo(x1, y1);
  path.moveTo(x1 - head * (ex + 0.6 * ey), y1 - head * (ey - 0.6 * ex));
  path.lineTo(x1, y1);
  path.lineTo(x1 - head * (ex - 0.6 * ey), y1 - head * (ey + 0.6 * ex));
}

/** Lines of one pixel are many times cheaper than wider ones; on the heat map a shadow keeps them readable. */
function strokeThin(c, path, ratio, onHeat, theme) {
  c.lineCap = "butt";
  c.lineJoin = "miter";
  c.lineWidth = ratio;
  if (onHeat) {
    c.globalAlpha = 0.45;
    c.strokeStyle = "#000";
    c.translate(0.8 * ratio, 0.8 * ratio);
    c.stroke(path);
    c.translate(-0.8 * ratio, -0.8 * ratio);
  }
  c.globalAlpha = onHeat ? 0.85 : 0.5;
  c.strokeStyle = onHeat ? "#fff" : theme.text;
  c.stroke(path);
  c.globalAlpha = 1;
}

function drawManifold(c, player, { a, b, t }, place) {
  const [rows, columns] = a.manifold.shape;
  const at = between(a.manifold.values, b.manifold?.values ?? a.manifold.values, t, place);
  const path = new Path2D();
  const line = (first, stride, count) => {
    for (let k = 0, pen = false; k < count; k++) {
      const i = 2 * (first + k * stride), known = !Number.isNaN(at[i]);
      if (known) pen ? path.lineTo(at[i], at[i + 1]) : path.moveTo(at[i], at[i + 1]);
      pen = known;
    }
  };
  for (let row = 0; row < rows; row++) line(row * columns, 1, columns);
  for (let column = 0; column < columns; column++) line(column, columns, rows);
  c.lineJoin = "miter";
  c.globalAlpha = 0.5;
  c.strokeStyle = player.layers.potential && a.potential ? "#FFD9BD" : COLOURS.generated;
  c.lineWidth = player.ratio;
  c.stroke(path);
  c.globalAlpha = 1;
}

function drawGenerated(c, player, { a, b, t }, place) {
  const count = a.generated.length / 2;
  player.positions = between(a.generated, b.generated, t, place, player.positions);
  stamp(c, sprite(player, "generated", markRadius(place.size, count)), player.positions);
}

function stampCached(c, player, panel, role, place) {
  if (panel.cache[role]?.width !== place.size) {
    const layer = Object.assign(document.createElement("canvas"), { width: place.size, height: place.size });
    const points = panel.scene[role], mark = sprite(player, role, markRadius(place.size, points.length / 2) * 0.92);
    stamp(layer.getContext("2d"), mark, between(points, points, 0, place));
    panel.cache[role] = layer;
  }
  c.drawImage(panel.cache[role], 0, 0);
}

function stamp(c, mark, positions) {
  const half = mark.width / 2;
  for (let i = 0; i < positions.length; i += 2) {
    if (positions[i] === positions[i]) c.drawImage(mark, positions[i] - half, positions[i + 1] - half);
  }
}

function markRadius(size, count) {
  return clamp(size * 0.0062 * Math.sqrt(700 / Math.max(count, 200)), 1.4, 7);
}

/** Marks are drawn once and stamped: a disc, a square or a ring with a thin dark edge, told apart in grey too. */
function sprite(player, role, radius) {
  const key = `${role}${radius.toFixed(2)}`;
  if (player.sprites[key]) return player.sprites[key];
  const side = 2 * Math.ceil(radius + 1.5), middle = side / 2;
  const mark = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const c = mark.getContext("2d");
  c.beginPath();
  if (role === "target") c.rect(middle - radius * 0.86, middle - radius * 0.86, 1.72 * radius, 1.72 * radius);
  else c.arc(middle, middle, radius, 0, 2 * Math.PI);
  c.lineWidth = Math.max(0.6, radius * 0.28);
  c.strokeStyle = role === "source" ? "#C9CDD3" : "rgba(0, 0, 0, 0.5)";
  c.fillStyle = COLOURS[role];
  c.globalAlpha = 0.92;
  if (role !== "source") c.fill();
  else c.lineWidth *= 1.6;
  c.stroke();
  if (role === "source") {
    c.lineWidth *= 0.5;
    c.strokeStyle = COLOURS.source;
    c.stroke();
  }
  return (player.sprites[key] = mark);
}

function drawCentres(c, centres, place, ratio) {
  const at = between(centres, centres, 0, place), arm = place.size * 0.009 + ratio, path = new Path2D();
  for (let i = 0; i < at.length; i += 2) {
    path.moveTo(at[i] - arm, at[i + 1]);
    path.lineTo(at[i] + arm, at[i + 1]);
    path.moveTo(at[i], at[i + 1] - arm);
    path.lineTo(at[i], at[i + 1] + arm);
  }
  for (const [colour, width] of [["rgba(0, 0, 0, 0.75)", 3], ["#fff", 1.4]]) {
    c.strokeStyle = colour;
    c.lineWidth = width * ratio;
    c.stroke(path);
  }
}

const CIVIDIS_LUT = Uint32Array.from({ length: 256 }, (_, i) => {
  const at = (i / 255) * (CIVIDIS.length - 1), k = Math.min(at | 0, CIVIDIS.length - 2), t = at - k;
  const part = (n, offset) => parseInt(CIVIDIS[n].slice(offset, offset + 2), 16);
  const mix = (offset) => Math.round((1 - t) * part(k, offset) + t * part(k + 1, offset));
  return (255 << 24) | (mix(4) << 16) | (mix(2) << 8) | mix(0);
});

// --------------------------------------------------------------------------------------------------------- loss chart

function drawLosses(player, panel) {
  const canvas = panel.parts.losses, c = canvas.getContext("2d"), chart = lossChart(player, panel);
  const place = chart ? Math.round(chart.x(player.step ?? 0)) : 0, old = panel.shown.losses;
  if (chart && old?.chart === chart && old.place === place) return;
  panel.shown.losses = { chart, place };
  c.clearRect(0, 0, canvas.width, canvas.height);
  if (!chart) return;
  c.drawImage(chart.image, 0, 0);
  if (player.step === null) return;
  const ratio = player.ratio, x = place;
  c.fillStyle = player.theme.raised; // what is to come is veiled
  c.globalAlpha = 0.68;
  c.fillRect(x, 0, chart.right - x + 2 * ratio, chart.bottom);
  c.globalAlpha = 0.9;
  c.fillStyle = player.theme.text;
  c.fillRect(x - 0.5 * ratio, 0, ratio, chart.bottom);
  c.globalAlpha = 1;
}

/** The lines, drawn again only when the losses, the size or the theme change. */
function lossChart(player, panel) {
  const curve = panel.curve, { width, height } = panel.parts.losses, end = headStep(player) ?? 0;
  const key = `${width}x${height}:${end}:${player.theme.key}`;
  if (panel.cache.losses?.key === key) return panel.cache.losses;
  if (!curve || width < 40 || !end) return null;
  const range = robustRange(panel), r = player.ratio, left = 42 * r, right = width - 6 * r, top = 5 * r, bottom = height - 16 * r;
  const image = Object.assign(document.createElement("canvas"), { width, height }), c = image.getContext("2d");
  const x = (step) => left + (clamp(step / end, 0, 1) || 0) * (right - left);
  const y = (loss) => bottom - ((loss - range[0]) / (range[1] - range[0])) * (bottom - top);
  const chart = { image, x, y, left, right, top, bottom, range, key, end };
  drawAxes(c, player, chart);
  if (panel.scene?.loss_floor) drawFloor(c, player, chart, panel.scene.loss_floor);
  drawLine(c, chart, curve.step, curve.adversary, COLOURS.adversary, [5 * r, 3.5 * r], 1.5 * r);
  drawLine(c, chart, curve.step, curve.generator, COLOURS.generated, [], 1.8 * r);
  return (panel.cache.losses = chart);
}

/** Between quantiles, so that a spike of the first steps does not flatten the rest. */
function robustRange({ curve, scene }) {
  const values = [...curve.generator, ...curve.adversary].filter(Number.isFinite).sort((a, b) => a - b);
  const at = (share) => values[Math.round(share * (values.length - 1))];
  const [mean, std] = scene?.loss_floor ?? [];
  const ends = values.length ? [at(0.02), at(0.98)] : [];
  if (Number.isFinite(mean)) ends.push(mean - (std || 0), mean + (std || 0));
  if (!ends.length) return [0, 1];
  const low = Math.min(...ends), high = Math.max(...ends), pad = (high - low) * 0.1 || Math.abs(high) * 0.1 || 1;
  return [low - pad, high + pad];
}

function drawAxes(c, player, { left, right, top, bottom, range, y, end }) {
  const r = player.ratio;
  c.font = `${10.5 * r}px ${player.theme.font}`;
  c.fillStyle = c.strokeStyle = player.theme.text;
  c.lineWidth = r;
  for (const value of ticks(range, bottom - top > 110 * r ? 4 : 2)) {
    c.globalAlpha = 0.12;
    c.beginPath();
    c.moveTo(left, Math.round(y(value)) + 0.5);
    c.lineTo(right, Math.round(y(value)) + 0.5);
    c.stroke();
    c.globalAlpha = 0.7;
    c.textAlign = "right";
    c.textBaseline = "middle";
    c.fillText(short(value), left - 5 * r, clamp(y(value), top + 4 * r, bottom - 4 * r));
  }
  c.textBaseline = "alphabetic";
  const room = right - left > 260 * r;
  for (const step of ticks([0, end * 1.0001], room ? 5 : 3)) {
    const x = left + (step / end) * (right - left);
    c.textAlign = step === 0 ? "left" : x > right - 14 * r ? "right" : "center";
    c.fillText(step === 0 ? "step 0" : whole(step), x, bottom + 13 * r);
  }
  c.globalAlpha = 1;
}

/** Round numbers inside a range, about `count` of them. */
function ticks([low, high], count) {
  const raw = (high - low) / count, base = 10 ** Math.floor(Math.log10(raw));
  const size = base * ([1, 2, 2.5, 5, 10].find((m) => m * base >= raw * 0.999) ?? 10);
  const first = Math.ceil(low / size - 1e-9), found = [];
  for (let k = first; k * size <= high; k++) found.push(Number((k * size).toPrecision(12)));
  return found;
}

function drawFloor(c, player, { left, right, y }, [mean, std]) {
  const r = player.ratio, high = y(mean + (std || 0)), low = y(mean - (std || 0));
  c.fillStyle = player.theme.text;
  c.globalAlpha = 0.2;
  c.fillRect(left, high, right - left, Math.max(low - high, 2 * r));
  c.globalAlpha = 1;
}

function drawLine(c, { x, y, range, top, bottom }, steps, losses, colour, dash, width) {
  c.save();
  c.strokeStyle = c.fillStyle = colour;
  c.lineWidth = width;
  c.lineJoin = "round";
  c.setLineDash(dash);
  c.beginPath();
  const spikes = [];
  for (let i = 0, pen = false; i < steps.length; i++) {
    const value = losses[i], known = Number.isFinite(value), px = x(steps[i]);
    if (known) {
      const py = clamp(y(value), top, bottom);
      pen ? c.lineTo(px, py) : c.moveTo(px, py);
      if (value > range[1]) spikes.push([px, top, 1]);
      if (value < range[0]) spikes.push([px, bottom, -1]);
    }
    pen = known;
  }
  c.stroke();
  for (const [px, py, sign] of spikes.filter((_, i) => i % Math.ceil(spikes.length / 12) === 0)) {
    c.beginPath();
    c.moveTo(px, py - sign * 2.2 * width);
    c.lineTo(px - 2 * width, py + sign * 1.4 * width);
    c.lineTo(px + 2 * width, py + sign * 1.4 * width);
    c.fill();
  }
  c.restore();
}

// -------------------------------------------------------------------------------------------------- numbers and meter

const minus = (text) => text.replace("-", "\u2212");
const whole = (value) => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)} %`;

function short(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e5 || size < 1e-3) return minus(value.toExponential(1).replace("e+", "e"));
  return minus(Number(value.toPrecision(3)).toString());
}

function steady(value) {
  const size = Math.abs(value);
  if (size >= 1e5 || (size > 0 && size < 1e-3)) return short(value);
  return minus(value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3));
}

/** Three digits, zeros kept, so that a changing number does not change its width. */
function digits(value) {
  const size = Math.abs(value);
  return size === 0 || (size >= 1e-3 && size < 100) ? minus(size === 0 ? "0" : value.toPrecision(3)) : steady(value);
}

function showNumbers(player, panel, moment) {
  const { parts, scene } = panel, frame = moment && (moment.t > 0.999 ? moment.b : moment.a);
  setText(parts.waiting, !frame && !panel.message ? waitingText(panel) : "");
  showLoss(parts.generatorLoss, "generator", frame?.generator_loss, player);
  showLoss(parts.adversaryLoss, "adversary", frame?.adversary_loss, player);
  const floor = scene?.loss_floor;
  setText(parts.floor.lastChild, floor ? `noise floor ${steady(floor[0])}${floor[1] ? ` ± ${short(floor[1])}` : ""}` : "");
  parts.floor.hidden = !floor;
  showScale(parts, scene, frame, player);
  setText(parts.outside, frame?.outside ? `${whole(frame.outside)} outside` : "");
  showMeter(player, panel, frame);
}

function waitingText(panel) {
  if (panel.status === "ready") return "";
  return OVER.has(panel.status) ? "No snapshot was kept." : "Waiting for the first snapshot…";
}

function showLoss(part, name, value, player) {
  const known = Number.isFinite(value);
  part.hidden = !known;
  const word = player.options.names?.[name] ?? (player.root.dataset.layout === "grid" ? name : `${name} loss`);
  if (known) setText(part.lastChild, `${word} ${steady(value)}`);
}

function showScale(parts, scene, frame, player) {
  const heat = player.layers.potential && frame?.potential;
  parts.scale.style.visibility = heat ? "visible" : "hidden";
  if (!heat) return;
  const words = scene?.adversary === "potential" ? "potential v" : scene?.adversary || "adversary";
  setText(parts.scale.children[0], words);
  const span = heat.high - heat.low, rounded = (value) => (Math.abs(value) < span / 200 ? 0 : value);
  setText(parts.scale.children[1], short(rounded(heat.low)));
  setText(parts.scale.children[3], short(rounded(heat.high)));
}

function showMeter(player, panel, frame) {
  const { parts } = panel, meter = frame?.meter ?? {}, known = (name) => Number.isFinite(meter[name]);
  const modes = known("modes_covered") && known("modes_total");
  const size = known("samples") ? `n=${whole(meter.samples)}` : "";
  const pairs = known("w2_samples") ? `n=${whole(meter.w2_samples)}` : size;
  const floor = [known("w2_floor") ? `floor ${digits(meter.w2_floor)}` : "", pairs].filter(Boolean).join(", ");
  const values = {
    modes: modes ? `${meter.modes_covered} / ${meter.modes_total} modes` : "",
    quality: known("high_quality") ? percent(meter.high_quality) : "",
    mixture: known("mode_mixture") ? percent(meter.mode_mixture) : "",
    w2: known("w2") ? `${digits(meter.w2)}${floor ? ` (${floor})` : ""}` : "",
    samples: known("samples") && (modes || !known("w2")) ? whole(meter.samples) : "",
    alpha: Number.isFinite(frame?.alpha) ? digits(frame.alpha) : "",
  };
  for (const [name, text] of Object.entries(values)) {
    setText(parts.meter[name].lastChild, text);
    parts.meter[name].hidden = !text;
  }
  const shares = Array.isArray(meter.mode_shares) && meter.mode_shares.length ? meter.mode_shares : null;
  if (parts.bars.hidden === Boolean(shares)) {
    parts.bars.hidden = !shares;
    fitCanvas(parts.bars, player.ratio);
  }
  const key = shares && `${frame.sequence}:${parts.bars.width}x${parts.bars.height}:${player.theme.key}`;
  if (shares && panel.shown.bars !== key) drawBars(player, parts.bars, shares, meter.true_shares);
  panel.shown.bars = key;
}

/** A bar per mode, a tick at its true share; a mode below 1 % of the samples counts as missed and gets a cross. */
function drawBars(player, canvas, shares, trueShares) {
  const { width, height } = canvas, c = canvas.getContext("2d"), r = player.ratio;
  const truth = shares.map((_, i) => trueShares?.[i] ?? 1 / shares.length);
  const top = Math.max(...shares, 1.4 * Math.max(...truth)), base = height - r, slot = width / shares.length;
  const bar = Math.min(slot * 0.66, 34 * r), y = (share) => base - (share / top) * (base - 3 * r);
  c.clearRect(0, 0, width, height);
  shares.forEach((share, i) => {
    const x = (i + 0.5) * slot;
    c.fillStyle = COLOURS.generated;
    c.fillRect(x - bar / 2, y(share), bar, base - y(share));
    c.fillStyle = c.strokeStyle = player.theme.text;
    if (share < 0.01) cross(c, x, base - 7 * r, 3 * r, r);
    c.globalAlpha = 0.85;
    c.fillRect(x - bar / 2 - 2 * r, y(truth[i]) - 0.75 * r, bar + 4 * r, 1.5 * r);
    c.globalAlpha = 1;
  });
  c.globalAlpha = 0.3;
  c.fillRect(0, base, width, r);
  c.globalAlpha = 1;
}

function cross(c, x, y, arm, ratio) {
  c.lineWidth = 1.6 * ratio;
  c.beginPath();
  for (const sign of [1, -1]) {
    c.moveTo(x - arm, y - sign * arm);
    c.lineTo(x + arm, y + sign * arm);
  }
  c.stroke();
}

function describe(panel, moment) {
  const title = panel.scene?.title ?? "Run", frame = moment?.a;
  if (!frame) return panel.parts.canvas.setAttribute("aria-label", `${title}: ${waitingText(panel)}`);
  const { meter } = frame, facts = [];
  const fact = (value, text) => Number.isFinite(value) && facts.push(text(value));
  fact(meter.modes_covered, (n) => `${n} of ${meter.modes_total} modes covered`);
  fact(meter.high_quality, (share) => `${percent(share)} high quality`);
  fact(meter.w2, (w2) => `W2 ${short(w2)}`);
  if (frame.outside) facts.push(`${frame.outside} points outside the picture`);
  const losses = [];
  for (const name of ["generator", "adversary"]) {
    if (Number.isFinite(frame[`${name}_loss`])) losses.push(`${name} loss ${short(frame[`${name}_loss`])}`);
  }
  const words = (list) => `${title}, step ${frame.step}: ${list.join(", ") || "nothing measured yet"}.`;
  panel.parts.canvas.setAttribute("aria-label", words(facts.length ? facts : losses));
  panel.parts.losses.setAttribute("aria-label", words(losses));
  panel.parts.bars.setAttribute("aria-label", words(facts));
}

function announce(player, panel, status) {
  if (panel.status) setText(player.parts.announcer, `${panel.scene?.title ?? "Run"}: training ${status}`);
}

function showStatus(panel) {
  const { parts, scene, status, rate, message } = panel, newest = last(panel.frames);
  setText(parts.title, scene?.title ?? "");
  parts.status.dataset.status = status;
  setText(parts.status.lastChild, status);
  const at = newest && scene ? `${whole(newest.step)}${scene.steps ? ` / ${whole(scene.steps)}` : ""}` : "";
  setText(parts.progress, [at, status === "running" && rate > 0 ? `${whole(rate)} steps/s` : ""].filter(Boolean).join(" · "));
  setText(parts.message, message || "");
  parts.hint.hidden = Boolean(newest) || OVER.has(status);
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

function button(className, label, onClick, ...children) {
  const element = make("button", className, { type: "button", title: label, "aria-label": label }, ...children);
  element.addEventListener("click", onClick);
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function buildShell(player) {
  const { root } = player, legend = make("div", "legend", { role: "group", "aria-label": "Layers" });
  const grid = make("div", "panels"), announcer = make("div", "unseen", { "aria-live": "polite" });
  player.parts = { legend, grid, announcer, layers: {}, ...buildControls(player) };
  for (const layer of LAYERS) {
    const swatch = make("span", `swatch ${layer.id}`, { "aria-hidden": "true" });
    const toggle = button("layer", layer.tip, () => toggleLayer(player, layer.id), swatch, layer.label);
    toggle.setAttribute("aria-label", layer.label);
    player.parts.layers[layer.id] = toggle;
    legend.append(toggle);
  }
  Object.assign(root.dataset, { frames: 0, painted: 0, playing: false, step: "" });
  root.tabIndex = 0;
  root.setAttribute("role", "region");
  root.setAttribute("aria-label", "Player: space plays or pauses, arrow keys step, L returns to the newest frame");
  root.append(legend, grid, player.parts.controls, announcer);
  root.addEventListener("keydown", (event) => onKey(player, event));
}

function buildControls(player) {
  const play = button("play", "Play (space)", () => togglePlay(player), icon("play"));
  const back = button("", "One frame back (left arrow)", () => seekFrame(player, -1), icon("back"));
  const forward = button("", "One frame forward (right arrow)", () => seekFrame(player, 1), icon("forward"));
  const speed = make("select", "speed", { "aria-label": "Playback speed", title: "Playback speed" });
  for (const value of SPEEDS) speed.append(new Option(`${value}×`, value, value === 1, value === 1));
  const slider = make("input", "slider", { type: "range", step: "any", min: 0, max: 1, value: 0, "aria-label": "Training step shown" });
  const live = button("live", "Jump to the newest frame (L)", () => goLive(player), make("span", "dot"), "Live");
  live.removeAttribute("aria-label");
  const label = make("output", "step", { title: "Training step on screen, of the steps planned" });
  speed.addEventListener("change", () => setSpeed(player, Number(speed.value)));
  slider.addEventListener("pointerdown", () => (player.dragging = true));
  for (const end of ["pointerup", "pointercancel", "blur"]) slider.addEventListener(end, () => (player.dragging = false));
  slider.addEventListener("input", () => seek(player, Number(slider.value)));
  const name = make("span", "name", {}, "Playback");
  const controls = make("div", "controls", { role: "group", "aria-label": "Playback" }, name, play, back, forward, speed, slider, live, label);
  return { controls, play, speed, slider, live, label };
}

function setSpeed(player, speed) {
  player.speed = speed;
  if (speed < 1) player.live = false;
  player.dirty = true;
}

function onKey(player, event) {
  const { target } = event, typing = target.tagName === "SELECT", pressing = target.tagName === "BUTTON" && event.key === " ";
  const actions = {
    " ": () => togglePlay(player),
    ArrowLeft: () => seekFrame(player, -1),
    ArrowRight: () => seekFrame(player, 1),
    Home: () => player.step !== null && seek(player, firstStep(player)),
    End: () => player.step !== null && seek(player, headStep(player)),
    l: () => goLive(player),
  };
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || typing || pressing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}

function toggleLayer(player, id) {
  player.layers[id] = !player.layers[id];
  Object.assign(player, { dirty: true, textAt: 0 });
  refreshLegend(player);
}

function refreshLegend(player) {
  const { panels, parts, layers } = player, moving = new Set(["potential", "arrows", "manifold"]);
  const has = (id) => panels.some(({ scene, frames }) => (moving.has(id) ? last(frames)?.[id] : id === "generated" || scene?.[id]));
  for (const { id } of LAYERS) {
    parts.layers[id].hidden = !has(id);
    const ready = id === "source" && panels.every(({ status }) => status === "ready"); // then it is always drawn
    parts.layers[id].setAttribute("aria-pressed", layers[id] || ready);
  }
  const named = new Set(panels.map(({ scene }) => scene?.adversary).filter(Boolean));
  const words = [...named].join(" / ") || "adversary";
  const titles = { potential: words, generated: player.options.names?.generated ?? "generated" };
  for (const [id, title] of Object.entries(titles)) {
    setText(parts.layers[id].lastChild, title);
    parts.layers[id].setAttribute("aria-label", title);
  }
}

function showControls(player) {
  const { root, parts, step, playing, live } = player, head = headStep(player), over = isOver(player);
  const planned = Math.max(0, ...player.panels.map((panel) => panel.scene?.steps ?? 0));
  const at = step === null ? null : Math.round(step);
  const label = at === null ? "" : `step ${at}${planned ? ` / ${planned}` : ""}`;
  setText(parts.label, label);
  if (player.shownPlaying !== playing) {
    parts.play.replaceChildren(icon(playing ? "pause" : "play"));
    parts.play.title = playing ? "Pause playback; training goes on (space)" : "Play (space)";
    parts.play.setAttribute("aria-label", playing ? "Pause playback" : "Play");
    player.shownPlaying = playing;
  }
  setText(parts.live.lastChild, over ? "End" : "Live");
  parts.live.setAttribute("aria-pressed", live);
  for (const control of parts.controls.querySelectorAll("button, input, select")) control.disabled = head === null;
  if (head !== null) {
    Object.assign(parts.slider, { min: firstStep(player), max: head });
    if (!player.dragging) parts.slider.value = step;
    parts.slider.setAttribute("aria-valuetext", label);
    parts.slider.style.setProperty("--share", (step - firstStep(player)) / (head - firstStep(player) || 1));
  }
  const frames = player.panels.reduce((sum, panel) => sum + panel.frames.length, 0);
  Object.assign(root.dataset, { step: at ?? "", frames, playing: Boolean(playing), live });
}

// ------------------------------------------------------------------------------------------------------ panels, layout

function fitPanels(player, count) {
  while (player.panels.length > count) player.panels.pop().parts.panel.remove();
  while (player.panels.length < count) {
    const panel = { ...emptyRun({}), parts: null, index: player.panels.length, inSight: true };
    panel.parts = buildPanel(player, panel);
    player.panels.push(panel);
    player.parts.grid.append(panel.parts.panel);
    player.sight?.observe(panel.parts.panel);
  }
  if (player.focus >= count || count === 1) player.focus = -1;
}

function buildPanel(player, panel) {
  const line = (name, tip) => make("span", `line ${name}`, { title: tip }, make("span", "stroke", { "aria-hidden": "true" }), "");
  const value = (name, label, tip) => make("span", `value ${name}`, { title: tip }, label ? make("span", "label", {}, label) : "", document.createTextNode(""));
  const canvas = make("canvas", "", { role: "img", "aria-label": "Picture of the run" });
  const losses = make("canvas", "losses", { role: "img", "aria-label": "Losses over training steps", title: "Losses over training steps; click to go to a step" });
  const bars = make("canvas", "bars", { role: "img", "aria-label": "Share of samples per mode", title: "Share of generated samples per mode; tick: its true share; cross: below 1 %" });
  bars.hidden = true;
  const parts = {
    canvas, losses, bars,
    title: make("span", "title"),
    progress: make("span", "progress", { title: "State of training (not of playback): step, steps planned, speed" }),
    status: make("span", "status", { title: "State of training (not of playback)" }, make("span", "dot"), ""),
    enlarge: button("enlarge", "Enlarge this panel, or show all again", () => toggleFocus(player, panel), icon("enlarge")),
    waiting: make("span", "waiting"),
    message: make("span", "message"),
    hint: make("p", "hint", {}, "Losses, modes covered and the distance to the target appear here as it learns."),
    outside: make("span", "outside", { title: "Generated points outside the picture at this step" }),
    scale: make("span", "scale", { title: "Lowest and highest value of the heat map at this step" }, make("span"), make("span"), make("span", "ramp"), make("span")),
    generatorLoss: line("generator", "Generator loss at this step: what the generator descends"),
    adversaryLoss: line("adversary", "Adversary loss at this step: what the potential or critic descends"),
    floor: line("floor", "Noise floor: the generator loss between two sets of real points, mean and standard deviation"),
    meter: {
      modes: value("modes", "", "Modes covered: at least 1 % of the samples lie within 3 standard deviations of the centre"),
      quality: value("quality", "high quality", "Share of samples within 3 standard deviations of a mode"),
      mixture: value("mixture", "mixture", "Share of samples between modes"),
      w2: value("w2", "W2", "Wasserstein-2 distance to the target (data units); floor: between two sets of real points; n: samples compared"),
      samples: value("samples", "samples", "Generated samples that modes, quality and mixture are measured on"),
      alpha: value("alpha", "α", "Divergence weight α at this step"),
    },
  };
  const panelElement = make("section", "panel", {},
    make("header", "", {}, make("div", "names", {}, parts.title, parts.progress), parts.status, parts.enlarge),
    make("div", "body", {},
      make("div", "left", {},
        make("div", "picture", {}, canvas, parts.waiting, parts.message),
        make("div", "caption", {}, parts.scale, parts.outside)),
      make("div", "side", {}, parts.hint,
        make("div", "lines", {}, parts.generatorLoss, parts.adversaryLoss, parts.floor), losses,
        make("div", "meter", {}, ...Object.values(parts.meter)), bars)));
  scrubOn(player, panel, losses);
  return { ...parts, panel: panelElement };
}

function scrubOn(player, panel, canvas) {
  const toStep = (event) => {
    const chart = panel.cache.losses, x = event.offsetX * player.ratio;
    if (chart) seek(player, ((x - chart.left) / (chart.right - chart.left)) * chart.end);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    toStep(event);
  });
  canvas.addEventListener("pointermove", (event) => event.buttons && toStep(event));
}

function toggleFocus(player, panel) {
  player.focus = player.focus < 0 ? panel.index : -1;
  layout(player);
}

function layout(player) {
  const { root, panels, options } = player, width = root.clientWidth;
  Object.assign(player, { width, ratio: devicePixelRatio, dirty: true, textAt: 0 });
  if (!width || !panels.length) return;
  const shown = shownPanels(player), alone = shown.length === 1;
  const wide = alone && width > SINGLE_WIDE;
  const most = options.columns ?? [1, 2, 3, 2, 3, 3, 3, 3, 3][shown.length - 1] ?? 3;
  const columns = alone ? 1 : clamp(Math.min(most, Math.floor(width / PANEL_MIN)), 1, shown.length);
  const room = (width - 12 * (columns - 1)) / columns - 22, height = options.height || 740;
  const oneRow = columns >= shown.length;
  const side = wide ? Math.min(0.58 * width, height - 148) : oneRow ? Math.min(room, Math.max(height - 330, 340)) : room;
  root.dataset.layout = wide ? "wide" : alone ? "stack" : "grid";
  root.dataset.several = panels.length > 1;
  const heights = wide ? [clamp(0.48 * side, 130, 330), clamp(0.26 * side, 60, 170)] : alone ? [100, 40] : [72, 24];
  const sizes = { "--columns": columns, "--picture": px(Math.max(side, 160)), "--losses": px(heights[0]), "--bars": px(heights[1]) };
  for (const [name, value] of Object.entries(sizes)) root.style.setProperty(name, value);
  for (const panel of panels) {
    panel.parts.panel.hidden = !shown.includes(panel);
    panel.parts.enlarge.setAttribute("aria-pressed", player.focus >= 0);
    for (const name of ["canvas", "losses", "bars"]) fitCanvas(panel.parts[name], player.ratio);
  }
}

const px = (value) => `${Math.floor(value)}px`;

function fitCanvas(canvas, ratio) {
  const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
  if (!width || !height || (canvas.width === width && canvas.height === height)) return;
  Object.assign(canvas, { width, height });
}

function readTheme(player) {
  const style = getComputedStyle(player.root), value = (name, other) => style.getPropertyValue(`--st-${name}`).trim() || other;
  const theme = {
    text: value("text-color", "#31333f"),
    plain: value("background-color", "#ffffff"),
    raised: getComputedStyle(player.parts.grid).getPropertyValue("accent-color") || "#808080",
    font: value("font", "sans-serif"),
  };
  theme.key = Object.values(theme).join();
  player.theme = theme;
  player.dirty = true;
}
