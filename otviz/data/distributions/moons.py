"""Two interleaved half circles, the "two moons" of scikit-learn, centred at the origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otviz.core.params import param
from otviz.data.distributions.distribution import Distribution, Points


@dataclass(frozen=True)
class Moons(Distribution):
    """The upper half of one circle and the lower half of another, each reaching to the other's centre."""

    name: ClassVar[str] = "moons"
    title: ClassVar[str] = "Two moons"

    radius: float = param(1.5, 0.1, 10, doc="Radius of each half circle", unit="length")
    std: float = param(
        0.1, 0, 2, doc="Standard deviation of points about the line", unit="length", label="Thickness of the line σ"
    )

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        angle = np.pi * rng.random(n, dtype=np.float32)
        side = rng.choice(np.array([-1, 1], np.float32), n)
        points: Points = rng.standard_normal((n, 2), dtype=np.float32)
        points *= np.float32(self.std)
        # The lower moon is the upper one rotated by 180 degrees about the origin, hence the common factor.
        points[:, 0] += self.radius * side * (np.cos(angle) - 0.5)
        points[:, 1] += self.radius * side * (np.sin(angle) - 0.25)
        return points
