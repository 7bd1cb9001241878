// The player's pictures: a heat map and arrows below, points that move between two frames above.

// ------------------------------------------------------------------------------------------------------------ painting

function paint(player, now) {
  player.dirty = false;
  player.groundsLeft = player.panels.length > 3 ? 1 : 2; // spread over frames, so that none takes long
  const words = now - player.textAt > 100;
  const speech = words && now - player.spokenAt > 1000;
  for (const panel of shownPanels(player)) {
    const moment = player.step === null ? null : locate(panel.frames, player.step);
    if (words && !panel.inSight) showVerdict(player, panel, frameAt(moment)); // its word is true also where nobody looks
    if (!panel.inSight) continue;
    drawPicture(player, panel, moment, now);
    drawLosses(player, panel);
    drawMap(player, panel, moment);
    if (words) showNumbers(player, panel, moment);
    if (speech) describe(player, panel, moment);
  }
  if (words) player.textAt = now;
  else player.dirty = true; // paint once more, so that the last numbers are those of the last picture
  if (speech) player.spokenAt = now;
  else player.toSpeak ??= setTimeout(() => Object.assign(player, { toSpeak: null, dirty: true }), 1000); // what is said ends at the last picture, too
  showControls(player);
  player.root.dataset.painted = ++player.painted;
}

function drawPicture(player, panel, moment, now) {
  if (isSheet(panel)) return drawSheet(player, panel, moment);
  const { canvas } = panel.parts, c = canvas.getContext("2d", { alpha: false }), size = canvas.width;
  const on = player.layers, place = placing(panel, size), scene = panel.scene;
  c.globalAlpha = 1;
  c.drawImage(ground(player, panel, moment, place, now), 0, 0);
  if (on.manifold && moment?.a.manifold) drawManifold(c, player, moment, place);
  if (on.generated && moment) drawGenerated(c, player, moment, place);
  if (on.centres && scene?.centres) drawCentres(c, player, scene.centres, place);
}

/** What lies under the moving points. It changes slowly and costs most, so it is drawn less often while playing. */
function ground(player, panel, moment, place, now) {
  const { size } = place, on = player.layers, { scene } = panel;
  const still = [size, player.theme.key, Object.values(on), panel.run, panel.status, panel.box, Boolean(scene)].join();
  const key = moment ? `${moment.a.sequence}:${moment.t}` : "";
  const old = panel.cache.ground;
  if (old?.still === still && old.key === key) return old.canvas;
  const soon = now - old?.at < GROUND_EVERY + 10 * player.panels.length || player.groundsLeft <= 0;
  if (old?.still === still && player.playing && soon) return old.canvas;
  player.groundsLeft--;
  const canvas = old?.canvas ?? document.createElement("canvas");
  if (canvas.width !== size || canvas.height !== size) Object.assign(canvas, { width: size, height: size }); // 300 x 150 at first
  const c = canvas.getContext("2d", { alpha: false });
  c.globalAlpha = 1;
  c.fillStyle = player.theme.plain;
  c.fillRect(0, 0, size, size);
  if (on.potential && moment?.a.potential) drawHeat(c, panel, moment, size);
  if (on.arrows && moment?.a.arrows) drawArrows(c, player, panel, moment, size);
  if ((on.source || panel.status === "ready") && scene?.source) stampCached(c, player, panel, "source", place);
  if (on.target && scene?.target) stampCached(c, player, panel, "target", place);
  if (scene?.unit) drawEdges(c, player, panel, place);
  panel.cache.ground = { canvas, still, key, at: now };
  return canvas;
}

/** Coordinates along the lower and the left edge, for points of a file: those of others lie round the origin. */
function drawEdges(c, player, { box, scene }, { left, low, scale }) {
  const r = player.ratio, right = left + scale * (box[1] - box[0]), top = low - scale * (box[3] - box[2]);
  const mark = (text, x, y) => {
    c.strokeText(text, x, y);
    c.fillText(text, x, y);
  };
  c.font = `${10.5 * r}px ${player.theme.font}`;
  Object.assign(c, { lineWidth: 3 * r, lineJoin: "round", strokeStyle: player.theme.plain, fillStyle: player.theme.text, textAlign: "center" });
  const across = ticks([box[0], box[1]], 4), up = ticks([box[2], box[3]], 4), words = (found) => (value) => coordinate(value, found[1] - found[0]);
  for (const value of across) {
    const x = left + scale * (value - box[0]), text = words(across)(value), half = c.measureText(text).width / 2;
    c.fillRect(x - r / 2, low - 5 * r, r, 5 * r);
    if (x - half > left + 30 * r && x + half < right) mark(text, x, low - 8 * r);
  }
  c.textAlign = "left";
  for (const value of up) {
    const y = low - scale * (value - box[2]);
    c.fillRect(left, y - r / 2, 5 * r, r);
    if (y < low - 22 * r && y > top + 24 * r) mark(words(up)(value), left + 8 * r, y + 3.5 * r);
  }
  mark(scene.unit, left + 8 * r, top + 14 * r);
}

