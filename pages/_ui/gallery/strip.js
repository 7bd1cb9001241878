// A study: for each method a large sheet at the value of the slider, and a line of the same latents for every value.
//
// All sheets come with the message, so the slider answers at once. Pictures are WebP files behind the options.

export default function mount({ data, parentElement, setTriggerValue }) {
  const root = rootIn(parentElement, "strip");
  const strip = (root.strip ??= { root, urls: [] });
  strip.send = (name) => setTriggerValue("opened", name);
  if (!data || data.length <= 4) return;
  const { options, body } = readMessage(data), told = JSON.stringify(options);
  if (strip.told === told) return;
  const same = strip.options?.name === options.name;
  Object.assign(strip, { told, options, body, at: same ? strip.at : options.start });
  build(strip);
}

function build(strip) {
  const { options, urls, root } = strip, last = options.values.length - 1;
  urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
  strip.slider = make("input", "slider", { type: "range", min: 0, max: last, step: 1, value: strip.at, "aria-label": options.axis });
  strip.slider.addEventListener("input", () => move(strip, Number(strip.slider.value)));
  strip.ticks = options.values.map((value, at) => button("tick", `Show ${options.axis} ${value}`, () => move(strip, at), value));
  const ticks = make("div", "ticks", { style: `--count: ${last + 1}` }, ...strip.ticks);
  strip.rows = options.rows.map((row) => rowOf(strip, row));
  root.replaceChildren(
    make("div", "control", {}, make("span", "axis", { "aria-hidden": "true" }, options.axis), make("div", "track", {}, strip.slider, ticks)),
    ...strip.rows.map(({ element }) => element),
  );
  show(strip);
}

function rowOf(strip, row) {
  const { options } = strip, made = { models: row.models };
  made.large = make("img", "", { alt: "" });
  made.trouble = make("p", "trouble");
  made.chips = make("p", "chips");
  made.open = button("open", "Open this model", () => strip.send(row.models[strip.at].name), "Look into this model");
  made.urls = row.models.map((model) => model?.picture && urlOf(strip, model.picture));
  made.lines = options.values.map((value, at) => lineOf(strip, row, made, value, at));
  made.element = make("section", "study", { "aria-label": row.title },
    make("h3", "", {}, row.title),
    make("div", "both", {},
      make("div", "selected", {}, make("div", "sheet", { style: `--columns: ${options.columns}; --rows: ${options.high}` }, made.large), made.trouble,
        make("div", "foot", {}, made.chips, made.open)),
      make("div", "film", {}, ...made.lines)));
  return made;
}

function lineOf(strip, row, made, value, at) {
  const { options } = strip, model = row.models[at], url = made.urls[at];
  const line = button("strip", `${row.title}, ${options.axis} ${value}`, () => move(strip, at), make("span", "value", {}, value),
    make("div", "sheet", { style: `--columns: ${options.columns}; --rows: 1` }, ...(url ? [make("img", "", { src: url, alt: "", draggable: "false" })] : [])));
  line.hidden = !model;
  return line;
}

function urlOf(strip, [start, size]) {
  const url = URL.createObjectURL(new Blob([strip.body.subarray(start, start + size)], { type: "image/webp" }));
  strip.urls.push(url);
  return url;
}

function move(strip, at) {
  strip.at = at;
  strip.slider.value = at;
  show(strip);
}

function show(strip) {
  const { options, at, slider, ticks, rows } = strip;
  slider.style.setProperty("--share", at / Math.max(1, options.values.length - 1));
  slider.setAttribute("aria-valuetext", options.values[at]);
  ticks.forEach((tick, k) => tick.setAttribute("aria-pressed", k === at));
  for (const row of rows) {
    const model = row.models[at], url = row.urls[at];
    row.large.hidden = !url;
    if (url) row.large.src = url;
    row.large.alt = model ? `Images made by ${model.title}` : "";
    row.trouble.hidden = Boolean(url);
    setText(row.trouble, model?.trouble ?? `There is no model with ${options.axis} ${options.values[at]}.`);
    row.open.disabled = !url;
    row.chips.replaceChildren(...(model?.chips ?? []).map(({ label, value, floor, tip }) =>
      make("span", "chip", { title: tip }, `${label} `, make("b", "", {}, value), ...(floor ? [` real ${floor}`] : []))));
    row.lines.forEach((line, k) => line.setAttribute("aria-pressed", k === at));
  }
  strip.root.dataset.at = at;
}
