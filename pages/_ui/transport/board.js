// The board: one solved transport problem, drawn and linked; its sliders ask Python for the next one.
//
// Streamlit calls the exported function when the page was drawn, with a root that stays. Everything that lasts is kept on
// that root, so a call may come twice, and a cleanup may belong to a call that a newer one has overtaken. Pictures come
// from the channel, as bytes of otviz/core/container.py. One question is in flight at a time: while it is, only the newest
// values of the sliders are remembered, so a drag asks as often as answers come and never queues up.

// ---------------------------------------------------------------------------------------------------------- constants

const KINDS = { f4: Float32Array, i4: Int32Array, u2: Uint16Array, u1: Uint8Array };
const SMOOTH = ["force", "map", "planned", "mass_x", "mass_y", "field_x", "field_y"]; // slide from answer to answer
const TWEEN = 90, PLAY = 2600, REST = 150, AGAIN = 20, PATIENCE = 3000, MOST_PATIENCE = 24000; // milliseconds
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
  "The course notebook adds the gradient instead of subtracting it, so points move away from the target. " +
  "On a symmetric ring this hardly shows: move the target off-centre.";

const LAYERS = [
  { id: "arrows", label: "arrows", on: true, tip: "Arrows: where some source points want to go" },
  { id: "lines", label: "plan lines", on: false, plan: true, tip: "Lines: where the same points send their mass; opacity is the share" },
  { id: "map", label: "map", on: false, plan: true, tip: "Diamonds: barycentric map, the mean of each point's partners" },
  { id: "source", label: "source", on: true, tip: "Grey rings: source points x" },
  { id: "target", label: "target", on: true, tip: "Blue squares: target points y" },
  { id: "moving", label: "moving", on: true, tip: "Orange discs: the source points at time t" },
];

// -------------------------------------------------------------------------------------------------------------- entry

export default function mount({ data, parentElement, setTriggerValue }) {
  const root = rootIn(parentElement, "board");
  const board = (root.board ??= createBoard(root));
  const call = ++board.calls;
  board.redrawPage = () => onceDrawn(root, () => setTriggerValue("outdated", true));
  readTheme(board);
  if (data && data.length > 4) drawn(board, readMessage(data).options);
  start(board);
  return () => {
    if (call !== board.calls) return;
    board.ended = true;
    stop(board);
  };
}

function createBoard(root) {
  const board = {
    root, calls: 0, reduced: matchMedia("(prefers-reduced-motion: reduce)").matches,
    options: { limits: { blur: [1e-3, 10], reach: [0.05, 20] }, start_reach: 1, height: 640, sliders: ["blur", "reach"] }, theme: {}, sprites: {}, cache: {},
    answer: null, shown: {}, tween: {}, tweenStart: 0, version: 0, painted: 0, dirty: true,
    wanted: { blur: 0.05, reach: null }, lastReach: null,
    talk: { serial: 0, sent: null, waiting: false, patience: PATIENCE, timer: 0, rest: 0, refined: "" },
    layers: Object.fromEntries(LAYERS.map(({ id, on }) => [id, on])),
    view: { field: "field_x", count: "50", way: "arrows", flipped: false, t: 0 },
    playing: false, mark: null, pointer: null, moved: null, words: true, rows: [], frameRequest: 0, lastTick: 0, ratio: 0, width: 0,
    line: createLine(), askNext: 0,
  };
  board.send = (question) => converse(board, question);
  buildShell(board);
  return board;
}

