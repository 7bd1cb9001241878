"""The Transport page under a moving slider: from the input event to the paint of its answer, by the browser's own clock.

Server and browser share all cores, as at home. An answer counts from the first frame after the board has drawn it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.live import Site, site, without_browser
from benchmarks.rows import Effort, Measured, Row

MOVES, RESTED, ROUNDS = 50, 20, 8
LOW, HIGH, STRIDE = -2.0, 0.0, 0.25  # log10 of the blur, and the longest step of the walk
REST = 350  # milliseconds after an answer: the board has asked for the rest by then, and the server is at it

MOVE = """async (root, value) => {
  const slider = root.querySelector('input[aria-label="Blur"]'), before = Number(root.dataset.serial);
  slider.value = value;
  const began = performance.now();
  slider.dispatchEvent(new Event("input"));
  const asked = Number(root.dataset.asked);
  if (!(asked > before)) throw new Error(`the move to ${value} asked nothing`);
  while (Number(root.dataset.serial) < asked) {
    if (!root.isConnected) return null;
    if (performance.now() > began + 60000) throw new Error("no answer within a minute");
    await new Promise(requestAnimationFrame);
  }
  return [performance.now() - began, began];
}"""
FULL = """async (root, began) => {
  while (root.dataset.finished !== "true" && performance.now() < began + 120000) await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""


def walk(steps: int, seed: int) -> list[float]:
    """log10 of the blurs of a random walk between .01 and 1, in hundredths; each step is felt."""
    rng, at, found = random.Random(seed), -1.0, []
    for _ in range(steps):
        step = rng.choice((-1, 1)) * rng.uniform(0.05, STRIDE)
        at = round(at + step if LOW <= at + step <= HIGH else at - step, 2)
        found.append(at)
    return found


@dataclass
class Board:
    """The board on a page: `lost` counts questions that went with a board which the page replaced by another."""

    page: Any
    lost: int = 0

    def move(self, value: float) -> tuple[float, float] | None:
        """Put the slider to log10 of a blur; milliseconds to its answer, and when it began on the page's clock."""
        found = self._root().evaluate(MOVE, value)
        self.lost += found is None
        return found and (found[0], found[1])

    def moves(self, values: Sequence[float], rest: int = 0) -> list[float]:
        """Milliseconds of one move after the other."""
        found = []
        for value in values:
            self.page.wait_for_timeout(rest)
            moved = self.move(value)
            found += [] if moved is None else [moved[0]]
        return found

    def refined(self, one: float, two: float, three: float) -> dict[str, Any]:
        """A move left alone until it is solved in full, then one that another move interrupts."""
        whole = self.move(one)
        full = self._root().evaluate(FULL, whole[1]) if whole else None
        self.page.wait_for_timeout(1000)
        self.move(two)
        self.page.wait_for_timeout(REST)
        busy = self._root().get_attribute("data-finished") != "true"
        during = self.move(three)
        if during:
            self._root().evaluate(FULL, during[1])
        self.page.wait_for_timeout(1000)
        return {"first": whole and whole[0], "full": full, "during": during[0] if during and busy else None}

    def _root(self) -> Any:
        return self.page.locator(".otviz-board").first


def transport_latency(effort: Effort) -> Measured:
    """Moves of the blur at n = 1000 while answers come and after rests, and at n = 5000 with its refinement."""
    moves, rested, rounds = (3, 2, 1) if effort.quick else (MOVES, RESTED, ROUNDS)
    with site(pinned=False) as at:
        small = _opened(at, 1000)
        dragged, after_rest = small.moves(walk(moves, 0)), small.moves(walk(rested, 2), REST)
        at.close_pages()
        large = _opened(at, 5000)
        refined = [large.refined(-1.0 - 0.1 * (k % 3), -1.4, -0.7 - 0.05 * (k % 4)) for k in range(rounds)]
        at.close_pages()
    first, full, during = ([each[name] for each in refined if each[name]] for name in ("first", "full", "during"))
    slow, slow_first, slow_full, slow_during, lost = *map(_p95, (dragged, first, full, during)), small.lost + large.lost
    told = f"{_middle(during):.0f} ms (95th {slow_during:.0f})" if during else "not seen, it had ended each time"
    return Measured(
        shown=f"n = 1000: median {_middle(dragged):.0f} ms, 95th percentile {slow:.0f} ms, after rests of {REST} ms "
        f"{_middle(after_rest):.0f} and {_p95(after_rest):.0f}; n = 5000: first answer {_middle(first):.0f} ms (95th "
        f"{slow_first:.0f}), finished {_middle(full) / 1000:.2f} s (95th {slow_full / 1000:.2f}), a move while it refines "
        f"{told}; questions lost: {lost}",
        reached=slow <= 200 and slow_first <= 300 and slow_full <= 2500 and slow_during <= 300 and not lost,
        value=slow,
        extra={"dragged": dragged, "after_rest": after_rest, "refined": refined, "lost": lost},
        sample=f"{moves} and {rested} moves at n = 1000, {rounds} rounds of three at n = 5000; server and Chromium share "
        "all cores; from the input event to the first frame after the answer is drawn",
    )


def _opened(at: Site, n: int) -> Board:
    """The board of n points, its answer complete, the views below at rest, and what is done once per process done."""
    page = at.open(f"{at.url}/transport?n={n}")
    board = Board(page)
    for _ in range(2):
        page.wait_for_selector('.otviz-board[data-finished="true"]', state="attached")
        page.wait_for_timeout(3000)
        board.moves([-1.2, -1.3])
    page.wait_for_selector('.otviz-board[data-finished="true"]', state="attached")
    page.wait_for_timeout(3000)
    board.lost = 0
    return board


def _middle(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else math.inf


def _p95(values: Sequence[float]) -> float:
    return float(np.percentile(values, 95)) if values else math.inf


ROWS = (
    Row("transport-latency", "Transport page, 2 cores: a move of the blur until its answer is painted",
        "n = 1000: 95th percentile <= 200 ms; n = 5000: first answer <= 300 ms, also while it refines, finished <= 2.5 s",
        without_browser(transport_latency)),
)  # fmt: skip
