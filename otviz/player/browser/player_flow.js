// How data flow through the method, with values that follow the playhead, and what was changed on the way.

// --------------------------------------------------------------------------------------------------------------- flow

function buildFlow() {
  const flow = make("ol", "flow", { "aria-label": "How data flow", hidden: "" }), about = make("p", "about", { hidden: "" });
  return { flow, about, flowBox: make("div", "flow-box", {}, flow, about) };
}

/** A long explanation of a verdict shows three lines, and all of them after a click. */
function foldable(paragraph) {
  paragraph.title = "Click to read all of it, or less";
  paragraph.addEventListener("click", () => paragraph.toggleAttribute("data-open"));
  return paragraph;
}

/** The stages of a run that comes with its scene; a click on one says what it is. */
function showStages(player, panel, stages) {
  const { flow, about } = panel.parts;
  about.hidden = true;
  panel.stages = stages.map(({ role, words, text }) => {
    const value = make("span", "flow-value"), stage = make("button", `stage ${role}`, { type: "button", title: text, "aria-expanded": "false" }, make("span", "flow-name", {}, words), value);
    stage.addEventListener("click", () => explainStage(panel, stage, `${words}: ${text}`));
    return { role, value, stage };
  });
  flow.replaceChildren(...panel.stages.map(({ stage }) => make("li", "", {}, stage)));
}

function explainStage({ parts: { flow, about } }, stage, text) {
  const open = stage.getAttribute("aria-expanded") === "true";
  for (const other of flow.querySelectorAll("button")) other.setAttribute("aria-expanded", "false");
  stage.setAttribute("aria-expanded", String(!open));
  about.hidden = open;
  setText(about, text);
}

const hasFlow = (player, panel) => shownPanels(player).length === 1 && Boolean(panel.stages?.length);

function showFlow(player, panel, frame) {
  const shown = hasFlow(player, panel);
  panel.parts.flow.hidden = !shown;
  if (!shown) return;
  for (const { role, value } of panel.stages) setText(value, flowValue(player, panel, frame, role));
}

/** What is known of a stage at this frame, in a few words. */
function flowValue(player, panel, frame, role) {
  const { scene } = panel, sheet = isSheet(panel), meter = frame?.meter ?? {}, unit = scene?.unit ? ` ${scene.unit}` : "";
  if (role === "source") return scene?.source?.length ? `${whole(samplesIn(panel, scene.source))} ${sheet ? "shown" : "points"}` : "";
  if (!frame) return "";
  if (role === "map") return sheet ? "" : saidIf(meanMove(panel, frame), (far) => `mean move ${short(far)}${unit}`);
  if (role === "generated") return generatedWords(meter, sheet, unit);
  if (role === "field") return sheet ? "" : fieldWords(panel, frame);
  if (role === "loss") return saidIf(frame.generator_loss, (loss) => `generator ${steady(loss)}`);
  return "";
}

const saidIf = (value, words) => (Number.isFinite(value) ? words(value) : "");
const samplesIn = ({ shape }, values) => values.length / shape.reduce((product, n) => product * n, 1);

function generatedWords(meter, sheet, unit) {
  if (Number.isFinite(meter.modes_covered)) return `${meter.modes_covered} of ${meter.modes_total} modes`;
  if (sheet) return saidIf(meter.classes_effective, (n) => `${n.toFixed(1)} of ${meter.classes_total} classes`);
  return saidIf(meter.w2, (w2) => `W2 ${short(w2)}${unit}`);
}

/** Mean distance between source points and where the generator carries them; the probe is the same at every step. */
function meanMove(panel, frame) {
  const from = panel.scene?.source, to = frame.generated;
  if (!from || from.length !== to.length) return NaN;
  const { kx, ky } = placing(panel, 1), scale = Math.max(panel.box[1] - panel.box[0], panel.box[3] - panel.box[2]);
  let sum = 0, count = 0;
  for (let i = 0; i < from.length; i += 2) {
    if (from[i] === OUTSIDE || to[i] === OUTSIDE) continue;
    sum += Math.hypot(kx * (to[i] - from[i]), ky * (to[i + 1] - from[i + 1])) * scale;
    count++;
  }
  return count ? sum / count : NaN;
}

