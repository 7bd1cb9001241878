// What the pointer or the keys pick on the board: a point and its partners, or a cell of the plan.

// ---------------------------------------------------------------------------------------------- what the pointer is on

/** A mark is {kind: "source" | "target", at} or {kind: "cell", row, column}; `links` are the entries of the plan it shows. */
function setMark(board, mark) {
  const same = mark?.kind === board.mark?.kind && ["at", "row", "column"].every((name) => mark?.[name] === board.mark?.[name]);
  if (same) return;
  board.mark = mark && { ...mark, links: linksOf(board, mark) };
  board.dirty = true;
  showReadout(board);
}

function linksOf({ answer }, { kind, at }) {
  if (!answer.has_plan || kind === "cell") return [];
  const { lines_to, lines_share, columns } = answer, k = columns.lines_to, links = [];
  const [first, end] = kind === "source" ? [at * k, at * k + k] : [0, lines_to.length];
  for (let e = first; e < end; e++) {
    const j = lines_to[e], share = lines_share[e];
    if (share > 0.001 && (kind === "source" || j === at)) links.push({ i: Math.floor(e / k), j, share });
  }
  return links.sort((a, b) => b.share - a.share);
}

/** Buckets of points, so that finding the nearest one stays cheap with many. */
function bucketed(points, [x0, x1, y0, y1], side = 64) {
  const cell = (value, low, high) => clamp(Math.floor((side * (value - low)) / (high - low)), 0, side - 1);
  const of = (x, y) => side * cell(y, y0, y1) + cell(x, x0, x1), n = points.length / 2;
  const starts = new Uint32Array(side * side + 1), within = new Uint32Array(n);
  for (let i = 0; i < n; i++) starts[of(points[2 * i], points[2 * i + 1]) + 1]++;
  for (let k = 0; k < side * side; k++) starts[k + 1] += starts[k];
  const next = starts.slice();
  for (let i = 0; i < n; i++) within[next[of(points[2 * i], points[2 * i + 1])]++] = i;
  return { starts, within, side, cell, box: [x0, x1, y0, y1] };
}

function nearest(points, { starts, within, side, cell, box: [x0, x1, y0, y1] }, x, y, radius) {
  let best = -1, least = radius * radius;
  for (let row = cell(y - radius, y0, y1); row <= cell(y + radius, y0, y1); row++) {
    const first = side * row + cell(x - radius, x0, x1), end = side * row + cell(x + radius, x0, x1);
    for (let e = starts[first]; e < starts[end + 1]; e++) {
      const i = within[e], far = (points[2 * i] - x) ** 2 + (points[2 * i + 1] - y) ** 2;
      if (far < least) [best, least] = [i, far];
    }
  }
  return { at: best, far: least };
}

function onPointer(board, event) {
  const { answer, place, ratio, layers, cache } = board;
  if (!answer || !place) return;
  const x = event.offsetX * ratio, y = event.offsetY * ratio, found = [];
  board.pointer = { x, y };
  board.dirty = true;
  for (const [kind, points] of [["source", answer.x], ["target", answer.y]]) {
    if (!layers[kind]) continue;
    const near = (cache.near[kind] ??= bucketed(points, place.box));
    const hit = nearest(points, near, (x - place.left) / place.scale, (place.low - y) / place.scale, (HOVER * ratio) / place.scale);
    if (hit.at >= 0) found.push({ kind, ...hit });
  }
  const [hit] = found.sort((a, b) => a.far - b.far);
  setMark(board, hit ? { kind: hit.kind, at: hit.at } : null);
}

function onMatrix(board, event) {
  const { answer, parts: { matrix } } = board;
  if (!answer?.has_plan) return;
  const columns = answer.columns.matrix, rows = answer.matrix.length / columns;
  const row = clamp(Math.floor((event.offsetY / matrix.clientHeight) * rows), 0, rows - 1);
  const column = clamp(Math.floor((event.offsetX / matrix.clientWidth) * columns), 0, columns - 1);
  setMark(board, { kind: "cell", row, column });
}

function leave(board, event) {
  if (event.pointerType === "touch") return; // a tap stays until the next one
  Object.assign(board, { pointer: null, dirty: true });
  setMark(board, null);
}

function onKey(board, event) {
  const direction = DIRECTIONS[event.key];
  if (!board.answer || (!direction && event.key !== "Escape")) return;
  event.preventDefault();
  event.stopPropagation();
  board.pointer = null;
  setMark(board, direction ? { kind: "source", at: neighbour(board, direction) } : null);
  board.dirty = true;
}

/** The source point that comes next in a direction; near ones count less the more they lie aside. */
function neighbour({ answer: { x, box }, mark }, [dx, dy]) {
  const here = mark?.kind === "source" ? mark.at : -1;
  const [x0, y0] = here < 0 ? [(box[0] + box[1]) / 2, (box[2] + box[3]) / 2] : [x[2 * here], x[2 * here + 1]];
  let best = here, least = Infinity;
  for (let i = 0; i < x.length / 2; i++) {
    const u = x[2 * i] - x0, v = x[2 * i + 1] - y0, ahead = u * dx + v * dy, aside = Math.abs(u * dy - v * dx);
    if (here >= 0 && (ahead <= 0 || i === here)) continue;
    const far = here < 0 ? Math.hypot(u, v) : ahead + 2 * aside;
    if (far < least) [best, least] = [i, far];
  }
  return best;
}

