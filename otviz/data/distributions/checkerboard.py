"""A checkerboard: uniform density with sharp edges and touching corners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otviz.core.params import param
from otviz.data.distributions.distribution import Distribution, Points


@dataclass(frozen=True)
class Checkerboard(Distribution):
    """Uniform on every other field of a board centred at the origin, starting with the lower left one."""

    name: ClassVar[str] = "checkerboard"
    title: ClassVar[str] = "Checkerboard"

    fields: int = param(4, 1, 10, doc="Fields along each side of the board", label="Fields per side")
    size: float = param(5.0, 0.1, 20, doc="Side of the board", unit="length", label="Size")

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        # Fields are numbered row by row; if rows have even length, every other row shifts the pattern by one.
        row, column = np.divmod(2 * rng.integers((self.fields**2 + 1) // 2, size=n), self.fields)
        if self.fields % 2 == 0:
            column += row % 2
        points: Points = rng.random((n, 2), dtype=np.float32)
        points[:, 0] += column
        points[:, 1] += row
        points *= np.float32(self.size / self.fields)
        points -= np.float32(self.size / 2)
        return points
