// The player: moving pictures of training runs on canvases, one timeline for all panels.
//
// The page calls the exported function for each message, with a root that stays. Everything that lasts is kept on that
// root, so a call may come twice, and a cleanup may belong to a call that a newer one has overtaken. Bytes are those of
// otviz/player/wire.py. The playhead is a training step: it means the same in every panel and stays true when frames are thinned
// or arrive late.

// ---------------------------------------------------------------------------------------------------------- constants

const SPEEDS = [0.25, 0.5, 1, 2, 4];
const LIVE_DELAY = 0.55, MOST_DELAY = 3; // seconds behind the newest frame, so that there is always a next one to move to
const MOST_FRAMES = 600, MOST_SHEETS = 240; // kept per panel; beyond it the older half is thinned
const GRID_MAX = 65534, OUTSIDE = 65535;
const OVER = new Set(["done", "failed", "stopped", "recorded"]);
const FEW = 2, FILM = 1000 / 32; // of more panels a picture every so many milliseconds: their trainings need the time, too
const SMALL = 400; // pixels: a picture of less is put together pixel by pixel
const GROUND_EVERY = 60; // milliseconds between drawings of the heat map and arrows while playing
const SINGLE_WIDE = 720, PANEL_MIN = 250, BETWEEN = 12, PLAYBACK = 54, ROOM_EVERY = 400; // pixels, and milliseconds
const MANY = 4, COMPACT_MIN = 140, COMPACT_WORDS = 105; // from so many panels on they are compact: least picture, height of the words
const BESIDE = 520; // from this width of a panel on, its losses and numbers stand beside the picture
const BRIEF = 440; // below this width only the most telling numbers are written out, the others in a tip

const VERDICTS = {
  covers: "tick", collapsed: "cross", "mixes modes": "wave", unbalanced: "tilt", "off target": "cross", "too narrow": "tilt",
  "too wide": "wave", unstable: "flash",
};

const METER = [
  { id: "modes", label: "", tip: "Modes covered: those that hold at least a quarter of their due among the samples within 3 standard deviations of a centre" },
  { id: "quality", label: "high quality", tip: "Share of samples within 3 standard deviations of a mode" },
  { id: "mixture", label: "between modes", brief: "between", tip: "Mode mixture: share of samples between neighbouring modes" },
  { id: "w2", label: "W2", brief: "W2", tip: "Wasserstein-2 distance to the target, in data units or in those of the file of points. Floor: between two sets of as many real points, mean and standard deviation; up to two of them above the mean a value is within noise. n: samples compared. At step: when it was measured, if not at this one" },
  { id: "precision", label: "precision", tip: "Share of samples that lie where real ones are; high for a collapsed generator too" },
  { id: "recall", label: "recall", tip: "Share of real samples that lie where generated ones are; low after a collapse" },
  { id: "diversity", label: "diversity", tip: "Mean variance of the coordinates (of an image: of its pixels), as in the course's notebook. Two opposite modes score as much as all of them" },
  { id: "frechet", label: "Fréchet distance", brief: "Fréchet", tip: "Squared Fréchet distance between features of generated and real images, by the classifier of this data set; not FID. Floor: real images; n: images judged" },
  { id: "samples", label: "samples", tip: "Generated samples that modes, quality and mixture are measured on" },
  { id: "alpha", label: "α", tip: "Divergence weight α at this step" },
];

const LAYERS = [
  { id: "potential", label: "potential", on: true, tip: "Heat map: value of the potential or critic over the plane" },
  { id: "arrows", label: "gradient", on: true, tip: "Arrows: gradient of the potential or critic" },
  { id: "target", label: "target", on: true, tip: "Blue squares: samples of the target" },
  { id: "source", label: "source", on: false, tip: "Grey rings: samples of the source, before the generator" },
  { id: "generated", label: "generated", on: true, tip: "Orange discs: the same probe of the source through the generator" },
  { id: "centres", label: "mode centres", on: true, tip: "Plus signs: centres of the target's modes" },
  { id: "manifold", label: "generator grid", on: true, tip: "Thin lines: image of a regular grid of source points" },
];

// -------------------------------------------------------------------------------------------------------------- entry

export default function mount({ data, parentElement, setTriggerValue }) {
  const root = rootIn(parentElement, "player");
  const player = (root.player ??= createPlayer(root));
  const call = ++player.calls;
  player.redrawPage = () => onceDrawn(root, () => setTriggerValue("outdated", true));
  readTheme(player);
  if (data && data.length > 4) receive(player, data);
  openAtlas(player);
  start(player);
  follow(player);
  return () => {
    if (call !== player.calls) return;
    player.ended = true;
    stop(player);
  };
}

