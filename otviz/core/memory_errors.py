"""When a device has no room for a minibatch: which one has, in a sentence."""

from __future__ import annotations

from collections.abc import Callable

import torch


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
