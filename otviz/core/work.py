"""Computations that pause, so that the caller can do other work, cancel them, or run two of them at once."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

import torch

Result = TypeVar("Result")
Other = TypeVar("Other")
Work = Generator[None, None, Result]
"""A computation that pauses often, so that the caller can cancel it, and returns its result."""

LOOK = 0.02
"""Seconds between polls of a thread."""


def completed(work: Work[Result]) -> Result:
    """Run work without pauses and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Result = end.value
            return result


def alongside(first: Work[Result], second: Work[Other]) -> Work[tuple[Result, Other]]:
    """Run both at once, the second in a new thread, which ends at its next pause if this work is cancelled.

    Each uses one core. Torch's own threads synchronise at every operation, which is ten times slower if another program uses
    one of the cores; these two synchronise once.
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
