"""The scale of tau: the size of tau |x - y|^2 on the given points, and the mass that soft marginals drop.

In min over pi of <pi, tau |x - y|^2> + alpha D(pi_0 | mu) + alpha D(pi_1 | nu) (Choi et al. 2024, Eq. 12) only
tau W2^2 / alpha matters. Distant mass is dropped, which pulls the target towards the source: between two points at cost C the
share kept is g'(-C / (2 alpha)), for Kullback-Leibler e^(-C / (2 alpha)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.clouds.unbalanced import SHARPNESS, kept_table
from otviz.ot.conjugates import CONJUGATES, Conjugate
from otviz.ot.costs import squared_euclidean
from otviz.ot.exact import wasserstein2

Array = NDArray[np.float32]

SETTLED = 1e-3
"""Change of a potential, relative to epsilon, at which iterations stop: shares are then exact to a thousandth."""

TABLE = 2001
"""Number of tabulated derivatives: one call of a conjugate serves all points and the whole search."""

MEASURED_W2_SQUARED = 0.97
"""W2^2 from N(0, I) to the ring of radius 2 and std 0.1, on which the range of tau was measured (1000 points; 0.95 to 0.99)."""

USEFUL = (0.01 * MEASURED_W2_SQUARED, 0.2 * MEASURED_W2_SQUARED)
"""tau W2^2 / alpha from 0.010 to 0.19 at which UOTM (softplus, alpha = 1) fits: tau from 0.01 to 0.2 on that ring, best at
0.05. At tau = 0.001 its modes are badly out of balance (W2 1.35 instead of 0.3); at 1, a third of the samples lie on a mode,
at 10, a tenth. Between 0.001 and 0.01 nothing was measured. OTM fits from 0.05 to 10: the range is that of soft marginals."""


@dataclass(frozen=True)
class TauUnits:
    """The effect of tau on two point clouds.

    Attributes:
        tau, alpha: as given.
        w2_squared: exact W2^2 of the clouds, in squared data units.
        cost: tau W2^2, in the units of the potential.
        mass: share of the mass that unbalanced transport keeps.
        target_distance: mean distance of the target from the mean of the source, data units.
        kept_distance: the same, weighted by the mass that arrives; nan if none does.
        useful: smallest and largest useful tau for this data and alpha; None if marginals are exact (g = identity).
        warning: a sentence if tau is outside that range, or empty.
    """

    tau: float
    alpha: float
    w2_squared: float
    cost: float
    mass: float
    target_distance: float
    kept_distance: float
    useful: tuple[float, float] | None
    warning: str

    @property
    def inward_bias(self) -> float:
        """How much closer to the source the target appears because of dropped mass, in data units."""
        return self.target_distance - self.kept_distance


def tau_units(
    target: Array,
    source: Array,
    tau: float,
    alpha: float = 1.0,
    g: str | Conjugate = "kl",
    sharpness: float = SHARPNESS,
) -> TauUnits:
    """The effect of tau >= 0 between two point clouds; about half a second for 500 points each.

    Args:
        target, source: shapes (m, 2) and (n, 2).
        tau: weight of the cost.
        alpha: weight of the divergences.
        g: conjugate of the divergence on both marginals, or its name.
        sharpness: epsilon of the solver, relative to the median cost.

    Raises ValueError for tau < 0, alpha <= 0 or an unknown name.
    """
    if not (tau >= 0 and alpha > 0):
        raise ValueError(f"tau must be >= 0 and alpha > 0; got tau = {tau:g} and alpha = {alpha:g}")
    if isinstance(g, str) and g not in CONJUGATES:
        raise ValueError(f"g must be one of {', '.join(CONJUGATES)}; got {g!r}")
    conjugate = CONJUGATES[g] if isinstance(g, str) else g
    w2_squared = wasserstein2(source, target) ** 2
    centre = source.mean(0)
    far = np.hypot(*(target - centre).T)
    mass, kept = _kept(source - centre, target - centre, far, tau, alpha, conjugate, sharpness)
    exact = conjugate.name == "identity"
    useful = None if exact else (USEFUL[0] * alpha / w2_squared, USEFUL[1] * alpha / w2_squared)
    return TauUnits(
        tau=tau, alpha=alpha, w2_squared=w2_squared, cost=tau * w2_squared, mass=mass, target_distance=float(far.mean()),
        kept_distance=kept, useful=useful, warning="" if useful is None else _warning(tau, useful),
    )  # fmt: skip


def lasting_warning(along: Sequence[TauUnits]) -> str:
    """The warning for a run with changing alpha: empty if tau is useful at any of these."""
    sides = {0 if u.useful is None else (u.tau > u.useful[1]) - (u.tau < u.useful[0]) for u in along}
    return along[-1].warning if sides in ({-1}, {1}) else ""


def _warning(tau: float, useful: tuple[float, float]) -> str:
    low, high = useful
    if low <= tau <= high:
        return ""
    what = "modes become unequal and get lost" if tau < low else "points stay inside the target and between its modes"
    side, limit = ("below", low) if tau < low else ("above", high)
    return (
        f"tau = {tau:.3g} is {side} the useful range for this data ({low:.2g} to {high:.2g}): {what}. Try {limit:.2g}."
    )


def _kept(
    x: Array, y: Array, far: NDArray[np.float32], tau: float, alpha: float, conjugate: Conjugate, sharpness: float
) -> tuple[float, float]:
    """Mass kept, and the mean of `far` (m,) weighted by it."""
    if tau == 0 or conjugate.name == "identity":
        return 1.0, float(far.mean())
    if conjugate.name == "kl":
        (kept,) = kept_table(x, y, (tau,), (alpha,), sharpness)
        return kept.mass, kept.target_radius
    got = _unbalanced(
        tau * squared_euclidean(torch.from_numpy(x).double(), torch.from_numpy(y).double()), alpha, conjugate, sharpness
    )
    mass = float(got.mean())
    return mass, float((got.numpy() * far).mean() / mass) if mass > 0 else math.nan


def _unbalanced(cost: Tensor, alpha: float, conjugate: Conjugate, sharpness: float) -> Tensor:
    """Mass that arrives at target points, relative to their own, shape (m,), for cost (n, m) and any conjugate.

    Sinkhorn with a scalar equation instead of the division (Chizat et al. 2018): the share of point j, e^(g_j / eps) times
    the rows' offer, must equal g'(-g_j / alpha). After each iteration one constant is moved between the potentials.
    """
    epsilon = sharpness * float(cost.median())
    f, g = cost.new_zeros(cost.shape[0]), cost.new_zeros(cost.shape[1])
    levels = max(0, math.ceil(math.log2(float(cost.max()) / epsilon)))
    for level in range(levels, -1, -1):
        temperature = epsilon * 2**level
        for _ in range(5 if level else 60):
            before = f
            g = _potential(_offered(f[:, None], cost, temperature, 0), temperature, alpha, conjugate)
            f = _potential(_offered(g, cost, temperature, 1), temperature, alpha, conjugate)
            shift = _shift(f, g, alpha, conjugate)
            f, g = f + shift, g - shift
            if float((f - before).abs().max()) < SETTLED * temperature:
                break
    shares: Tensor = (g / epsilon + _offered(f[:, None], cost, epsilon, 0)).exp()
    return shares


def _offered(potential: Tensor, cost: Tensor, epsilon: float, over: int) -> Tensor:
    """log of the mean over rows (0) or columns (1) of e^((potential - cost) / epsilon)."""
    summed: Tensor = ((potential - cost) / epsilon).logsumexp(over)
    return summed - math.log(cost.shape[over])


def _potential(offered: Tensor, epsilon: float, alpha: float, conjugate: Conjugate) -> Tensor:
    """The g with e^(g / epsilon + offered) = g'(-g / alpha), elementwise, between 0 and -epsilon offered.

    g / epsilon - log g'(-g / alpha) = -offered is increasing in g and almost linear, so it is inverted with a table.
    """
    ends = -epsilon * offered
    low, high = min(float(ends.min()), 0.0), max(float(ends.max()), 0.0)
    at = torch.linspace(low, high, TABLE, dtype=offered.dtype)
    rising = at / epsilon - conjugate.slope(-at, alpha).clamp_min(1e-300).log()
    return torch.from_numpy(np.interp(-offered.numpy(), rising.numpy(), at.numpy()))


def _shift(f: Tensor, g: Tensor, alpha: float, conjugate: Conjugate) -> float:
    """The constant to add to f and subtract from g so that both marginals imply the same mass, by bisection."""
    bound = float(f.abs().max() + g.abs().max())
    at = torch.linspace(-2 * bound, 2 * bound, 4 * TABLE, dtype=f.dtype)
    grid, slope = at.numpy(), conjugate.slope(at, alpha).numpy()
    left, right = -f.numpy(), -g.numpy()
    low, high = -bound, bound
    for _ in range(40):
        middle = (low + high) / 2
        more = np.interp(left - middle, grid, slope).mean() - np.interp(right + middle, grid, slope).mean()
        low, high = (middle, high) if more > 0 else (low, middle)
    return (low + high) / 2
