// Presentation mode, for a room: the whole screen and large type; and the sheet of keys.

const LARGE = 1.5; // times the type, on canvases, while presenting
const KEYS = [
  ["Space", "play or pause the picture"], ["← →", "one frame back or forward"], ["Home End", "first or newest frame"],
  ["L", "follow training live"], ["F", "presentation: full screen, large type"], ["Esc", "leave the presentation"], ["?", "this list"],
];

function buildPresenting(player) {
  const keys = make("dialog", "keys", { "aria-label": "Keyboard shortcuts" });
  const ask = button("ask", "Keyboard shortcuts (?)", () => toggleKeys(player), "?");
  const present = button("present", "Presentation: full screen, large type (F)", () => togglePresenting(player), icon("enlarge"));
  ask.setAttribute("aria-label", "Keyboard shortcuts (?)");
  keys.addEventListener("click", (event) => event.target === keys && keys.close()); // beside it
  document.addEventListener("fullscreenchange", () => player.presenting && !isFull(player) && setPresenting(player, false));
  document.addEventListener("keydown", (event) => onPageKey(player, event));
  return { keys, ask, present };
}

const isFull = ({ root }) => root.getRootNode().fullscreenElement === root;

/** Keys that hold wherever the focus is, unless something is being typed. */
function onPageKey(player, event) {
  const { target, key } = event, at = event.composedPath()[0] ?? target;
  const typing = at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName ?? "") && at.type !== "range" && at.type !== "checkbox" && at.type !== "radio";
  if (event.defaultPrevented || typing || event.ctrlKey || event.metaKey || event.altKey || !player.root.isConnected || player.ended) return;
  if (key === "Escape" && player.presenting && !player.parts.keys.open) return setPresenting(player, false);
  const action = { f: togglePresenting, "?": toggleKeys }[key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action(player);
}

/** The keys there are: of the player, and those that the page has told of. */
function toggleKeys(player) {
  const { keys } = player.parts;
  if (keys.open) return keys.close();
  const images = player.panels.some(isSheet) ? [["R", "real images, and back"]] : [], page = Object.entries(player.options.keys ?? {});
  const rows = [...KEYS, ...images, ...page].map(([key, words]) => make("tr", "", {}, make("th", "", { scope: "row" }, ...key.split(" ").map((part) => make("kbd", "", {}, part))), make("td", "", {}, words)));
  keys.replaceChildren(make("h3", "", {}, "Keyboard shortcuts"), make("table", "", {}, make("tbody", "", {}, ...rows)), button("close", "Close (Esc)", () => keys.close(), "Close"));
  keys.showModal();
}

function togglePresenting(player) {
  setPresenting(player, !player.presenting);
  if (player.presenting) player.root.requestFullscreen?.().catch(() => {}); // without it, the picture fills the window
  else if (isFull(player)) document.exitFullscreen();
}

function setPresenting(player, on) {
  if (!on && isFull(player)) document.exitFullscreen();
  Object.assign(player, { presenting: on, type: on ? LARGE : 1 });
  player.root.dataset.presenting = on;
  player.parts.present.setAttribute("aria-pressed", on);
  for (const panel of player.panels) Object.assign(panel.shown, { losses: null, bars: null });
  layout(player);
  if (on) player.root.focus({ preventScroll: true });
}

/** Height that the player may take: of the screen, of the window without what else is on the page, or as the page says. */
function heightFor({ presenting, options }) {
  if (presenting) return innerHeight - 112;
  return options.fill ? Math.max(innerHeight - options.fill, 520) : options.height || 740;
}
