// What the components of the pages share: roles and their marks, elements, numbers in words, theme and messages.
// otviz/browser puts this file before those of each component; together they are one module.

// -------------------------------------------------------------------------------------------------------------- roles

const COLOURS = { target: "#56B4E9", generated: "#FF7A1A", moving: "#FF7A1A", adversary: "#CC79A7", source: "#8A8F98" };
const CIVIDIS = ["00224e", "123570", "3b496c", "575d6d", "707173", "8a8678", "a59c74", "c3b369", "e1cc55", "fee838"];
const CIVIDIS_LUT = Uint32Array.from({ length: 256 }, (_, i) => {
  const at = (i / 255) * (CIVIDIS.length - 1), k = Math.min(at | 0, CIVIDIS.length - 2), t = at - k;
  const part = (n, offset) => parseInt(CIVIDIS[n].slice(offset, offset + 2), 16);
  const mix = (offset) => Math.round((1 - t) * part(k, offset) + t * part(k + 1, offset));
  return (255 << 24) | (mix(4) << 16) | (mix(2) << 8) | mix(0);
});

/**
 * Marks are drawn once and stamped: a disc, a square or a ring with a thin dark edge, told apart in grey too.
 * One that lies (right, down) off its middle, shares of a pixel, can be stamped at whole pixels, which is twice as quick.
 */
function sprite(sprites, role, radius, right = 0, down = 0) {
  const key = `${role}${radius.toFixed(2)}:${right}:${down}`;
  if (sprites[key]) return sprites[key];
  const side = 2 * Math.ceil(1.2 * radius + 1.3), middle = side / 2, x = middle + right, y = middle + down;
  const canvas = new OffscreenCanvas(side, side), c = canvas.getContext("2d");
  c.beginPath();
  if (role === "target") c.rect(x - radius * 0.86, y - radius * 0.86, 1.72 * radius, 1.72 * radius);
  else c.arc(x, y, radius, 0, 2 * Math.PI);
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
  return (sprites[key] = canvas.transferToImageBitmap());
}

// ----------------------------------------------------------------------------------------------------------- elements

const ICONS = {
  play: '<path d="M4 2.5v11l9-5.5z"/>',
  pause: '<path d="M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z"/>',
  back: '<path d="M3 2.5h2v11H3zM13 2.5v11L6 8z"/>',
  forward: '<path d="M11 2.5h2v11h-2zM3 2.5v11L10 8z"/>',
  enlarge: '<path d="M9 2h5v5h-2V5.4L9.7 7.7 8.3 6.3 10.6 4H9zM7 14H2V9h2v1.6l2.3-2.3 1.4 1.4L5.4 12H7z"/>',
  brush: '<path d="M13.9 2.1a1.5 1.5 0 0 0-2.2 0L6 8.1 7.9 10l6-5.7a1.5 1.5 0 0 0 0-2.2zM5 9.2c-1.4 0-2.3.9-2.5 2.2-.1.9-.5 1.5-1.3 1.8 1.8 1.2 5.6 1.2 5.6-1.9C8.1 10.3 6.3 9.2 5 9.2z"/>',
  eraser: '<path d="M9.6 2 14 6.4 7.4 13H14v1.5H4.5L2 12V9.6zM3.5 10.2v1.2L5.1 13h.2l2.2-2.2-2.4-2.2z"/>',
  undo: '<path d="M6.5 3 5.4 1.9 1.8 5.5l3.6 3.6L6.5 8 4.8 6.3H9a3 3 0 0 1 0 6H5v1.6h4a4.6 4.6 0 0 0 0-9.2H4.8z"/>',
  redo: '<path d="M9.5 3l1.1-1.1 3.6 3.6-3.6 3.6L9.5 8l1.7-1.7H7a3 3 0 0 0 0 6h4v1.6H7a4.6 4.6 0 0 1 0-9.2h4.2z"/>',
  tick: '<path d="M2.5 8.5 6.3 12.3 13.5 4" fill="none" stroke="currentColor" stroke-width="2.6"/>',
  cross: '<path d="M3.5 3.5l9 9M12.5 3.5l-9 9" fill="none" stroke="currentColor" stroke-width="2.6"/>',
  wave: '<path d="M1 9.5c2-5.5 5-5.5 7-1.5s5 4 7-1.5" fill="none" stroke="currentColor" stroke-width="2.4"/>',
  tilt: '<path d="M1 11.5 15 6.5" fill="none" stroke="currentColor" stroke-width="2"/><circle cx="4" cy="7.4" r="2.6"/><path d="M8.5 10l3 4.5h-6z"/>',
  flash: '<path d="M9.5 .5 3 9h3.8L5.5 15.5 13 6.5H8.6z"/>',
  hourglass: '<path d="M3.5 1.5h9v2.3c0 1.7-1.5 2.9-2.8 4.2 1.3 1.3 2.8 2.5 2.8 4.2v2.3h-9v-2.3c0-1.7 1.5-2.9 2.8-4.2-1.3-1.3-2.8-2.5-2.8-4.2z"/>',
  clear: '<path d="M6 1.5h4l.5 1H14V4H2V2.5h3.5zM3 5h10l-.8 9.5H3.8zm3 1.5.3 6.5h1L7 6.5zm3 0L8.7 13h1L10 6.5z"/>',
};
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

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

