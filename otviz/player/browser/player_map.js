// The map beside a sheet of images: real ones as squares, those of the step that is shown as discs, on one plane.

/** Real images came: the map shows from now on. */
function takePlane(player, panel, plane) {
  panel.plane = { ...plane, box: mapBox(plane.places) };
  panel.parts.map.hidden = false;
  panel.parts.map.title = `Blue squares: ${plane.places.length / 2} real images. Orange discs: the images of the sheet. The plane: ${plane.title}.`;
  layout(player);
}

/** Losses and bars make room for the map. */
function fitMap({ layout }, sizes) {
  if (layout === "wide") Object.assign(sizes, { losses: clamp(0.17 * sizes.picture, 70, 170), bars: clamp(0.13 * sizes.picture, 44, 110), map: clamp(0.33 * sizes.picture, 140, 360) });
  else sizes.map = 220;
}

/** The box of nearly all real images; what lies beyond is drawn at its edge. */
function mapBox(places) {
  return [0, 1].map((axis) => {
    const values = places.filter((_, at) => at % 2 === axis).sort((a, b) => a - b), cut = Math.floor(0.004 * values.length);
    const low = values[cut], high = values[values.length - 1 - cut], room = 0.07 * (high - low) || 1;
    return [low - room, high + room];
  });
}

function drawMap(player, panel, moment) {
  const { plane, parts: { map } } = panel, { ratio, theme } = player, { width, height } = map;
  if (!plane || !width) return;
  const places = placesAt(moment), key = [width, height, theme.key, moment?.a?.sequence, moment?.b?.sequence, moment?.t].join();
  if (panel.shown.map === key) return;
  panel.shown.map = key;
  const c = map.getContext("2d"), [x, y] = plane.box, edge = 4 * ratio;
  const to = (right, up) => [
    clamp(((right - x[0]) / (x[1] - x[0])) * width, edge, width - edge),
    clamp(height - ((up - y[0]) / (y[1] - y[0])) * height, edge, height - edge),
  ];
  c.clearRect(0, 0, width, height);
  c.fillStyle = COLOURS.target;
  c.globalAlpha = 0.55;
  for (let at = 0; at < plane.places.length; at += 2) {
    const [u, v] = to(plane.places[at], plane.places[at + 1]);
    c.fillRect(u - 1.3 * ratio, v - 1.3 * ratio, 2.6 * ratio, 2.6 * ratio);
  }
  c.globalAlpha = 1;
  const disc = sprite(player.sprites, "generated", 4 * ratio);
  for (let at = 0; at < places.length; at += 2) {
    const [u, v] = to(places[at], places[at + 1]);
    c.drawImage(disc, u - disc.width / 2, v - disc.height / 2);
  }
  nameMap(c, plane.names, to, player);
  describeMap(map, plane, places);
}

/** Places between two snapshots, so that discs move. */
function placesAt(moment) {
  const a = moment?.a?.meter?.places ?? [], b = moment?.b?.meter?.places;
  return b?.length === a.length ? a.map((value, at) => value + moment.t * (b[at] - value)) : a;
}

function nameMap(c, names, to, { ratio, theme }) {
  c.font = `600 ${11.5 * ratio}px ${theme.font}`;
  c.textAlign = "center";
  c.textBaseline = "middle";
  for (const [name, right, up] of names) {
    const [u, v] = to(right, up);
    c.lineWidth = 3 * ratio;
    c.strokeStyle = theme.plain;
    c.strokeText(name, u, v);
    c.fillStyle = theme.text;
    c.fillText(name, u, v);
  }
}

function describeMap(map, plane, places) {
  const words = `Map of ${plane.places.length / 2} real and ${places.length / 2} generated images`;
  if (map.getAttribute("aria-label") !== words) map.setAttribute("aria-label", words);
}