/** What lies under the pointer, to a pixel of the page. */
function showPlace(panel, event) {
  const { canvas, coordinates } = panel.parts, { box, scene } = panel, ratio = canvas.width / canvas.clientWidth;
  if (!event || !box || isSheet(panel)) return setText(coordinates, "");
  const { left, low, scale } = placing(panel, canvas.width), size = ratio / scale;
  const at = [box[0] + (event.offsetX * ratio - left) / scale, box[2] + (low - event.offsetY * ratio) / scale];
  setText(coordinates, `${at.map((value) => coordinate(value, size)).join(", ")} ${scene?.unit ?? ""}`.trim());
}

/** A coordinate in as many digits as tell `step` apart. */
function coordinate(value, step) {
  if (Math.abs(value) < step * 1e-6) return "0";
  const order = Math.floor(Math.log10(step) + 1e-9), last = order - (Math.abs(step / 10 ** order - 2.5) < 0.01); // 2.5 has one more
  const size = Math.floor(Math.log10(Math.abs(value)) + 1e-9);
  if (size < 7 && last > -5) return minus(value.toFixed(Math.max(0, -last)));
  return minus(value.toExponential(clamp(size - last, 0, 15)).replace("e+", "e"));
}

/** From the u16 grid of positions to pixels; the box fills the canvas, with equal scales along x and y. */
function placing({ box, margin }, size) {
  const width = box[1] - box[0], height = box[3] - box[2], scale = size / Math.max(width, height);
  const kx = (scale * width * (1 + 2 * margin)) / GRID_MAX, ky = (scale * height * (1 + 2 * margin)) / GRID_MAX;
  const left = (size - scale * width) / 2, low = size - (size - scale * height) / 2;
  return { kx, ky, x0: left - scale * width * margin, y0: low + scale * height * margin, left, low, scale, size };
}

/** Positions between two frames, in pixels; a point that is beyond the margin in one of them stays where it is known. */
function between(a, b, t, place, into) {
  const same = a.length === b.length;
  const out = into?.length === a.length ? into : new Float32Array(a.length);
  for (let i = 0; i < a.length; i += 2) {
    const [from, to] = same ? [a[i], b[i]] : [a[i], a[i]];
    if (from === OUTSIDE && to === OUTSIDE) {
      out[i] = out[i + 1] = NaN;
      continue;
    }
    const u = !same || to === OUTSIDE ? 0 : from === OUTSIDE ? 1 : t;
    const j = same ? b : a;
    out[i] = place.x0 + place.kx * (u === 1 ? j[i] : a[i] + u * (j[i] - a[i]));
    out[i + 1] = place.y0 - place.ky * (u === 1 ? j[i + 1] : a[i + 1] + u * (j[i + 1] - a[i + 1]));
  }
  return out;
}

function drawHeat(c, panel, { a, b, t }, size) {
  const [rows, columns] = a.potential.shape, from = a.potential.values;
  const to = b.potential?.values.length === from.length ? b.potential.values : from;
  if (panel.heat?.width !== columns || panel.heat?.height !== rows) {
    panel.heat = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
    panel.heatPixels = new ImageData(columns, rows);
  }
  const pixels = new Uint32Array(panel.heatPixels.data.buffer);
  for (let row = 0; row < rows; row++) {
    for (let column = 0, i = row * columns, o = (rows - 1 - row) * columns; column < columns; column++, i++, o++) {
      pixels[o] = CIVIDIS_LUT[(from[i] + t * (to[i] - from[i]) + 0.5) | 0];
    }
  }
  panel.heat.getContext("2d").putImageData(panel.heatPixels, 0, 0);
  const { left, low, scale } = placing(panel, size), width = (panel.box[1] - panel.box[0]) * scale;
  const height = (panel.box[3] - panel.box[2]) * scale;
  // Grid values sit on the edges of the box: half a cell of the picture is drawn beyond them.
  const dx = width / (columns - 1) / 2, dy = height / (rows - 1) / 2;
  c.save();
  c.beginPath();
  c.rect(left, low - height, width, height);
  c.clip();
  c.drawImage(panel.heat, left - dx, low - height - dy, width + 2 * dx, height + 2 * dy);
  c.restore();
}

