// What the player says of a run beside its picture: losses over steps, numbers and the collapse meter.

// --------------------------------------------------------------------------------------------------------- loss chart

function drawLosses(player, panel) {
  const canvas = panel.parts.losses, c = canvas.getContext("2d"), chart = lossChart(player, panel);
  const place = chart ? Math.round(chart.x(player.step ?? 0)) : 0, old = panel.shown.losses;
  if (chart && old?.chart === chart && old.place === place) return;
  panel.shown.losses = { chart, place };
  c.clearRect(0, 0, canvas.width, canvas.height);
  if (!chart) return;
  c.drawImage(chart.image, 0, 0);
  if (player.step === null) return;
  const ratio = player.ratio, x = place;
  c.fillStyle = player.theme.raised; // what is to come is veiled
  c.globalAlpha = 0.68;
  c.fillRect(x, 0, chart.right - x + 2 * ratio, chart.bottom);
  c.globalAlpha = 0.9;
  c.fillStyle = player.theme.text;
  c.fillRect(x - 0.5 * ratio, 0, ratio, chart.bottom);
  c.globalAlpha = 1;
}

/** The lines, drawn again only when the losses, the size or the theme change. */
function lossChart(player, panel) {
  const curve = panel.curve, { width, height } = panel.parts.losses, end = headStep(player) ?? 0;
  const key = `${width}x${height}:${end}:${player.theme.key}`;
  if (panel.cache.losses?.key === key) return panel.cache.losses;
  if (!curve || width < 40 || !end) return null;
  const range = robustRange(panel), r = player.ratio * player.type, left = labelRoom(player, range, height), right = width - 6 * r, top = 5 * r, bottom = height - 16 * r;
  const image = Object.assign(document.createElement("canvas"), { width, height }), c = image.getContext("2d");
  const x = (step) => left + (clamp(step / end, 0, 1) || 0) * (right - left);
  const y = (loss) => bottom - ((loss - range[0]) / (range[1] - range[0])) * (bottom - top);
  const chart = { image, x, y, left, right, top, bottom, range, key, end };
  drawAxes(c, player, chart);
  if (panel.scene?.loss_floor) drawFloor(c, player, chart, panel.scene.loss_floor);
  drawMarks(c, player, chart, panel.marks);
  drawLine(c, chart, curve.step, curve.adversary, COLOURS.adversary, [5 * r, 3.5 * r], 1.5 * r);
  drawLine(c, chart, curve.step, curve.generator, COLOURS.generated, [], 1.8 * r);
  return (panel.cache.losses = chart);
}

/**
 * What the axis spans: nearly all losses, unless that would flatten the recent ones to a line, after a jump. Then it reaches
 * some way beyond the recent ones, and what lies further off is marked at the edge.
 */
function robustRange({ curve, scene }) {
  const whole = quantiles([curve.generator, curve.adversary], 0, 0.02), recent = quantiles([curve.generator, curve.adversary], 1 - RECENT, 0.05);
  if (!whole) return [0, 1];
  const [mean, std = 0] = scene?.loss_floor ?? [], ends = [...whole], near = recent ?? whole;
  const room = MOST_SPAN * Math.max(near[1] - near[0], 0.02 * Math.max(Math.abs(near[0]), Math.abs(near[1])), 2 * std);
  if (whole[1] - whole[0] > room) ends.splice(0, 2, Math.max(whole[0], near[0] - room / 2), Math.min(whole[1], near[1] + room / 2));
  if (Number.isFinite(mean)) ends.push(mean - std, mean + std);
  const low = Math.min(...ends), high = Math.max(...ends), pad = (high - low) * 0.1 || Math.abs(high) * 0.1 || 1;
  return [low - pad, high + pad];
}

