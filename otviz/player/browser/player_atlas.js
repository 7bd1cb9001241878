// The atlas: two recorded runs side by side, and one slider over the runs that the right one can be (Home).
//
// The page sends two runs at first. All runs of a group (one set of data, one method) come through the channel once the
// first picture is there; from then on the slider needs no server. options.atlas says what there is:
// { channel, data: [{ name, title, points, href }], methods: [{ name, title }], at, values, groups: { "data-method":
//   { kinds, links, meanings, note } } }

const AROUND = 392; // pixels of a window that are not picture: navigation, choices, titles, bars, slider, playback
const WIDE = 320; // from this width on the two pictures stand beside each other

// ------------------------------------------------------------------------------------------------------------- shell

/** Build what stands around the panels, once; later calls of the page only bring a new address of the channel. */
function openAtlas(player) {
  const { atlas: given } = player.options;
  if (!given) return;
  if (player.atlas) return void (player.atlas.given = given);
  const atlas = (player.atlas = {
    given, data: given.data[0].name, method: given.methods[0].name, at: given.at, runs: {}, asked: {}, spoken: "",
  });
  Object.assign(atlas, { parts: buildAtlas(player) });
  const { parts } = player;
  parts.grid.before(atlas.parts.choices);
  parts.grid.after(atlas.parts.card);
  parts.controls.after(atlas.parts.note);
  for (const { parts: own } of player.panels) own.panel.querySelector("header").append(own.verdict);
  player.root.setAttribute("aria-label", "Two recorded trainings: space plays or pauses, arrow keys step");
  parts.slider.setAttribute("aria-label", "Training step shown");
  showChoice(player);
  setTimeout(() => loadGroup(player, groupName(atlas)), 0); // after the first picture
}

function buildAtlas(player) {
  const { data, methods, values } = player.options.atlas;
  const thumbs = data.map((set) => thumb(player, set)), kinds = methods.map((method) => methodButton(player, method));
  const choices = make("div", "choices", {},
    make("div", "thumbs", { role: "group", "aria-label": "Data" }, make("span", "name", {}, "Data"), ...thumbs),
    make("div", "kinds", { role: "group", "aria-label": "Method" }, make("span", "name", {}, "Method"), ...kinds));
  const range = make("input", "slider tau", { type: "range", min: 0, max: values.length - 1, step: 1, "aria-label": "Transport cost tau of the right picture" });
  range.addEventListener("input", () => choose(player, { at: Number(range.value) }));
  range.addEventListener("keydown", (event) => event.stopPropagation()); // arrows and Home are its own, not the playback's
  const output = make("output", "now"), marks = make("div", "marks", { "aria-hidden": "true" }, ...values.map(() => make("i")));
  const meanings = make("div", "meanings", {}, make("span"), make("span"), make("span"));
  const go = make("a", "go", { target: "_self" }, icon("play"), "Train it live");
  go.addEventListener("click", openInPlace);
  const card = make("div", "cost", {},
    make("div", "question", {}, make("span", "", {}, "Transport cost ", make("b", "", {}, "τ")), output),
    make("div", "scale-of-tau", {}, range, marks, meanings), go);
  return { choices, card, range, output, marks, meanings, go, thumbs, kinds, note: make("p", "recorded-note") };
}

