// The board's picture: potential, plan, points and arrows at time t, and the blur true to scale.

// ----------------------------------------------------------------------------------------------------------- painting

function paint(board) {
  const { root, answer } = board;
  board.dirty = false;
  if (board.words) showWords(board);
  board.words = false;
  root.dataset.painted = ++board.painted;
  drawPicture(board);
  drawMatrix(board);
  showCaption(board);
  if (!answer) return;
  Object.assign(root.dataset, { serial: answer.serial, stage: answer.stage, finished: answer.finished, blur: answer.blur });
}

function drawPicture(board) {
  const { canvas } = board.parts, c = canvas.getContext("2d", { alpha: false }), size = canvas.width;
  c.globalAlpha = 1;
  c.fillStyle = board.theme.plain;
  c.fillRect(0, 0, size, size);
  const { answer, layers, view } = board;
  if (!answer) return;
  const place = (board.place = placing(answer.box, size)), hot = view.field !== "none";
  if (hot) drawHeat(c, board, place);
  if (layers.lines && answer.has_plan) drawLines(c, board, place, hot);
  for (const role of ["target", "source"]) if (layers[role]) c.drawImage(pointLayer(board, role, place), 0, 0);
  if (layers.map && answer.has_plan) drawMap(c, board, place);
  const moved = movedPoints(board);
  if (layers.moving && view.t > 0) stamp(c, board, "moving", moved, board.shown.mass_x, place);
  if (layers.arrows) drawArrows(c, board, place, hot);
  if (board.mark) drawMark(c, board, place);
  drawBlur(c, board, place);
  if (answer.axes) drawTicks(c, board, place);
}

/** The box fills the canvas, with equal scales along x and y; pixels of x are `left + scale * x`, of y `low - scale * y`. */
function placing([x0, x1, y0, y1], size) {
  const scale = size / Math.max(x1 - x0, y1 - y0);
  const left = (size - scale * (x1 - x0)) / 2 - scale * x0, low = (size + scale * (y1 - y0)) / 2 + scale * y0;
  return { scale, left, low, size, box: [x0, x1, y0, y1] };
}

function drawHeat(c, board, { scale, left, low, box: [x0, x1, y0, y1] }) {
  const values = board.shown[board.view.field], side = board.answer.columns[board.view.field];
  if (!values) return;
  const rows = values.length / side;
  const heat = (board.cache.heat ??= document.createElement("canvas"));
  if (heat.width !== side || heat.height !== rows) Object.assign(heat, { width: side, height: rows });
  const image = new ImageData(side, rows), pixels = new Uint32Array(image.data.buffer);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let k = 0, o = (rows - 1 - row) * side; k < side; k++, i++, o++) pixels[o] = CIVIDIS_LUT[(values[i] + 0.5) | 0];
  }
  heat.getContext("2d").putImageData(image, 0, 0);
  const width = scale * (x1 - x0), height = scale * (y1 - y0), x = left + scale * x0, y = low - scale * y1;
  // Grid values sit on the edges of the box: half a cell of the picture is drawn beyond them.
  const dx = width / (side - 1) / 2, dy = height / (rows - 1) / 2;
  c.save();
  c.beginPath();
  c.rect(x, y, width, height);
  c.clip();
  c.drawImage(heat, x - dx, y - dy, width + 2 * dx, height + 2 * dy);
  c.restore();
}

/** Points that do not move, drawn once per size, theme and change of the points. */
function pointLayer(board, role, place) {
  const key = [place.size, board.version, board.theme.key, place.box].join(), old = board.cache[role];
  if (old?.key === key) return old.canvas;
  const canvas = old?.canvas ?? document.createElement("canvas");
  Object.assign(canvas, { width: place.size, height: place.size });
  const [points, mass] = role === "source" ? [board.answer.x, board.shown.mass_x] : [board.answer.y, board.shown.mass_y];
  stamp(canvas.getContext("2d"), board, role, points, mass, place);
  board.cache[role] = { canvas, key };
  return canvas;
}