function drawArrows(c, player, panel, { a, b, t }, size) {
  const [rows, columns] = a.arrows.shape, from = a.arrows.values;
  const to = b.arrows?.values.length === from.length ? b.arrows.values : from;
  const fromScale = a.arrows.scale / 127, toScale = (b.arrows?.scale ?? a.arrows.scale) / 127;
  const longest = Math.max((1 - t) * a.arrows.scale + t * (b.arrows?.scale ?? a.arrows.scale), 1e-30);
  const { left, low, scale } = placing(panel, size);
  const width = (panel.box[1] - panel.box[0]) * scale, height = (panel.box[3] - panel.box[2]) * scale;
  const reach = (0.85 * Math.min(width / columns, height / rows)) / longest;
  const path = new Path2D();
  for (let row = 0, i = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, i += 2) {
      const u = (1 - t) * from[i] * fromScale + t * to[i] * toScale;
      const v = (1 - t) * from[i + 1] * fromScale + t * to[i + 1] * toScale;
      const x = left + (width * column) / (columns - 1), y = low - (height * row) / (rows - 1);
      addArrow(path, x, y, u, -v, reach, longest);
    }
  }
  strokeThin(c, path, player.ratio, Boolean(player.layers.potential && a.potential), player.theme);
}

/** Length grows with the root of the gradient, so that flat regions still show a direction. */
function addArrow(path, x, y, u, v, reach, longest) {
  const norm = Math.hypot(u, v);
  if (norm < longest * 0.004) return;
  const length = reach * longest * Math.sqrt(norm / longest), ex = (u / norm) * length, ey = (v / norm) * length;
  const x1 = x + ex / 2, y1 = y + ey / 2, head = 0.3;
  path.moveTo(x - ex / 2, y - ey / 2);
  path.lineTo(x1, y1);
  path.moveTo(x1 - head * (ex + 0.6 * ey), y1 - head * (ey - 0.6 * ex));
  path.lineTo(x1, y1);
  path.lineTo(x1 - head * (ex - 0.6 * ey), y1 - head * (ey + 0.6 * ex));
}

/** Lines of one pixel are many times cheaper than wider ones; on the heat map a shadow keeps them readable. */
function strokeThin(c, path, ratio, onHeat, theme) {
  c.lineCap = "butt";
  c.lineJoin = "miter";
  c.lineWidth = ratio;
  if (onHeat) {
    c.globalAlpha = 0.45;
    c.strokeStyle = "#000";
    c.translate(0.8 * ratio, 0.8 * ratio);
    c.stroke(path);
    c.translate(-0.8 * ratio, -0.8 * ratio);
  }
  c.globalAlpha = onHeat ? 0.85 : 0.5;
  c.strokeStyle = onHeat ? "#fff" : theme.text;
  c.stroke(path);
  c.globalAlpha = 1;
}

function drawManifold(c, player, { a, b, t }, place) {
  const [rows, columns] = a.manifold.shape;
  const at = between(a.manifold.values, b.manifold?.values ?? a.manifold.values, t, place);
  const path = new Path2D();
  const line = (first, stride, count) => {
    for (let k = 0, pen = false; k < count; k++) {
      const i = 2 * (first + k * stride), known = !Number.isNaN(at[i]);
      if (known) pen ? path.lineTo(at[i], at[i + 1]) : path.moveTo(at[i], at[i + 1]);
      pen = known;
    }
  };
  for (let row = 0; row < rows; row++) line(row * columns, 1, columns);
  for (let column = 0; column < columns; column++) line(column, columns, rows);
  c.lineJoin = "miter";
  c.globalAlpha = 0.5;
  c.strokeStyle = player.layers.potential && a.potential ? "#FFD9BD" : COLOURS.generated;
  c.lineWidth = player.ratio;
  c.stroke(path);
  c.globalAlpha = 1;
}

function drawGenerated(c, player, { a, b, t }, place) {
  const count = a.generated.length / 2;
  player.positions = between(a.generated, b.generated, t, place, player.positions);
  const radius = markRadius(place.size, count);
  if (place.size < SMALL) c.drawImage(dotted(player, "generated", radius, place.size), 0, 0);
  else stamp(c, player, "generated", radius, player.positions);
}

function stampCached(c, player, panel, role, place) {
  if (panel.cache[role]?.width !== place.size) {
    const layer = Object.assign(document.createElement("canvas"), { width: place.size, height: place.size });
    const points = panel.scene[role], radius = markRadius(place.size, points.length / 2) * 0.92;
    stamp(layer.getContext("2d"), player, role, radius, between(points, points, 0, place));
    panel.cache[role] = layer;
  }
  c.drawImage(panel.cache[role], 0, 0);
}

