"""Computations that pause, so that the caller can do other work, cancel them, or run two of them at once."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

import torch

KNOWN = 0.05
"""Share from which on the time that is left is said: before, it is a guess."""

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


class Progress:
    """How much of a computation is done, and how long the rest will take.

    Costs of its parts are guessed beforehand, in any unit; what the first parts really cost corrects the guess for the rest.
    """

    def __init__(self) -> None:
        self._began, self._costs, self._part, self._inside, self._before = time.monotonic(), [1.0], 0, 0.0, 0.0

    def expect(self, costs: Sequence[float]) -> None:
        """Set the guessed costs > 0 of all parts; the first one begins."""
        self._costs, self._part, self._inside, self._before = list(costs), 0, 0.0, 0.0

    def add(self, work: float) -> None:
        """Note that `work` of the present part has been done."""
        self._inside += work

    def next_part(self) -> None:
        """The next part begins."""
        self._part, self._before, self._inside = self._part + 1, self._before + self._inside, 0.0

    @property
    def share(self) -> float:
        """Share that is done, in [0, 1]."""
        before, now = sum(self._costs[: self._part]), sum(self._costs[self._part : self._part + 1])
        real = self._before / before if self._before else 1.0
        return (before + now * min(1.0, self._inside / (real * now or 1.0))) / sum(self._costs)

    @property
    def seconds_left(self) -> float:
        """Seconds until the end; inf if not known yet."""
        share = self.share
        return (time.monotonic() - self._began) * (1 - share) / share if share else math.inf

    @property
    def words(self) -> str:
        """Both, such as "40 %, about 12 s left"; empty before anything is done."""
        share = self.share
        if not share:
            return ""
        return f"{100 * share:.0f} %" + (f", about {self.seconds_left:.0f} s left" if share > KNOWN else "")
