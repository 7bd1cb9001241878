// The player's elements: layers, panels and playback, and how they share the page.

// ------------------------------------------------------------------------------------------------- shell and controls

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
  buildViews(player);
  Object.assign(player.parts, buildPresenting(player));
  player.parts.controls.append(player.parts.present, player.parts.ask);
  Object.assign(root.dataset, { frames: 0, painted: 0, playing: false, step: "" });
  root.tabIndex = 0;
  root.setAttribute("role", "region");
  root.setAttribute("aria-label", "Player: space plays or pauses, arrow keys step, L returns to the newest frame");
  root.append(legend, player.line.words, grid, player.parts.controls, player.parts.keys, announcer);
  acceptFiles(root, () => player.options.drop);
  root.addEventListener("keydown", (event) => onKey(player, event));
}

function buildControls(player) {
  const play = button("play", "Play (space)", () => togglePlay(player), icon("play"));
  const back = button("back", "One frame back (left arrow)", () => seekFrame(player, -1), icon("back"));
  const forward = button("forward", "One frame forward (right arrow)", () => seekFrame(player, 1), icon("forward"));
  const speed = make("select", "speed", { "aria-label": "Playback speed", title: "Playback speed" });
  for (const value of SPEEDS) speed.append(new Option(`${value}×`, value, value === 1, value === 1));
  const slider = make("input", "slider", { type: "range", step: "any", min: 0, max: 1, value: 0, "aria-label": "Training step shown" });
  const live = button("live", "Jump to the newest frame (L)", () => goLive(player), make("span", "dot"), "Live");
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
    r: () => player.panels.some(isSheet) && lookAt(player, "target"),
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
  const points = panels.filter((panel) => !isSheet(panel));
  const has = (id) => points.some(({ scene, frames }) => (moving.has(id) ? last(frames)?.[id] : id === "generated" || scene?.[id]));
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
  refreshViews(player);
}

