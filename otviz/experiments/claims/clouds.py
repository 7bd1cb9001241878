"""Point clouds shared by experiments, drawn from the seed; seed 0 of `notebook_clouds` is the draw of the notebook."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

NOTEBOOK_SEED = 42
"""Seed of NumPy's global generator in Fuge's notebook; experiment seed s draws with 42 + s."""


def notebook_clouds(seed: int, n: int = 2000) -> tuple[Tensor, Tensor, NDArray[np.int64]]:
    """Source (n, 2), N(0, 0.5^2 I), target (n, 2), 8 modes of std 0.25 at radius 3, and the mode of each target point."""
    rng = np.random.RandomState(NOTEBOOK_SEED + seed)
    modes = rng.choice(8, n)
    angles = 2 * np.pi * modes / 8
    centres = 3.0 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    target = centres + 0.25 * rng.randn(n, 2)
    source = rng.randn(n, 2) * 0.5
    return _tensor(source), _tensor(target), modes


def gaussian(n: int, seed: int, stream: int, dim: int = 2) -> Tensor:
    """n points of N(0, I), shape (n, dim).

    Args:
        n, dim: number and dimension of the points.
        seed, stream: of the draw; streams of one seed are independent.
    """
    return _tensor(np.random.default_rng([seed, stream]).standard_normal((n, dim)))


def _tensor(points: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(points.astype(np.float32))
