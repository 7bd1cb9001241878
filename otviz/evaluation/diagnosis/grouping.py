"""Clusters of the real samples: classes if they are known, else HDBSCAN, else regions from k-means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otviz.core.imports import scikit_learn
from otviz.evaluation.diagnosis.near import nearest, nearest_others

Array = NDArray[np.float64]
Places = NDArray[np.int64]

MOST = 2500
"""Largest number of real samples that are clustered; the others belong where the nearest of these does."""

SMALLEST = 0.02
"""Smallest share of a cluster that HDBSCAN finds."""

NOISE = 0.4
"""Largest share of samples that HDBSCAN may leave out; otherwise k-means is used."""

REGIONS = 8
"""Number of regions from k-means."""


@dataclass(frozen=True, eq=False)
class Grouping:
    """Clusters of real samples.

    Attributes:
        how: how they were found.
        names: of the clusters.
        points: the real samples that define them, (k, d).
        group: their clusters, (k,).
        real: cluster of each real sample, (n,).
        regions: whether these are only regions of connected data.
    """

    how: str
    names: tuple[str, ...]
    points: Array
    group: Places
    real: Places
    regions: bool = False

    def of(self, vectors: Array) -> Places:
        """Cluster of each of other samples, (m,): that of the nearest defining one."""
        return self.group[nearest(vectors, self.points, 1)[1][:, 0]]


def by_classes(vectors: Array, classes: Places, names: tuple[str, ...], how: str) -> Grouping:
    """Classes of real samples (n,) as clusters. A sample belongs where its nearest other one does, as on the other side.

    Args:
        vectors: (n, d).
        classes: indices into `names`, (n,).
        names: of the classes.
        how: where they come from.
    """
    return Grouping(how, names, vectors, classes, classes[nearest_others(vectors, 1)[1][:, 0]])


def found(vectors: Array, rng: np.random.Generator) -> Grouping:
    """Clusters of vectors (n, d) by HDBSCAN (Campello et al. 2013), or regions by k-means where it finds none."""
    kept = np.sort(rng.choice(len(vectors), MOST, replace=False)) if len(vectors) > MOST else np.arange(len(vectors))
    points = vectors[kept]
    group, word, how = _hdbscan(points)
    if not len(group):
        group, word, how = _regions(points)
    real = np.empty(len(vectors), np.int64)
    rest = np.setdiff1d(np.arange(len(vectors)), kept)
    # The points that define a cluster are judged like all others: by the nearest other one.
    real[kept] = group[nearest_others(points, 1)[1][:, 0]]
    if len(rest):
        real[rest] = group[nearest(vectors[rest], points, 1)[1][:, 0]]
    order = np.argsort(-np.bincount(group), kind="stable")
    renamed = np.argsort(order)
    names = tuple(f"{word} {at + 1}" for at in range(len(order)))
    return Grouping(how, names, points, renamed[group], renamed[real], word == "region")


def _hdbscan(points: Array) -> tuple[Places, str, str]:
    smallest = max(8, round(SMALLEST * len(points)))
    if len(points) < 4 * smallest:
        return np.empty(0, np.int64), "", ""
    # Without the choice of one cluster, it finds several in a single Gaussian.
    found = scikit_learn("cluster").HDBSCAN(
        min_cluster_size=smallest, min_samples=5, copy=True, allow_single_cluster=True
    )
    group = found.fit_predict(points).astype(np.int64)
    if group.max() < 1 or (group < 0).mean() > NOISE:
        return np.empty(0, np.int64), "", ""
    noise = group < 0
    if noise.any():
        group[noise] = group[~noise][nearest(points[noise], points[~noise], 1)[1][:, 0]]
    return group, "cluster", "HDBSCAN"


def _regions(points: Array) -> tuple[Places, str, str]:
    count = max(1, min(REGIONS, len(points) // 20))
    group = scikit_learn("cluster").KMeans(count, n_init=3, random_state=0).fit_predict(points).astype(np.int64)
    return group, "region", f"{count} regions from k-means, since no clusters stand out"
