"""Memory limits: check matrices before they are made, and find a minibatch that fits after an out-of-memory error."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from otviz.core.machine import free_memory

SPARE = 0.9
"""Largest share of the free memory for one problem."""


def largest(attempt: Callable[[int], None], size: int) -> int:
    """The largest of size / 2, size / 4 ... for which `attempt` does not run out of memory, or 0."""
    while (size := size // 2) > 1:
        try:
            attempt(size)
        except torch.OutOfMemoryError:
            continue
        return size
    return 0


def no_room(device: str, size: int, fits: int | None) -> str:
    """The message for a minibatch that does not fit.

    Args:
        device: its kind.
        size: of the minibatch.
        fits: a size that fits; 0: none does; None: unknown.
    """
    if fits == 0:
        return f"not even one row fits into the memory of {device}; use smaller networks, or device cpu"
    advice = "a smaller batch_size" if fits is None else f"batch_size {fits}, which fits"
    return f"minibatches of {size} do not fit into the memory of {device}; use {advice}, or device cpu"


def check_memory(n: int, m: int, matrices: float) -> None:
    """Check that float32 matrices fit into the free memory.

    Args:
        n, m: rows and columns of a matrix.
        matrices: number of matrices.

    Raises:
        ValueError: they do not fit; the message says which n would.
    """
    entry, free = 4.0 * matrices, free_memory()
    need = entry * n * m
    if need > SPARE * free:
        fits = math.isqrt(int(SPARE * free / entry))
        raise ValueError(
            f"n = {max(n, m)} points need {need / 1e9:.2g} GB for the plan and {free / 1e9:.2g} GB are free;"
            f" n = {fits} fits"
        )
