"""Slots of the processor: a fixed number of runs or groups of runs train at once, the others wait in order."""

from __future__ import annotations

import threading


class Slots:
    """A fair gate for `size` holders; the members of a group hold one place together."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._holders: dict[int, set[int]] = {}
        self._queue: dict[int, set[int]] = {}  # in the order they came
        self._changed = threading.Condition()

    def acquire(self, who: object, timeout: float, group: object | None = None) -> bool:
        """Take a place, or a place in the line; True once `who` or its group has one, False after `timeout` seconds."""
        key, member = id(who if group is None else group), id(who)
        with self._changed:
            if key not in self._holders:
                self._queue.setdefault(key, set()).add(member)
            free = self._changed.wait_for(lambda: self._may_enter(key), timeout)
            if free:
                self._holders.setdefault(key, set()).update(self._queue.pop(key, set()), {member})
            return free

    def release(self, who: object) -> None:
        """Give the place, or the place in the line, back; a group's goes with its last member. Harmless without one."""
        member = id(who)
        with self._changed:
            for places in (self._holders, self._queue):
                for key in [key for key, members in places.items() if member in members]:
                    places[key].discard(member)
                    if not places[key]:
                        del places[key]
            self._changed.notify_all()

    def _may_enter(self, key: int) -> bool:
        free = self._size - len(self._holders)
        return key in self._holders or (key in self._queue and list(self._queue).index(key) < free)
