"""Worker processes: each serves a module of this project at low priority, and ends with its parent."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from queue import SimpleQueue
from typing import Any

from numpy.typing import NDArray

from otviz.core.container import pack
from otviz.core.workers.pipe import Message, read, write_packed
from otviz.core.workers.processes import begin

SILENT = 8.0
"""Seconds without a sign of life after which a worker counts as hung: many beats, since a busy machine is no hung one."""


class WorkerEnded(ValueError):
    """The process of a worker has ended; the message says how, and what to do."""


class Worker:
    """A process, started at once. It answers requests from any thread, in order.

    Attributes:
        over: whether it has ended.

    Args:
        module: the served module; its `answers(plain, arrays)` yields the answers to a request.
        niceness: added to its niceness.
        advice: message on what to do if it ends unexpectedly.
    """

    def __init__(self, module: str, niceness: int, advice: str) -> None:
        self.over = False
        self._advice = advice
        self._reason = ""
        self._heard_at = math.inf
        self._process = begin(module, niceness)
        self._waiting: deque[SimpleQueue[Message | None]] = deque()
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, name=f"answers of {module}", daemon=True).start()

    def ask(self, plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]] | None = None) -> Iterator[Message]:
        """Yield the answers to a request as they arrive.

        Raises:
            WorkerEnded: the process has ended.
            ValueError: the request failed.
        """
        answers: SimpleQueue[Message | None] = SimpleQueue()
        data = pack(plain, arrays or {}, browser=False)  # may raise, so before anything waits
        with self._lock:
            if self.over:
                raise WorkerEnded(self._exit_reason())
            self._waiting.append(answers)
            assert self._process.stdin is not None
            with contextlib.suppress(OSError):  # it has just ended: the listener notifies those who wait
                write_packed(self._process.stdin, data)
        more = True
        while more:
            if (found := answers.get()) is None:
                raise WorkerEnded(self._exit_reason())
            if "fault" in found[0]:
                raise ValueError(found[0]["fault"])
            more = found[0].pop("more", False)
            yield found

    @property
    def hung(self) -> bool:
        """Whether the process gives no sign of life: it is stopped, or kept from running. A busy one gives signs."""
        return not self.over and time.monotonic() - self._heard_at > SILENT

    def end(self, reason: str = "") -> None:
        """Kill the process, if it has not ended; `reason` is the error message of pending requests."""
        self._reason = reason
        self._process.kill()
        if self._process.pid is not None:  # it has begun
            self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        while (found := read(self._process.stdout)) is not None:
            self._heard_at = time.monotonic()
            if "beat" not in found[0]:
                (self._waiting[0] if "more" in found[0] else self._waiting.popleft()).put(found)
        with self._lock:
            self.over = True
        self._process.wait()
        while self._waiting:
            self._waiting.popleft().put(None)

    def _exit_reason(self) -> str:
        if self._reason:
            return f"{self._reason}; {self._advice}"
        code = self._process.poll()
        why = ", perhaps out of memory" if code in (-9, 137) else ""
        return f"a training process ended unexpectedly (exit code {code}{why}); {self._advice}"