/** Marks shrink with their number; below two pixels they are plain rectangles. Points that give less mass fade. */
function stamp(c, board, role, points, mass, { scale, left, low, size }) {
  const usual = markRadius(board, size, points.length / 2), fading = board.answer.fading && mass;
  const weights = role === "target" ? board.answer.weight_y : board.answer.weight_x; // their area is their mass
  const sized = (weight) => usual * clamp(Math.round(4 * Math.sqrt(weight)) / 4, 0.5, 3), drawn = new Map();
  const markOf = (radius) => {
    if (!drawn.has(radius)) drawn.set(radius, radius > 1.2 * board.ratio && sprite(board.sprites, role, radius));
    return drawn.get(radius);
  };
  c.fillStyle = COLOURS[role];
  for (let i = 0; i < points.length; i += 2) {
    const radius = weights ? sized(weights[i >> 1]) : usual, mark = markOf(radius), half = mark ? mark.width / 2 : radius;
    const x = left + scale * points[i] - half, y = low - scale * points[i + 1] - half;
    if (fading) c.globalAlpha = 0.15 + 0.85 * clamp(mass[i >> 1], 0, 1);
    if (mark) c.drawImage(mark, x, y);
    else c.fillRect(x, y, 2 * half, 2 * half);
  }
  c.globalAlpha = 1;
}

function markRadius({ ratio }, size, count) {
  return clamp(size * 0.0068 * Math.sqrt(800 / Math.max(count, 150)), 0.8 * ratio, 6 * ratio);
}

/** The source points that arrows and lines start from: spread evenly, because neighbours follow each other in the order. */
function chosen(board) {
  const { answer: { x }, view, cache } = board, n = x.length / 2;
  const order = (cache.order ??= zOrder(x)), count = view.count === "all" ? n : Math.min(Number(view.count), n);
  return Array.from({ length: count }, (_, k) => order[Math.floor(((k + 0.5) * n) / count)]);
}

function zOrder(points) {
  let low = [Infinity, Infinity], high = [-Infinity, -Infinity];
  points.forEach((value, i) => ((low[i & 1] = Math.min(low[i & 1], value)), (high[i & 1] = Math.max(high[i & 1], value))));
  const cell = (i, axis) => (255 * (points[i + axis] - low[axis])) / (high[axis] - low[axis] || 1);
  const spread = (v) => ((v = (v | (v << 4)) & 0x0f0f), (v = (v | (v << 2)) & 0x3333), (v | (v << 1)) & 0x5555);
  const codes = Float64Array.from({ length: points.length / 2 }, (_, i) => spread(cell(2 * i, 0)) * 2 + spread(cell(2 * i, 1)));
  return Uint32Array.from(codes.keys()).sort((a, b) => codes[a] - codes[b]);
}

function drawArrows(c, board, { scale, left, low }, hot) {
  const { answer: { x }, shown: { force }, ratio } = board, some = chosen(board), path = new Path2D(), sign = signOf(board);
  for (const i of some) {
    const x0 = left + scale * x[2 * i], y0 = low - scale * x[2 * i + 1];
    addArrow(path, x0, y0, sign * scale * force[2 * i], -sign * scale * force[2 * i + 1], some.length > MOST_HEADS ? 0 : 6 * ratio);
  }
  strokeHaloed(c, path, (some.length > 200 ? 1 : 1.5) * ratio, hot ? "#fff" : board.theme.text, hot ? "rgba(0, 0, 0, 0.5)" : "", 0.9 * dimming(board));
}

/** While one point is looked at, the arrows and lines of the others step back. */
const dimming = ({ mark }) => (mark ? 0.35 : 1);

