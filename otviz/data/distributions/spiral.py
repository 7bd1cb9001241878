"""Spirals: thin curves close together, hard for a smooth map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otviz.core.params import param
from otviz.data.distributions.distribution import Distribution, Points


@dataclass(frozen=True)
class Spiral(Distribution):
    """Archimedean arms (radius proportional to the angle), rotated copies of one."""

    name: ClassVar[str] = "spiral"
    title: ClassVar[str] = "Spiral"

    arms: int = param(2, 1, 6, doc="Number of arms")
    turns: float = param(1.5, 0.25, 4, doc="Turns of each arm from the centre to the rim", unit="turns")
    radius: float = param(3.0, 0.1, 10, doc="Radius at the rim", unit="length")
    std: float = param(
        0.08, 0, 2, doc="Standard deviation of points about the line", unit="length", label="Thickness of the line σ"
    )

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        # The length of an Archimedean spiral grows with the square of its radius, so the root spreads points evenly.
        share = np.sqrt(rng.random(n, dtype=np.float32))
        angle = 2 * np.pi * (self.turns * share + rng.integers(self.arms, size=n) / self.arms)
        points: Points = rng.standard_normal((n, 2), dtype=np.float32)
        points *= np.float32(self.std)
        points[:, 0] += self.radius * share * np.cos(angle)
        points[:, 1] += self.radius * share * np.sin(angle)
        return points