function thumb(player, { name, title, points, href }) {
  const svg = `<svg viewBox="0 0 40 40" aria-hidden="true">${points.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="1.3"/>`).join("")}</svg>`;
  const tip = href ? `${title}: train on it` : title;
  const element = href ? make("a", "thumb", { href, target: "_self", title: tip, "aria-label": tip }) : button("thumb", tip, () => choose(player, { data: name }));
  if (href) element.addEventListener("click", openInPlace);
  element.innerHTML = svg;
  return Object.assign(element, { set: name });
}

function methodButton(player, { name, title, tip }) {
  return Object.assign(button("kind", tip, () => choose(player, { method: name }), title), { method: name });
}

/** Follow a link without loading the app anew: Streamlit draws whatever page the history leads to. */
function openInPlace(event) {
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState({}, "", event.currentTarget.href);
  dispatchEvent(new PopStateEvent("popstate"));
}

// ------------------------------------------------------------------------------------------------------------- choice

const groupName = ({ data, method }) => `${data}-${method}`;

function choose(player, change) {
  const { atlas } = player;
  Object.assign(atlas, change);
  showChoice(player);
  const runs = atlas.runs[groupName(atlas)];
  if (runs) showRuns(player, runs);
  else loadGroup(player, groupName(atlas));
}

/** Slider, switches, meanings and link as they are set, before the pictures follow. */
function showChoice(player) {
  const { atlas } = player, { given, parts, at } = atlas, group = given.groups[groupName(atlas)], value = given.values[at];
  parts.range.value = at;
  parts.range.style.setProperty("--share", at / (given.values.length - 1));
  parts.range.setAttribute("aria-valuetext", `tau ${value}: ${group.meaningOf[at]}`);
  setText(parts.output, `${value}`);
  [...parts.marks.children].forEach((mark, i) => {
    mark.dataset.kind = group.kinds[i];
    mark.classList.toggle("here", i === at);
  });
  [...parts.meanings.children].forEach((words, i) => {
    const place = [0, given.at, given.values.length - 1][i];
    words.replaceChildren(make("b", "", {}, `${given.values[place]}:`), ` ${group.meanings[i]}`);
    words.dataset.kind = group.kinds[place];
  });
  parts.meanings.style.setProperty("--middle", given.at / (given.values.length - 1));
  parts.go.href = group.links[at];
  setText(parts.note, group.note);
  for (const each of parts.thumbs) if (each.type) each.setAttribute("aria-pressed", each.set === atlas.data);
  for (const each of parts.kinds) each.setAttribute("aria-pressed", each.method === atlas.method);
  Object.assign(player.root.dataset, { tau: value, group: groupName(atlas) });
}

/** Put two runs of a group in place; the playhead stays at its step. */
function showRuns(player, { panels, margin, blob }) {
  [0, player.atlas.at].forEach((place, i) => {
    const panel = player.panels[i], update = panels[place];
    if (panel.run !== update.run) mergePanel(player, panel, { ...update, margin }, blob);
  });
  player.root.dataset.shown = panels[player.atlas.at].run;
  Object.assign(player, { dirty: true, textAt: 0, spokenAt: 0 });
  refreshLegend(player);
}

/** All runs of a group, once: what is chosen meanwhile is shown as soon as they are here. */
async function loadGroup(player, name) {
  const { atlas } = player;
  if (atlas.runs[name] || atlas.asked[name]) return;
  atlas.asked[name] = true;
  const answer = await askChannel(atlas.given.channel, { recording: name });
  const pause = noteAnswer(player.line, answer);
  atlas.asked[name] = false;
  if (pause) {
    if (answer.gone) redrawUnknownPage();
    return void setTimeout(() => player.ended || loadGroup(player, name), pause);
  }
  const stream = new Blob([answer.body]).stream().pipeThrough(new DecompressionStream("gzip"));
  atlas.runs[name] = readContainer(readMessage(new Uint8Array(await new Response(stream).arrayBuffer())).body);
  player.root.dataset.groups = Object.keys(atlas.runs).join(" ");
  if (name === groupName(atlas)) showRuns(player, atlas.runs[name]);
  const next = Object.keys(atlas.given.groups).find((other) => !atlas.runs[other]);
  if (next) setTimeout(() => player.ended || loadGroup(player, next), 1500); // nobody waits for these yet
}

// --------------------------------------------------------------------------------------------------------- how it looks

/** Two pictures as large as the window allows, above each other where there is no room beside. */
function atlasSizes(width) {
  const columns = width >= WIDE ? 2 : 1, room = (width - 14 * (columns - 1)) / columns - 22;
  const tall = columns === 2 ? clamp(innerHeight - AROUND, 240, 640) : room;
  return { layout: "atlas", beside: false, brief: false, columns, sizes: { picture: Math.min(room, tall), losses: 0, bars: 26 } };
}

/** A verdict that cannot be misread: of the modes those that are lost, or all. */
function badgeWords(frame, kind, word) {
  const { modes_covered: found, modes_total: all } = frame?.meter ?? {};
  if (!all) return word;
  if (kind === "collapsed") return `${all - found} of ${all} modes lost`;
  if (kind === "covers") return `all ${all} modes covered`;
  return BADGES[kind] ?? word;
}

const BADGES = {
  "mixes modes": "points between modes", unbalanced: "modes unequal", "off target": "beside the data",
  "too narrow": "too narrow", "too wide": "spread too wide",
};
