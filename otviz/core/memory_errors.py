"""Out-of-memory errors: find a minibatch that fits, and report it."""

from __future__ import annotations

from collections.abc import Callable

import torch


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