/** The share and 1 - share quantiles of the finite values from a share of each line on; null for none. */
function quantiles(lines, from, share) {
  const values = lines.flatMap((line) => [...line.slice(Math.floor(from * line.length))]).filter(Number.isFinite).sort((a, b) => a - b);
  const at = (place) => values[Math.round(place * (values.length - 1))];
  return values.length ? [at(share), at(1 - share)] : null;
}

const lossTicks = (range, height, r) => ticks(range, height > 110 * r ? 4 : 2);
/** In as many digits as tell neighbours apart. */
const tickWords = (found) => found.map((value) => (found.length > 1 ? coordinate(value, Math.abs(found[1] - found[0])) : short(value)));

/** Width for the numbers of the axis of losses. */
function labelRoom(player, range, height) {
  const r = player.ratio * player.type, c = player.ruler ??= document.createElement("canvas").getContext("2d");
  c.font = `${10.5 * r}px ${player.theme.font}`;
  const words = tickWords(lossTicks(range, height - 21 * r, r));
  return Math.max(42 * r, ...words.map((text) => c.measureText(text).width + 9 * r));
}

function drawAxes(c, player, { left, right, top, bottom, range, y, end }) {
  const r = player.ratio * player.type, found = lossTicks(range, bottom - top, r), words = tickWords(found);
  c.font = `${10.5 * r}px ${player.theme.font}`;
  c.fillStyle = c.strokeStyle = player.theme.text;
  c.lineWidth = r;
  for (const [at, value] of found.entries()) {
    c.globalAlpha = 0.12;
    c.beginPath();
    c.moveTo(left, Math.round(y(value)) + 0.5);
    c.lineTo(right, Math.round(y(value)) + 0.5);
    c.stroke();
    c.globalAlpha = 0.7;
    c.textAlign = "right";
    c.textBaseline = "middle";
    c.fillText(words[at], left - 5 * r, clamp(y(value), top + 4 * r, bottom - 4 * r));
  }
  c.textBaseline = "alphabetic";
  const room = right - left > 260 * r;
  for (const step of ticks([0, end * 1.0001], room ? 5 : 3)) {
    const x = left + (step / end) * (right - left);
    c.textAlign = step === 0 ? "left" : x > right - 14 * r ? "right" : "center";
    c.fillText(step === 0 ? "step 0" : whole(step), x, bottom + 13 * r);
  }
  c.globalAlpha = 1;
}

/** Round numbers inside a range, about `count` of them. */
function ticks([low, high], count) {
  const raw = (high - low) / count, base = 10 ** Math.floor(Math.log10(raw));
  const size = base * ([1, 2, 2.5, 5, 10].find((m) => m * base >= raw * 0.999) ?? 10);
  const first = Math.ceil(low / size - 1e-9), found = [];
  for (let k = first; k * size <= high; k++) found.push(Number((k * size).toPrecision(15)));
  return found;
}

function drawFloor(c, player, { left, right, y }, [mean, std]) {
  const r = player.ratio, high = y(mean + (std || 0)), low = y(mean - (std || 0));
  c.fillStyle = player.theme.text;
  c.globalAlpha = 0.2;
  c.fillRect(left, high, right - left, Math.max(low - high, 2 * r));
  c.globalAlpha = 1;
}

function drawLine(c, { x, y, range, top, bottom }, steps, losses, colour, dash, width) {
  c.save();
  c.strokeStyle = c.fillStyle = colour;
  c.lineWidth = width;
  c.lineJoin = "round";
  c.setLineDash(dash);
  c.beginPath();
  const spikes = [];
  for (let i = 0, pen = false; i < steps.length; i++) {
    const value = losses[i], known = Number.isFinite(value), px = x(steps[i]);
    if (known) {
      const py = clamp(y(value), top, bottom);
      pen ? c.lineTo(px, py) : c.moveTo(px, py);
      if (value > range[1]) spikes.push([px, top, 1]);
      if (value < range[0]) spikes.push([px, bottom, -1]);
    }
    pen = known;
  }
  c.stroke();
  for (const [px, py, sign] of spikes.filter((_, i) => i % Math.ceil(spikes.length / 12) === 0)) {
    c.beginPath();
    c.moveTo(px, py - sign * 2.2 * width);
    c.lineTo(px - 2 * width, py + sign * 1.4 * width);
    c.lineTo(px + 2 * width, py + sign * 1.4 * width);
    c.fill();
  }
  c.restore();
}

