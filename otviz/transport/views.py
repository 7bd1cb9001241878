"""Where a picture looks: a grid over its box, and some points that stand for all."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.transport.solution import Box

GRID = 48


def grid(box: Box, side: int = GRID) -> Tensor:
    """side^2 places over the box (x_low, x_high, y_low, y_high), its edges included, (side^2, 2) float64, low y first."""
    across = torch.linspace(box[0], box[1], side, dtype=torch.float64)
    up = torch.linspace(box[2], box[3], side, dtype=torch.float64)
    return torch.stack([across.repeat(side), up.repeat_interleave(side)], 1)


def sample(n: int, some: int | None) -> NDArray[np.intp]:
    """Places of `some` out of n points, rising, always the same; of all where `some` is None or too many."""
    if some is None or some >= n:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).permutation(n)[:some])
