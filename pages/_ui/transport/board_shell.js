// The board's elements: sliders, layers, motion, and how they share the page.

// ------------------------------------------------------------------------------------------------- shell and controls

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
  root.append(buildSliders(board), buildLegend(board), board.line.words, stage);
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
  parts.blurValue = make("output", "", { title: "Blur is a length. Epsilon, the weight of the entropy, is blur to the power p" });
  parts.reachValue = make("output", "", { title: "Reach is a length: mass further than this from any partner is left behind" });
  parts.unbalanced = button("toggle", "Unbalanced transport: mass further than the reach from any partner is left behind", () =>
    want(board, { reach: board.wanted.reach === null ? heldReach(board) : null }), "unbalanced");
  return (parts.sliders = make("div", "sliders", {},
    (parts.blurKnob = make("div", "knob blur", {}, make("span", "name", { "aria-hidden": "true" }, "blur"), parts.blur, parts.blurValue)),
    (parts.reachKnob = make("div", "knob", {}, parts.unbalanced, parts.reach, parts.reachValue))));
}

/** A lesson may show one of the sliders, or none. */
function showChosen({ parts, options: { sliders } }) {
  parts.blurKnob.hidden = !sliders.includes("blur");
  parts.reachKnob.hidden = !sliders.includes("reach");
  parts.sliders.hidden = !sliders.length;
}

/** Where the slider of the reach stands: as left, else where the scale of the data has it. */
const heldReach = ({ lastReach, options }) => lastReach ?? options.start_reach;

const tidy = (value, [low, high]) => clamp(Number(value.toPrecision(3)), low, high);

function showSliders(board) {
  const { parts, options: { limits }, wanted, answer } = board, held = heldReach(board);
  const show = (input, value, [low, high], words) => {
    const min = Math.floor(100 * Math.log10(low)) / 100, max = Math.log10(high), at = Math.log10(value); // decades are steps
    Object.assign(input, { min, max });
    if (Math.abs(Number(input.value) - at) > 0.0051) input.value = at;
    input.style.setProperty("--share", clamp((at - min) / (max - min), 0, 1));
    input.setAttribute("aria-valuetext", words);
  };
  show(parts.blur, wanted.blur, limits.blur, short(wanted.blur));
  show(parts.reach, held, limits.reach, short(held));
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
  parts.empty = make("p", "empty", {}, "Preparing the picture …");
  parts.scale = make("span", "scale", { title: "Lowest and highest value of the heat map" },
    make("span"), make("span"), make("span", "ramp"), make("span"), make("span", "about"));
  parts.outside = make("span", "outside", { title: "Number of points outside the picture" });
  parts.play = button("play", "", () => setPlaying(board, !board.playing));
  parts.t = range("Time t", { min: 0, max: 1, step: 0.01, value: 0 }, (t) => (setPlaying(board, false), setTime(board, t)));
  parts.time = make("output", "time", { title: "Time: 0 is the source, 1 the end" });
  const change = (values) => (Object.assign(view, values), refreshLegend(board));
  parts.ways = segmented("Along", WAYS, WAY_TIPS, (way) => change({ way }));
  parts.sign = button("toggle", "Flip the arrows to the sign used in Fuge's course notebook", () => change({ flipped: !view.flipped }), "notebook\u2019s sign");
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
  parts.waited = make("span");
  parts.stop = button("toggle", "Keep this approximate answer", () => stopRefining(board), "stop");
  parts.wait = make("p", "wait", { hidden: "" }, parts.waited, parts.stop);
  parts.say = make("div", "say", {}, parts.warning, parts.wait, parts.notes);
  return make("div", "side", {}, parts.plan, make("div", "facts", {}, parts.noPlan, parts.numbers, parts.say));
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
  const twin = side > 560 && column < 620, room = wide ? clamp(column - 42 - tall(parts.say) - 37 * board.rows.length, 150, 0.52 * column) : 420;
  const matrix = twin ? Math.min(0.5 * side, column - 30) - 20 : Math.min(side - 20, room);
  root.dataset.side = twin ? "twin" : "single";
  const sizes = { "--picture": px(picture), "--matrix": px(matrix), "--column": wide ? px(column) : "auto" };
  for (const [name, value] of Object.entries(sizes)) root.style.setProperty(name, value);
  for (const canvas of [parts.canvas, parts.matrix]) fitCanvas(canvas, board.ratio);
}

function readTheme(board) {
  const theme = themeOf(board.root);
  theme.key = Object.values(theme).join();
  board.theme = theme;
  board.dirty = true;
}
