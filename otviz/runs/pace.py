"""Several runs in step: they take turns of a few steps, the one furthest behind first, so that none gets ahead.

One trains at a time. Two threads of eager steps of small networks do no more than one, since Python lets only one of them
on, and the page needs the other core.
"""

from __future__ import annotations

import threading

TURN = 20
"""Steps of a turn: few enough that nobody sees who is ahead, and enough that changing threads costs nothing."""


class Pace:
    """Who of a group may train now."""

    def __init__(self) -> None:
        self._steps: dict[int, int] = {}
        self._training: tuple[int, int] | None = None  # who, and the step at which the turn ends
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
            self._end(id(who))

    def has_turn(self, who: object, step: int) -> bool:
        """Whether the turn taken before goes on after this step. Cheap, asked after every step."""
        turn = self._training
        return turn is not None and turn[0] == id(who) and step < turn[1]

    def turn(self, who: object, step: int, timeout: float) -> bool:
        """Give the turn to whoever is furthest behind, and take the next; False if it did not come in `timeout` seconds."""
        key = id(who)
        with self._changed:
            self._steps[key] = step
            self._end(key)
            if not self._changed.wait_for(lambda: self._is_next(key), timeout):
                return False
            self._training = (key, step + TURN)
            return True

    def _end(self, key: int) -> None:
        if self._training is not None and self._training[0] == key:
            self._training = None
        self._changed.notify_all()

    def _is_next(self, key: int) -> bool:
        return self._training is None and key == min(self._steps, key=self._steps.__getitem__)
