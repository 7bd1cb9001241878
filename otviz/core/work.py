"""Computations that pause: their caller may look at something else, or abandon them; two of them may run at once."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

import torch

Result = TypeVar("Result")
Other = TypeVar("Other")
Work = Generator[None, None, Result]
"""A computation that pauses often, so that its caller may abandon it, and returns its result."""

LOOK = 0.02
"""Seconds between two looks at a thread that is waited for."""


def completed(work: Work[Result]) -> Result:
    """The result of work done without a pause."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Result = end.value
            return result


def alongside(first: Work[Result], second: Work[Other]) -> Work[tuple[Result, Other]]:
    """Both at once, the second on a thread of its own, which ends at its next pause when this work is abandoned.

    Each takes one core. Torch's own threads wait for each other at every operation, which costs tenfold where another
    program has one of the cores; these two meet once.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(_until, second, stop)
        try:
            found = yield from first
            while not other.done():
                yield
                wait([other], LOOK)
        finally:
            stop.set()
        return found, _result(other)


def _until(work: Work[Other], stop: threading.Event) -> Other | None:
    torch.set_num_threads(1)
    while not stop.is_set():
        try:
            next(work)
        except StopIteration as end:
            result: Other = end.value
            return result
    return None


def _result(future: Future[Other | None]) -> Other:
    result = future.result()
    assert result is not None, "work returns something and was not stopped"
    return result
