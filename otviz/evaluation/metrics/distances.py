"""Distances and scores between two sets of samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.floating[Any]]

NEIGHBOURS = 3
"""k of the k-th neighbour that sets the radius of a ball in precision and recall."""


def diversity(samples: Samples) -> float:
    """Mean variance of the coordinates, in squared data units (Fuge 2025); it cannot see a collapse onto opposite modes."""
    return float(np.var(np.asarray(samples, dtype=np.float64), axis=0).mean())


def check_samples(samples: Samples, dimension: int | None = 2) -> Samples:
    """Return the samples as an array. Raises ValueError unless they are (n, dimension), n >= 1, and finite."""
    samples = np.asarray(samples)
    if samples.ndim != 2 or not len(samples) or (dimension is not None and samples.shape[1] != dimension):
        shape = f"(n, {'d' if dimension is None else dimension})"
        raise ValueError(f"samples must have shape {shape} with n >= 1; got {samples.shape}")
    if not np.isfinite(samples).all():
        bad = int((~np.isfinite(samples).all(1)).sum())
        raise ValueError(f"samples must be finite; {bad} of {len(samples)} are nan or infinite (did training diverge?)")
    return samples


def precision_recall(samples: Samples, real: Samples, k: int = NEIGHBOURS) -> tuple[float, float]:
    """Improved precision and recall (Kynkaanniemi et al. 2019), both in [0, 1].

    Precision is the share of samples inside the ball of some real point, which reaches to its k-th nearest real neighbour;
    recall swaps the roles. Duplicate real points, from a file with few rows, count once, since their balls would be empty;
    duplicate samples keep their empty balls. Both depend on n and m; compare only at equal sizes.

    Args:
        samples: shape (n, d).
        real: shape (m, d).
        k: which neighbour sets the radius.

    Raises:
        ValueError: n <= k or m <= k.
    """
    if min(len(samples), len(real)) <= k:
        raise ValueError(f"precision and recall need more than k = {k} points; got {len(samples)} and {len(real)}")
    different = np.unique(real, axis=0)
    return _inside(samples, different if len(different) > k else real, k), _inside(real, samples, k)


def _inside(points: Samples, support: Samples, k: int) -> float:
    from scipy.spatial.distance import cdist

    radii = np.partition(cdist(support, support), k, axis=1)[:, k]
    return float((cdist(points, support) <= radii).any(1).mean())


def stray(samples: Samples, real: Samples) -> float:
    """Root mean squared distance from samples (n, d) to the nearest of the real points (m, d), in data units.

    Unlike precision it measures how far: a few distant points weigh as much as many close ones.
    """
    from scipy.spatial.distance import cdist

    return float(np.sqrt((cdist(samples, real).min(1) ** 2).mean()))


def sinkhorn(samples: Samples, real: Samples, blur: float) -> float:
    """Sinkhorn divergence (p = 2), in half squared data units.

    Args:
        samples, real: shapes (n, d) and (m, d).
        blur: in data units.
    """
    import torch

    from otviz.ot.divergences import sinkhorn_divergence

    x, y = (torch.as_tensor(np.asarray(points), dtype=torch.float32) for points in (samples, real))
    return float(sinkhorn_divergence(x, y, blur=blur, scaling=0.9).value)


def wasserstein2(samples: Samples, real: Samples) -> float:
    """Exact W2 between samples (n, d) and real (m, d), in data units; 0.1 s at 1000 points."""
    from otviz.ot.exact import wasserstein2 as exact

    return exact(samples, real)
