// What the board says beside its picture: the plan as a matrix, numbers, captions.

// ------------------------------------------------------------------------------------------------- matrix and numbers

function drawMatrix(board) {
  const { parts: { matrix }, answer, mark, theme, ratio } = board, c = matrix.getContext("2d"), { width, height } = matrix;
  c.clearRect(0, 0, width, height);
  if (!answer?.has_plan) return;
  const columns = answer.columns.matrix, rows = answer.matrix.length / columns;
  c.imageSmoothingEnabled = false;
  c.drawImage(matrixImage(board, rows, columns), 0, 0, width, height);
  if (!mark) return;
  const [row, column] = { source: [answer.bin_x[mark.at], -1], target: [-1, answer.bin_y[mark.at]], cell: [mark.row, mark.column] }[mark.kind];
  c.strokeStyle = theme.text;
  c.lineWidth = 1.2 * ratio;
  if (row >= 0) c.strokeRect(-2, (row / rows) * height, width + 4, height / rows);
  if (column >= 0) c.strokeRect((column / columns) * width, -2, width / columns, height + 4);
}

/** Opacity is the entry, so that an empty plan has the colour of the page. */
function matrixImage({ answer, cache }, rows, columns) {
  if (cache.matrix?.of === answer) return cache.matrix.canvas;
  const canvas = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  const image = new ImageData(columns, rows), pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < answer.matrix.length; i++) pixels[i] = (answer.matrix[i] << 24) | 0x1a7aff;
  canvas.getContext("2d").putImageData(image, 0, 0);
  cache.matrix = { of: answer, canvas };
  return canvas;
}

const short = (value) => rounded(value, 1e-4, 1e6);

/** A coordinate with as many digits as tell it from one that lies `step` away. */
function coordinate(value, step) {
  const last = Math.floor(Math.log10(step)), first = Math.floor(Math.log10(Math.max(Math.abs(value), step)));
  if (first > 8 || last < -6) return minus(value.toExponential(clamp(first - last, 0, 15)).replace("e+", "e")).replace("e-", "e\u2212");
  return minus(value.toFixed(Math.max(0, -last)));
}

/** A number that only full answers have keeps its row while coarse ones come, so that a drag does not shift the others. */
function steadyRows(board) {
  const now = board.answer?.numbers ?? [];
  if (now.length >= board.rows.length) return (board.rows = now);
  return board.rows.map((row) => now.find(({ name }) => name === row.name) ?? { ...row, value: "\u2013", unit: "" });
}

function showWords(board) {
  const { parts, answer } = board;
  const rows = steadyRows(board).map(({ name, symbol, value, unit, meaning }) =>
    make("div", "number", { title: meaning ?? "" },
      make("span", "label", {}, make("b", "", {}, symbol || name), symbol ? ` ${name}` : ""),
      make("span", "value", {}, value, make("i", "", {}, unit ? ` ${unit}` : "")),
      make("span", "meaning", {}, meaning ?? "")));
  parts.numbers.replaceChildren(...rows);
  parts.plan.hidden = !answer?.has_plan;
  parts.noPlan.hidden = !answer || answer.has_plan;
  setText(parts.warning, answer?.warning ?? "");
  setText(parts.notes, (answer?.notes ?? []).map((note) => `${note}.`.replace(/\.\.$/, ".")).join(" "));
  showWait(board, "");
  const facts = (answer?.numbers ?? []).map(({ name, value, unit }) => `${name} ${value} ${unit ?? ""}`.trim());
  const words = answer
    ? `${answer.x.length / 2} source and ${answer.y.length / 2} target points, blur ${short(answer.blur)}: ` +
      `${facts.join(", ")}. Arrow keys look at source points, Escape ends it.`
    : "Nothing is solved yet.";
  parts.empty.hidden = Boolean(answer);
  parts.canvas.setAttribute("aria-label", words);
  layout(board);
}

/** Whether the full answer is on its way, how far it is, and a button that stops one that takes long. */
function showWait({ parts, answer }, progress) {
  parts.wait.hidden = !answer || answer.finished || answer.complete;
  parts.stop.hidden = !progress;
  setText(parts.waited, `The full answer is on its way \u2026${progress ? ` ${progress}` : ""}`);
}

function showCaption(board) {
  const { parts, answer, view, layers } = board, heat = answer?.[view.field];
  parts.scale.style.visibility = heat ? "visible" : "hidden";
  if (heat) {
    const { low, high } = answer.ranges[view.field];
    const arrows = view.flipped ? "plus its gradient" : "minus its gradient";
    setText(parts.scale.children[0], "potential");
    setText(parts.scale.children[1], short(low));
    setText(parts.scale.children[3], short(high));
    setText(parts.scale.children[4], view.field === "field_x" && layers.arrows ? `the arrows are ${arrows}` : "");
  }
  const out = answer ? outside(board) : 0;
  setText(parts.outside, out ? `${out} outside` : "");
  setText(parts.time, `t = ${view.t.toFixed(2)}`);
  parts.t.value = view.t;
  parts.t.style.setProperty("--share", view.t);
  parts.notebook.hidden = !view.flipped;
}

function outside({ answer: { x, y, box: [x0, x1, y0, y1] }, view, layers, moved }) {
  let count = 0;
  for (const points of [layers.source && x, layers.target && y, layers.moving && view.t > 0 && moved]) {
    for (let i = 0; i < points.length; i += 2) count += points[i] < x0 || points[i] > x1 || points[i + 1] < y0 || points[i + 1] > y1;
  }
  return count;
}
