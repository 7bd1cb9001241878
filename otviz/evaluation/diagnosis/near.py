"""Nearest neighbours, and what they say about missing, stray and copied samples.

Under exchangeability (generated samples are fresh real ones), of all other points around a real one every order of real and
generated is equally likely. So the chance that its k nearest are all real depends on the numbers of points only, whatever
the distribution and the dimension: `chance_of_hole`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otviz.core.imports import scikit_learn

Array = NDArray[np.float64]
Places = NDArray[np.int64]

CHANCE = 1e-3
"""Chance that a real sample seems to be a hole though generated ones are fresh real ones."""

COPY = 0.1
"""A sample copies a real one if it is nearer than this part of that one's distance to the nearest other real one."""

USUAL = 0.9
"""Share of the samples that come as near to the data as is usual for them."""

TREE = 10
"""Largest dimension in which a KD tree is faster than all distances."""


def nearest(queries: Array, points: Array, k: int) -> tuple[Array, Places]:
    """Distances and places of the k nearest points of each query, (n, k) each, nearest first.

    Args:
        queries: (n, d).
        points: (m, d), m >= k.
        k: number of neighbours.
    """
    distances, places = _search(points, k).kneighbors(queries)
    return distances, places


def nearest_others(points: Array, k: int) -> tuple[Array, Places]:
    """The same among the other points themselves."""
    distances, places = _search(points, k).kneighbors()
    return distances, places


def _search(points: Array, k: int):  # type: ignore[no-untyped-def]
    method = "kd_tree" if points.shape[1] <= TREE else "brute"
    return scikit_learn("neighbors").NearestNeighbors(n_neighbors=k, algorithm=method).fit(points)


def chance_of_hole(k: int, real: int, generated: int) -> float:
    """Probability that the k nearest samples around a real one are all real, if generated ones are fresh real ones.

    Args:
        k: number of neighbours.
        real, generated: numbers of samples, of which `real` - 1 and `generated` are around it.
    """
    return float(np.prod([(real - 1 - j) / (real - 1 + generated - j) for j in range(k)]))


def hole_rank(real: int, generated: int) -> int:
    """The smallest k >= 5 for which a hole is unlikely (CHANCE); 0 if more than a quarter of the real samples were needed."""
    for k in range(5, real // 4 + 1):
        if chance_of_hole(k, real, generated) <= CHANCE:
            return k
    return 0


def reach(across: Array, around: Array) -> float:
    """How near generated samples come to real ones where they are nearest, in local radii, at least 1.

    Samples that lie a little beside all of the data, as of an unfinished generator, are far from every real one. What they do
    not come near to, by their own standard, is missing.

    Args:
        across: distance of each generated sample to its nearest real one, (m,).
        around: distance from that real one to its k-th nearest other real one, (m,).
    """
    ratios = across / np.maximum(around, 1e-300)
    return max(1.0, float(np.quantile(ratios, USUAL)))


def alone(own: Array, across: Array, reach: float = 1.0) -> NDArray[np.bool_]:
    """Samples whose nearest one on the other side lies beyond their k-th nearest on their own, (n,).

    Args:
        own: distances to the k-th nearest other sample of the same side, (n,).
        across: distances to the nearest sample of the other side, (n,).
        reach: factor of `own`.
    """
    return np.asarray(across > reach * own * (1 + 1e-9) + 1e-12)
