"""Orders to a run: given by any thread, carried out by its own between two steps."""

from __future__ import annotations

import math
import queue
from typing import Any

Command = tuple[str, Any]  # what to do, with what


class CommandQueue:
    """Orders that wait, and how many steps may be done before the next pause.

    `get` and `defer` are for the run's thread alone.

    Attributes:
        steps_allowed: steps until the next pause; infinite unless told otherwise.
    """

    def __init__(self) -> None:
        self.steps_allowed: float = math.inf
        self._queue: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._deferred: list[Command] = []

    def put(self, name: str, value: Any = None) -> None:
        """Order something, from any thread: `allow` so many steps, so many `more`, or what the run itself knows."""
        self._queue.put((name, value))

    def get(self, wait: bool = False) -> Command | None:
        """The next command for the run; None when there is none, or once steps are allowed.

        Args:
            wait: when no step is allowed, wait for a command.
        """
        if self._deferred:
            return self._deferred.pop(0)
        while not self._queue.empty() or (wait and self.steps_allowed <= 0):
            command = self._queue.get()
            if not self._handle_step_command(*command):
                return command
        return None

    def defer(self) -> bool:
        """Keep what needs a training for later; True, at once, on a stop."""
        while not self._queue.empty():
            command = self._queue.get()
            if command[0] == "stop":
                return True
            if not self._handle_step_command(*command):
                self._deferred.append(command)
        return False

    def _handle_step_command(self, name: str, value: Any) -> bool:
        """Whether the command is about the number of steps only; then it is done with."""
        if name == "more":
            left = self.steps_allowed if math.isfinite(self.steps_allowed) else 0.0
            value += max(left, 0.0)
        elif name != "allow":
            return False
        self.steps_allowed = value
        return True