function createPlayer(root) {
  const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const player = {
    root, reduced, calls: 0, panels: [], options: {}, theme: {}, sprites: {}, dots: {},
    layers: Object.fromEntries(LAYERS.map((layer) => [layer.id, layer.on])),
    step: null, playing: null, live: false, speed: 1, dragging: false, focus: -1,
    arrivals: [], rest: 0, painted: 0, dirty: true, textAt: 0, spokenAt: 0, asked: 0, nextAsk: 0, news: [],
    presenting: false, type: 1,
    frameRequest: 0, lastTick: 0, paintNext: 0, ratio: 0, width: 0, windowHeight: 0, room: null, roomAt: 0, detail: 2, line: createLine(),
  };
  buildShell(player);
  return player;
}

function start(player) {
  player.ended = false;
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

function pause(player) {
  stop(player);
  awaitRoot(player, () => {
    start(player);
    follow(player);
  });
}

function onSight(player, entries) {
  for (const entry of entries) {
    const panel = player.panels.find(({ parts }) => parts.panel === entry.target);
    if (panel) panel.inSight = entry.isIntersecting;
  }
  Object.assign(player, { dirty: true, textAt: 0 });
}

function tick(player, now) {
  if (!player.root.isConnected) return pause(player);
  player.frameRequest = requestAnimationFrame((next) => tick(player, next));
  const seconds = clamp(now - player.lastTick, 0, 200) / 1000;
  player.lastTick = now;
  if (player.ratio !== devicePixelRatio || player.windowHeight !== innerHeight) layout(player);
  keepRoom(player, now);
  advance(player, seconds, now);
  if (player.dirty && player.width && isTime(player, now)) paint(player, now);
}

/** Whether to paint now: always, or of many panels about as often as a film does. */
function isTime(player, now) {
  if (shownPanels(player).length <= FEW || player.dragging) return true;
  if (now < player.paintNext) return false;
  player.paintNext = Math.max(player.paintNext + FILM, now); // on average, though the screen has a rhythm of its own
  return true;
}

// -------------------------------------------------------------------------------------------------- messages and merge

function receive(player, data) {
  const { options, body } = readMessage(data), message = readContainer(body);
  Object.assign(player.options, options);
  if (message && !player.atlas) mergeMessage(player, message);
}

function mergeMessage(player, { panels, margin, blob }) {
  if (!panels.length) return;
  const fresh = panels.every((update, i) => player.panels[i]?.run !== update.run);
  const resized = panels.length !== player.panels.length;
  if (resized) fitPanels(player, panels.length);
  const before = headStep(player);
  player.news = [];
  panels.forEach((update, i) => mergePanel(player, player.panels[i], { ...update, margin }, blob));
  if (fresh) Object.assign(player, { step: null, playing: null, live: false, arrivals: [] });
  const head = headStep(player);
  if (head !== null && (fresh || head !== before)) noteArrival(player, head);
  if (player.step === null && head !== null) begin(player, head);
  if (player.news.length) setText(player.parts.announcer, player.news.join(" "));
  refreshLegend(player);
  player.dirty = true;
  if (fresh || resized) layout(player);
}

function mergePanel(player, panel, update, blob) {
  if (panel.run !== update.run) Object.assign(panel, emptyRun(update));
  if (update.scene) {
    Object.assign(panel, { scene: readScene(update.scene, blob), cache: {} });
    showStages(player, panel, update.stages ?? []);
  }
  if (update.plane) takePlane(player, panel, update.plane);
  for (const frame of update.frames) {
    if (panel.bySequence.has(frame.sequence)) continue;
    panel.bySequence.set(frame.sequence, { ...readFrame(frame, blob), rule: update.rules?.[frame.rule] ?? "" });
  }
  thinOld(panel.bySequence, update.shape ?? [2]);
  panel.frames = [...panel.bySequence.values()].sort((a, b) => a.sequence - b.sequence);
  if (update.curve.step.shape[0]) panel.curve = readCurve(update.curve, blob);
  panel.cache.losses = null;
  showHistory(player, panel, update.marks ?? []);
  takeNote(player, panel, update);
  const { box, margin, status, message, rate, verdict, verdict_kind, verdict_text, verdict_step, unstable, left } = update;
  panel.shape = update.shape ?? [2];
  Object.assign(panel, { box, margin, status, message, rate, verdict, verdict_kind, verdict_text, verdict_step, unstable, left });
  showStatus(panel);
}

function emptyRun({ run, box, margin, shape = [2] }) {
  const words = { status: "", verdict: "", verdict_kind: "", verdict_text: "", verdict_step: 0, unstable: "" };
  return { run, box, margin, shape, scene: null, plane: null, frames: [], bySequence: new Map(), curve: null, cache: {}, shown: {}, ...words };
}

/** Samples are positions on a grid, or images, (n, C, H, W). */
const readSamples = (entry, blob) => blob(entry, entry?.shape.length === 4 ? Uint8Array : Uint16Array);

function readScene(scene, blob) {
  const places = ["target", "source", "centres"].map((name) => [name, readSamples(scene[name], blob)]);
  return { ...scene, ...Object.fromEntries(places) };
}

function readFrame(frame, blob) {
  const heat = frame.potential && { ...frame.potential, values: blob(frame.potential, Uint8Array) };
  const arrows = frame.arrows && { ...frame.arrows, values: blob(frame.arrows, Int8Array) };
  const manifold = frame.manifold && { ...frame.manifold, values: blob(frame.manifold, Uint16Array) };
  const samples = { generated: readSamples(frame.generated, blob), raw: readSamples(frame.raw, blob) };
  return { ...frame, potential: heat, arrows, manifold, ...samples };
}

function readCurve(curve, blob) {
  return {
    step: blob(curve.step, Uint32Array),
    generator: blob(curve.generator, Float32Array),
    adversary: blob(curve.adversary, Float32Array),
  };
}

function thinOld(bySequence, shape) {
  const most = shape.length > 1 ? MOST_SHEETS : MOST_FRAMES;
  if (bySequence.size <= most) return;
  const old = [...bySequence.keys()].sort((a, b) => a - b).slice(1, most / 2);
  old.forEach((sequence, i) => i % 2 === 0 && bySequence.delete(sequence));
}

// ----------------------------------------------------------------------------------------------------------- following

/** Ask the channel for news now, and then as often as it says. A newer call takes over from one under way. */
async function follow(player) {
  const { channel } = player.options, call = ++player.asked;
  clearTimeout(player.nextAsk);
  if (!channel || !player.root.isConnected) return;
  const answer = await askChannel(channel, knownOf(player));
  if (call !== player.asked) return;
  const pause = noteAnswer(player.line, answer), { again = (pause || PAUSE) / 1000, changed = false } = answer.options ?? {};
  const message = answer.body && readContainer(answer.body);
  if (message) mergeMessage(player, message);
  if (changed) player.redrawPage();
  if (again !== null) player.nextAsk = setTimeout(() => askAgain(player, answer), 1000 * again);
}

function askAgain(player, { gone }) {
  if (gone) redrawUnknownPage();
  follow(player);
}

/** What of each run is here already. */
function knownOf({ panels }) {
  const here = panels.filter((panel) => panel.run && panel.scene);
  return Object.fromEntries(here.map(({ run, scene, frames }) => [run, [scene.title, last(frames)?.sequence ?? -1]]));
}

// ------------------------------------------------------------------------------------------------------------ timeline

const last = (list) => list[list.length - 1];
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
  player.step = player.playing && over ? (player.options.start ?? firstStep(player)) : head;
}

