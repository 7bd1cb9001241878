"""A lopsided mixture: off-centre, with unequal weights, so that light modes are easily lost.

Symmetric targets are too easy: on a ring, a generator with the right mean and variance already looks good.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otviz.core.params import param
from otviz.data.distributions.distribution import Distribution, Points
from otviz.data.target import Mixture

CANDIDATES = 64  # more candidates push the modes further apart and towards the rim


@dataclass(frozen=True)
class LopsidedMixture(Distribution):
    """Gaussians scattered over a disc, with geometrically decreasing weights."""

    name: ClassVar[str] = "mixture"
    title: ClassVar[str] = "Lopsided mixture"

    modes: int = param(5, 1, 32, doc="Number of Gaussians")
    imbalance: float = param(
        8.0,
        1,
        1000,
        doc="Weight of the heaviest mode over that of the lightest. Large: light modes are easily lost",
        log=True,
        label="Imbalance",
    )
    spread: float = param(
        2.0, 0.1, 20, doc="Radius of the disc that holds the modes", unit="length", label="Radius of the disc"
    )
    std: float = param(
        0.15,
        0.001,
        5,
        doc="Standard deviation of each Gaussian. Too small: hard to hit; too large: modes overlap",
        unit="length",
        log=True,
        label="Width of each mode σ",
    )
    centre: tuple[float, float] = param((1.0, 0.5), -20, 20, doc="Centre of the disc", unit="length")
    layout_seed: int = param(
        0, 0, 9999, doc="Another number gives another arrangement of the modes", label="Arrangement"
    )

    def mixture(self) -> Mixture:
        places = self.spread * _places(self.modes, self.layout_seed) + np.asarray(self.centre)
        weights = self.imbalance ** -np.linspace(0, 1, self.modes)
        return Mixture(places.astype(np.float32), self.std, weights / weights.sum())

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        return self.mixture().sample(n, rng)


@functools.lru_cache(maxsize=256)
def _places(modes: int, seed: int) -> np.ndarray:
    """Well separated points of the unit disc, shape (modes, 2), by best candidate (Mitchell 1991)."""
    rng = np.random.default_rng(seed)
    places = np.empty((0, 2))
    for _ in range(modes):
        radius, angle = np.sqrt(rng.random(CANDIDATES)), 2 * np.pi * rng.random(CANDIDATES)
        candidates = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        gaps = np.linalg.norm(candidates[:, None] - places, axis=2).min(axis=1, initial=np.inf)
        places = np.concatenate([places, candidates[[gaps.argmax()]]])
    places.setflags(write=False)
    return places
