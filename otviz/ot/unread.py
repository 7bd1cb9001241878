"""Sinkhorn by squaring without looking at a number, for devices that work ahead of Python.

`squaring.square_down` asks for the largest cost and, with a goal, after each level how far it has come. Each question empties
the queue of a GPU. Here the number of sweeps is fixed, and the temperatures, which depend on the largest cost, are tensors.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from otviz.core.precision import widest
from otviz.ot.costs import cost_p
from otviz.ot.entropic import Entropic, shares
from otviz.ot.squaring import RELAX, START, TINY, Scaled, average, sweeps_for

SWEEPS = 64
"""Sweeps of a divergence, of which about a dozen lead down to epsilon; the others are spread over all temperatures."""


class _Clock:
    """Temperatures of `sweeps` sweeps, as tensors of shape (sweeps,): as `Schedule`, for levels that only the device knows.

    Attributes:
        epsilon: temperature of each sweep.
        begins: 1 where a level begins after another, else 0.
        power: 1 in the first and last sweep of a level, RELAX between.
    """

    def __init__(self, largest: Tensor, epsilon: float, sweeps: int) -> None:
        halvings = torch.log2(largest.clamp_min(1e-30) / (START * epsilon)).ceil()
        levels = torch.where(largest.isfinite(), halvings, 0.0).clamp(0, sweeps - 1)
        level = torch.arange(sweeps, device=largest.device, dtype=largest.dtype)
        level = torch.minimum((level / (sweeps / (levels + 1)).floor()).floor(), levels)
        self.epsilon = epsilon * torch.exp2(levels - level)
        edges = (level.diff() != 0).to(largest)
        self.begins = torch.nn.functional.pad(edges, (1, 0))
        inner = (1 - torch.nn.functional.pad(edges, (1, 0), value=1.0)) * (
            1 - torch.nn.functional.pad(edges, (0, 1), value=1.0)
        )
        self.power = 1 + (RELAX - 1) * inner


def square_down_unread(cost: Tensor, epsilon: float, sweeps: int, largest: Tensor, rho: float | None = None) -> Scaled:
    """`square_down` between uniform weights, with `sweeps` sweeps in all.

    Args:
        cost: shape (..., n, m); overwritten.
        epsilon: last temperature, in units of the cost.
        sweeps: number of sweeps >= 1; levels get equal numbers of them, the last one the rest.
        largest: the largest cost, shape ().
        rho: strength of the soft marginals, in units of the cost; None keeps the marginals.
    """
    clock, n = _Clock(largest, epsilon, sweeps), cost.shape[-2]
    damping = None if rho is None else 1 / (1 + clock.epsilon / rho)
    kernel = cost.div_(-clock.epsilon[0]).exp_()
    scalings = cost.new_ones((*cost.shape[:-2], sum(cost.shape[-2:])))
    logs, change = torch.zeros_like(scalings), torch.zeros_like(scalings)
    u, v, log_u, log_v = scalings[..., :n], scalings[..., n:], logs[..., :n], logs[..., n:]
    for sweep in range(sweeps):
        if sweep:
            begins, found = clock.begins[sweep], scalings.log()
            change.add_(found * begins)
            found.add_(change, alpha=0.5).mul_(begins)  # extrapolated, see `squaring`; 0 within a level
            logs.add_(found)
            if rho is not None:
                _translate(log_u, log_v, clock.epsilon[sweep - 1], rho, begins)
            logs.mul_(1 + begins)
            factors = found.exp()
            kernel.mul_(factors[..., :n, None]).mul_(factors[..., None, n:]).pow_(1 + begins)
            u.pow_(1 - begins)
        damp, power = None if damping is None else damping[sweep], clock.power[sweep]
        _move(v, _inverted(average(kernel.mT, u, None), log_v, damp), power)
        _move(u, _inverted(average(kernel, v, None), log_u, damp), power)
    logs.add_(scalings.log())
    if rho is not None:
        _translate(log_u, log_v, clock.epsilon[-1], rho, clock.epsilon.new_ones(()))
    logs.mul_(epsilon)
    return Scaled(kernel, u, v, log_u, log_v)


def _move(scaling: Tensor, target: Tensor, power: Tensor) -> None:
    scaling.mul_(target.div_(scaling).pow_(power))


def _inverted(sums: Tensor, log_before: Tensor, damp: Tensor | None) -> Tensor:
    if damp is None:
        return sums.reciprocal_()
    return sums.clamp_min_(TINY).log_().mul_(-damp).add_(log_before * (damp - 1)).exp_()


def _translate(log_u: Tensor, log_v: Tensor, epsilon: Tensor, rho: float, share: Tensor) -> None:
    """As `squaring` does, a share of 0 or 1 of it."""
    left, right = (
        (logs * (-epsilon / rho)).logsumexp(-1, keepdim=True) - math.log(logs.shape[-1]) for logs in (log_u, log_v)
    )
    shift = (left - right) * (share * rho / epsilon / 2)
    log_u.add_(shift)
    log_v.sub_(shift)


def divergence_unread(
    problem: Entropic, x: Tensor, y: Tensor, debias: bool, with_y: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The Sinkhorn divergence between uniform samples, shape (), and its gradients at x and, `with_y`, at y.

    It is computed in float64 where the device has it, since the largest cost / epsilon is not known.

    Args:
        problem: blur, p, reach and scaling, which sets the number of sweeps.
        x, y: samples, shapes (n, d) and (m, d).
        debias: subtract the two self terms.
    """
    like, x, y = x, widest(x), widest(y)
    apart = problem.p == 2 and problem.rho is None
    shift = x.mean(0) - y.mean(0) if apart else torch.zeros_like(x[0])
    middle = x.mean(0)
    x, y = x - middle, y - middle + shift
    lift = shift.square().sum() / 2
    pairs = [(x, y), (x, x), (y, y)] if debias else [(x, y)]
    costs = [cost_p(left, right, problem.p) for left, right in pairs]
    largest = torch.stack([cost.max() for cost in costs]).max()
    sweeps = SWEEPS * sweeps_for(problem.scaling, problem.p)
    if len({cost.shape for cost in costs}) == 1:
        plans = _each(square_down_unread(torch.stack(costs), problem.epsilon, sweeps, largest, problem.rho))
    else:
        plans = [square_down_unread(cost, problem.epsilon, sweeps, largest, problem.rho) for cost in costs]
    value, *own = (problem.sides(None, None).value(plan.potential_x, plan.potential_y) for plan in plans)
    value = value + lift
    gradient_x = problem.pull(plans[0], x, y, None, None) + shares(None, x)[:, None] * shift
    gradient_y = (
        problem.pull(problem.turned(plans[0], None), y, x, None, None) - shares(None, y)[:, None] * shift
        if with_y
        else None
    )
    if debias:
        value = (value - own[0] / 2 - own[1] / 2).clamp_min(0)
        gradient_x = gradient_x - problem.pull(plans[1], x, x, None, None)
        if gradient_y is not None:
            gradient_y = gradient_y - problem.pull(plans[2], y, y, None, None)
    return value.to(like), gradient_x.to(like), None if gradient_y is None else gradient_y.to(like)


def _each(plans: Scaled) -> list[Scaled]:
    parts = (plans.kernel, plans.u, plans.v, plans.potential_x, plans.potential_y)
    return [Scaled(*each) for each in zip(*parts, strict=True)]