// -------------------------------------------------------------------------------------------------- numbers and meter

const RECENT = 0.3; // share of the losses, the newest, that an axis must show well
const MOST_SPAN = 8; // times the span of the recent losses that all may take

const short = (value) => rounded(value, 1e-3, 1e5);
const spreadOf = (std) => short(Number(std.toPrecision(2)));
const whole = (value) => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");

function steady(value) {
  const size = Math.abs(value);
  if (size >= 1e5 || (size > 0 && size < 1e-3)) return short(value);
  return minus(value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3));
}

/** Three digits, zeros kept, so that a changing number does not change its width. */
function digits(value) {
  const size = Math.abs(value);
  return size === 0 || (size >= 1e-3 && size < 100) ? minus(size === 0 ? "0" : value.toPrecision(3)) : steady(value);
}

/** The frame whose numbers and words are shown: the last one reached. */
const frameAt = (moment) => moment && (moment.t > 0.999 ? moment.b : moment.a);

function showNumbers(player, panel, moment) {
  const { parts, scene } = panel, frame = frameAt(moment);
  setText(parts.waiting, !frame && !panel.message ? waitingText(panel) : "");
  showLoss(parts.generatorLoss, "generator", frame?.generator_loss, player);
  showLoss(parts.adversaryLoss, "adversary", frame?.adversary_loss, player);
  const floor = scene?.loss_floor;
  const spread = floor?.[1] ? ` ± ${spreadOf(floor[1])}` : "";
  const words = floor && (player.detail ? `noise floor ${short(floor[0])}${spread}` : `floor ${short(floor[0])}`);
  setText(parts.floor.lastChild, words || "");
  parts.floor.hidden = !floor;
  showScale(parts, scene, frame, player);
  setText(parts.outside, frame?.outside ? `${whole(frame.outside)} outside` : "");
  showMeter(player, panel, frame);
  showFlow(player, panel, frame);
  showVerdict(player, panel, frame);
}

function waitingText(panel) {
  if (panel.status === "ready") return "";
  return OVER.has(panel.status) ? "No snapshot was kept." : "Waiting for the first snapshot…";
}

function showLoss(part, name, value, player) {
  const known = Number.isFinite(value);
  part.hidden = !known;
  const word = player.options.names?.[name] ?? (player.root.dataset.layout === "grid" ? name : `${name} loss`);
  if (known) setText(part.lastChild, `${word} ${steady(value)}`);
}

function showScale(parts, scene, frame, player) {
  const heat = player.layers.potential && frame?.potential;
  parts.scale.style.visibility = heat ? "visible" : "hidden";
  if (!heat) return;
  const words = scene?.adversary === "potential" ? "potential v" : scene?.adversary || "adversary";
  setText(parts.scale.children[0], words);
  const span = heat.high - heat.low, rounded = (value) => (Math.abs(value) < span / 200 ? 0 : value);
  setText(parts.scale.children[1], short(rounded(heat.low)));
  setText(parts.scale.children[3], short(rounded(heat.high)));
}

