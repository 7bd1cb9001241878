"""Entropic transport between samples: plans, solved by squaring, and the gradients of their cost at the points."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from otviz.core.work import completed
from otviz.ot.costs import cost_p
from otviz.ot.duals import Goal, Sides
from otviz.ot.polishing import polish
from otviz.ot.sinkhorn import sinkhorn_log
from otviz.ot.squaring import (
    FLOAT32_LIMIT,
    START,
    Scaled,
    Schedule,
    average,
    levels_for,
    square_down,
    square_down_self,
    sweeps_for,
)

Weights = tuple[Tensor | None, Tensor | None]

UNBALANCED_SWEEPS = 2
"""Minimum number of sweeps per level with a finite reach, where the damped updates converge more slowly."""

LAST = 1
"""Extra sweeps at the final temperature."""

LAST_ALONE = 10
"""The same for a cloud with itself. Each sweep halves the error, which enters the value squared."""

NEWTON = 20
"""Maximum number of Newton steps. If the plan is sharp, each of them moves little."""


def shares(weights: Tensor | None, points: Tensor) -> Tensor:
    """The weights of points (n, d), shape (n,): as given, or 1 / n each if None."""
    return torch.full_like(points[:, 0], 1 / len(points)) if weights is None else weights


@dataclass(frozen=True)
class Entropic:
    """Settings of an entropic transport problem, in geomloss' terms.

    Attributes:
        blur: smoothing length > 0, in data units.
        p: 1 for the cost |x - y|, 2 for half its square.
        reach: length > 0, in data units, beyond which mass is dropped; None keeps the marginals.
        scaling: ratio of successive blurs, in (0, 1).
    """

    blur: float
    p: int
    reach: float | None
    scaling: float

    @property
    def epsilon(self) -> float:
        """blur^p, in units of the cost."""
        return float(self.blur**self.p)

    @property
    def rho(self) -> float | None:
        """reach^p, in units of the cost, or None."""
        return None if self.reach is None else float(self.reach**self.p)

    def sides(self, a: Tensor | None, b: Tensor | None) -> Sides:
        """The weights together with epsilon and rho."""
        return Sides(a, b, self.epsilon, self.rho)

    def asks_float64(self, x: Tensor, y: Tensor) -> bool:
        """Whether the largest cost in the bounding box of all samples is too large or too small beside epsilon for float32."""
        low, high = torch.minimum(x.amin(0), y.amin(0)), torch.maximum(x.amax(0), y.amax(0))
        largest = float((high - low).norm()) ** self.p / self.p
        return largest > FLOAT32_LIMIT * self.epsilon or largest < START * self.epsilon

    def cross(self, x: Tensor, y: Tensor, a: Tensor | None, b: Tensor | None, goal: Goal) -> Scaled:
        """The plan between x and y, solved by squaring and Newton steps, or in the log domain if that underflows.

        Args:
            x, y: samples, shapes (n, d) and (m, d).
            a, b: weights, shapes (n,) and (m,), >= 0 and each summing to 1; uniform if None.
            goal: share of the divergence that may be missing.
        """
        cost = cost_p(x, y, self.p)
        plan = square_down(cost, self._schedule(cost, LAST), a, b, goal)
        plan = completed(polish(plan, self.sides(a, b), goal, NEWTON))
        if bool(torch.isfinite(plan.potential_x.sum())):
            return plan
        cost = cost_p(x, y, self.p)
        found = sinkhorn_log(cost, self.epsilon, a=a, b=b, rho=self.rho, last=200, tolerance=1e-3)
        f, g = found.potential_x, found.potential_y
        u, v = (torch.ones_like(points[:, 0]) for points in (x, y))
        return Scaled(((f[:, None] + g - cost) / self.epsilon).exp(), u, v, f, g)

    def alone(self, x: Tensor, a: Tensor | None) -> Scaled:
        """The symmetric plan of x (n, d) with itself."""
        cost = cost_p(x, x, self.p)
        return square_down_self(cost, self._schedule(cost, LAST_ALONE), a)

    def _schedule(self, cost: Tensor, more: int) -> Schedule:
        levels = levels_for(float(cost.max()), self.epsilon)
        sweeps = max(sweeps_for(self.scaling, self.p), 1 if self.rho is None else UNBALANCED_SWEEPS)
        return Schedule(self.epsilon, levels, sweeps, sweeps + more, self.rho)

    def turned(self, plan: Scaled, a: Tensor | None) -> Scaled:
        """The transposed plan, normalised so that a balanced one has exact rows; a (n,) are the weights of x."""
        kernel = plan.kernel.mT
        v = plan.v
        if self.rho is None:
            v = average(kernel, plan.u, a, out=torch.empty_like(v)).reciprocal_()
        return Scaled(kernel, v, plan.u, plan.potential_y, plan.potential_x)

    def pull(self, plan: Scaled, x: Tensor, y: Tensor, a: Tensor | None, b: Tensor | None) -> Tensor:
        """Gradient of <P, C> at x with P fixed, sum_j P_ij dc(x_i, y_j)/dx_i, shape (n, d).

        Args:
            plan: plan between x and y.
            x, y: samples, shapes (n, d) and (m, d).
            a, b: weights, shapes (n,) and (m,); uniform if None.
        """
        kernel = plan.kernel
        if self.p == 1:
            distance = cost_p(x, y, 1)
            kernel = kernel / distance.masked_fill_(distance <= 1e-6 * distance.max(), torch.inf)
        u, v = plan.u * shares(a, x), plan.v * shares(b, y)
        sums = kernel @ (v[:, None] * torch.cat([torch.ones_like(y[:, :1]), y], 1))
        return u[:, None] * (sums[:, :1] * x - sums[:, 1:])