/** A button with a tip; one without words of its own is also called by the tip. */
function button(className, tip, onClick, ...children) {
  const element = make("button", className, { type: "button", title: tip }, ...children);
  if (!element.textContent.trim()) element.setAttribute("aria-label", tip);
  element.addEventListener("click", onClick);
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Files dropped on an element go to the first upload under `selector()` on the page, as if they had been chosen there. */
function acceptFiles(element, selector) {
  const input = () => selector() && document.querySelector(`${selector()} input[type=file]`);
  const holdsFiles = ({ dataTransfer }) => [...(dataTransfer?.types ?? [])].includes("Files");
  const show = (on) => (element.dataset.dropping = on);
  for (const kind of ["dragenter", "dragover"]) element.addEventListener(kind, (event) => {
    if (!holdsFiles(event) || !input()) return;
    event.preventDefault();
    show(true);
  });
  element.addEventListener("dragleave", (event) => element.contains(event.relatedTarget) || show(false));
  element.addEventListener("drop", (event) => {
    show(false);
    const to = input();
    if (!holdsFiles(event) || !to) return;
    event.preventDefault();
    const files = new DataTransfer();
    files.items.add(event.dataTransfer.files[0]);
    to.files = files.files;
    to.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

function fitCanvas(canvas, ratio) {
  const width = Math.round(canvas.clientWidth * ratio), height = Math.round(canvas.clientHeight * ratio);
  if (!width || !height || (canvas.width === width && canvas.height === height)) return;
  Object.assign(canvas, { width, height });
}

// ------------------------------------------------------------------------------------------------------------ numbers

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const px = (value) => `${Math.floor(value)}px`;
const minus = (text) => text.replace("-", "\u2212");
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}%`;

/** Three digits; powers of ten outside [least, most). */
function rounded(value, least, most) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= most || size < least) return value.toExponential(1).replace("e+", "e").replaceAll("-", "\u2212");
  return minus(Number(value.toPrecision(3)).toString());
}

// ------------------------------------------------------------------------------------------------- root, theme, message

/** The root of a component, which stays from call to call. */
function rootIn(parent, name) {
  return parent.querySelector(`.otviz-${name}`) ?? parent.appendChild(make("div", `otviz otviz-${name}`));
}

/** The root was taken from the page: `resume` once it is brought back, which nobody tells, unless it was `ended` or started. */
function awaitRoot(component, resume) {
  setTimeout(() => {
    if (component.ended || component.frameRequest) return;
    if (component.root.isConnected) resume();
    else awaitRoot(component, resume);
  }, 300);
}

function themeOf(root) {
  const style = getComputedStyle(root), value = (name, other) => style.getPropertyValue(`--st-${name}`).trim() || other;
  return {
    text: value("text-color", "#31333f"),
    plain: value("background-color", "#ffffff"),
    accent: value("primary-color", "#0072b2"),
    font: value("font", "sans-serif"),
  };
}

/** What `message` in otviz/browser made: options and the bytes behind them, in a buffer of their own. */
function readMessage(data) {
  const bytes = data.slice(); // the buffer that came may be shared and unaligned
  const end = 4 + new DataView(bytes.buffer).getUint32(0, true);
  return { options: JSON.parse(new TextDecoder().decode(bytes.subarray(4, end))), body: bytes.slice(end) };
}

/** What otviz/core/container.py made: the header, and `blob(entry, Kind)`, the array of one of its entries; null for other bytes. */
function readContainer(bytes) {
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(0, 4)) !== "OTVZ") return null;
  const view = new DataView(bytes.buffer);
  if (![1, 2].includes(view.getUint16(4, true))) return null;
  const start = 12 + view.getUint32(8, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(12, start)));
  const blob = (entry, Kind) =>
    entry && new Kind(bytes.buffer, start + entry.at, entry.shape.reduce((product, n) => product * n, 1));
  return { ...header, blob };
}

// ------------------------------------------------------------------------------------------------------------ channels

const PAUSE = 1000, MOST_PAUSE = 20000; // milliseconds before a channel that failed is asked again: twice as long each time
const TOO_LONG = 30000; // milliseconds after which an answer is no longer waited for

/**
 * The answer of a channel (`pages/_ui/shell/channel.py`) to a question, as `readMessage`; or `failure`, a sentence on what went
 * wrong. `gone`: the server does not know this channel any more, and a page drawn again will bring another one.
 *
 * The address is relative: "channel/..." beside /train is /channel/..., and beside /lab/proxy/train /lab/proxy/channel/...,
 * so it does not matter under which path, or behind which proxy, the pages are served.
 */
async function askChannel(channel, question) {
  let response, data;
  try {
    response = await fetch(channel, { method: "POST", body: JSON.stringify(question), signal: AbortSignal.timeout(TOO_LONG) });
    data = new Uint8Array(await response.arrayBuffer());
  } catch {
    return { failure: "The server does not answer." };
  }
  if (response.status === 410) return { gone: true, failure: "The server does not know this page any more: the page is drawn again." };
  const place = "A proxy between this browser and the server must pass POST requests for channel/ on.";
  if (!response.ok) return { failure: `The server answers with error ${response.status} instead of the picture. ${place}` };
  try {
    return readMessage(data);
  } catch {
    return { failure: "What answers is not the app's server, perhaps the log-in page of a proxy: load the page again." };
  }
}

/**
 * Have the page drawn by a server that does not know it: started anew, or tired of a laptop that slept. A trigger would not do,
 * for its fragment is unknown there; but Streamlit draws a page whenever the browser goes back in its history.
 */
const redrawUnknownPage = () => dispatchEvent(new PopStateEvent("popstate"));

/** The line to a channel: the sentence on what is wrong with it, and how long to wait before it is asked again (0: it works). */
const createLine = () => ({ pause: 0, gone: false, words: make("p", "trouble", { role: "status", hidden: "" }) });

/** Say what is wrong with the channel, if anything; milliseconds until it is to be asked again. */
function noteAnswer(line, { failure = "", gone = false }) {
  if (gone && !line.gone) line.pause = 0; // the server is there again
  line.gone = gone;
  line.pause = failure ? clamp(2 * line.pause, PAUSE, MOST_PAUSE) : 0;
  line.words.hidden = !failure;
  setText(line.words, failure && `${failure} Trying again in ${line.pause / 1000} s.`);
  return line.pause;
}

// ---------------------------------------------------------------------------------------------------------- requests

const DRAWING = ["running", "rerunRequested"]; // states of Streamlit's script
const LOOK_AGAIN = 100; // ms

/**
 * Calls `send` once the page is not being drawn. A request that crosses the answer to a change carries the values that widgets
 * had before it, and Streamlit would take them for another change: back.
 */
function onceDrawn(root, send) {
  const app = document.querySelector("[data-testid=stApp]");
  clearTimeout(root.sending);
  if (!DRAWING.includes(app?.dataset.testScriptState)) send();
  else root.sending = setTimeout(() => root.isConnected && onceDrawn(root, send), LOOK_AGAIN);
}