function showMeter(player, panel, frame) {
  const { parts } = panel, meter = frame?.meter ?? {}, unit = panel.scene?.unit ?? "", texts = meterTexts(meter, frame ?? {}, player.detail, unit);
  for (const { id } of METER) {
    setText(parts.meter[id].lastChild, texts[id] ?? "");
    parts.meter[id].hidden = !texts[id];
  }
  const all = player.detail < 2 ? meterTexts(meter, frame ?? {}, 2, unit) : {};
  const title = METER.map(({ id, label }) => all[id] && `${label} ${all[id]}`.trim()).filter(Boolean).join("\n");
  if (parts.numbers.title !== title) parts.numbers.title = title;
  const found = meter.mode_shares ?? meter.class_shares, shares = found?.length ? found : null;
  if (parts.bars.hidden === Boolean(shares)) {
    parts.bars.hidden = !shares;
    fitCanvas(parts.bars, player.ratio);
  }
  const key = shares && `${frame.sequence}:${parts.bars.width}x${parts.bars.height}:${player.theme.key}`;
  if (shares && panel.shown.bars !== key) drawBars(player, parts.bars, shares, meter.true_shares ?? meter.true_class_shares, panel.scene?.classes);
  panel.shown.bars = key;
}

/** The numbers of METER in words; what was not measured is absent. Detail 0 is for the least room, 2 has everything. */
function meterTexts(meter, { alpha, step } = {}, detail, unit) {
  const known = (...names) => names.every((name) => Number.isFinite(meter[name])), texts = {};
  const number = detail < 2 ? (value) => (Math.abs(value) < 100 ? minus(value.toFixed(2)) : short(value)) : digits;
  const modes = known("modes_covered", "modes_total"), gap = detail > 1 ? " " : "";
  const size = known("samples") ? `n=${whole(meter.samples)}` : "", pairs = known("w2_samples") ? `n=${whole(meter.w2_samples)}` : size;
  Object.assign(texts, sheetTexts(meter, known, number, detail));
  const long = unit ? short : number, length = unit && ` ${unit}`, square = unit && ` ${unit}²`; // of a file they may have any size
  const spread = detail && known("w2_floor_std") ? ` ± ${spreadOf(meter.w2_floor_std)}` : "";
  const noise = detail && meter.w2 <= meter.w2_floor + 2 * meter.w2_floor_std ? "within noise" : "";
  const stale = known("measured_at") && meter.measured_at !== step ? `at step ${whole(meter.measured_at)}` : "";
  const floor = [known("w2_floor") ? `floor ${detail ? short(meter.w2_floor) : long(meter.w2_floor)}${spread}` : "", noise, stale, detail < 2 ? "" : pairs].filter(Boolean).join(", ");
  if (modes) texts.modes = `${meter.modes_covered}${gap}/${gap}${meter.modes_total} modes`;
  if (known("high_quality")) texts.quality = percent(meter.high_quality);
  if (known("mode_mixture")) texts.mixture = percent(meter.mode_mixture);
  if (known("w2")) texts.w2 = `${long(meter.w2)}${length}${floor ? ` (${floor})` : ""}`;
  if (!detail) return texts;
  if (known("precision")) texts.precision = percent(meter.precision);
  if (known("recall")) texts.recall = percent(meter.recall);
  if (known("diversity")) texts.diversity = long(meter.diversity) + square + (known("diversity_target") ? ` of ${long(meter.diversity_target)}` : "");
  if (detail > 1 && known("samples") && !texts.frechet && (modes || !known("w2"))) texts.samples = whole(meter.samples);
  if (Number.isFinite(alpha)) texts.alpha = number(alpha);
  return texts;
}

