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

from otviz.ot.costs import squared_euclidean
from otviz.ot.sinkhorn import Coupling, sinkhorn, solve

TAUS = (0.01, 0.1, 1.0)
ALPHAS = (0.2, 0.5, 1.0, 2.0, 5.0)
SCHEDULE = (0.2, 5.0)
"""alpha at the beginning and end of the schedule that the authors recommend (Choi et al. 2024, section 4)."""

SHARPNESS = 0.01
"""epsilon of the table, as a share of the median cost."""

REACHES: tuple[float, ...] = tuple(float(reach) for reach in np.geomspace(0.1, 20, 16))

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Kept:
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
    x: Array, y: Array, taus: Sequence[float] = TAUS, alphas: Sequence[float] = ALPHAS, sharpness: float = SHARPNESS
) -> Iterator[Kept]:
    """Entropic KL-unbalanced transport of x (n, 2) to y (m, 2) for each tau and, within it, each alpha.

    Raises ValueError at once for a tau, alpha or sharpness <= 0.
    """
    for name, values in (("tau", taus), ("alpha", alphas), ("sharpness", (sharpness,))):
        if not min(values) > 0:
            raise ValueError(f"{name} must be > 0; got {min(values):g}")
    squared = squared_euclidean(torch.from_numpy(x), torch.from_numpy(y))
    return (_kept(squared, y, tau, alpha, sharpness) for tau in taus for alpha in alphas)


def _kept(squared: torch.Tensor, y: Array, tau: float, alpha: float, sharpness: float) -> Kept:
    cost = squared * tau
    plan = solve(cost, sharpness * float(cost.median()), rho=alpha)
    mass, (mass_x, mass_y) = float(plan.coupling.sum()), _shares(plan)
    radius = np.hypot(y[:, 0], y[:, 1])
    mean = float((mass_y * radius).sum() / mass_y.sum()) if mass_y.sum() > 0 else math.nan
    return Kept(tau, alpha, mass, mean, mass_x, mass_y)


def two_diracs_mass(distance: float, tau: float, alpha: float) -> float:
    """Share of mass kept between two points, e^(-tau d^2 / (2 alpha)), without entropy."""
    return math.exp(-tau * distance**2 / (2 * alpha))


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
) -> Iterator[ReachPoint]:
    """Mass that target points get as reach grows; from far away little comes until reach is about the distance.

    Args:
        x, y: uniform samples, shapes (n, 2) and (m, 2).
        outliers: which target points to follow apart from the others, shape (m,), some but not all.
        p, blur: geomloss' words; rho = reach^p.

    Raises ValueError at once for a mask that marks none or all, or of another shape.
    """
    if outliers.shape != (len(y),) or outliers.all() or not outliers.any():
        raise ValueError(f"outliers must mark some of the {len(y)} target points, not all; got {int(outliers.sum())}")
    return (_reached(x, y, outliers, p, blur, reach) for reach in reaches)


def _reached(x: Array, y: Array, outliers: NDArray[np.bool_], p: int, blur: float, reach: float) -> ReachPoint:
    plan = sinkhorn(torch.from_numpy(x), torch.from_numpy(y), blur=blur, p=p, reach=reach)
    _, got = _shares(plan)
    return ReachPoint(reach, float(plan.coupling.sum()), float(got[outliers].mean()), float(got[~outliers].mean()))


def _shares(plan: Coupling) -> tuple[Array, Array]:
    n, m = plan.coupling.shape
    rows: Array = (plan.coupling.sum(1) * n).float().numpy()
    columns: Array = (plan.coupling.sum(0) * m).float().numpy()
    return rows, columns
