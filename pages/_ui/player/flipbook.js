// The flipbook: panels whose one slider chooses among frames that came with the message, so that it answers at once.
//
// The root stays from call to call and keeps where the slider stands; `otviz/clouds/laboratory/slider_figures.py` says what a message holds.

const TINTS = { ...COLOURS, amber: "#E69F00", green: "#009E73", pink: "#CC79A7", guide: "#8A8F98" };
const MARGIN = { left: 46, right: 10, top: 8, bottom: 38 }, BARE = { left: 1, right: 1, top: 1, bottom: 1 };

export default function mount({ data, parentElement }) {
  const root = rootIn(parentElement, "flipbook");
  const book = (root.book ??= { root, calls: 0, sent: "" });
  const call = ++book.calls;
  if (data && data.length > 4) receive(book, readMessage(data).options);
  book.observer ??= new ResizeObserver(() => paint(book));
  book.observer.observe(root);
  paint(book);
  return () => {
    if (call !== book.calls) return;
    book.observer?.disconnect();
    book.observer = null;
  };
}

function receive(book, options) {
  const sent = JSON.stringify([options.slider, options.values, options.panels.map((panel) => panel.title)]);
  if (sent === book.sent) return;
  Object.assign(book, { sent, options, at: options.start });
  build(book);
}

function build(book) {
  const { options, root } = book, last = options.values.length - 1;
  book.slider = make("input", "slider", { type: "range", min: 0, max: last, step: 1, value: options.start, "aria-label": options.slider });
  book.shown = make("span", "shown", { "aria-hidden": "true" });
  book.said = make("p", "said", { role: "status" });
  book.slider.addEventListener("input", () => {
    book.at = Number(book.slider.value);
    paint(book);
  });
  const ends = make("div", "ends", {}, make("span", "", {}, `← ${options.ends[0]}`), make("span", "", {}, `${options.ends[1]} →`));
  const row = make("div", "row", {}, make("span", "name", { "aria-hidden": "true" }, options.slider), book.slider, book.shown);
  book.canvases = options.panels.map(() => make("canvas", "", { role: "img" }));
  const panels = options.panels.map((panel, k) =>
    make("figure", "panel", {}, make("figcaption", "", {}, panel.title), legendOf(panel), book.canvases[k]));
  root.replaceChildren(row, ends, make("div", "panels", {}, ...panels), book.said);
}

function legendOf(panel) {
  const legend = make("div", "names");
  for (const mark of [...panel.fixed, ...panel.frames[0]].filter((each) => each.label)) {
    const swatch = make("span", `swatch ${mark.kind}${mark.dashed ? " dashed" : ""}`, { style: `--tint: ${TINTS[mark.role]}` });
    swatch.classList.toggle("ring", mark.role === "source");
    legend.append(make("span", "", {}, swatch, mark.label));
  }
  return legend;
}

// ----------------------------------------------------------------------------------------------------------- painting

function paint(book) {
  if (!book.options || !book.root.isConnected) return;
  const { options, at, slider } = book;
  slider.style.setProperty("--share", at / Math.max(1, options.values.length - 1));
  slider.setAttribute("aria-valuetext", options.values[at]);
  setText(book.shown, options.values[at]);
  setText(book.said, options.sentences[at]);
  const theme = themeOf(book.root), ratio = devicePixelRatio || 1;
  options.panels.forEach((panel, k) => paintPanel(book.canvases[k], panel, at, theme, ratio, options));
}

function paintPanel(canvas, panel, at, theme, ratio, options) {
  fitCanvas(canvas, ratio);
  canvas.setAttribute("aria-label", `${panel.title}. ${options.sentences[at]}`);
  const c = canvas.getContext("2d"), wide = canvas.width / ratio, high = canvas.height / ratio;
  const margin = panel.x_name ? MARGIN : BARE;
  const box = { left: margin.left, top: margin.top, width: wide - margin.left - margin.right, height: high - margin.top - margin.bottom };
  if (box.width < 20 || box.height < 20) return;
  const flat = panel.x_name !== "";
  const unit = Math.min(box.width / (panel.x[1] - panel.x[0]), box.height / (panel.y[1] - panel.y[0]));
  const scale = flat ? [box.width / (panel.x[1] - panel.x[0]), box.height / (panel.y[1] - panel.y[0])] : [unit, unit];
  const middle = [(panel.x[0] + panel.x[1]) / 2, (panel.y[0] + panel.y[1]) / 2];
  const place = ([x, y]) => [
    box.left + box.width / 2 + (x - middle[0]) * scale[0],
    box.top + box.height / 2 - (y - middle[1]) * scale[1],
  ];
  c.setTransform(ratio, 0, 0, ratio, 0, 0);
  c.clearRect(0, 0, wide, high);
  c.font = `12px ${theme.font}`;
  if (panel.x_name) paintAxes(c, panel, box, place, theme);
  c.save();
  c.beginPath();
  c.rect(box.left, box.top, box.width, box.height);
  c.clip();
  for (const mark of [...panel.fixed, ...panel.frames[at]]) PAINT[mark.kind](c, mark, place, TINTS[mark.role] ?? theme.text, box);
  c.restore();
}