/** Two bars per mode: outlined its true share, filled what it has; below a quarter of its due it is missed and gets a cross. */
function drawBars(player, canvas, shares, trueShares, names) {
  const { width, height } = canvas, c = canvas.getContext("2d"), r = player.ratio * player.type, words = names?.length && height > 50 * r;
  const truth = shares.map((_, i) => trueShares?.[i] ?? 1 / shares.length), onModes = shares.reduce((a, b) => a + b, 0);
  const slot = width / shares.length, lines = words ? linesOf(player, c, names, slot) : 0;
  const top = Math.max(...shares, 1.25 * Math.max(...truth)), base = height - (lines ? 3 + 12 * lines : 1) * r;
  const bar = clamp(slot * 0.36, r, 20 * r), tall = (share) => (share / top) * (base - 2 * r), line = Math.min(r, bar / 3);
  c.clearRect(0, 0, width, height);
  c.lineWidth = line;
  shares.forEach((share, i) => {
    const x = (i + 0.5) * slot;
    c.strokeStyle = c.fillStyle = player.theme.text;
    c.globalAlpha = 0.75;
    c.strokeRect(x - bar + line / 2, base - tall(truth[i]) + line / 2, bar - line, tall(truth[i]) - line / 2);
    c.globalAlpha = 1;
    if (truth[i] && share <= (truth[i] * onModes) / 4) cross(c, x + bar / 2, base - 6 * r, Math.min(3 * r, bar / 2), r);
    c.fillStyle = COLOURS.generated;
    c.fillRect(x, base - tall(share), bar, tall(share));
  });
  c.fillStyle = player.theme.text;
  c.globalAlpha = 0.3;
  c.fillRect(0, base, width, r);
  c.globalAlpha = 0.8;
  if (lines) nameBars(player, c, names, slot, base, lines);
  c.globalAlpha = 1;
}

/** Lines that the names of classes take below their bars: two, by turns, where one has no room for all. */
function linesOf(player, c, names, slot) {
  const r = player.ratio * player.type;
  c.font = `${10.5 * r}px ${player.theme.font}`;
  return names.some((name) => c.measureText(name).width > slot - 3 * r) ? 2 : 1;
}

/** Names of classes below their bars, kept inside the picture and cut to what fits. */
function nameBars(player, c, names, slot, base, lines) {
  const r = player.ratio * player.type, most = lines * slot - 3 * r;
  c.textAlign = "center";
  names.forEach((name, i) => {
    let text = name;
    while (text.length > 1 && c.measureText(text).width > most) text = text.slice(0, -1);
    const half = c.measureText(text).width / 2;
    c.fillText(text, clamp((i + 0.5) * slot, half, names.length * slot - half), base + 12 * r * (1 + (i % lines)));
  });
}

function cross(c, x, y, arm, ratio) {
  c.lineWidth = 1.6 * ratio;
  c.beginPath();
  for (const sign of [1, -1]) {
    c.moveTo(x - arm, y - sign * arm);
    c.lineTo(x + arm, y + sign * arm);
  }
  c.stroke();
}

function describe(player, panel, moment) {
  const title = panel.scene?.title ?? "Run", frame = frameAt(moment);
  if (!frame) return panel.parts.canvas.setAttribute("aria-label", `${title}: ${waitingText(panel)}`);
  const { meter } = frame, facts = [], unit = panel.scene?.unit ?? "", length = (value) => `${short(value)} ${unit}`.trim();
  const fact = (value, text) => Number.isFinite(value) && facts.push(text(value));
  if (isSheet(panel)) sheetFacts(player, panel, frame, fact);
  fact(meter.modes_covered, (n) => `${n} of ${meter.modes_total} modes covered`);
  fact(meter.high_quality, (share) => `${percent(share)} high quality`);
  fact(meter.mode_mixture, (share) => `${percent(share)} between modes`);
  fact(meter.w2, (w2) => `W2 ${length(w2)}${Number.isFinite(meter.w2_floor) ? ` (floor ${short(meter.w2_floor)})` : ""}`);
  fact(meter.precision, (share) => `precision ${percent(share)}`);
  fact(meter.recall, (share) => `recall ${percent(share)}`);
  fact(meter.diversity, (value) => `diversity ${length(value)}${unit && "²"}`);
  if (frame.outside) facts.push(`${frame.outside} points outside the picture`);
  const { word, when, unstable } = wordsOn(player, panel, frame);
  if (word) facts.push(when === "final" ? `final verdict: ${word}${unstable ? ", unstable" : ""}` : `judged ${when}: ${word}`);
  const losses = [];
  for (const name of ["generator", "adversary"]) {
    if (Number.isFinite(frame[`${name}_loss`])) losses.push(`${name} loss ${short(frame[`${name}_loss`])}`);
  }
  const words = (list) => `${title}, step ${frame.step}: ${list.join(", ") || "nothing measured yet"}.`;
  panel.parts.canvas.setAttribute("aria-label", words(facts.length ? facts : losses));
  panel.parts.losses.setAttribute("aria-label", words(losses));
  panel.parts.bars.setAttribute("aria-label", words(facts));
}

