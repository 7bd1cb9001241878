// Copies the address of the page.

const SECONDS = 2; // for which it says that it did
const LINK = '<svg viewBox="0 0 18 18" aria-hidden="true"><path d="M7.5 10.5a3 3 0 0 0 4.2 0l3-3a3 3 0 0 0-4.2-4.2l-1 1M10.5 7.5a3 3 0 0 0-4.2 0l-3 3a3 3 0 0 0 4.2 4.2l1-1"/></svg>';

export default function mount({ parentElement }) {
  const root = rootIn(parentElement, "copying");
  if (root.firstChild) return;
  const words = make("span", "", { "aria-live": "polite" }), press = make("button", "", { type: "button", title: "Copy the address of this page, with all settings" });
  press.innerHTML = LINK;
  press.append(words);
  words.textContent = "Copy link";
  press.addEventListener("click", async () => {
    words.textContent = (await copy(location.href, root)) ? "Copied" : "Copy it from the address bar";
    setTimeout(() => (words.textContent = "Copy link"), SECONDS * 1000);
  });
  root.append(press);
}

/** Whether the text is on the clipboard now; without https a browser leaves only the old way. */
async function copy(text, root) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = make("textarea", "unseen");
    field.value = text;
    root.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
