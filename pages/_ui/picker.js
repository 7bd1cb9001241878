// The picker: a sheet of images, each a button; clicks choose in turn where a way begins and where it ends.

const NAMES = ["start", "end"];

export default function mount({ data, parentElement, setTriggerValue }) {
  const root = rootIn(parentElement, "picker");
  const picker = (root.picker ??= { root, turn: 0, sent: null });
  picker.send = (text) => setTriggerValue("picked", text);
  if (data && data.length > 4) receive(picker, data);
  return () => {};
}

function receive(picker, data) {
  const { options, body } = readMessage(data), { count, columns, chosen } = options;
  URL.revokeObjectURL(picker.address);
  picker.address = URL.createObjectURL(new Blob([body], { type: "image/png" }));
  const buttons = Array.from({ length: count }, (_, at) => {
    const roles = NAMES.filter((_name, k) => chosen[k] === at);
    const words = `Image ${at + 1}${roles.length ? `, ${roles.join(" and ")}` : ""}`;
    const cell = make("button", ["cell", ...roles].join(" "), { type: "button", "aria-label": words, "aria-pressed": roles.length > 0 });
    if (roles.length) cell.append(make("span", "badge", { "aria-hidden": "true" }, roles.join(" + ")));
    cell.addEventListener("click", () => {
      const next = [...chosen];
      next[picker.turn] = at;
      picker.turn = 1 - picker.turn;
      picker.send(next.join(","));
    });
    return cell;
  });
  const sheet = make("div", "sheet", { style: `--columns: ${columns}` }, make("img", "", { src: picker.address, alt: "" }), make("div", "cells", {}, ...buttons));
  const held = picker.root.querySelector(":focus") ? [...picker.root.querySelectorAll(".cell")].indexOf(picker.root.querySelector(":focus")) : -1;
  picker.root.replaceChildren(sheet);
  buttons[held]?.focus();
}
