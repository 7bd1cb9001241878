"""Several runs in step: they take turns of a few steps, the one furthest behind first, so that none gets ahead."""

from __future__ import annotations

import threading
from collections.abc import Callable

TURN = 20
"""Steps of a turn: few enough that nobody sees who is ahead, and enough that changing threads costs nothing."""

AHEAD = 2 * TURN
"""A turn begins only less than so many steps ahead of the run furthest behind; it ends at most a turn later."""


class Pace:
    """Who of a group may train now.

    Args:
        places: how many of them may train at once, asked anew at each turn.
    """

    def __init__(self, places: Callable[[], int]) -> None:
        self._places = places
        self._steps: dict[int, int] = {}
        self._training: dict[int, int] = {}  # the step at which the turn ends
        self._changed = threading.Condition()

    def join(self, who: object, step: int) -> None:
        """Take part from this step on; the others wait for one that is behind."""
        with self._changed:
            self._steps[id(who)] = step
            self._changed.notify_all()

    def leave(self, who: object) -> None:
        """Take part no more: the others wait for this one no longer."""
        with self._changed:
            self._steps.pop(id(who), None)
            self._training.pop(id(who), None)
            self._changed.notify_all()

    def has_turn(self, who: object, step: int) -> bool:
        """Whether the turn taken before goes on after this step. Cheap, asked after every step."""
        return step < self._training.get(id(who), 0)

    def turn(self, who: object, step: int, timeout: float) -> bool:
        """Give the turn to whoever is furthest behind, and take the next; False if it did not come in `timeout` seconds."""
        key = id(who)
        with self._changed:
            self._steps[key] = step
            self._training.pop(key, None)
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._is_next(key), timeout):
                return False
            self._training[key] = step + TURN
            return True

    def _is_next(self, key: int) -> bool:
        waiting = [other for other in self._steps if other not in self._training]
        places = self._places() - len(self._training)
        near = self._steps[key] < min(self._steps.values()) + AHEAD
        return near and key in sorted(waiting, key=self._steps.__getitem__)[:places]
