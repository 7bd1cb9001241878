"""What every 2D distribution offers: samples and, where it has them, its modes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from otviz.params import Knobs

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Mixture:
    """The modes of a mixture: centres (k, 2), one standard deviation (data units), weights (k,) that sum to 1."""

    centres: Points
    std: float
    weights: NDArray[np.float64]


@dataclass(frozen=True)
class Distribution(Knobs, ABC):
    """A distribution of points in the plane. Subclasses are frozen dataclasses of knobs."""

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> Points:
        """Draw n independent points, shape (n, 2), float32."""

    def mixture(self) -> Mixture | None:
        """The modes, or None where the distribution has none worth counting."""
        return None