function addArrow(path, x, y, u, v, most) {
  const length = Math.hypot(u, v), head = Math.min(most / length, 0.4) || 0, x1 = x + u, y1 = y + v;
  if (length < 0.5) return;
  path.moveTo(x, y);
  path.lineTo(x1, y1);
  if (!head) return;
  path.moveTo(x1 - head * (u + 0.55 * v), y1 - head * (v - 0.55 * u));
  path.lineTo(x1, y1);
  path.lineTo(x1 - head * (u - 0.55 * v), y1 - head * (v + 0.55 * u));
}

/** Thin lines stay readable on the heat map by a dark shadow beside them, which is cheaper than a wide one below. */
function strokeHaloed(c, path, width, colour, halo, alpha = 0.9) {
  c.globalAlpha = alpha;
  c.lineWidth = width;
  c.lineJoin = "miter";
  if (halo) {
    c.strokeStyle = halo;
    c.translate(0.7 * width, 0.7 * width);
    c.stroke(path);
    c.translate(-0.7 * width, -0.7 * width);
  }
  c.strokeStyle = colour;
  c.stroke(path);
  c.globalAlpha = 1;
}

/** Lines are gathered in a few strengths: one stroke each. */
function drawLines(c, board, { scale, left, low }, hot) {
  const { answer: { x, y, lines_to, lines_share, columns } } = board, k = columns.lines_to, some = chosen(board);
  const each = Math.min(k, Math.max(1, Math.floor(MOST_LINES / Math.max(some.length, 1))));
  const stride = Math.ceil((some.length * each) / MOST_LINES), paths = Array.from({ length: 6 }, () => new Path2D());
  for (let s = 0; s < some.length; s += stride) {
    for (let i = some[s], at = i * k; at < i * k + each; at++) {
      const j = lines_to[at], share = lines_share[at];
      if (!(share > 0.01)) continue;
      const path = paths[Math.min(5, Math.floor(6 * Math.sqrt(share)))];
      path.moveTo(left + scale * x[2 * i], low - scale * x[2 * i + 1]);
      path.lineTo(left + scale * y[2 * j], low - scale * y[2 * j + 1]);
    }
  }
  c.strokeStyle = hot ? "#fff" : COLOURS.moving;
  paths.forEach((path, strength) => {
    c.globalAlpha = (0.12 + 0.14 * strength) * dimming(board);
    c.lineWidth = board.ratio;
    c.stroke(path);
  });
  c.globalAlpha = 1;
}

function drawMap(c, board, { scale, left, low, size }) {
  const { map } = board.shown, arm = 1.1 * markRadius(board, size, map.length / 2), path = new Path2D();
  const plain = arm < 1.5 * board.ratio; // many diamonds would take a second
  c.fillStyle = COLOURS.moving;
  for (let i = 0; i < map.length; i += 2) {
    const x = left + scale * map[i], y = low - scale * map[i + 1];
    if (plain) {
      c.fillRect(x - arm, y - arm, 2 * arm, 2 * arm);
      continue;
    }
    path.moveTo(x - arm, y);
    path.lineTo(x, y - arm);
    path.lineTo(x + arm, y);
    path.lineTo(x, y + arm);
    path.closePath();
  }
  strokeHaloed(c, path, board.ratio, COLOURS.moving, "rgba(0, 0, 0, 0.4)");
}

/** The blur is a length: a circle true to scale, in the corner and around the pointer. */
function drawBlur(c, board, { scale, size }) {
  const { ratio, wanted, theme, pointer } = board, radius = scale * wanted.blur, pad = 10 * ratio;
  c.font = `${11.5 * ratio}px ${theme.font}`;
  const words = blurWords(board), width = c.measureText(words).width + 2 * pad, top = size - 24 * ratio;
  const inset = pad + Math.min(radius, 0.09 * size);
  ring(c, inset, top - inset + 4 * ratio, Math.max(radius, 1.2 * ratio), ratio, theme);
  if (pointer) ring(c, pointer.x, pointer.y, radius, ratio, theme);
  if (pointer && wanted.reach !== null) ring(c, pointer.x, pointer.y, scale * wanted.reach, ratio, theme, [5 * ratio, 4 * ratio]);
  c.fillStyle = theme.plain;
  c.globalAlpha = 0.82;
  c.beginPath();
  c.roundRect(5 * ratio, top, width - 4 * ratio, 19 * ratio, 5 * ratio);
  c.fill();
  c.globalAlpha = 1;
  c.fillStyle = theme.text;
  c.textBaseline = "middle";
  c.textAlign = "left";
  c.fillText(words, pad + 3 * ratio, top + 10 * ratio);
}

