// A walk on a plane of the latent space: a sheet of images is the map, and the image under the cross is drawn as it moves.
//
// The channel draws single images; the newest question alone counts, so a fast pointer leaves no queue behind.

const STEP = 0.05, LAP = 24000; // of the arrow keys; milliseconds of a lap that plays

export default function mount({ data, parentElement }) {
  const root = rootIn(parentElement, "walk");
  const walk = (root.walk ??= createWalk(root));
  const call = ++walk.calls;
  if (data && data.length > 4) receive(walk, readMessage(data).options);
  return () => {
    if (call === walk.calls) play(walk, false);
  };
}

function createWalk(root) {
  const walk = { root, calls: 0, at: [0, 0], mode: "", serial: "", asking: false, wanted: null, playing: false };
  walk.canvas = make("canvas", "large", { role: "img" });
  walk.sheet = make("img", "", { alt: "", draggable: "false" });
  walk.cross = make("span", "cross", { "aria-hidden": "true" });
  walk.pad = make("div", "pad", { tabindex: "0", role: "slider", "aria-valuemin": "-1", "aria-valuemax": "1" }, walk.sheet, walk.cross);
  walk.modes = make("div", "modes", { role: "radiogroup", "aria-label": "What moves" });
  walk.line = make("p", "line");
  walk.words = make("p", "line");
  walk.trouble = make("p", "trouble", { hidden: "", role: "status" });
  walk.button = button("play", "Play", () => play(walk, !walk.playing), icon("play"), make("span", "", {}, "Play"));
  root.append(make("div", "tools", {}, walk.modes, walk.button), walk.line,
    make("div", "both", {}, make("figure", "", {}, walk.pad, make("figcaption", "", {}, "Drag on the sheet, or use the arrow keys.")),
      make("figure", "", {}, walk.canvas, make("figcaption", "", {}, walk.words))), walk.trouble);
  walk.pad.addEventListener("pointerdown", (event) => {
    walk.pad.setPointerCapture(event.pointerId);
    play(walk, false);
    drag(walk, event);
  });
  walk.pad.addEventListener("pointermove", (event) => event.buttons && drag(walk, event));
  walk.pad.addEventListener("keydown", (event) => onKey(walk, event));
  return walk;
}

function receive(walk, options) {
  const fresh = walk.serial !== options.serial;
  Object.assign(walk, { options, channel: options.channel, serial: options.serial });
  if (!options.modes.some(({ id }) => id === walk.mode)) walk.mode = options.modes[0].id;
  walk.radios = options.modes.map(({ id, name }) => {
    const radio = button("mode", "", () => choose(walk, id), name);
    radio.setAttribute("role", "radio");
    radio.removeAttribute("title");
    return radio;
  });
  walk.modes.replaceChildren(...walk.radios);
  setText(walk.words, options.shares);
  walk.root.style.setProperty("--ratio", options.shape[2] / options.shape[1]);
  if (fresh) load(walk);
  show(walk);
}

function choose(walk, mode) {
  walk.mode = mode;
  load(walk);
  show(walk);
}

async function load(walk) {
  const { mode, serial } = walk, { body, failure, gone } = await askChannel(walk.channel, { mode });
  if (gone) redrawUnknownPage();
  if (walk.mode !== mode || walk.serial !== serial) return;
  say(walk, failure);
  if (failure) return;
  URL.revokeObjectURL(walk.sheet.src);
  walk.sheet.src = URL.createObjectURL(new Blob([body], { type: "image/webp" }));
  ask(walk);
}

/** Ask for the image at the cross; while an answer is on its way, only the last place is remembered. */
async function ask(walk) {
  walk.wanted = `${walk.serial}${walk.mode}${walk.at}`;
  if (walk.asking) return;
  walk.asking = true;
  for (let asked = ""; asked !== walk.wanted; ) {
    asked = walk.wanted;
    const { body, failure } = await askChannel(walk.channel, { mode: walk.mode, at: walk.at });
    say(walk, failure);
    if (failure) break;
    paint(walk, await createImageBitmap(new Blob([body], { type: "image/webp" })));
  }
  walk.asking = false;
}

function say(walk, failure = "") {
  walk.trouble.hidden = !failure;
  setText(walk.trouble, failure);
}

function paint(walk, bitmap) {
  const { canvas } = walk, c = canvas.getContext("2d"), ratio = Math.min(2, devicePixelRatio);
  fitCanvas(canvas, ratio);
  c.imageSmoothingEnabled = false;
  c.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  walk.root.dataset.at = walk.at.map((value) => value.toFixed(2)).join(",");
}

function show(walk) {
  const { at, options, mode, pad, cross } = walk;
  walk.radios.forEach((radio, k) => {
    radio.setAttribute("aria-checked", options.modes[k].id === mode);
    radio.tabIndex = options.modes[k].id === mode ? 0 : -1;
  });
  setText(walk.line, options.modes.find(({ id }) => id === mode).line);
  const inside = (value) => `${50 + (value * 50 * (options.grid - 1)) / options.grid}%`; // the outermost images' middles are -1 and 1
  Object.assign(cross.style, { left: inside(at[0]), top: inside(at[1]) });
  pad.setAttribute("aria-label", `Place on the plane through ${options.title}`);
  pad.setAttribute("aria-valuenow", at[0].toFixed(2));
  pad.setAttribute("aria-valuetext", `${at[0].toFixed(2)} across, ${at[1].toFixed(2)} down`);
  walk.canvas.setAttribute("aria-label", `The image at ${at[0].toFixed(2)} across, ${at[1].toFixed(2)} down`);
}

function move(walk, at) {
  walk.at = at.map((value) => clamp(value, -1, 1));
  show(walk);
  ask(walk);
}

function drag(walk, event) {
  const box = walk.pad.getBoundingClientRect(), { grid } = walk.options, stretch = grid / (grid - 1);
  const along = (value, start, size) => (2 * (value - start) / size - 1) * stretch;
  move(walk, [along(event.clientX, box.left, box.width), along(event.clientY, box.top, box.height)]);
}

function onKey(walk, event) {
  const way = DIRECTIONS[event.key];
  if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  play(walk, false);
  const step = STEP * (event.shiftKey ? 5 : 1);
  move(walk, [walk.at[0] + step * way[0], walk.at[1] - step * way[1]]);
}

/** A lap that crosses the plane in both directions, from where the cross is near. */
function play(walk, on) {
  walk.playing = on;
  walk.button.replaceChildren(icon(on ? "pause" : "play"), make("span", "", {}, on ? "Pause" : "Play"));
  walk.button.setAttribute("aria-label", on ? "Pause" : "Play");
  cancelAnimationFrame(walk.frame);
  if (!on) return;
  walk.phase ??= 0;
  let before = performance.now();
  const next = (now) => {
    if (!walk.playing || !walk.root.isConnected) return;
    walk.phase += ((now - before) / LAP) * 2 * Math.PI;
    before = now;
    if (!walk.asking) move(walk, [0.95 * Math.sin(3 * walk.phase), 0.95 * Math.sin(2 * walk.phase)]);
    walk.frame = requestAnimationFrame(next);
  };
  walk.frame = requestAnimationFrame(next);
}
