"""Fair timing: ours and the reference in turn, many short blocks, and the median of the ratios of neighbours."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Paired:
    """Seconds per block of ours and the reference, in neighbouring pairs: processor time, and time on the clock."""

    ours: tuple[float, ...]
    reference: tuple[float, ...]
    ours_wall: tuple[float, ...]
    reference_wall: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Median over pairs of reference / ours, in processor time: other programs hardly disturb it."""
        return statistics.median(b / a for a, b in zip(self.ours, self.reference, strict=True))

    @property
    def ratio_wall(self) -> float:
        """The same by the clock."""
        return statistics.median(b / a for a, b in zip(self.ours_wall, self.reference_wall, strict=True))

    def shown(self, per_block: int = 1) -> str:
        """Ratio with its quartiles over pairs, and milliseconds per step, as in "x1.4 (1.3 to 1.5; 1.4 ms against 2.0)"."""
        told = self.summary(per_block)
        return (
            f"x{told['ratio']:.3g} ({told['ratio_quarter']:.3g} to {told['ratio_three_quarters']:.3g}; "
            f"{told['ours_ms']:.3g} ms against {told['reference_ms']:.3g})"
        )

    def summary(self, per_block: int = 1, per_block_reference: int | None = None) -> dict[str, Any]:
        """Milliseconds per step (median) and spread of the ratio, as plain values; blocks hold so many steps each."""
        ratios = sorted(b / a for a, b in zip(self.ours, self.reference, strict=True))
        theirs = per_block if per_block_reference is None else per_block_reference
        return {
            "pairs": len(ratios),
            "ours_ms": 1000 * statistics.median(self.ours) / per_block,
            "reference_ms": 1000 * statistics.median(self.reference) / theirs,
            "ours_ms_wall": 1000 * statistics.median(self.ours_wall) / per_block,
            "reference_ms_wall": 1000 * statistics.median(self.reference_wall) / theirs,
            "ratio": self.ratio * theirs / per_block if theirs != per_block else self.ratio,
            "ratio_quarter": ratios[len(ratios) // 4],
            "ratio_three_quarters": ratios[3 * len(ratios) // 4],
            "ratio_wall": self.ratio_wall,
        }


def paired(
    ours: Callable[[], Any], reference: Callable[[], Any], pairs: int, clock: Callable[[], float] = time.thread_time
) -> Paired:
    """Run both in turn, on the same core, one torch thread each; they advance a training or repeat a computation.

    `clock` is that of processor time: `time.process_time` for a library that computes in threads of its own.
    """
    rows = []
    with _on_one_core():
        for number in range(pairs):  # A B, B A, A B: neither always comes second
            first, second = (ours, reference) if number % 2 == 0 else (reference, ours)
            one, two = _timed(first, clock), _timed(second, clock)
            rows.append((*one, *two) if number % 2 == 0 else (*two, *one))
    a, a_wall, b, b_wall = zip(*rows, strict=True)
    return Paired(a, b, a_wall, b_wall)


@contextlib.contextmanager
def _on_one_core() -> Iterator[None]:
    """One torch thread, and this thread on one core where the system can do that: nobody gains by moving."""
    threads, cores = torch.get_num_threads(), os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    torch.set_num_threads(1)
    try:
        if cores:
            os.sched_setaffinity(0, {max(cores)})
        yield
    finally:
        if cores:
            os.sched_setaffinity(0, cores)
        torch.set_num_threads(threads)


def _timed(block: Callable[[], Any], clock: Callable[[], float]) -> tuple[float, float]:
    """Time on the processor, and on the clock; on a CPU, autograd runs backward in the same thread."""
    wall, cpu = time.perf_counter(), clock()
    block()
    return clock() - cpu, time.perf_counter() - wall


def steps_of(stream: Iterator[Any], count: int) -> Callable[[], None]:
    """A block that takes `count` items of a training."""

    def block() -> None:
        for _ in range(count):
            next(stream)

    return block
