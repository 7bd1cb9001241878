"""Two points: the smallest target on which a generator can lose a mode, with a transport plan known in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otviz.core.params import param
from otviz.data.distributions.distribution import Distribution, Points
from otviz.data.target import Mixture


@dataclass(frozen=True)
class TwoDiracs(Distribution):
    """Points at (-distance/2, 0) and (distance/2, 0) with Gaussian noise of width `std`.

    The width is not 0 because quality is counted within 3 std of a mode, and no network hits a point exactly.
    """

    name: ClassVar[str] = "two-diracs"
    title: ClassVar[str] = "Two points"

    distance: float = param(4.0, 0.1, 20, doc="Distance between the two points", unit="length")
    weight: float = param(0.5, 0, 1, doc="Share of samples at the right point", label="Share on the right")
    std: float = param(
        0.02, 1e-4, 1, doc="Standard deviation of each point", unit="length", log=True, label="Width of each point σ"
    )

    def mixture(self) -> Mixture:
        centres = np.array([[-self.distance / 2, 0], [self.distance / 2, 0]], np.float32)
        return Mixture(centres, self.std, np.array([1 - self.weight, self.weight]))

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        return self.mixture().sample(n, rng)