function ring(c, x, y, radius, ratio, { plain, text }, dash = []) {
  c.beginPath();
  c.arc(x, y, radius, 0, 2 * Math.PI);
  c.fillStyle = "rgba(255, 122, 26, 0.18)";
  if (!dash.length && radius < 60 * ratio) c.fill(); // a large one would tint the picture
  c.setLineDash(dash);
  for (const [colour, width] of [[plain, 3], [text, 1.4]]) {
    c.strokeStyle = colour;
    c.lineWidth = width * ratio;
    c.stroke();
  }
  c.setLineDash([]);
}

function blurWords({ wanted: { blur }, answer: { p } }) {
  return p === 2 ? `blur = ${short(blur)},  ε = blur² = ${short(blur * blur)}` : `blur = ${short(blur)} = ε`;
}

/** Ticks along the lower and the right edge, in the units of the file; those below the words on the blur are left out. */
function drawTicks(c, board, { scale, left, low, size, box }) {
  const { ratio, theme, answer: { offset, axes } } = board, step = tickStep((box[1] - box[0]) / 6);
  c.font = `${10.5 * ratio}px ${theme.font}`;
  c.lineWidth = 3 * ratio;
  c.lineJoin = "round";
  const words = 14 * ratio + c.measureText(blurWords(board)).width * 1.15, end = 5 * ratio;
  const write = (text, x, y, align, baseline) => {
    Object.assign(c, { textAlign: align, textBaseline: baseline, strokeStyle: theme.plain, fillStyle: theme.text });
    c.strokeText(text, x, y);
    c.fillText(text, x, y);
  };
  const dash = (x, y, across, up) => {
    c.fillStyle = theme.text;
    c.fillRect(x - (across ? end : 0.5 * ratio), y - (up ? end : 0.5 * ratio), across ? end : ratio, up ? end : ratio);
  };
  for (const value of ticks(box[0] + offset[0], box[1] + offset[0], step)) {
    const x = left + scale * (value - offset[0]), text = coordinate(value, step), half = c.measureText(text).width / 2;
    if (x - half < words || x + half > size - 34 * ratio) continue;
    dash(x, size, false, true);
    write(text, x, size - 7 * ratio, "center", "bottom");
  }
  for (const value of ticks(box[2] + offset[1], box[3] + offset[1], step)) {
    const y = low - scale * (value - offset[1]);
    if (y < 26 * ratio || y > size - 26 * ratio) continue;
    dash(size, y, true, false);
    write(coordinate(value, step), size - 8 * ratio, y, "right", "middle");
  }
  write(axes[0], size - 8 * ratio, size - 7 * ratio, "right", "bottom");
  write(axes[1], size - 8 * ratio, 7 * ratio, "right", "top");
}

/** 1, 2 or 5 times a power of ten, at least `wanted`. */
function tickStep(wanted) {
  const power = 10 ** Math.floor(Math.log10(wanted));
  return power * [1, 2, 5, 10].find((digit) => digit * power >= wanted * 0.999);
}

function ticks(low, high, step) {
  const first = Math.ceil(low / step), count = Math.max(0, Math.floor(high / step) - first + 1);
  return Array.from({ length: Math.min(count, 20) }, (_, k) => (first + k) * step);
}
