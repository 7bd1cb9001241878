// Real and generated samples on one plane, with what is missing and what is too much: of a diagnosis, and of models of the gallery.
//
// A view has: root, canvas; off, the layers that are hidden; lit, the cluster that is pointed at, or -1; at and kept, the points
// that are looked at; cards, what is known of them; options with labels, axes and equal; over(c, to), if more is drawn on top.

const MOST_HAZES = 500; // more would add up to a solid colour
const SIDES = ["real", "generated"], NEAR = 16; // px
const EDGES = { light: ["#0b4f7d", "#8a3200"], dark: ["#e6f4fd", "#ffe6d5"] };

const isDark = (root) => {
  const [red, green, blue] = (getComputedStyle(root).color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number); // none once it is off the page
  return red + green + blue > 384 || (red + green + blue <= 3 && red > 0.5);
};

/** Both sides from the bytes of a message (`pages/_ui/diagnose/picture.py`), and what stands out in them. */
function readSides(view, counts, body) {
  let start = 0;
  const take = (Kind, count) => {
    const bytes = count * Kind.BYTES_PER_ELEMENT, part = new Kind(body.buffer, start, count);
    start += bytes + (-bytes & 3);
    return part;
  };
  view.sides = counts.map((n) => ({
    n, places: take(Float32Array, 2 * n), loud: take(Uint8Array, n), cluster: take(Uint8Array, n), copies: take(Uint8Array, n),
  }));
  view.order = view.sides.map(({ loud, n }) => [...Array(n).keys()].filter((at) => loud[at]).sort((a, b) => loud[b] - loud[a]));
  const [, generated] = view.sides;
  view.marked = { missing: view.order[0], surplus: view.order[1], copies: [...Array(generated.n).keys()].filter((at) => generated.copies[at]) };
}

// ------------------------------------------------------------------------------------------------------------- drawing

/** The box of most points: of each side a few may lie far away, and are drawn at the edge. */
function boxOf(sides) {
  const ends = [0, 1].map((axis) => {
    let low = Infinity, high = -Infinity;
    for (const { places, n } of sides) {
      if (!n) continue;
      const values = Float32Array.from({ length: n }, (_, at) => places[2 * at + axis]).sort();
      const cut = Math.floor(0.002 * n);
      low = Math.min(low, values[cut]);
      high = Math.max(high, values[n - 1 - cut]);
    }
    const room = 0.04 * (high - low) || 1;
    return [low - room, high + room];
  });
  return { x: ends[0], y: ends[1] };
}

function scaleOf(view) {
  const { width, height } = view.canvas, { x, y } = view.box;
  let kx = width / (x[1] - x[0]), ky = height / (y[1] - y[0]);
  if (view.options.equal) kx = ky = Math.min(kx, ky);
  const middle = [(x[0] + x[1]) / 2, (y[0] + y[1]) / 2], edge = 5 * (view.ratio ?? 1);
  return (side, at) => [
    clamp(width / 2 + kx * (side.places[2 * at] - middle[0]), edge, width - edge),
    clamp(height / 2 - ky * (side.places[2 * at + 1] - middle[1]), edge, height - edge),
  ];
}

function draw(view) {
  if (!view.sides || !view.canvas.clientWidth) return;
  view.ratio = Math.min(2, devicePixelRatio);
  fitCanvas(view.canvas, view.ratio);
  const c = view.canvas.getContext("2d"), to = scaleOf(view), { ratio } = view;
  c.clearRect(0, 0, view.canvas.width, view.canvas.height);
  const size = ratio * clamp(110 / Math.sqrt(view.sides[0].n + view.sides[1].n), 1.1, 2.6);
  SIDES.forEach((id, side) => view.off.has(id) || drawFaint(view, c, to, side, size));
  ["missing", "surplus"].forEach((id, side) => view.off.has(id) || drawGlow(view, c, to, side));
  ["missing", "surplus"].forEach((id, side) => view.off.has(id) || drawLoud(view, c, to, side, size));
  if (!view.off.has("copies")) drawCopies(view, c, to, size);
  drawNames(view, c, to);
  drawAxes(view, c);
  for (const one of [view.kept, view.at]) if (one) drawFocus(view, c, to, one);
  view.over?.(c, to);
}

const dimmed = (view, side, at) => view.lit >= 0 && view.sides[side].cluster[at] !== view.lit;

function drawFaint(view, c, to, which, size) {
  const side = view.sides[which];
  c.fillStyle = COLOURS[which ? "generated" : "target"];
  for (let at = 0; at < side.n; at++) {
    const [x, y] = to(side, at);
    c.globalAlpha = dimmed(view, which, at) ? 0.06 : view.dark ? 0.42 : 0.5;
    mark(c, which, x, y, size);
  }
  c.globalAlpha = 1;
}

/** A haze where mass is missing or too much, so that it shows before any single point does. */
function drawGlow(view, c, to, which) {
  const side = view.sides[which], order = view.order[which], radius = 22 * view.ratio;
  if (!order.length) return;
  const haze = (view.hazes ??= {})[`${which}${view.ratio}`] ??= hazeOf(COLOURS[which ? "generated" : "target"], radius);
  c.globalAlpha = clamp(20 / Math.sqrt(Math.min(order.length, MOST_HAZES) + 1), 0.5, 1);
  const stride = Math.ceil(order.length / MOST_HAZES);
  for (let next = 0; next < order.length; next += stride) {
    const at = order[next];
    if (dimmed(view, which, at)) continue;
    const [x, y] = to(side, at);
    c.drawImage(haze, x - radius, y - radius);
  }
  c.globalAlpha = 1;
}

