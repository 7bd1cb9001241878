"""Orders to a run: given by any thread, carried out by its own between two steps."""

from __future__ import annotations

import math
import queue
from typing import Any

Order = tuple[str, Any]  # what to do, with what


class Orders:
    """Orders that wait, and how many steps may be done before the next pause.

    `take` and `put_off` are for the run's thread alone.

    Attributes:
        allowed: steps until the next pause; infinite unless told otherwise.
    """

    def __init__(self) -> None:
        self.allowed: float = math.inf
        self._given: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._put_off: list[Order] = []

    def give(self, name: str, value: Any = None) -> None:
        """Order something, from any thread: `allow` so many steps, so many `more`, or what the run itself knows."""
        self._given.put((name, value))

    def take(self, wait: bool = False) -> Order | None:
        """The next order for the run; None when there is none, or once steps are allowed.

        Args:
            wait: when no step is allowed, wait for an order.
        """
        if self._put_off:
            return self._put_off.pop(0)
        while not self._given.empty() or (wait and self.allowed <= 0):
            order = self._given.get()
            if not self._counts(*order):
                return order
        return None

    def put_off(self) -> bool:
        """Keep what needs a training for later; True, at once, on a stop."""
        while not self._given.empty():
            order = self._given.get()
            if order[0] == "stop":
                return True
            if not self._counts(*order):
                self._put_off.append(order)
        return False

    def _counts(self, name: str, value: Any) -> bool:
        """Whether the order is about the number of steps only; then it is done with."""
        if name == "more":
            left = self.allowed if math.isfinite(self.allowed) else 0.0
            value += max(left, 0.0)
        elif name != "allow":
            return False
        self.allowed = value
        return True
