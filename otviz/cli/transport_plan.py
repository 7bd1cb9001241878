"""Transport in the public API of otviz: between two clouds of points in any dimension, as arrays or tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from otviz.clouds import large_values
from otviz.core.memory import check_memory
from otviz.core.work import completed
from otviz.ot.costs import cost_p
from otviz.ot.divergences import check_sinkhorn, fast_sinkhorn
from otviz.ot.entropic import shares
from otviz.ot.sinkhorn import solve

SWEEPS = 200
"""Sinkhorn iterations at the last temperature: enough to converge at the usual blurs."""


MATRICES = 8.0
"""Peak memory of a dense plan, as a number of float32 matrices of shape (n, m)."""


@dataclass(frozen=True)
class _Problem:
    """Points x (n, d), y (m, d) and masses (n,), (m,) of a plan, float64; p, and epsilon in units of the cost."""

    x: Tensor
    y: Tensor
    a: Tensor
    b: Tensor
    p: int
    epsilon: float


@dataclass(frozen=True)
class TransportPlan:
    """The result of `transport`.

    Attributes:
        plan: P, shape (n, m): P_ij is the mass moved from x_i to y_j. Without `reach` its entries sum to 1. None for more
            than 5000 points of a side on a line or in the plane, where `rows` gives any part of it.
        cost: <P, C>, without the entropy, in units of C.
        potentials: f (n,) and g (m,), in units of C: P_ij = a_i b_j exp((f_i + g_j - C_ij) / blur^p).
        map: barycentric projection sum_j P_ij y_j / sum_j P_ij, shape (n, d), data units.
        marginal_error: sum over columns of |column sum of P - its required value|; 0 when converged. Where `plan` is None,
            an estimate for the worse side, from rows and columns drawn at random.
    """

    plan: NDArray[np.float64] | None
    cost: float
    potentials: tuple[NDArray[np.float64], NDArray[np.float64]]
    map: NDArray[np.float64]
    marginal_error: float
    _problem: _Problem = field(repr=False)

    def rows(self, some: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """Rows of the plan, shape (k, m), for k indices of points of x."""
        at, (f, g) = self._problem, (torch.from_numpy(h) for h in self.potentials)
        places = torch.as_tensor(np.asarray(some, dtype=np.int64))
        exponents = (f[places, None] + g - cost_p(at.x[places], at.y, at.p)) / at.epsilon
        found: NDArray[np.float64] = (exponents.exp() * at.a[places, None] * at.b).numpy()
        return found


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

    More than 5000 points of a side on a line or in the plane are solved coarse to fine, without a matrix: 100,000 points
    take less than a minute on two cores, and `marginal_error` says how exact that is.

    Args:
        x: points, shape (n, d).
        y: points, shape (m, d).
        blur: smoothing length > 0, in data units; epsilon = blur^p. Detail below it is ignored.
        p: 1 or 2.
        reach: length > 0 beyond which mass is left behind rather than moved; None moves all of it.
        a: masses of x, shape (n,), >= 0 with sum 1; uniform if None.
        b: masses of y, shape (m,), likewise.

    Raises:
        ValueError: shapes that do not fit, points that are not finite, blur, p, reach or masses out of range, or a plan
            that does not fit into memory.
    """
    left, right = _points(x).double(), _points(y).double()
    masses = [None if given is None else torch.as_tensor(given, dtype=torch.float64) for given in (a, b)]
    check_sinkhorn(left, right, blur=blur, p=p, reach=reach, a=masses[0], b=masses[1])
    origin = left[0].clone()  # costs of points far from the origin would lose digits
    left, right = left - origin, right - origin
    posed = _Problem(left, right, shares(masses[0], left), shares(masses[1], right), p, blur**p)
    if large_values.are_large(left, right):
        large = completed(
            large_values.potentials(left, right, large_values.Setting(blur, p, reach), masses[0], masses[1])
        )
        both = large.f.numpy(), large.g.numpy()
        return TransportPlan(None, large.cost, both, (large.map + origin).numpy(), large.marginal_error, posed)
    check_memory(len(left), len(right), MATRICES)
    rho = None if reach is None else reach**p
    found = solve(cost_p(left, right, p), blur**p, a=masses[0], b=masses[1], rho=rho, last=SWEEPS)
    both, plan = (found.potential_x.numpy(), found.potential_y.numpy()), found.coupling
    means = (plan @ right) / plan.sum(1, keepdim=True) + origin
    return TransportPlan(
        plan.numpy(), float(found.transport_cost), both, means.numpy(), float(found.marginal_error), posed
    )


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

    Non-negative, and 0 for equal clouds. Differentiable with respect to x and y if they are tensors. More than 5000 points
    of a side on a line or in the plane are solved coarse to fine, without a matrix.

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
    left, right = _points(x), _points(y)
    if left.ndim == right.ndim == 2 and large_values.are_large(left, right):
        check_sinkhorn(left, right, blur=blur, p=p, reach=reach)
        setting = large_values.Setting(blur, p, reach, scaling)
        result: Tensor = _LargeDivergence.apply(left, right, setting)  # type: ignore[no-untyped-call]
        return result
    return fast_sinkhorn(left, right, blur=blur, p=p, reach=reach, scaling=scaling)


class _LargeDivergence(torch.autograd.Function):
    """Pass the gradients of a large divergence to autograd."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, setting: large_values.Setting) -> Tensor:
        found = completed(large_values.divergence(x, y, setting, with_y=ctx.needs_input_grad[1]))
        ctx.save_for_backward(found.gradient_x, torch.empty(0) if found.gradient_y is None else found.gradient_y)
        return found.value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, weight: Tensor) -> tuple[Tensor, Tensor | None, None]:
        gradient_x, gradient_y = ctx.saved_tensors
        return gradient_x * weight, gradient_y * weight if ctx.needs_input_grad[1] else None, None


def _points(given: ArrayLike | Tensor) -> Tensor:
    points = given if isinstance(given, Tensor) else torch.as_tensor(np.asarray(given, dtype=np.float64))
    if not bool(torch.isfinite(points).all()):
        raise ValueError("points must be finite; some are nan or infinite")
    return points
