"""Transport in the public API of otviz: between two clouds of points in any dimension, as arrays or tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from otviz.ot.costs import cost_p
from otviz.ot.divergences import check_sinkhorn, fast_sinkhorn
from otviz.ot.sinkhorn import solve

SWEEPS = 200
"""Sinkhorn iterations at the last temperature: enough to converge at the usual blurs."""


@dataclass(frozen=True)
class TransportPlan:
    """The result of `transport`.

    Attributes:
        plan: P, shape (n, m): P_ij is the mass moved from x_i to y_j. Without `reach` its entries sum to 1.
        cost: <P, C>, without the entropy, in units of C.
        potentials: f (n,) and g (m,), in units of C: P_ij = a_i b_j exp((f_i + g_j - C_ij) / blur^p).
        marginal_error: sum over columns of |column sum of P - its required value|; 0 when converged.
    """

    plan: NDArray[np.float64]
    cost: float
    potentials: tuple[NDArray[np.float64], NDArray[np.float64]]
    marginal_error: float


def transport(
    x: ArrayLike,
    y: ArrayLike,
    *,
    blur: float = 0.05,
    p: int = 2,
    reach: float | None = None,
    a: ArrayLike | None = None,
    b: ArrayLike | None = None,
) -> TransportPlan:
    """Entropic optimal transport between two clouds, C_ij = |x_i - y_j|^p / p (Cuturi 2013; Feydy et al. 2019).

    Args:
        x: points, shape (n, d).
        y: points, shape (m, d).
        blur: smoothing length > 0, in data units; epsilon = blur^p. Detail below it is ignored.
        p: 1 or 2.
        reach: length > 0 beyond which mass is left behind rather than moved; None moves all of it.
        a: masses of x, shape (n,), >= 0 with sum 1; uniform if None.
        b: masses of y, shape (m,), likewise.

    Raises:
        ValueError: shapes that do not fit, points that are not finite, or blur, p, reach or masses out of range.
    """
    left, right = _points(x), _points(y)
    masses = [None if given is None else torch.as_tensor(given, dtype=torch.float64) for given in (a, b)]
    check_sinkhorn(left, right, blur=blur, p=p, reach=reach, a=masses[0], b=masses[1])
    origin = left[0].clone()  # costs of points far from the origin would lose digits
    cost = cost_p(left - origin, right - origin, p)
    rho = None if reach is None else reach**p
    found = solve(cost, blur**p, a=masses[0], b=masses[1], rho=rho, last=SWEEPS)
    potentials = found.potential_x.numpy(), found.potential_y.numpy()
    return TransportPlan(found.coupling.numpy(), float(found.transport_cost), potentials, float(found.marginal_error))


def sinkhorn_divergence(
    x: ArrayLike | Tensor,
    y: ArrayLike | Tensor,
    *,
    blur: float = 0.05,
    p: int = 2,
    reach: float | None = None,
    scaling: float = 0.9,
) -> Tensor:
    """S(x, y) = OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2, shape (), in units of |x - y|^p / p (Feydy et al. 2019).

    Non-negative, and 0 for equal clouds. Differentiable with respect to x and y if they are tensors.

    Args:
        x: points, shape (n, d).
        y: points, shape (m, d).
        blur: smoothing length > 0, in data units; epsilon = blur^p.
        p: 1 or 2.
        reach: length > 0 beyond which mass is left behind rather than moved; None moves all of it.
        scaling: ratio between successive blurs, between 0 and 1; nearer 1 is slower and more exact.

    Raises:
        ValueError: shapes that do not fit, points that are not finite, or blur, p or reach out of range.
    """
    return fast_sinkhorn(_points(x), _points(y), blur=blur, p=p, reach=reach, scaling=scaling)


def _points(given: ArrayLike | Tensor) -> Tensor:
    points = given if isinstance(given, Tensor) else torch.as_tensor(np.asarray(given, dtype=np.float64))
    if not bool(torch.isfinite(points).all()):
        raise ValueError("points must be finite; some are nan or infinite")
    return points
