"""The plane in which both sides are drawn: two columns as they are, or the two principal components of the real samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.diagnosis.samples import Samples
from otviz.evaluation.diagnosis.spaces import Space

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Plane:
    """A map to the plane.

    Attributes:
        title: what it is.
        axes: names of its axes.
        of: coordinates (n, 2) of vectors (n, d) and the samples they belong to.
    """

    title: str
    axes: tuple[str, str]
    of: Callable[[Array, Samples], Array]


def plane_of(real: Samples, vectors: Array, space: Space) -> Plane:
    """The plane for real samples.

    Args:
        real: the samples.
        vectors: of them, (n, d).
        space: they lie in.
    """
    if space.plane:
        return Plane(space.plane, space.axes, lambda _, samples: np.asarray(samples.values, np.float64))
    middle = vectors.mean(0)
    _, sizes, axes = np.linalg.svd(vectors - middle, full_matrices=False)
    two = np.zeros((2, vectors.shape[1]))
    two[: min(2, len(axes))] = axes[:2]
    kept = float((sizes[:2] ** 2).sum() / max((sizes**2).sum(), 1e-300))
    return Plane(
        f"two principal components of {space.title}, which keep {kept:.0%} of their variance",
        ("component 1", "component 2"),
        lambda points, _: (points - middle) @ two.T,
    )
