"""What a worker process does: it answers requests with a module of this project, and gives signs of life."""

from __future__ import annotations

import contextlib
import importlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from queue import SimpleQueue
from typing import IO, Any

from numpy.typing import NDArray

from otviz.core.container import Arrays, Plain
from otviz.core.workers.pipe import Message, read, write

BEAT = 1.0  # seconds between two signs of life


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


def _receive(source: IO[bytes], requests: SimpleQueue[Message]) -> None:
    while (found := read(source)) is not None:
        requests.put(found)
    os._exit(0)