function paintAxes(c, panel, box, place, theme) {
  c.strokeStyle = c.fillStyle = theme.text;
  c.lineWidth = 1;
  c.globalAlpha = 0.25;
  c.strokeRect(box.left + 0.5, box.top + 0.5, box.width - 1, box.height - 1);
  c.textAlign = "center";
  for (const x of panel.log_x ? powers(panel.x) : ticks(panel.x, 6)) {
    c.globalAlpha = 0.12;
    const [at] = place([x, panel.y[0]]);
    line(c, at, box.top, at, box.top + box.height);
    c.globalAlpha = 0.85;
    c.fillText(panel.log_x ? minus(String(10 ** x)) : minus(String(x)), at, box.top + box.height + 15);
  }
  c.fillText(panel.x_name, box.left + box.width / 2, box.top + box.height + 32);
  for (const y of panel.y_name ? ticks(panel.y, 4) : []) {
    c.globalAlpha = 0.12;
    const [, at] = place([panel.x[0], y]);
    line(c, box.left, at, box.left + box.width, at);
    c.globalAlpha = 0.85;
    c.textAlign = "right";
    c.fillText(minus(String(y)), box.left - 6, clamp(at + 4, box.top + 10, box.top + box.height));
  }
  c.save();
  c.translate(12, box.top + box.height / 2);
  c.rotate(-Math.PI / 2);
  c.textAlign = "center";
  c.fillText(panel.y_name, 0, 0);
  c.restore();
  c.globalAlpha = 1;
}

/** Round numbers within the limits, about `count` of them. */
function ticks([low, high], count) {
  const size = (high - low) / count, power = 10 ** Math.floor(Math.log10(size));
  const step = [1, 2, 5, 10].map((n) => n * power).find((each) => each >= size * 0.99);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-9; k += 1) found.push(Number((k * step).toPrecision(6)));
  return found;
}

const powers = ([low, high]) => Array.from({ length: Math.floor(high) - Math.ceil(low) + 1 }, (_, k) => Math.ceil(low) + k);

function line(c, x, y, right, bottom) {
  c.beginPath();
  c.moveTo(x, y);
  c.lineTo(right, bottom);
  c.stroke();
}

const PAINT = {
  points(c, mark, place, tint) {
    mark.xy.forEach((each, k) => {
      const [x, y] = place(each), size = 3.6 * Math.sqrt(mark.sizes[k] ?? 1);
      c.fillStyle = c.strokeStyle = tint;
      c.beginPath();
      if (mark.role === "target" || mark.role === "guide") c.rect(x - size, y - size, 2 * size, 2 * size);
      else c.arc(x, y, mark.role === "generated" ? 6 : size, 0, 2 * Math.PI);
      c.globalAlpha = mark.role === "guide" ? 0.35 : 1;
      c.lineWidth = mark.role === "source" ? 1.6 : 1;
      if (mark.role === "source" || mark.role === "guide") c.stroke();
      else c.fill();
    });
    c.globalAlpha = 1;
  },
  arrows(c, mark, place, tint) {
    c.strokeStyle = tint;
    c.lineWidth = 1.4;
    c.globalAlpha = 0.8;
    mark.xy.forEach((from, k) => {
      const [x, y] = place(from), [right, bottom] = place(mark.ends[k]), length = Math.hypot(right - x, bottom - y);
      if (length < 3) return;
      const turn = Math.atan2(bottom - y, right - x), head = Math.min(6, length / 2);
      line(c, x, y, right, bottom);
      for (const side of [-0.5, 0.5]) line(c, right, bottom, right - head * Math.cos(turn + side), bottom - head * Math.sin(turn + side));
    });
    c.globalAlpha = 1;
  },
  line(c, mark, place, tint) {
    c.strokeStyle = tint;
    c.lineWidth = mark.dashed ? 1.5 : 2.2;
    c.setLineDash(mark.dashed ? [6, 4] : []);
    c.beginPath();
    mark.xy.forEach((each) => c.lineTo(...place(each)));
    c.stroke();
    c.setLineDash([]);
  },
  matrix(c, mark, place, tint, box) {
    const rows = mark.xy.length, side = Math.min(box.width, box.height) / rows;
    const left = box.left + (box.width - side * rows) / 2, top = box.top + (box.height - side * rows) / 2;
    c.fillStyle = tint;
    c.globalAlpha = 0.08;
    c.fillRect(left, top, side * rows, side * rows);
    mark.xy.forEach((row, i) => row.forEach((share, j) => {
      if (share < 0.02) return;
      c.globalAlpha = share;
      c.fillRect(left + j * side, top + i * side, side + 0.3, side + 0.3);
    }));
    c.globalAlpha = 1;
  },
};
