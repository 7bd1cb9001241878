"""Whether something fits into memory: asked before matrices are made, and after a minibatch did not fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import torch

SPARE = 0.9
"""Share of the free memory that one problem may take."""


def largest(attempt: Callable[[int], None], size: int) -> int:
    """The largest of size / 2, size / 4 ... at which `attempt` does not run out of memory; 0 if it always does."""
    while (size := size // 2) > 1:
        try:
            attempt(size)
        except torch.OutOfMemoryError:
            continue
        return size
    return 0


def no_room(device: str, size: int, fits: int | None) -> str:
    """What to say of a minibatch of `size` that does not fit.

    Args:
        fits: one that does; 0: none does; None: unknown.
    """
    if fits == 0:
        return f"not even one row fits into the memory of {device}; use smaller networks, or device cpu"
    advice = "a smaller batch_size" if fits is None else f"batch_size {fits}, which fits"
    return f"minibatches of {size} do not fit into the memory of {device}; use {advice}, or device cpu"


def available() -> float:
    """Bytes that can be had without swapping; infinite where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return math.inf
    return next((int(line.split()[1]) * 1024.0 for line in lines if line.startswith("MemAvailable:")), math.inf)


def check_memory(n: int, m: int, matrices: float) -> None:
    """Raise ValueError unless `matrices` float32 matrices (n, m) fit into the memory that is free."""
    entry, free = 4.0 * matrices, available()
    need = entry * n * m
    if need > SPARE * free:
        fits = math.isqrt(int(SPARE * free / entry))
        raise ValueError(
            f"n = {max(n, m)} points need {need / 1e9:.2g} GB for the plan and {free / 1e9:.2g} GB are free;"
            f" n = {fits} fits"
        )
