"""Gaussians on a circle, the toy problem of all four sources; the defaults are those of Fuge 2025."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otviz.core.params import param
from otviz.data.distributions.distribution import Distribution, Points
from otviz.data.target import Mixture


@dataclass(frozen=True)
class Ring(Distribution):
    """Gaussian modes at equal angles on a circle, with optional weights and centre."""

    name: ClassVar[str] = "ring"
    title: ClassVar[str] = "Ring of Gaussians"

    modes: int = param(8, 1, 32, doc="Number of Gaussians on the circle", label="Modes")
    radius: float = param(3.0, 0.1, 20, doc="Radius of the circle", unit="length")
    std: float = param(
        0.25,
        0.001,
        5,
        doc="Standard deviation of each Gaussian. Too small: hard to hit; too large: modes overlap",
        unit="length",
        log=True,
        label="Width of each mode σ",
    )
    centre: tuple[float, float] = param((0.0, 0.0), -20, 20, doc="Centre of the circle", unit="length")
    weights: tuple[float, ...] = param(
        (), 0, 1e6, doc="Weight of each mode, separated by commas; empty: all equal", label="Weights of the modes"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.weights and (len(self.weights) != self.modes or sum(self.weights) <= 0):
            raise ValueError(
                f"weights must be {self.modes} numbers >= 0, one per mode and not all 0; got {self.weights}"
            )

    def mixture(self) -> Mixture:
        angles = 2 * np.pi * np.arange(self.modes) / self.modes
        circle = self.radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        weights = np.asarray(self.weights or [1.0] * self.modes)
        return Mixture((circle + np.asarray(self.centre)).astype(np.float32), self.std, weights / weights.sum())

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        return self.mixture().sample(n, rng)