/** To a quarter of a pixel: finer than the eye follows, and a mark at whole pixels needs no filter. */
function stamp(c, { sprites }, role, radius, positions) {
  const marks = eachQuarter((right, down) => sprite(sprites, role, radius, right, down));
  const half = marks[0][0].width / 2;
  for (let i = 0; i < positions.length; i += 2) {
    const x = Math.floor(positions[i]), y = Math.floor(positions[i + 1]);
    if (x === x) c.drawImage(marks[(4 * (positions[i + 1] - y)) | 0][(4 * (positions[i] - x)) | 0], x - half, y - half);
  }
}

/**
 * The marks at the player's positions on a clear canvas, which is good until the next call.
 *
 * Without a graphics card this takes a sixth of the time of `stamp`, which browsers draw mark by mark. One large picture is
 * left to `stamp`: clearing and copying it would take as long.
 */
function dotted({ sprites, positions, dots }, role, radius, size) {
  if (dots.canvas?.width !== size) {
    dots.canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
    dots.context = dots.canvas.getContext("2d", { willReadFrequently: true });
    dots.image = new ImageData(size, size);
    dots.pixels = new Uint32Array(dots.image.data.buffer);
  }
  const pixels = dots.pixels.fill(0), marks = marksAsPixels(sprites, role, radius);
  for (let i = 0; i < positions.length; i += 2) {
    const x = Math.floor(positions[i]), y = Math.floor(positions[i + 1]);
    if (x !== x) continue;
    const { half, columns, rows, colours } = marks[(4 * (positions[i + 1] - y)) | 0][(4 * (positions[i] - x)) | 0];
    const inside = x >= half && y >= half && x + half <= size && y + half <= size;
    for (let k = 0; k < colours.length; k++) {
      const column = x + columns[k], row = y + rows[k];
      if (!inside && (column < 0 || row < 0 || column >= size || row >= size)) continue;
      const at = row * size + column, below = pixels[at];
      pixels[at] = below ? over(colours[k], below) : colours[k];
    }
  }
  dots.context.putImageData(dots.image, 0, 0);
  return dots.canvas;
}

/** Of each of the marks that `stamp` uses: its pixels that are not clear, from its middle, and their colours. */
function marksAsPixels(sprites, role, radius) {
  return (sprites[`pixels of ${role}${radius.toFixed(2)}`] ??= eachQuarter((right, down) => {
    const mark = sprite(sprites, role, radius, right, down), side = mark.width, half = side / 2;
    const c = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
    c.drawImage(mark, 0, 0);
    const all = new Uint32Array(c.getImageData(0, 0, side, side).data.buffer), seen = [...all.keys()].filter((i) => all[i] >>> 24);
    const columns = Int32Array.from(seen, (i) => (i % side) - half), rows = Int32Array.from(seen, (i) => Math.floor(i / side) - half);
    return { half, columns, rows, colours: Uint32Array.from(seen, (i) => all[i]) };
  }));
}

/** One colour over another, both with their alpha in the highest byte. */
function over(above, below) {
  const a = above >>> 24, b = ((below >>> 24) * (255 - a)) / 255, sum = a + b;
  const mix = (shift) => ((((above >>> shift) & 255) * a + ((below >>> shift) & 255) * b) / sum + 0.5) << shift;
  return ((Math.round(sum) << 24) | mix(16) | mix(8) | mix(0)) >>> 0;
}

/** A table of what `make(right, down)` makes for each quarter of a pixel. */
function eachQuarter(make) {
  const quarters = [0, 0.25, 0.5, 0.75];
  return quarters.map((down) => quarters.map((right) => make(right, down)));
}

function markRadius(size, count) {
  return clamp(size * 0.0062 * Math.sqrt(700 / Math.max(count, 200)), 1.4, 7);
}

function drawCentres(c, { sprites, ratio }, centres, place) {
  const at = between(centres, centres, 0, place), arm = place.size * 0.009 + ratio, key = `plus${arm}`;
  const mark = (sprites[key] ??= plus(arm, ratio)), half = mark.width / 2;
  for (let i = 0; i < at.length; i += 2) c.drawImage(mark, Math.round(at[i] - half), Math.round(at[i + 1] - half));
}

function plus(arm, ratio) {
  const half = Math.ceil(arm + 2 * ratio), canvas = new OffscreenCanvas(2 * half, 2 * half), c = canvas.getContext("2d");
  for (const [colour, width] of [["rgba(0, 0, 0, 0.75)", 3], ["#fff", 1.4]]) {
    c.strokeStyle = colour;
    c.lineWidth = width * ratio;
    c.beginPath();
    c.moveTo(half - arm, half);
    c.lineTo(half + arm, half);
    c.moveTo(half, half - arm);
    c.lineTo(half, half + arm);
    c.stroke();
  }
  return canvas.transferToImageBitmap();
}
