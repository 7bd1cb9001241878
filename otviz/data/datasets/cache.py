"""A thread-safe cache of values that are computed once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Slot(Generic[T]):
    made: list[T] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Once(Generic[T]):
    """Computes a value at the first request for its key; concurrent requests wait, later ones get the same value.

    Exceptions are not cached: the next request tries again.

    Args:
        keep: largest number of values; the least recently used is dropped first.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._guard = threading.Lock()
        self._slots: OrderedDict[Hashable, _Slot[T]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of `key`, from `make()` if it is not cached. Raises what `make` raises."""
        with self._guard:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self._keep:
                self._slots.popitem(last=False)
        # A lock per key: a request for the digits does not wait for the download of CIFAR-10.
        with slot.lock:
            if not slot.made:
                slot.made.append(make())
            return slot.made[0]
