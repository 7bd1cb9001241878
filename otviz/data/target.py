"""The interface of what a generator is trained on: points in the plane or images."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from otviz.core.params import Knobs
from otviz.data.units import Units

Kind = Literal["points", "images"]
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Mixture:
    """A mixture of isotropic Gaussians of equal width: sum_k w_k N(c_k, std^2 I).

    Attributes:
        centres: c_k in data units, shape (k, 2), float32.
        std: standard deviation along each axis, > 0, in data units.
        weights: w_k, shape (k,), summing to 1.
    """

    centres: Rows
    std: float
    weights: NDArray[np.float64]

    def sample(self, n: int, rng: np.random.Generator) -> Rows:
        """Draw n independent points, shape (n, 2), float32."""
        # Inverse CDF: several times faster than rng.choice, which validates its weights at every call.
        edges = np.cumsum(self.weights[:-1])
        mode = np.searchsorted(edges, rng.random(n), side="right")
        points: Rows = rng.standard_normal((n, 2), dtype=np.float32)
        points *= np.float32(self.std)
        points += self.centres[mode]
        return points


class Source(Protocol):
    """The input distribution of a generator: points, or noise in the shape of an image."""

    @property
    def name(self) -> str:
        """Its key in records and links."""

    @property
    def title(self) -> str:
        """Its title on screen."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""

    def sample(self, n: int, rng: np.random.Generator) -> Rows:
        """Draw n independent rows (n, d)."""

    def record(self) -> dict[str, Any]:
        """Name and knobs, as JSON-compatible values."""


@dataclass(frozen=True)
class Target(Knobs, ABC):
    """The common interface of `Distribution` and `ImageSet` for trainings, probes and verdicts.

    Attributes:
        kind: selects the probe, the scene, the verdict and the exports of a run.
        class_names: by class index; empty without classes.
        needs_file: whether it needs a file or folder of the user.
    """

    kind: ClassVar[Kind]
    class_names: ClassVar[tuple[str, ...]] = ()
    needs_file: ClassVar[bool] = False

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample: (2,) for a point, (C, H, W) for an image."""

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> Rows:
        """Draw n independent samples as rows (n, d), float32: points in data units, images in [-1, 1]."""

    def pair(self, n: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """Two independent sets of n samples each, like those of a perfect generator and the target.

        A file with few rows gives fewer points, and no row is in both sets, since generated points are new, too.
        """
        return self.sample(n, rng), self.sample(n, rng)

    @property
    def units(self) -> Units:
        """The units of the user's file; the identity without a file."""
        return Units()

    @property
    def dim(self) -> int:
        """Dimension of a sample."""
        return math.prod(self.shape)

    def labels(self) -> NDArray[np.int64]:
        """The class of each training sample, (N,); empty without classes. Raises ValueError as `ImageSet.split`."""
        return np.empty(0, np.int64)

    def mixture(self) -> Mixture | None:
        """The modes, or None if there are no countable modes."""
        return None

    def describe(self) -> str:
        """One sentence on the content of the file; empty without one."""
        return ""
