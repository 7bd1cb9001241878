"""When a run looks at its training, how many steps it does between two glances at the clock, and when it is saved."""

from __future__ import annotations

import math
import time

CHUNK_SECONDS = 0.02  # seconds of training between two glances at the clock and at what others ask
WATCHED, UNWATCHED = 0.06, 0.25  # seconds between looks while somebody watches, and while nobody does
LOOK_SHARE = 20  # a look may cost at most 1/20 of the time until the next
LONGEST = 2.0  # seconds between looks at most, however long one look was held up
MEMORY = 5.0  # seconds that a measured pace goes back
SAVE_SECONDS = 30.0  # seconds between saves of a run that goes on


class LoopTimer:
    """The clock of one run.

    Attributes:
        speed: steps per second of training between the last two looks.
        mean_speed: steps per second by the clock on the wall, a mean over some seconds: looks and the turns of others count too.
    """

    def __init__(self) -> None:
        self.speed = self.mean_speed = 0.0
        self._each = 0.0  # seconds of a step, a running mean
        self._look_cost = 0.0
        self._watched_at = -math.inf
        self._saved_at = self._next_look = self._paced_at = time.monotonic()

    def watch(self) -> None:
        """Somebody watches."""
        self._watched_at = time.monotonic()

    def chunk_size(self) -> int:
        """Steps to do before the next glance at the clock."""
        until_look = max(self._next_look - time.monotonic(), 0.0)
        return max(1, int(min(CHUNK_SECONDS, until_look) / self._each)) if self._each else 1

    def record_steps(self, steps: int, seconds: float) -> None:
        """So many steps took so long."""
        each = seconds / steps
        self._each = each if not self._each else self._each + (each - self._each) / 4

    def record_wait(self, seconds: float) -> None:
        """The run stood still: its looks are paced by its own time, not by that of the others."""
        self._next_look += seconds

    def snapshot_due(self) -> bool:
        """Whether it is time for a look."""
        return time.monotonic() >= self._next_look

    def record_snapshot(self, cost: float, steps: int, seconds: float) -> None:
        """A look took `cost` seconds; since the one before, so many steps of training took `seconds`."""
        if seconds > 0:
            self.speed = steps / seconds
        self._update_mean_speed(steps)
        self._look_cost += (cost - self._look_cost) / 4  # a running mean: some looks also draw the field
        now = time.monotonic()
        pause = WATCHED if now - self._watched_at < 3 else UNWATCHED
        self._next_look = now + max(pause, min(LOOK_SHARE * self._look_cost, LONGEST))

    def restart_clock(self) -> None:
        """The run goes on: how long it rested says nothing of its pace."""
        self._paced_at = time.monotonic()

    def _update_mean_speed(self, steps: int) -> None:
        now = time.monotonic()
        seconds, self._paced_at = max(now - self._paced_at, 1e-6), now
        share = 1 - math.exp(-seconds / MEMORY) if self.mean_speed else 1.0
        self.mean_speed += share * (steps / seconds - self.mean_speed)

    def save_due(self) -> bool:
        """Whether it is time to save; the time until the next begins anew."""
        late = time.monotonic() - self._saved_at > SAVE_SECONDS
        if late:
            self.record_save()
        return late

    def record_save(self) -> None:
        """The run was saved."""
        self._saved_at = time.monotonic()