/** What is to be said aloud: a new state of training, and a verdict once it is final. */
function takeNote(player, panel, { status, verdict, unstable }) {
  if (!panel.status) return; // a run that was just opened
  const title = panel.scene?.title ?? "Run";
  if (panel.status !== status) player.news.push(`${title}: training ${status}.`);
  if (verdict && panel.verdict !== verdict) player.news.push(`${title}: ${verdict}${unstable ? ", unstable" : ""}.`);
}

/** What is said of the frame on screen: its own word, and on the last frame of a run that is over the final verdict. */
function wordsOn(player, panel, frame) {
  const newest = frame && frame === last(panel.frames);
  const final = newest && panel.verdict && frame.step >= (panel.verdict_step ?? 0);
  const when = final ? "final" : player.live || newest ? "so far" : `step ${whole(frame?.step ?? 0)}`;
  const unstable = when.startsWith("step") ? "" : panel.unstable;
  if (final) return { word: panel.verdict, kind: panel.verdict_kind, text: panel.verdict_text, when, unstable };
  return { word: frame?.word ?? "", kind: frame?.kind ?? "", text: `${frame?.sentence ?? ""} ${frame?.rule ?? ""}`.trim(), when, unstable };
}

function showVerdict(player, panel, frame) {
  const { verdict, unstable, why } = panel.parts, said = wordsOn(player, panel, frame), { word, kind, text, when } = said;
  verdict.hidden = why.hidden = !word;
  unstable.hidden = !said.unstable;
  if (verdict.dataset.kind !== kind) verdict.firstChild.replaceWith(icon(VERDICTS[kind] ?? "hourglass"));
  verdict.dataset.kind = kind;
  verdict.dataset.final = when === "final";
  setText(verdict.children[1], player.atlas ? badgeWords(frame, kind, word) : word);
  setText(verdict.children[2], when);
  setText(why, [text, said.unstable].filter(Boolean).join(" "));
  const title = when === "final" ? `Final verdict: ${word}. ${text}` : `Judged by this look alone, ${when}: ${word}. ${text}`;
  if (verdict.title !== title) verdict.title = title;
  if (unstable.title !== said.unstable) unstable.title = said.unstable;
}

function showStatus(panel) {
  const { parts, scene, status, rate, message, left } = panel, newest = last(panel.frames);
  setText(parts.title, scene?.title ?? "");
  setText(parts.judge, (newest && scene?.judge) || "");
  const sheet = isSheet(panel);
  parts.panel.dataset.kind = sheet ? "sheet" : "points";
  setText(parts.hint, `Losses, ${sheet ? "scores and classes" : "modes covered and the distance to the target"} appear here as it learns.`);
  parts.title.title = scene?.title ?? "";
  parts.status.dataset.status = status;
  setText(parts.status.lastChild, status);
  const at = newest && scene ? `step ${whole(newest.step)}${scene.steps ? ` of ${whole(scene.steps)}` : ""}` : "";
  setText(parts.progress, [at, OVER.has(status) ? "" : left].filter(Boolean).join(" · "));
  parts.progress.title = `Training, not playback${status === "running" && rate > 0 ? `: ${whole(rate)} steps a second` : ""}`;
  setText(parts.message, message || "");
  parts.hint.hidden = Boolean(newest) || OVER.has(status);
}
