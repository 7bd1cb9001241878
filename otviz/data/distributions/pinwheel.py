"""The pinwheel of Johnson et al. 2016 (arXiv:1603.06277): stretched Gaussians, bent around the centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otviz.core.params import param
from otviz.data.distributions.distribution import Distribution, Points


@dataclass(frozen=True)
class Pinwheel(Distribution):
    """A point (r, s) of N((1, 0), diag(length^2, width^2)) is rotated by its arm's angle plus twist * exp(r)."""

    name: ClassVar[str] = "pinwheel"
    title: ClassVar[str] = "Pinwheel"

    arms: int = param(5, 1, 12, doc="Number of arms")
    twist: float = param(0.25, 0, 1, doc="How far the arms bend", unit="radians")
    length: float = param(
        0.3, 0.01, 0.5, doc="Standard deviation along an arm, over its distance", label="Length of an arm"
    )
    width: float = param(
        0.1, 0.01, 0.5, doc="Standard deviation across an arm, over its distance", label="Width of an arm"
    )
    radius: float = param(2.0, 0.1, 10, doc="Distance of the arms from the centre", unit="length")

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        arm: Points = rng.standard_normal((n, 2), dtype=np.float32)
        arm *= np.array([self.length, self.width], np.float32)
        arm[:, 0] += 1
        turn = 2 * np.pi * rng.integers(self.arms, size=n) / self.arms + self.twist * np.exp(arm[:, 0])
        points = np.empty_like(arm)
        points[:, 0] = self.radius * (arm[:, 0] * np.cos(turn) - arm[:, 1] * np.sin(turn))
        points[:, 1] = self.radius * (arm[:, 0] * np.sin(turn) + arm[:, 1] * np.cos(turn))
        return points
