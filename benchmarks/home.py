"""Home on a fresh server: how long until both pictures move, and until the slider has changed the right one."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks.live import site, without_browser
from benchmarks.rows import Effort, Measured, Row

SERVERS, MOVES = 5, 20

# When the playhead has moved for the first time, in milliseconds since the page was asked for.
WATCH = """() => {
  let first = null;
  const look = () => {
    const root = document.querySelector(".otviz-player")
      ?? [...document.querySelectorAll("*")].map((e) => e.shadowRoot?.querySelector(".otviz-player")).find(Boolean);
    const step = root?.dataset.step ? Number(root.dataset.step) : null;
    if (first !== null && step !== first) window.moving = performance.now();
    else requestAnimationFrame(look);
    first ??= step;
  };
  look();
}"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
MOVE = """async (root, at) => {
  const slider = root.querySelector("input.tau"), before = root.dataset.painted, began = performance.now();
  slider.value = at;
  slider.dispatchEvent(new Event("input"));
  while (root.dataset.painted === before || root.dataset.shown.split(".")[1] !== String(at + 1)) {
    if (performance.now() > began + 10000) throw new Error("no new picture within 10 s");
    await new Promise(requestAnimationFrame);
  }
  return performance.now() - began;
}"""


def first_frame(effort: Effort) -> Measured:
    """Each server is new, so nothing is imported or read yet when the page is asked for."""
    waits, moves = list[float](), list[float]()
    for _ in range(1 if effort.quick else SERVERS):
        with site(pinned=False) as at:
            page = at.browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.add_init_script(f"({WATCH})()")
            page.goto(at.url)
            page.wait_for_function("window.moving")
            waits.append(page.evaluate("window.moving") - page.evaluate(PAINTED))
            moves += _moved(page, 4 if effort.quick else MOVES)
    wait, move = median(waits) / 1000, median(moves)
    return Measured(
        shown=f"{wait:.1f} s after the first paint (worst {max(waits) / 1000:.1f}); slider {move:.0f} ms (worst {max(moves):.0f})",
        reached=wait <= 1.5 and move <= 100,
        value=wait,
        extra={"slider_ms": move, "worst_slider_ms": max(moves), "worst_s": max(waits) / 1000},
        sample=f"{len(waits)} fresh servers, {len(moves)} moves",
    )


def _moved(page: Any, count: int) -> list[float]:
    root = page.locator(".otviz-player")
    page.wait_for_function("root => Boolean(root.dataset.groups)", arg=root.element_handle())
    return [root.evaluate(MOVE, 8 - k % 9) for k in range(count)]


ROWS = (
    Row("home-first-frame", "Home on a fresh server: both pictures move; tau slider to new picture",
        "<= 1.5 s after the first paint; <= 100 ms", without_browser(first_frame)),
)  # fmt: skip
