"""Values that several threads ask for and that are made once."""

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
    """Makes a value at the first request for a key; requests meanwhile wait for it, later ones get the same.

    A failure is not kept: it is raised, and the next request tries again.

    Args:
        keep: how many values are held; the one asked for longest ago goes first.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._guard = threading.Lock()
        self._slots: OrderedDict[Hashable, _Slot[T]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value of `key`, from `make()` if it is not held. Raises what `make` raises."""
        with self._guard:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self._keep:
                self._slots.popitem(last=False)
        # A lock per key: whoever wants the digits need not wait until CIFAR-10 is downloaded.
        with slot.lock:
            if not slot.made:
                slot.made.append(make())
            return slot.made[0]
