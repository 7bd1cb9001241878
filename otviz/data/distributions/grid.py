"""Gaussians on a square grid, the "25 Gaussians" of the GAN literature (Dumoulin et al. 2017, arXiv:1606.00704)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otviz.core.params import param
from otviz.data.distributions.distribution import Distribution, Points
from otviz.data.target import Mixture


@dataclass(frozen=True)
class Grid(Distribution):
    """side x side Gaussians of equal weight, `spacing` apart, centred at the origin."""

    name: ClassVar[str] = "grid"
    title: ClassVar[str] = "Grid of Gaussians"

    side: int = param(5, 1, 10, doc="Gaussians along each side", label="Modes per side")
    spacing: float = param(1.0, 0.1, 10, doc="Distance between neighbours", unit="length", label="Spacing")
    std: float = param(
        0.1,
        0.001,
        5,
        doc="Standard deviation of each Gaussian. Too small: hard to hit; too large: modes overlap",
        unit="length",
        log=True,
        label="Width of each mode σ",
    )

    def mixture(self) -> Mixture:
        ticks = self.spacing * (np.arange(self.side, dtype=np.float32) - (self.side - 1) / 2)
        centres = np.stack([np.repeat(ticks, self.side), np.tile(ticks, self.side)], axis=1)
        return Mixture(centres.astype(np.float32), self.std, np.full(self.side**2, 1 / self.side**2))

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        return self.mixture().sample(n, rng)
