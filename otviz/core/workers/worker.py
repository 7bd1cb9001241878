"""Worker processes: each serves a module of ours at low priority, and ends with whoever started it.

A request and each of its answers are one message: plain values and arrays in a container (`otviz.core.container`), their
length before it. Nothing is unpickled.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from queue import SimpleQueue
from typing import IO, Any

from numpy.typing import NDArray

from otviz.core.container import Arrays, Plain, pack, unpack
from otviz.core.workers.processes import begin

Message = tuple[Plain, Arrays]


class WorkerEnded(ValueError):
    """The process of a worker has ended; its text says how, and what to do."""


class Worker:
    """One process, started at once. It answers in the order it is asked, from any thread.

    Attributes:
        over: whether it has ended.

    Args:
        module: what it serves: `answers(plain, arrays)` in it yields the messages that answer a request.
        niceness: how far its priority is lowered.
        advice: what to do when it ends unexpectedly, for a person.
    """

    def __init__(self, module: str, niceness: int, advice: str) -> None:
        self.over = False
        self._advice = advice
        self._process = begin(module, niceness)
        self._waiting: deque[SimpleQueue[Message | None]] = deque()
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, name=f"answers of {module}", daemon=True).start()

    def ask(self, plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]] | None = None) -> Iterator[Message]:
        """The answers to a request, as they come.

        Raises:
            WorkerEnded: the process has ended.
            ValueError: what was asked for could not be done.
        """
        answers: SimpleQueue[Message | None] = SimpleQueue()
        data = pack(plain, arrays or {}, browser=False)  # before anyone waits: it may not be possible
        with self._lock:
            if self.over:
                raise WorkerEnded(self._exit_reason())
            self._waiting.append(answers)
            assert self._process.stdin is not None
            with contextlib.suppress(OSError):  # it ended just now: the listener tells whoever waits
                _send(self._process.stdin, data)
        more = True
        while more:
            if (found := answers.get()) is None:
                raise WorkerEnded(self._exit_reason())
            if "fault" in found[0]:
                raise ValueError(found[0]["fault"])
            more = found[0].pop("more", False)
            yield found

    def end(self) -> None:
        """End the process at once; harmless when it has ended."""
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        while (found := read(self._process.stdout)) is not None:
            (self._waiting[0] if "more" in found[0] else self._waiting.popleft()).put(found)
        with self._lock:
            self.over = True
        self._process.wait()
        while self._waiting:
            self._waiting.popleft().put(None)

    def _exit_reason(self) -> str:
        code = self._process.poll()
        why = ", perhaps out of memory" if code in (-9, 137) else ""
        return f"a training process ended unexpectedly (exit code {code}{why}); {self._advice}"


def serve(module: str) -> None:
    """Answer requests with `answers` of a module until the input ends; then end this process at once."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the messages
    requests: SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, requests), daemon=True).start()
    answers = importlib.import_module(module).answers
    while True:
        _answer(out, answers, *requests.get())


def _answer(
    out: IO[bytes], answers: Callable[[Plain, Arrays], Iterator[Message]], plain: Plain, arrays: Arrays
) -> None:
    """Send the answers to a request, the last without "more"; an error becomes a sentence, and the next request may be a good one."""
    try:
        last: Message | None = None
        for found in answers(plain, arrays):
            if last is not None:
                write(out, {**last[0], "more": True}, last[1])
            last = found
        write(out, *(last or ({}, {})))
    except Exception as error:
        with contextlib.suppress(OSError):  # nobody reads any more, and the end of the input will end this process
            write(out, {"fault": sentence(error)}, {})


def sentence(error: Exception) -> str:
    """What went wrong, for a person."""
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"


def write(out: IO[bytes], plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Send one message. Raises OSError when nobody reads."""
    _send(out, pack(plain, arrays, browser=False))


def read(source: IO[bytes]) -> Message | None:
    """The next message, its arrays writable; None at the end."""
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