function showControls(player) {
  const { root, parts, step, playing, live } = player, head = headStep(player), over = isOver(player);
  const planned = Math.max(0, ...player.panels.map((panel) => panel.scene?.steps ?? 0));
  const at = step === null ? null : Math.round(step);
  const label = at === null ? "" : `step ${whole(at)}${planned ? ` / ${whole(planned)}` : ""}`;
  setText(parts.label, label);
  if (player.shownPlaying !== playing) {
    parts.play.replaceChildren(icon(playing ? "pause" : "play"));
    parts.play.title = playing ? "Pause playback; training goes on (space)" : "Play (space)";
    parts.play.setAttribute("aria-label", playing ? "Pause playback" : "Play");
    player.shownPlaying = playing;
  }
  setText(parts.live.lastChild, over ? "End" : "Live");
  parts.live.setAttribute("aria-pressed", live);
  for (const control of parts.controls.querySelectorAll("button:not(.ask, .present), input, select")) control.disabled = head === null;
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
  const value = ({ id, label, tip }) => make("span", `value ${id}`, { title: tip }, make("span", "label", {}, label), document.createTextNode(""));
  const canvas = make("canvas", "", { role: "img", "aria-label": "Picture of the run" });
  const losses = make("canvas", "losses", { role: "img", "aria-label": "Losses over training steps", title: "Losses over training steps; click to go to a step" });
  const bars = make("canvas", "bars", { role: "img", "aria-label": "Share of samples per mode", title: "Share of samples per mode. Outlined: its true share; filled: generated; cross: below a quarter of its due" });
  const map = make("canvas", "places", { role: "img", "aria-label": "Map of real and generated images" });
  bars.hidden = map.hidden = true;
  const parts = {
    canvas, losses, bars, map,
    title: make("span", "title"),
    progress: make("span", "progress", { title: "State of training (not of playback): step, steps planned, speed" }),
    status: make("span", "status", { title: "State of training (not of playback)" }, make("span", "dot"), make("span")),
    enlarge: button("enlarge", "Enlarge this panel, or show all again", () => toggleFocus(player, panel), icon("enlarge")),
    waiting: make("span", "waiting"),
    message: make("span", "message"),
    hint: make("p", "hint"),
    note: make("span", "note"),
    coordinates: make("span", "coordinates", { title: "Coordinates under the pointer" }),
    judge: make("p", "judge", { title: "The classifier that scored the images. The digits begin the SHA-256 checksum of its weights: scores by different classifiers cannot be compared." }),
    outside: make("span", "outside", { title: "Generated points that lie beyond the edges of the picture at this step" }),
    history: make("div", "history", { hidden: "", role: "group", "aria-label": "Changes on the way" }),
    tip: make("span", "tip", { hidden: "" }),
    ...buildFlow(),
    scale: make("span", "scale", { title: "Lowest and highest value of the heat map at this step" }, make("span"), make("span"), make("span", "ramp"), make("span")),
    generatorLoss: line("generator", "Generator loss at this step: what the generator descends"),
    adversaryLoss: line("adversary", "Adversary loss at this step: what the potential or critic descends"),
    floor: line("floor", "Noise floor: the generator loss between two sets of real points, mean and standard deviation"),
    meter: Object.fromEntries(METER.map((entry) => [entry.id, value(entry)])),
    verdict: make("span", "verdict", { hidden: "" }, icon("hourglass"), make("span", "word"), make("span", "when")),
    unstable: make("span", "verdict", { hidden: "", "data-kind": "unstable" }, icon("flash"), make("span", "word", {}, "unstable")),
    why: foldable(make("p", "why", { hidden: "" })),
  };
  const { modes, ...rest } = parts.meter;
  parts.numbers = make("div", "numbers", {}, make("div", "summary", {}, parts.verdict, parts.unstable, modes));
  const lines = make("div", "lines", {}, parts.generatorLoss, parts.adversaryLoss, parts.floor), meter = make("div", "meter", {}, ...Object.values(rest));
  const panelElement = make("section", "panel", {},
    make("header", "", {}, make("div", "names", {}, parts.title, parts.progress), parts.status, parts.enlarge),
    make("div", "body", {},
      make("div", "left", {},
        make("div", "picture", {}, canvas, parts.waiting, parts.message),
        make("div", "caption", {}, parts.scale, parts.note, parts.coordinates, parts.outside),
        parts.history),
      make("div", "side", {}, parts.hint, parts.numbers, make("div", "card", {}, lines, losses, meter), parts.why, bars, map, parts.judge, parts.tip)), parts.flowBox);
  scrubOn(player, panel, losses);
  canvas.addEventListener("click", () => isCompact(player) && toggleFocus(player, panel));
  canvas.addEventListener("pointermove", (event) => showPlace(panel, event));
  canvas.addEventListener("pointerleave", () => showPlace(panel, null));
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
  canvas.addEventListener("pointermove", (event) => {
    tipOf(player, panel, event);
    if (event.buttons) toStep(event);
  });
  canvas.addEventListener("pointerleave", () => tipOf(player, panel, null));
}

function toggleFocus(player, panel) {
  player.focus = player.focus < 0 ? panel.index : -1;
  layout(player);
}

function layout(player) {
  const { root, panels, options } = player, width = root.clientWidth;
  Object.assign(player, { width, ratio: devicePixelRatio, windowHeight: innerHeight, dirty: true, textAt: 0 });
  if (!width || !panels.length) return;
  const shown = shownPanels(player), many = shown.length >= MANY && !shown.some(isSheet);
  player.room = many ? roomFor(player) : null;
  const single = () => sizesFor(shown.length, width, options, heightFor(player), chromeOf(player, shown[0]));
  const { columns, sizes, ...kind } = many ? compactSizes(shown.length, width, player.room, options) : single();
  if (kind.layout === "wide" && isSheet(shown[0])) sizes.losses *= 0.8; // there are more numbers below
  if (shown.some((panel) => panel.plane)) fitMap(kind, sizes);
  for (const [name, value] of Object.entries(sizes)) root.style.setProperty(`--${name}`, px(value));
  root.style.setProperty("--columns", columns);
  Object.assign(root.dataset, { several: panels.length > 1, ...kind });
  player.detail = kind.brief ? 0 : kind.beside || many ? 1 : 2;
  for (const panel of panels) {
    panel.parts.flow.hidden = !hasFlow(player, panel);
    panel.parts.panel.hidden = !shown.includes(panel);
    panel.parts.enlarge.setAttribute("aria-pressed", player.focus >= 0);
    for (const { id, label, brief } of METER) setText(panel.parts.meter[id].firstChild, (kind.brief && brief) || label);
    for (const name of ["canvas", "losses", "bars", "map"]) fitCanvas(panel.parts[name], player.ratio);
  }
}

