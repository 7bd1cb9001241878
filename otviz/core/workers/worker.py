"""Worker processes: each serves a module of this project at low priority, and ends with its parent.

A request and each of its answers are one message: the length and a container (`otviz.core.container`) of plain values and
arrays. Nothing is unpickled.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from queue import SimpleQueue
from typing import IO, Any

from numpy.typing import NDArray

from otviz.core.container import Arrays, Plain, pack, unpack
from otviz.core.workers.processes import begin

Message = tuple[Plain, Arrays]


BEAT = 1.0  # seconds between two signs of life of a worker
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
                _send(self._process.stdin, data)
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


def serve(source: IO[bytes], out: IO[bytes], module: str, niceness: int) -> None:
    """Answer requests with `answers` of a module until the input ends; then exit at once.

    The priority falls once the module is imported: somebody waits for the first step, and imports take seconds.

    Args:
        source, out: where requests come from, and where answers go.
        module: its `answers(plain, arrays)` yields the answers to a request.
        niceness: added to the niceness of this process.
    """
    os.dup2(2, 1)  # output of libraries must not get between the messages
    requests: SimpleQueue[Message] = queue.SimpleQueue()
    sender = _Sender(out)
    threading.Thread(target=_receive, args=(source, requests), daemon=True).start()
    threading.Thread(target=sender.beat, daemon=True).start()
    answers = importlib.import_module(module).answers
    if sys.platform != "win32":
        os.nice(niceness)
    while True:
        _answer(sender, answers, *requests.get())


class _Sender:
    """Sends messages from any thread."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._lock = threading.Lock()

    def send(self, plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Send a message. Raises OSError if the reader has gone."""
        with self._lock:
            write(self._out, plain, arrays)

    def beat(self) -> None:
        """Give signs of life as long as there is a reader, whatever the other threads do."""
        with contextlib.suppress(OSError):
            while True:
                self.send({"beat": True}, {})
                time.sleep(BEAT)


def _answer(
    sender: _Sender, answers: Callable[[Plain, Arrays], Iterator[Message]], plain: Plain, arrays: Arrays
) -> None:
    """Send the answers to a request, the last one without "more"; an exception is sent as a message."""
    try:
        last: Message | None = None
        for found in answers(plain, arrays):
            if last is not None:
                sender.send({**last[0], "more": True}, last[1])
            last = found
        sender.send(*(last or ({}, {})))
    except Exception as error:
        with contextlib.suppress(OSError):  # the parent has gone, and the end of the input will end this process
            sender.send({"fault": sentence(error)}, {})


def sentence(error: Exception) -> str:
    """The error message of an exception."""
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"


def write(out: IO[bytes], plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Send a message.

    Args:
        out: where to write.
        plain, arrays: the message.

    Raises:
        OSError: the reader has gone.
    """
    _send(out, pack(plain, arrays, browser=False))


def read(source: IO[bytes]) -> Message | None:
    """The next message, with writable arrays; None at the end."""
    length = source.read(8)
    if len(length) < 8:
        return None
    data = bytearray(int.from_bytes(length, "little"))
    return unpack(data) if source.readinto(data) == len(data) else None  # type: ignore[attr-defined]


def _send(out: IO[bytes], data: bytes) -> None:
    out.write(len(data).to_bytes(8, "little"))
    out.write(data)
    out.flush()


def _receive(source: IO[bytes], requests: SimpleQueue[Message]) -> None:
    while (found := read(source)) is not None:
        requests.put(found)
    os._exit(0)
