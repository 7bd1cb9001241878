"""Two concentric circles: no continuous map of a Gaussian covers them without a bridge between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otviz.core.params import param
from otviz.data.distributions.distribution import Distribution, Points


@dataclass(frozen=True)
class Circles(Distribution):
    """Half of the points on an outer circle, half on an inner one."""

    name: ClassVar[str] = "circles"
    title: ClassVar[str] = "Two circles"

    radius: float = param(2.5, 0.1, 10, doc="Radius of the outer circle", unit="length")
    ratio: float = param(
        0.5, 0, 1, doc="Radius of the inner circle over that of the outer", label="Inner over outer radius"
    )
    std: float = param(
        0.08, 0, 2, doc="Standard deviation of points about the line", unit="length", label="Thickness of the line σ"
    )

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        angle = 2 * np.pi * rng.random(n, dtype=np.float32)
        radius = rng.choice(np.array([self.radius, self.ratio * self.radius], np.float32), n)
        points: Points = rng.standard_normal((n, 2), dtype=np.float32)
        points *= np.float32(self.std)
        points[:, 0] += radius * np.cos(angle)
        points[:, 1] += radius * np.sin(angle)
        return points
