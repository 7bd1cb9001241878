"""How tests wait: for a condition, not for a time. And a clock for runs that counts steps, not seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from otviz.runs.scheduling import LoopTimer

PATIENCE = 150.0  # seconds until a test gives up: longer than a run trains whose tab was closed (OTVIZ_GRACE)
EVERY = 10  # steps between two snapshots


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for a condition; fails after some seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)


def at_one_moment(read: Callable[[], Any]) -> Any:
    """What changes for a while, as it was together: read until two readings agree."""
    before = read()
    while (now := read()) != before:
        before = now
    return now


def page_until(page: Any, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for a condition while the page of a browser runs; fails after some seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited too long: {page.url}: {page.locator('body').inner_text()[:600]}"
        page.wait_for_timeout(100)


class StepTimer(LoopTimer):
    """A run takes snapshots at fixed steps, however fast they are, so that they are the same on every machine."""

    def __init__(self) -> None:
        super().__init__()
        self._since_look = 0

    def chunk_size(self) -> int:
        """Steps until the next look."""
        return max(EVERY - self._since_look, 1)

    def record_steps(self, steps: int, seconds: float) -> None:
        """So many steps took so long."""
        super().record_steps(steps, seconds)
        self._since_look += steps

    def snapshot_due(self) -> bool:
        """Whether it is time for a look."""
        return self._since_look >= EVERY

    def record_snapshot(self, cost: float, steps: int, seconds: float) -> None:
        """A look is over."""
        super().record_snapshot(cost, steps, seconds)
        self._since_look = 0
