"""The Swiss roll (Tenenbaum et al. 2000) in 2D, as in the diffusion literature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otviz.core.params import param
from otviz.data.distributions.distribution import Distribution, Points


@dataclass(frozen=True)
class SwissRoll(Distribution):
    """One spiral arm that starts away from the centre: (t cos t, t sin t), t uniform, scaled to a radius."""

    name: ClassVar[str] = "swiss-roll"
    title: ClassVar[str] = "Swiss roll"

    start: float = param(0.75, 0, 3, doc="Turns wound before the roll begins", unit="turns", label="Inner turns")
    turns: float = param(1.5, 0.25, 4, doc="Turns of the roll", unit="turns")
    radius: float = param(3.0, 0.1, 10, doc="Radius at the rim", unit="length")
    std: float = param(
        0.1, 0, 2, doc="Standard deviation of points about the line", unit="length", label="Thickness of the line σ"
    )

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        wound = self.start + self.turns * rng.random(n, dtype=np.float32)
        radius, angle = self.radius * wound / (self.start + self.turns), 2 * np.pi * wound
        points: Points = rng.standard_normal((n, 2), dtype=np.float32)
        points *= np.float32(self.std)
        points[:, 0] += radius * np.cos(angle)
        points[:, 1] += radius * np.sin(angle)
        return points