/** Mean value of the heat map at generated and at real points. */
function fieldWords(panel, frame) {
  if (!frame.potential || !panel.scene?.target) return "";
  const at = (points) => meanHeat(panel, frame.potential, points), here = at(frame.generated), there = at(panel.scene.target);
  if (!Number.isFinite(here) || !Number.isFinite(there)) return "";
  return `${short(here)} generated, ${short(there)} real`;
}

function meanHeat(panel, { shape: [rows, columns], values, low, high }, points) {
  const { kx, ky, x0, y0, left, low: bottom, scale } = placing(panel, 1);
  const width = scale * (panel.box[1] - panel.box[0]), height = scale * (panel.box[3] - panel.box[2]);
  let sum = 0, count = 0;
  for (let i = 0; i < points.length; i += 2) {
    const across = (x0 + kx * points[i] - left) / width, up = (bottom - (y0 - ky * points[i + 1])) / height;
    if (points[i] === OUTSIDE || across < 0 || across > 1 || up < 0 || up > 1) continue;
    sum += values[Math.round(up * (rows - 1)) * columns + Math.round(across * (columns - 1))];
    count++;
  }
  return count ? low + (sum / count / 255) * (high - low) : NaN;
}

// ------------------------------------------------------------------------------------------------------------ history

const markWords = ([step, words]) => `step ${whole(step)}: ${words}`;

/** What was changed on the way, in a line; a click goes to its step. */
function showHistory(player, panel, marks) {
  const key = JSON.stringify(marks);
  if (panel.shown.marks === key) return;
  panel.shown.marks = key;
  panel.marks = marks;
  const { history } = panel.parts;
  history.hidden = !marks.length;
  history.title = marks.map(markWords).join("\n");
  history.replaceChildren(...marks.map(([step, words]) => button("mark", `Go to step ${whole(step)}`, () => seek(player, step), make("b", "", {}, `step ${whole(step)}`), ` ${words}`)));
  history.scrollLeft = history.scrollWidth;
  history.dataset.cut = history.scrollWidth > history.clientWidth + 1;
  panel.cache.losses = null;
}

/** A thin line at each change, with a small flag on top. */
function drawMarks(c, player, { x, top, bottom }, marks = []) {
  const r = player.ratio * player.type;
  c.strokeStyle = c.fillStyle = player.theme.text;
  for (const [step] of marks) {
    const at = Math.round(x(step)) + 0.5;
    c.globalAlpha = 0.55;
    c.lineWidth = r;
    c.setLineDash([2 * r, 2 * r]);
    c.beginPath();
    c.moveTo(at, top);
    c.lineTo(at, bottom);
    c.stroke();
    c.globalAlpha = 0.9;
    c.beginPath();
    c.moveTo(at - 3.5 * r, top);
    c.lineTo(at + 3.5 * r, top);
    c.lineTo(at, top + 5 * r);
    c.fill();
  }
  c.setLineDash([]);
  c.globalAlpha = 1;
}

/** The change under the pointer, in a tip over the losses. */
function tipOf(player, panel, event) {
  const { tip, losses } = panel.parts, chart = panel.cache.losses, at = event ? event.offsetX * player.ratio : NaN;
  const near = (panel.marks ?? []).filter(([step]) => chart && Math.abs(chart.x(step) - at) < 7 * player.ratio);
  tip.hidden = !near.length;
  if (!near.length) return;
  setText(tip, near.map(markWords).join("; "));
  const place = losses.offsetLeft + event.offsetX;
  Object.assign(tip.style, { top: px(losses.offsetTop + 4), left: px(clamp(place, 0, losses.offsetLeft + losses.clientWidth - tip.offsetWidth)) });
}
