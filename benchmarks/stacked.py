"""A sweep of tau trained as one stack of networks, against the same runs one after the other."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.rows import Effort, Measured, Row
from otviz.data.distributions.ring import Ring
from otviz.methods.unified import UOTM
from otviz.training.loop import Training, start
from otviz.training.stacked import Stacked

VALUES = 32
STEPS = 16  # of each run in a block


def tau_sweep_stacked(effort: Effort) -> Measured:
    """32 values of tau from .001 to 10: seconds for a step of all of them, on the GPU if there is one, else on the CPU."""
    values, rounds = (3, 1) if effort.quick else (VALUES, 5)
    places = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    found = {place: compared(place, values, rounds) for place in places}
    told = found[places[-1]]
    each = [
        f"{place}: x{ratio:.1f} ({1000 * ours:.1f} ms against {1000 * theirs:.1f} for a step of all {values})"
        for place, (ours, theirs, ratio) in found.items()
    ]
    off = apart(values, torch.device(places[-1]))
    return Measured(
        shown="; ".join(each) + f"; losses of 10 steps apart by {off:.0e}",
        reached=told[2] >= 10 if "cuda" in found else None,
        value=1000 * told[0],
        reference=1000 * told[1],
        ratio=told[2],
        extra={place: {"ms": 1000 * ours, "plain_ms": 1000 * theirs, "ratio": ratio}
               for place, (ours, theirs, ratio) in found.items()},
        sample=f"{values} values, {rounds} rounds of {STEPS} steps each, in turn; median of the ratios",
    )  # fmt: skip


def _trainings(values: int, device: str) -> list[Training]:
    ring, taus = Ring(radius=2.0, std=0.1), np.geomspace(1e-3, 10, values)
    return [start(UOTM(tau=float(tau)), ring, steps=1000, device=device) for tau in taus]


def compared(device: str, values: int, rounds: int) -> tuple[float, float, float]:
    """Seconds per step of all: stacked, in turn, and the median ratio of neighbouring blocks."""
    plain = _trainings(values, device)
    stack = Stacked(_trainings(values, "cpu"), torch.device(device))

    def in_turn() -> None:
        for training in plain:
            for _ in range(STEPS):
                training.advance()

    clock = time.perf_counter if device == "cuda" else time.thread_time
    _timed(lambda: stack.advance(STEPS), device, clock)
    _timed(in_turn, device, clock)
    pairs = [
        (_timed(lambda: stack.advance(STEPS), device, clock), _timed(in_turn, device, clock)) for _ in range(rounds)
    ]
    ours, theirs = (statistics.median(one) for one in zip(*pairs, strict=True))
    return ours / STEPS, theirs / STEPS, statistics.median(b / a for a, b in pairs)


def _timed(block: Callable[[], object], device: str, clock: Callable[[], float]) -> float:
    """Seconds of a block: processor time on the CPU, where other programs disturb it less, the clock's on a GPU."""
    begun = clock()
    block()
    if device == "cuda":
        torch.cuda.synchronize()
    return clock() - begun


def apart(values: int, device: torch.device) -> float:
    """Largest relative difference between the generator losses of ten steps, stacked on the device and plain on the CPU."""
    stacked = Stacked(_trainings(values, "cpu"), device).advance(10)[..., 0].cpu()
    plain = torch.tensor([
        [float(step.generator_loss) for step in (one.advance() for _ in range(10)) if step.generator_loss is not None]
        for one in _trainings(values, "cpu")
    ]).T  # fmt: skip
    return float(((stacked - plain).abs() / plain.abs().clamp_min(1e-3)).max())


ROWS = (
    Row("tau-sweep-stacked", "32-value tau sweep of UOTM as one stack of networks, against 32 runs in turn",
        "x10 on a GPU", tau_sweep_stacked),
)  # fmt: skip
