"""The mass that unbalanced transport moves, depending on distance, the weight of the divergence, and reach.

The problem is min over P of <P, C> + rho KL(P 1 | a) + rho KL(P' 1 | b) (Liero et al. 2018), with a little entropy.
Between two Diracs at cost C the mass moved is e^(-C / (2 rho)). C = tau |x - y|^2 and rho = alpha give the problem of
the UOTM-SD schedule (Choi et al. 2024): tau is the cost of distance, alpha the cost of dropped mass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.clouds.potentials import Masses
from otviz.ot.costs import cost_p, squared_euclidean
from otviz.ot.sinkhorn import Coupling, solve

TAUS = (0.01, 0.1, 1.0)
ALPHAS = (0.2, 0.5, 1.0, 2.0, 5.0)
SCHEDULE = (0.2, 5.0)
"""alpha at the beginning and the end of the recommended schedule (Choi et al. 2024, section 4)."""

SHARPNESS = 0.01
"""epsilon of the table, as a share of the median cost."""

REACHES: tuple[float, ...] = tuple(float(reach) for reach in np.geomspace(0.1, 20, 16))

Array = NDArray[np.float32]
Pair = tuple[Tensor | None, Tensor | None]


@dataclass(frozen=True)
class KeptMass:
    """The mass moved at one tau and alpha.

    Attributes:
        tau, alpha: cost per squared length, weight of the divergences.
        mass: total mass moved; 1 if balanced.
        target_radius: mean distance of the target points from the origin, weighted by the mass they get, data units; nan
            if they get none.
        mass_x, mass_y: mass that each point gives (n,) or gets (m,), in units of its own.
    """

    tau: float
    alpha: float
    mass: float
    target_radius: float
    mass_x: Array
    mass_y: Array


@dataclass(frozen=True)
class ReachPoint:
    """The mass that target points get at one reach (data units), in units of their own: all, outliers and others."""

    reach: float
    mass: float
    outliers: float
    others: float


def kept_table(
    x: Array,
    y: Array,
    taus: Sequence[float] = TAUS,
    alphas: Sequence[float] = ALPHAS,
    sharpness: float = SHARPNESS,
    a: Masses | None = None,
    b: Masses | None = None,
) -> Iterator[KeptMass]:
    """Entropic KL-unbalanced transport with cost tau |x - y|^2, for each tau and, within it, each alpha.

    Args:
        x, y: samples, shapes (n, 2) and (m, 2), data units.
        taus: costs per squared length, > 0.
        alphas: weights of the divergences, > 0, in units of the cost.
        sharpness: epsilon > 0 as a share of the median cost.
        a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.

    Raises:
        ValueError: at once, for a tau, alpha or sharpness that is not > 0.
    """
    for name, values in (("tau", taus), ("alpha", alphas), ("sharpness", (sharpness,))):
        if not min(values) > 0:
            raise ValueError(f"{name} must be > 0; got {min(values):g}")
    squared, masses = squared_euclidean(torch.from_numpy(x), torch.from_numpy(y)), _tensors(a, b)
    return (_kept(squared, masses, y, tau, alpha, sharpness) for tau in taus for alpha in alphas)


def _kept(squared: Tensor, masses: Pair, y: Array, tau: float, alpha: float, sharpness: float) -> KeptMass:
    cost = squared * tau
    plan = solve(cost, sharpness * float(cost.median()), a=masses[0], b=masses[1], rho=alpha)
    mass, (mass_x, mass_y) = float(plan.coupling.sum()), _shares(plan, masses)
    got = plan.coupling.sum(0).numpy()
    mean = float((got * np.hypot(y[:, 0], y[:, 1])).sum() / got.sum()) if got.sum() > 0 else math.nan
    return KeptMass(tau, alpha, mass, mean, mass_x, mass_y)


def with_outliers(
    y: Array, share: float = 0.05, distance: float = 8.0, seed: int = 0
) -> tuple[Array, NDArray[np.bool_]]:
    """Move the last points into a small cluster; returns the points, float32, and a mask of those moved, shape (m,).

    Args:
        y: points, shape (m, 2), data units.
        share: share of the points to move, in (0, 1); at least one point is moved.
        distance: distance of the cluster from the mean of y, along the first axis, data units.
        seed: seed of the noise within the cluster, which has standard deviation 0.1.

    Raises:
        ValueError: share is not in (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1 (of all points); got {share}")
    far = np.arange(len(y)) >= len(y) - max(1, round(share * len(y)))
    moved = np.array(y, dtype=np.float32)
    noise = np.random.default_rng([seed, 23]).standard_normal((int(far.sum()), 2)) * 0.1
    moved[far] = y.mean(0) + np.array([distance, 0.0]) + noise
    return moved, far


def reach_curve(
    x: Array,
    y: Array,
    outliers: NDArray[np.bool_],
    p: int = 2,
    blur: float = 0.1,
    reaches: Sequence[float] = REACHES,
    a: Masses | None = None,
    b: Masses | None = None,
) -> Iterator[ReachPoint]:
    """The mass that target points get at each reach. Distant points get little until reach is about the distance.

    Args:
        x, y: samples, shapes (n, 2) and (m, 2), data units.
        outliers: mask of the target points to report separately, shape (m,); some, but not all.
        p: 1 for the cost |x - y|, 2 for half its square.
        blur: smoothing length > 0, in data units; epsilon = blur^p.
        reaches: lengths > 0, in data units; rho = reach^p.
        a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.

    Raises:
        ValueError: at once, for a mask of another shape, or one that marks no point or all.
    """
    if outliers.shape != (len(y),) or outliers.all() or not outliers.any():
        raise ValueError(f"outliers must mark some of the {len(y)} target points, not all; got {int(outliers.sum())}")
    cost, masses = cost_p(torch.from_numpy(x), torch.from_numpy(y), p), _tensors(a, b)
    return (_reached(cost, masses, outliers, blur**p, reach, p) for reach in reaches)


def _reached(
    cost: Tensor, masses: Pair, outliers: NDArray[np.bool_], epsilon: float, reach: float, p: int
) -> ReachPoint:
    plan = solve(cost, epsilon, a=masses[0], b=masses[1], rho=reach**p)
    _, got = _shares(plan, masses)
    due = np.full(len(got), 1 / len(got)) if masses[1] is None else masses[1].numpy()
    parts = (
        float(np.average(got[which], weights=due[which])) if due[which].any() else 0.0
        for which in (outliers, ~outliers)
    )
    return ReachPoint(reach, float(plan.coupling.sum()), *parts)


def _tensors(a: Masses | None, b: Masses | None) -> Pair:
    left, right = (None if masses is None else torch.from_numpy(masses) for masses in (a, b))
    return left, right


def _shares(plan: Coupling, masses: Pair) -> tuple[Array, Array]:
    """The mass that each row gives and each column gets, in units of its own mass; 0 for points without mass."""
    found = []
    for axis, weights in zip((1, 0), masses, strict=True):
        moved = plan.coupling.sum(axis)
        share = moved * len(moved) if weights is None else torch.where(weights > 0, moved / weights.to(moved), 0)
        found.append(np.asarray(share.float().numpy()))
    return found[0], found[1]