function drawMark(c, board, { scale, left, low, size }) {
  const { answer: { x, y, bin_x, bin_y }, mark: { kind, at, row, column, links }, ratio, shown, theme } = board;
  const pixel = (points, i) => [left + scale * points[2 * i], low - scale * points[2 * i + 1]];
  const radius = Math.max(markRadius(board, size, x.length / 2), 2.5 * ratio);
  if (kind === "cell") {
    for (const [points, bins, bin, role] of [[x, bin_x, row, "source"], [y, bin_y, column, "target"]]) {
      bins.forEach((b, i) => b === bin && halo(c, ...pixel(points, i), radius, role, board));
    }
    return;
  }
  for (const { i, j, share } of links) {
    const path = new Path2D();
    path.moveTo(...pixel(x, i));
    path.lineTo(...pixel(y, j));
    strokeHaloed(c, path, (0.8 + 3 * share) * ratio, COLOURS.moving, "rgba(0, 0, 0, 0.5)");
    halo(c, ...(kind === "source" ? pixel(y, j) : pixel(x, i)), radius, kind === "source" ? "target" : "source", board);
  }
  if (kind === "source") {
    const path = new Path2D(), sign = signOf(board) * scale;
    addArrow(path, ...pixel(x, at), sign * shown.force[2 * at], -sign * shown.force[2 * at + 1], 8 * ratio);
    strokeHaloed(c, path, 2.4 * ratio, theme.text, theme.plain);
  }
  halo(c, ...pixel(kind === "source" ? x : y, at), 1.7 * radius, kind, board);
  labelShares(c, board, links.slice(0, 4).map(({ i, j, share }) => [share, ...(kind === "source" ? pixel(y, j) : pixel(x, i))]));
}

function halo(c, x, y, radius, role, { theme, ratio }) {
  c.beginPath();
  if (role === "target") c.rect(x - radius, y - radius, 2 * radius, 2 * radius);
  else c.arc(x, y, radius, 0, 2 * Math.PI);
  c.fillStyle = role === "target" ? COLOURS.target : theme.plain;
  c.fill();
  for (const [colour, width] of [[theme.plain, 4], [theme.text, 1.8]]) {
    c.strokeStyle = colour;
    c.lineWidth = width * ratio;
    c.stroke();
  }
}

function labelShares(c, { ratio, theme }, labels) {
  c.font = `600 ${11 * ratio}px ${theme.font}`;
  c.textAlign = "left";
  c.textBaseline = "middle";
  c.lineWidth = 3 * ratio;
  c.lineJoin = "round";
  const taken = [];
  for (const [share, x, y] of labels) {
    if (share < 0.05 || taken.some(([a, b]) => Math.abs(a - x) < 34 * ratio && Math.abs(b - y) < 14 * ratio)) continue;
    taken.push([x, y]);
    c.strokeStyle = theme.plain;
    c.strokeText(percent(share), x + 8 * ratio, y);
    c.fillStyle = theme.text;
    c.fillText(percent(share), x + 8 * ratio, y);
  }
}

function showReadout(board) {
  const { mark, parts: { readout }, place, ratio, answer } = board;
  readout.hidden = !mark;
  if (!mark) return;
  const [title, ...lines] = readoutLines(board);
  readout.replaceChildren(make("b", "", {}, title), ...lines.map((line) => make("span", "", {}, line)));
  // In the corner that is farthest from what is shown; the one with the legend of the blur is not free.
  const linked = mark.links.slice(0, 4).flatMap(({ i, j }) => [["source", i], ["target", j]]);
  const ends = mark.kind === "cell" ? [] : [[mark.kind, mark.at], ...linked];
  const side = place.size / ratio, right = side - readout.offsetWidth - 8, bottom = side - readout.offsetHeight - 30;
  const room = ([x, y]) => Math.min(...ends.map(([kind, i]) => {
    const points = kind === "target" ? answer.y : answer.x;
    const u = (place.left + place.scale * points[2 * i]) / ratio - x, v = (place.low - place.scale * points[2 * i + 1]) / ratio - y;
    return Math.hypot(u - readout.offsetWidth / 2, v - readout.offsetHeight / 2);
  }));
  const top = board.view.flipped ? 76 : 8, [x, y] = [[8, top], [right, top], [right, bottom]].sort((a, b) => room(b) - room(a))[0];
  readout.style.left = px(x);
  readout.style.top = px(y);
}

function readoutLines(board) {
  const { answer, mark: { kind, at, row, column, links } } = board;
  if (kind === "cell") {
    const count = (bins, bin) => bins.reduce((sum, b) => sum + (b === bin), 0);
    const sources = count(answer.bin_x, row), targets = count(answer.bin_y, column);
    return ["Cell of the plan", `row ${row}: ${sources} source points`, `column ${column}: ${targets} target points`];
  }
  const source = kind === "source", points = source ? answer.x : answer.y, mass = source ? answer.mass_x : answer.mass_y;
  const potential = (source ? answer.potential_x : answer.potential_y)?.[at];
  const place = [0, 1].map((axis) => coordinate(points[2 * at + axis] + answer.offset[axis], (answer.box[1] - answer.box[0]) / 500));
  const lines = [`${kind} ${at}`, `at (${place.join(", ")})`], weight = (source ? answer.weight_x : answer.weight_y)?.[at];
  if (weight !== undefined) lines.push(`weight ${short(weight / (points.length / 2))}`);
  if (Number.isFinite(potential)) lines.push(`potential ${short(potential)}`);
  if (mass) lines.push(`${source ? "gives" : "takes"} ${mass[at].toFixed(2)} of its mass`);
  for (const { i, j, share } of links.slice(0, 4)) {
    lines.push(source ? `${percent(share)} to target ${j}` : `${percent(share)} of source ${i}`);
  }
  if (links.length > 4) lines.push(`and ${links.length - 4} more`);
  return lines;
}