function noteArrival(player, head) {
  const now = performance.now();
  player.arrivals = player.arrivals.filter((arrival) => now - arrival.now < 5000).concat({ now, head });
}

function liveRate(player) {
  const oldest = player.arrivals[0], newest = last(player.arrivals);
  const seconds = newest ? (newest.now - oldest.now) / 1000 : 0;
  const measured = seconds > 0.8 ? (newest.head - oldest.head) / seconds : 0;
  return measured || Math.max(0, ...player.panels.map((panel) => panel.rate || 0));
}

/** A third longer than messages lie apart; none is waited for while nothing trains. */
function liveDelay({ arrivals, panels }) {
  if (!panels.some((panel) => panel.status === "running")) return LIVE_DELAY;
  const gaps = arrivals.length - 1, seconds = gaps > 0 ? (last(arrivals).now - arrivals[0].now) / 1000 / gaps : 0;
  return clamp(1.35 * seconds, LIVE_DELAY, MOST_DELAY);
}

function replayRate(player) {
  const frames = Math.max(...player.panels.map((panel) => panel.frames.length));
  const whole = (headStep(player) - firstStep(player)) / (player.options.seconds ?? clamp(0.12 * frames, 5, 24));
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
  const goal = Math.min(head, head + rate * (age - liveDelay(player)));
  const behind = (goal - player.step) / rate;
  if (Math.abs(behind) > 3) return Math.max(goal, firstStep(player));
  return Math.min(head, player.step + seconds * rate * clamp(1 + 2 * behind, 0, 4));
}

function atTheEnd(player, seconds) {
  if (!isOver(player)) player.live = player.speed >= 1;
  else if (!player.options.loop) setPlaying(player, false);
  else if ((player.rest += seconds) > (player.options.rest ?? 1.2)) Object.assign(player, { rest: 0, step: firstStep(player), dirty: true });
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
