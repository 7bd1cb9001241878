// What Streamlit's own widgets lack for keyboards and screen readers: it has no settings for these attributes.
// A button's shortcut is said as such and not as part of its name; the small help buttons are no stops of the Tab key;
// a formula or a text that is larger than its place can be scrolled by keys.

export default function tidy() {
  if (!window.otvizTidy) {
    let planned = 0;
    window.otvizTidy = new MutationObserver(() => (planned ||= requestAnimationFrame(() => (planned = mend()))));
    window.otvizTidy.observe(document.body, { childList: true, subtree: true });
  }
  mend();
}

function mend() {
  for (const key of document.querySelectorAll("button kbd:not([aria-hidden])")) {
    key.setAttribute("aria-hidden", "true");
    key.closest("button").setAttribute("aria-keyshortcuts", key.textContent);
  }
  for (const help of document.querySelectorAll(".stTooltipIcon button:not([tabindex])")) help.tabIndex = -1;
  for (const box of document.querySelectorAll(":is(.katex-display, pre):not([tabindex])")) {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
  }
  return 0;
}
