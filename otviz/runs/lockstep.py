"""Several runs in step: they take turns of a few steps, the one furthest behind first, so that none gets ahead.

In each lane one trains at a time. Trainings of one process share a lane: two threads of eager steps of small networks do
no more than one, since Python lets only one of them on. Those in hosts have a lane for each host.
"""

from __future__ import annotations

import threading

TURN = 20
"""Steps of a turn: few enough that no run is visibly ahead, and enough that switching costs nothing."""

AHEAD = 3 * TURN
"""Steps that the fastest lane may be ahead of the slowest run."""


class Lockstep:
    """Who of a group may train now."""

    def __init__(self) -> None:
        self._steps: dict[int, int] = {}
        self._lanes: dict[int, int] = {}
        self._training: dict[int, int] = {}  # in each lane, who
        self._changed = threading.Condition()

    def join(self, who: object, step: int, lane: int = 0) -> None:
        """Take part from this step on; the others wait for one that is behind."""
        with self._changed:
            self._steps[id(who)] = step
            self._lanes[id(who)] = lane
            self._changed.notify_all()

    def leave(self, who: object) -> None:
        """Take part no more: the others wait for this one no longer."""
        with self._changed:
            self._steps.pop(id(who), None)
            self._end(id(who))
            self._lanes.pop(id(who), None)

    def turn(self, who: object, step: int, timeout: float) -> int:
        """Give the turn to the run that is furthest behind, and take the next.

        Returns the step at which the turn ends, 0 if it did not come in `timeout` seconds.
        """
        key = id(who)
        with self._changed:
            self._steps[key] = step
            self._end(key)
            if not self._changed.wait_for(lambda: self._is_next(key), timeout):
                return 0
            self._training[self._lanes[key]] = key
            return step + TURN

    def _end(self, key: int) -> None:
        lane = self._lanes.get(key)
        if lane is not None and self._training.get(lane) == key:
            del self._training[lane]
        self._changed.notify_all()

    def _is_next(self, key: int) -> bool:
        lane = self._lanes[key]
        mine = [other for other in self._steps if self._lanes[other] == lane]
        first = key == min(mine, key=self._steps.__getitem__)
        return lane not in self._training and first and self._steps[key] <= min(self._steps.values()) + AHEAD
