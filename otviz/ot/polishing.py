"""Newton's method on the dual, to finish a Sinkhorn solve; the linear systems are solved by conjugate gradients.

Sweeps converge slowly at the end if little mass moves between clusters. With exact rows, the dual is a concave function
of g alone. A Hessian-vector product costs two products with the kernel, as a sweep does, and the Newton decrement
estimates how much of the value is missing (Nocedal and Wright 2006, section 7.1; Cuturi and Peyre 2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from otviz.core.work import Work
from otviz.ot.duals import Goal, Sides, weighted
from otviz.ot.squaring import Scaled, average, invert

SLOW = 40.0
"""Factor on the gain of a sweep, as a first guess at the gap. A Newton step then measures the gap."""

INNER = 25
"""Maximum number of conjugate gradient iterations in a step."""

LONGEST = 2.0
"""Largest change of a potential in one step, in units of epsilon."""

FAR = 4.0
"""Multiple of the tolerance from which on a plan is too far off for Newton's method."""

SOLVED = 1e-3
"""Share of the squared residual at which a linear system counts as solved."""

ROUNDING = 1e-6
"""Share of the dual by which a step may lower it: less is rounding in float32."""


@dataclass(frozen=True)
class _State:
    """A plan a_i b_j u_i K_ij v_j with exact rows.

    Its columns take `taken` and should take `due`, shape (m,), in units of their own mass.
    """

    kernel: Tensor
    log_u: Tensor
    log_v: Tensor
    u: Tensor
    v: Tensor
    given: Tensor
    taken: Tensor
    due: Tensor
    value: float
    error: float

    @classmethod
    def at(cls, kernel: Tensor, logs: tuple[Tensor, Tensor], v: Tensor, sides: Sides) -> _State:
        """From column scalings v (m,); `logs` are the potentials / epsilon that the kernel already contains."""
        epsilon, rho = sides.epsilon, sides.rho
        u = invert(average(kernel, v, sides.b), logs[0], sides.damping)
        f, g = (epsilon * (log + scaling.log()) for log, scaling in zip(logs, (u, v), strict=True))
        given, due = (torch.ones_like(h) if rho is None else torch.exp(h / -rho) for h in (f, g))
        taken = v * average(kernel.mT, u, sides.a)
        error = float(weighted((due - taken).abs(), sides.b))
        return cls(kernel, *logs, u, v, given, taken, due, float(sides.value(f, g)), error)

    @property
    def residual(self) -> Tensor:
        """The gradient of the dual in g, divided by b, shape (m,)."""
        return self.due - self.taken

    def slope_of(self, change: Tensor, sides: Sides) -> Tensor:
        """Minus the Hessian, divided by b and in units of 1 / epsilon, times a change of g / epsilon, shape (m,)."""
        moved = self.u.square() * average(self.kernel, self.v * change, sides.b)
        moved.mul_(sides.damping).div_(self.given)
        return self.steep(sides) * change - self.v * average(self.kernel.mT, moved, sides.a)

    def steep(self, sides: Sides) -> Tensor:
        """The diagonal part of it, shape (m,)."""
        return self.taken if sides.rho is None else self.taken + self.due * (sides.epsilon / sides.rho)


def polish(plan: Scaled, sides: Sides, goal: Goal, most: int, tolerance: float = math.inf) -> Work[Scaled]:
    """Improve a plan by Newton steps until it meets the goal and the tolerance, or the dual stops rising.

    A plan whose marginal error exceeds FAR * tolerance is returned as it is: Newton's method is slow from there.

    Args:
        plan: plan with a kernel of shape (n, m).
        sides: weights, epsilon and rho.
        goal: share of the divergence that may be missing.
        most: maximum number of steps.
        tolerance: marginal error sum_j |sum_i P_ij - b_j| to reach.
    """
    logs = plan.potential_x / sides.epsilon - plan.u.log(), plan.potential_y / sides.epsilon - plan.v.log()
    found = _State.at(plan.kernel, logs, plan.v, sides)
    gap = SLOW * float(weighted(found.residual.square(), sides.b)) * sides.epsilon / 2
    for _ in range(most):
        if (goal.met(found.value, gap) and not found.error > tolerance) or found.error > FAR * tolerance:
            break
        yield
        step, decrement = _newton(found, sides)
        after = _State.at(plan.kernel, logs, found.v * step.clamp_(-LONGEST, LONGEST).exp_(), sides)
        if not after.value >= found.value - ROUNDING * abs(found.value):
            break
        found, gap = after, decrement * sides.epsilon / 2
    f, g = (sides.epsilon * (log + w.log()) for log, w in zip(logs, (found.u, found.v), strict=True))
    return Scaled(plan.kernel, found.u, found.v, f, g)


def _newton(at: _State, sides: Sides) -> tuple[Tensor, float]:
    """The Newton step of g / epsilon, shape (m,), and its squared decrement, in units of epsilon."""
    left, steep = at.residual, at.steep(sides).clamp_min(1e-30)
    step, towards = torch.zeros_like(left), left / steep
    before = first = float(weighted(left * towards, sides.b))
    decrement = 0.0
    for _ in range(INNER):
        bent = at.slope_of(towards, sides)
        curvature = float(weighted(towards * bent, sides.b))
        if not curvature > 0:
            break
        length = before / curvature
        decrement += length * before
        step.add_(towards, alpha=length)
        left = left - length * bent
        conditioned = left / steep
        now = float(weighted(left * conditioned, sides.b))
        if now <= SOLVED * first:
            break
        towards, before = conditioned + (now / before) * towards, now
    return step, decrement