function start(board) {
  board.ended = false;
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

function pause(board) {
  stop(board);
  awaitRoot(board, () => {
    start(board);
    if (board.line.pause) askAgain(board, {});
    else refineWhenAtRest(board);
  });
}

function tick(board, now) {
  if (!board.root.isConnected) return pause(board);
  board.frameRequest = requestAnimationFrame((next) => tick(board, next));
  const passed = Math.min(now - board.lastTick, 100);
  board.lastTick = now;
  if (board.ratio !== devicePixelRatio || board.windowHeight !== innerHeight) layout(board);
  if (board.playing) setTime(board, board.view.t + passed / PLAY);
  slide(board, now);
  if (board.dirty && board.width) paint(board);
}

// ----------------------------------------------------------------------------------------------------------- messages

/** The page was drawn: its name for the problem is in force, and so are its settings. */
function drawn(board, options) {
  Object.assign(board.options, options);
  showChosen(board);
  const { problem, sent } = board.answer ?? {};
  if (problem !== options.problem || sent < options.sent || board.line.pause) board.send({ serial: 0, ...board.wanted, stage: "shown" });
  else refineWhenAtRest(board); // what the page now knows may be old already
}

async function converse(board, question) {
  const answer = await askChannel(board.options.channel, question), { options = {}, body } = answer;
  if (!board.root.isConnected) return;
  const pause = noteAnswer(board.line, answer);
  if (pause) return askLater(board, answer, pause);
  if (options.trouble) board.redrawPage(); // it has a sentence on what went wrong
  if (options.trouble) board.talk.waiting = false;
  if (options.under_way) waitOn(board, options.progress);
  if (body?.length >= 8) receive(board, body);
}

function askLater(board, answer, pause) {
  clearTimeout(board.talk.timer);
  clearTimeout(board.askNext);
  board.askNext = setTimeout(() => board.root.isConnected && askAgain(board, answer), pause);
}

/** The channel failed: ask for whatever is wanted by now. */
function askAgain(board, { gone }) {
  const { answer, options, talk, wanted, line } = board;
  if (gone && line.pause) redrawUnknownPage();
  if (answer?.problem !== options.problem) board.send({ serial: 0, ...wanted, stage: "shown" });
  else if (talk.waiting) ask(board);
  else refine(board, true);
}

function receive(board, body) {
  const answer = readAnswer(body), old = board.answer;
  const fresh = !old || old.problem !== answer.problem;
  if (!fresh && (answer.serial < old.serial || (answer.serial === old.serial && answer.sent <= old.sent))) return;
  if (fresh) begin(board, answer);
  adopt(board, answer, fresh);
  heed(board, answer);
}

function readAnswer(bytes) {
  const { arrays, blob, ...header } = readContainer(bytes);
  const answer = { ...header, columns: {}, ranges: { field_x: header.field_x, field_y: header.field_y } };
  for (const [name, entry] of Object.entries(arrays)) {
    answer[name] = blob(entry, KINDS[entry.kind]);
    answer.columns[name] = entry.shape[1];
  }
  const [across, up] = (answer.offset = header.offset ?? [0, 0]); // places are drawn about it, and read out with it
  answer.box = [header.box[0] - across, header.box[1] - across, header.box[2] - up, header.box[3] - up];
  answer.has_plan = Boolean(header.has_plan && answer.partner);
  if (answer.has_plan) answer.planned = Float32Array.from(answer.x, (_, i) => answer.y[2 * answer.partner[i >> 1] + (i & 1)]);
  return answer;
}

/** Another problem: its blur and reach are the page's, and questions about the old one are void. */
function begin(board, { serial, blur, reach }) {
  const { talk } = board;
  clearTimeout(talk.timer);
  Object.assign(board, { wanted: { blur, reach }, mark: null, pointer: null, rows: [] });
  Object.assign(talk, { serial: Math.max(talk.serial, serial), sent: { serial, blur, reach }, waiting: false, patience: PATIENCE, refined: "" });
  board.lastReach = reach;
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
  if (!same("x", "y", "mass_x", "mass_y", "weight_x", "weight_y")) board.version++;
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

/** The sliders rest: ask for the rest of the answer, or bring the page up to date with it. */
function refine(board, again = false) {
  const { talk, answer, root, options } = board, key = `${answer?.problem}:${answer?.serial}`;
  if (!answer || talk.waiting || !root.isConnected || answer.problem !== options.problem) return;
  if (answer.complete) {
    if (answer.sent > options.sent) board.redrawPage();
  } else if (again || talk.refined !== key) {
    talk.refined = key;
    board.send({ serial: answer.serial, blur: answer.blur, reach: answer.reach, stage: "refine" });
  }
}

/** The user has seen enough: the answer stays as it is. */
function stopRefining(board) {
  const { answer } = board;
  board.send({ serial: answer.serial, blur: answer.blur, reach: answer.reach, stage: "stop" });
}

/** The rest of an answer takes longer: say how long, and ask again. */
function waitOn(board, progress) {
  board.talk.refined = "";
  showWait(board, progress);
  clearTimeout(board.talk.rest);
  board.talk.rest = setTimeout(() => refine(board), AGAIN);
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

/** The points at time t, in data units about the offset: (1 - t) x + t goal. */
function movedPoints(board) {
  const { answer: { x }, shown, view } = board, step = signOf(board) * view.t;
  const goal = { map: shown.map, plan: shown.planned }[wayOf(board)];
  const out = board.moved?.length === x.length ? board.moved : (board.moved = new Float32Array(x.length));
  for (let i = 0; i < x.length; i++) out[i] = x[i] + (goal ? view.t * (goal[i] - x[i]) : step * shown.force[i]);
  return out;
}
