// The picker: a sheet of images, each a button; clicks choose in turn where a way begins and where it ends.
//
// What was clicked counts at once; a message that comes later and is older than the last click does not undo it.

const NAMES = ["start", "end"];
const LATE = 5000; // milliseconds in which a message may be older than the last click

export default function mount({ data, parentElement, setTriggerValue }) {
  const root = rootIn(parentElement, "picker");
  const picker = (root.picker ??= { root, turn: 0, chosen: [], sent: "", at: -LATE, cells: [] });
  picker.send = (text) => setTriggerValue("picked", text);
  if (data && data.length > 4) receive(picker, data);
  return () => {};
}

function receive(picker, data) {
  const { options, body } = readMessage(data), said = options.chosen.join(",");
  const old = picker.sent && said !== picker.sent && performance.now() - picker.at < LATE;
  if (!old) Object.assign(picker, { chosen: options.chosen, sent: "" });
  const held = picker.cells.findIndex((cell) => cell.matches(":focus"));
  URL.revokeObjectURL(picker.address);
  picker.address = URL.createObjectURL(new Blob([body], { type: "image/png" }));
  picker.cells = Array.from({ length: options.count }, (_, at) => button("cell", "", () => choose(picker, at)));
  picker.root.replaceChildren(make("div", "sheet", { style: `--columns: ${options.columns}` },
    make("img", "", { src: picker.address, alt: "" }), make("div", "cells", {}, ...picker.cells)));
  show(picker);
  picker.cells[held]?.focus();
}

function choose(picker, at) {
  picker.chosen = picker.chosen.with(picker.turn, at);
  Object.assign(picker, { turn: 1 - picker.turn, sent: picker.chosen.join(","), at: performance.now() });
  show(picker);
  picker.send(picker.sent);
}

function show({ cells, chosen }) {
  cells.forEach((cell, at) => {
    const roles = NAMES.filter((_, k) => chosen[k] === at), words = roles.length ? `, ${roles.join(" and ")}` : "";
    cell.className = ["cell", ...roles].join(" ");
    cell.setAttribute("aria-label", `Image ${at + 1}${words}`);
    cell.setAttribute("aria-pressed", roles.length > 0);
    cell.replaceChildren(...(roles.length ? [make("span", "badge", { "aria-hidden": "true" }, roles.join(" + "))] : []));
  });
}
