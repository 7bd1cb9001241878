"""The points of Fuge's notebook, chapter 11: the draw behind its printed Sinkhorn divergence 2.7932."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]


def notebook_points() -> tuple[Points, Points]:
    """Source (2000, 2), N(0, 0.5^2 I), and target (2000, 2), 8 modes of std 0.25 at radius 3.

    The notebook seeds numpy's global generator with 42, draws the target's modes, then its noise, then the source;
    a RandomState of its own draws the same numbers and leaves the global one alone.
    """
    rng = np.random.RandomState(42)
    target = _ring(rng)[0]
    source = rng.randn(2000, 2) * 0.5
    return source.astype(np.float32), target


def notebook_modes() -> NDArray[np.int64]:
    """The mode of each target point, shape (2000,)."""
    return _ring(np.random.RandomState(42))[1]


def _ring(rng: np.random.RandomState) -> tuple[Points, NDArray[np.int64]]:
    angles = 2 * np.pi * np.arange(8) / 8
    centres = 3.0 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    modes = rng.choice(8, 2000)
    points = centres[modes] + rng.randn(2000, 2) * 0.25
    return points.astype(np.float32), modes.astype(np.int64)
