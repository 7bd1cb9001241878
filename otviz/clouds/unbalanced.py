"""What soft marginals keep: mass against distance, against the weight of the divergence, and against reach.

min over P of <P, C> + rho KL(P 1 | a) + rho KL(P' 1 | b) (Liero et al. 2018), solved with a little entropy. Between two
Diracs at cost C the mass kept is e^(-C / (2 rho)). With C = tau |x - y|^2 and rho = alpha it is the problem behind the
UOTM-SD schedule (Choi et al. 2024): tau sets what distance costs, alpha what dropped mass costs.
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
"""alpha at the beginning and end of the schedule that the authors recommend (Choi et al. 2024, section 4)."""

SHARPNESS = 0.01
"""epsilon of the table, as a share of the median cost."""

REACHES: tuple[float, ...] = tuple(float(reach) for reach in np.geomspace(0.1, 20, 16))

Array = NDArray[np.float32]
Pair = tuple[Tensor | None, Tensor | None]


@dataclass(frozen=True)
class KeptMass:
    """What is left at one tau and alpha.

    Attributes:
        tau, alpha: cost per squared length, weight of the divergences.
        mass: moved, as a share of 1.
        target_radius: mean distance from the origin of the target points, weighted by the mass they get, data units.
        mass_x, mass_y: of each point, in units of its own, shapes (n,) and (m,).
    """

    tau: float
    alpha: float
    mass: float
    target_radius: float
    mass_x: Array
    mass_y: Array


@dataclass(frozen=True)
class ReachPoint:
    """Mass got at one reach (data units), as shares of what the points have: all, the outliers and the others."""

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
    """Entropic KL-unbalanced transport of x (n, 2) to y (m, 2) for each tau and, within it, each alpha.

    Masses a (n,), b (m,) sum to 1; uniform if None.

    Raises ValueError at once for a tau, alpha or sharpness <= 0.
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
    """The points with the last of them moved into a small cluster, `distance` from the mean along x; and which they are.

    Raises ValueError unless 0 < share < 1.
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
    """Mass that target points get as reach grows; from far away little comes until reach is about the distance.

    Args:
        x, y: samples, shapes (n, 2) and (m, 2).
        a, b: their masses, (n,) and (m,), summing to 1; uniform if None.
        outliers: which target points to follow apart from the others, shape (m,), some but not all.
        p, blur: geomloss' words; rho = reach^p.

    Raises ValueError at once for a mask that marks none or all, or of another shape.
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
    """What each row gives and each column gets, in units of its own mass; 0 where it has none."""
    found = []
    for axis, weights in zip((1, 0), masses, strict=True):
        moved = plan.coupling.sum(axis)
        share = moved * len(moved) if weights is None else torch.where(weights > 0, moved / weights.to(moved), 0)
        found.append(np.asarray(share.float().numpy()))
    return found[0], found[1]
