"""Optimal transport without entropy, solved as a linear programme."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otviz.core.imports import pot

MAX_PIVOTS = 10_000_000
"""Maximum number of simplex pivots; 2000 by 2000 points take about 50 000."""


def exact_coupling(cost: ArrayLike, a: ArrayLike | None = None, b: ArrayLike | None = None) -> NDArray[np.float64]:
    """The optimal plan, shape (n, m), by network simplex (POT).

    Args:
        cost: finite costs, shape (n, m).
        a, b: weights, shapes (n,) and (m,), >= 0, with the same sum; uniform with sum 1 if None.

    Raises:
        ValueError: the cost is not finite, the sums differ, or MAX_PIVOTS did not suffice.
    """
    ot = pot()
    costs = np.ascontiguousarray(cost, dtype=np.float64)
    if costs.ndim != 2 or not costs.size or not np.isfinite(costs).all():
        raise ValueError(f"cost must be a finite matrix (n, m); got shape {costs.shape}")
    weights = [
        np.full(n, 1 / n) if w is None else np.asarray(w, dtype=np.float64)
        for w, n in zip((a, b), costs.shape, strict=True)
    ]
    if abs(weights[0].sum() - weights[1].sum()) > 1e-6:
        raise ValueError(f"weights must have equal sums; got {weights[0].sum():g} and {weights[1].sum():g}")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        try:
            plan = ot.emd(weights[0], weights[1], costs, numItermax=MAX_PIVOTS)
        except UserWarning as warning:
            raise ValueError(f"the transport programme was not solved: {warning}") from warning
    return np.asarray(plan, dtype=np.float64)


def exact_cost(cost: ArrayLike, a: ArrayLike | None = None, b: ArrayLike | None = None) -> float:
    """The minimum transport cost <P, C>, in units of the cost.

    Args:
        cost, a, b: as in `exact_coupling`.

    Raises:
        ValueError: as in `exact_coupling`.
    """
    return float((exact_coupling(cost, a, b) * np.asarray(cost, dtype=np.float64)).sum())


def wasserstein2(x: ArrayLike, y: ArrayLike) -> float:
    """W2 between uniform samples x (n, d) and y (m, d): (min_P sum P_ij |x_i - y_j|^2)^(1/2), in data units."""
    return math.sqrt(exact_cost(squared_distances(x, y)))


def squared_distances(x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """|x_i - y_j|^2 in float64, shape (n, m), from differences of coordinates.

    Raises:
        ValueError: x, y are not of shapes (n, d), (m, d), or not finite.
    """
    left, right = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[1] or not left.size or not right.size:
        raise ValueError(f"samples must have shapes (n, d) and (m, d); got {left.shape} and {right.shape}")
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise ValueError("samples must be finite; some are nan or infinite")
    total = np.zeros((len(left), len(right)))
    for k in range(left.shape[1]):
        total += (left[:, k, None] - right[None, :, k]) ** 2
    return total
