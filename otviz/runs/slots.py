"""Places at the processor: so many runs train at once, the others wait in the order they came."""

from __future__ import annotations

import threading


class Slots:
    """A fair gate for `size` holders."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._holders: set[int] = set()
        self._line: list[int] = []
        self._changed = threading.Condition()

    def enter(self, who: object, timeout: float) -> bool:
        """Take a place, or a place in the line; True once `who` has a place, False after `timeout` seconds."""
        key = id(who)
        with self._changed:
            if key not in self._line and key not in self._holders:
                self._line.append(key)
            free = self._changed.wait_for(lambda: self._may_enter(key), timeout)
            if free and key in self._line:
                self._line.remove(key)
                self._holders.add(key)
            return free

    def leave(self, who: object) -> None:
        """Give the place, or the place in the line, back; harmless without one."""
        key = id(who)
        with self._changed:
            self._holders.discard(key)
            if key in self._line:
                self._line.remove(key)
            self._changed.notify_all()

    def _may_enter(self, key: int) -> bool:
        free = self._size - len(self._holders)
        return key in self._holders or (key in self._line and self._line.index(key) < free)