function hazeOf(colour, radius) {
  const canvas = new OffscreenCanvas(2 * radius, 2 * radius), c = canvas.getContext("2d");
  const shade = c.createRadialGradient(radius, radius, 0, radius, radius, radius);
  shade.addColorStop(0, `${colour}22`);
  shade.addColorStop(1, `${colour}00`);
  c.fillStyle = shade;
  c.fillRect(0, 0, 2 * radius, 2 * radius);
  return canvas;
}

function drawLoud(view, c, to, which, size) {
  const side = view.sides[which];
  c.fillStyle = COLOURS[which ? "generated" : "target"];
  c.strokeStyle = EDGES[view.dark ? "dark" : "light"][which];
  const big = size * clamp(Math.sqrt(400 / (view.order[0].length + view.order[1].length + 1)), 0.8, 1.25);
  c.lineWidth = Math.max(0.7, 0.3 * big);
  for (const at of [...view.order[which]].reverse()) {
    const [x, y] = to(side, at);
    c.globalAlpha = dimmed(view, which, at) ? 0.1 : 0.95;
    mark(c, which, x, y, big * (1.3 + side.loud[at] / 255), true);
  }
  c.globalAlpha = 1;
}

function drawCopies(view, c, to, size) {
  c.strokeStyle = "#b65fd0";
  c.lineWidth = Math.max(1.5, 0.7 * size);
  for (const at of view.marked.copies) {
    c.globalAlpha = dimmed(view, 1, at) ? 0.15 : 0.95;
    c.beginPath();
    c.arc(...to(view.sides[1], at), 2.2 * size, 0, 2 * Math.PI);
    c.stroke();
  }
  c.globalAlpha = 1;
}

function mark(c, which, x, y, size, edge = false) {
  c.beginPath();
  if (which) c.arc(x, y, size, 0, 2 * Math.PI);
  else c.rect(x - 0.88 * size, y - 0.88 * size, 1.76 * size, 1.76 * size);
  c.fill();
  if (edge) c.stroke();
}

function drawNames(view, c, to) {
  const { labels } = view.options, { ratio } = view, taken = [];
  c.font = `600 ${12.5 * ratio}px ${themeOf(view.root).font}`;
  c.textAlign = "center";
  c.textBaseline = "middle";
  for (const label of labels) {
    const words = label.lost ? `${label.name}: lost` : label.name, [x, y] = to({ places: label.place }, 0);
    const half = c.measureText(words).width / 2 + 7 * ratio, high = 10 * ratio;
    const box = [clamp(x, half + 2, view.canvas.width - half - 2), clamp(y, high + 2, view.canvas.height - high - 2)];
    if (taken.some(([a, b, w]) => Math.abs(a - box[0]) < w + half && Math.abs(b - box[1]) < 2 * high)) continue;
    taken.push([...box, half]);
    c.globalAlpha = view.lit >= 0 && view.lit !== label.at ? 0.25 : label.lost ? 0.96 : 0.82;
    c.fillStyle = label.lost ? "#b3261e" : themeOf(view.root).plain;
    c.beginPath();
    c.roundRect(box[0] - half, box[1] - high, 2 * half, 2 * high, high);
    c.fill();
    c.fillStyle = label.lost ? "#fff" : themeOf(view.root).text;
    c.fillText(words, box[0], box[1]);
  }
  c.globalAlpha = 1;
}

function drawAxes(view, c) {
  const { axes } = view.options, { ratio } = view, { width, height } = view.canvas;
  c.font = `${12 * ratio}px ${themeOf(view.root).font}`;
  c.fillStyle = themeOf(view.root).text;
  c.globalAlpha = 0.66;
  c.textBaseline = "alphabetic";
  c.textAlign = "right";
  c.fillText(`${axes[0]} →`, width - 8 * ratio, height - 8 * ratio);
  c.textAlign = "left";
  c.fillText(`↑ ${axes[1]}`, 8 * ratio, 18 * ratio);
  c.globalAlpha = 1;
}

/** The point that is looked at, and lines to its nearest ones on the other side. */
function drawFocus(view, c, to, { side, at }) {
  const [x, y] = to(view.sides[side], at), { ratio } = view, other = view.sides[1 - side];
  c.strokeStyle = c.fillStyle = themeOf(view.root).text;
  c.lineWidth = 1.5 * ratio;
  for (const { at: near } of view.cards.get(`${side}:${at}`)?.near ?? []) {
    const [u, v] = to(other, near);
    c.globalAlpha = 0.7;
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(u, v);
    c.stroke();
    c.beginPath();
    c.arc(u, v, 3.5 * ratio, 0, 2 * Math.PI);
    c.stroke();
  }
  c.globalAlpha = 1;
  c.lineWidth = 2.5 * ratio;
  c.beginPath();
  c.arc(x, y, 9 * ratio, 0, 2 * Math.PI);
  c.stroke();
}

function found(view, event) {
  if (!view.sides) return null;
  const box = view.canvas.getBoundingClientRect(), to = scaleOf(view), { ratio } = view;
  const x = (event.clientX - box.left) * ratio, y = (event.clientY - box.top) * ratio;
  let best = null, least = (NEAR * ratio) ** 2;
  view.sides.forEach((side, which) => {
    const loudOff = view.off.has(which ? "surplus" : "missing"), faintOff = view.off.has(SIDES[which]);
    for (let at = 0; at < side.n; at++) {
      const loud = side.loud[at] && !loudOff;
      if (!loud && faintOff) continue;
      const [u, v] = to(side, at), far = ((u - x) ** 2 + (v - y) ** 2) * (loud ? 0.5 : 1); // what stands out is meant first
      if (far < least) [best, least] = [{ side: which, at }, far];
    }
  });
  return best;
}
