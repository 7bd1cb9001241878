"""The Gaussian, the default source of all generators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otviz.core.params import param
from otviz.data.distributions.distribution import Distribution, Points


@dataclass(frozen=True)
class Gaussian(Distribution):
    """An isotropic Gaussian N(centre, std^2 I)."""

    name: ClassVar[str] = "gaussian"
    title: ClassVar[str] = "Gaussian"

    std: float = param(
        1.0, 0.001, 20, doc="Spread along each axis", unit="length", log=True, label="Standard deviation σ"
    )
    centre: tuple[float, float] = param((0.0, 0.0), -50, 50, doc="Centre", unit="length")

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        points: Points = rng.standard_normal((n, 2), dtype=np.float32)
        points *= np.float32(self.std)
        points += np.asarray(self.centre, np.float32)
        return points