/** Height of what stands over and under the picture of a panel that is shown alone. */
const chromeOf = (player, panel) => 148 + (hasFlow(player, panel) ? 50 : 0) + (panel.marks?.length ? 20 : 0);

const isCompact = ({ root }) => root.dataset.layout === "compact";

/** Many panels show picture, verdict and modes, as large as all of them fit into the window; the rest is on a card, or enlarged. */
function compactSizes(count, width, room, { columns: most }) {
  const wide = (columns) => (width - BETWEEN * (columns - 1)) / columns - 18; // of a picture, inside its panel
  const tall = (columns) => room / Math.ceil(count / columns) - BETWEEN - COMPACT_WORDS;
  const choices = Array.from({ length: Math.min(most || count, count) }, (_, i) => i + 1), size = (n) => Math.min(wide(n), tall(n));
  const rows = (n) => Math.ceil(count / n), better = (n, than) => size(n) > size(than) + 1 || (rows(n) < rows(than) && size(n) > 0.92 * size(than));
  let columns = choices.reduce((best, n) => (better(n, best) ? n : best)), picture = size(columns);
  if (picture < COMPACT_MIN) { // they do not fit: scrolling is better than pictures nobody can read
    columns = choices.findLast((n) => wide(n) >= COMPACT_MIN) ?? 1;
    picture = Math.min(wide(columns), 320);
  }
  return { layout: "compact", beside: false, brief: false, columns, sizes: { picture, losses: 90, bars: 20 } };
}

/** What stands above the panels may come or go, and nobody tells: look every now and then. */
function keepRoom(player, now) {
  if (player.room === null || now < player.roomAt) return;
  player.roomAt = now + ROOM_EVERY;
  if (Math.abs(roomFor(player) - player.room) > 2) layout(player);
}

/** Pixels of the window for the panels: below what stands above them, unless they begin so far down that one scrolls to them. */
function roomFor({ root, parts }) {
  let top = parts.grid.getBoundingClientRect().top;
  for (let at = root; at; at = at.parentElement ?? at.getRootNode().host) top += at.scrollTop;
  const bar = parseFloat(getComputedStyle(parts.controls).bottom) || 0; // of a page on a narrow screen
  return innerHeight - PLAYBACK - bar - (top < innerHeight / 2 ? top : 60);
}

/** One panel has its numbers beside the picture; of several, those in more than one row do where they are wide enough. */
function sizesFor(count, width, { columns: most, atlas }, tall, chrome) {
  if (atlas) return atlasSizes(width);
  if (count === 1 && width > SINGLE_WIDE) {
    const picture = Math.min(0.58 * width, tall - chrome);
    const sizes = { picture, losses: clamp(0.48 * picture, 130, 330), bars: clamp(0.26 * picture, 60, 170) };
    return { layout: "wide", beside: false, brief: false, columns: 1, sizes };
  }
  const usual = [1, 2, 3, 2, 3, 3, 4, 4, 3][count - 1] ?? 3;
  const columns = clamp(Math.min(most ?? usual, Math.floor(width / PANEL_MIN)), 1, count), rows = Math.ceil(count / columns);
  const room = (width - BETWEEN * (columns - 1)) / columns - 22, beside = rows > 1 && count > 1 && room >= BESIDE;
  const share = (innerHeight - 200) / rows - 90; // of the window, for the picture of each row
  const below = rows === 1 ? Math.min(room, Math.max(tall - 330, 340)) : room;
  const picture = Math.max(beside ? clamp(share, 280, room - 230) : below, 160);
  const brief = !beside && room < BRIEF && count > 1, layout = count === 1 ? "stack" : "grid";
  const words = room - picture > 265 ? 185 : 220; // height of the numbers beside a picture
  const sizes = { picture, losses: count === 1 ? 100 : beside ? clamp(picture - words, 70, 200) : 72, bars: count === 1 ? 40 : beside ? 36 : 30 };
  return { layout, beside, brief, columns, sizes };
}

function readTheme(player) {
  const raised = getComputedStyle(player.parts.grid).getPropertyValue("accent-color") || "#808080";
  const theme = { ...themeOf(player.root), raised };
  theme.key = Object.values(theme).join();
  player.theme = theme;
  player.dirty = true;
}
