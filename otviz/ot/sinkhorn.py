"""Entropic optimal transport between samples: couplings, potentials and costs.

OT_epsilon(a, b) = min_P <P, C> + epsilon KL(P | a b^T) + rho KL(P 1 | a) + rho KL(P^T 1 | b), rho = infinity if balanced,
and P_ij = a_i b_j exp((f_i + g_j - C_ij) / epsilon) (Cuturi 2013; Feydy et al. 2019; geomloss' conventions).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from otviz.core.precision import widened
from otviz.ot.costs import cost_p
from otviz.ot.squaring import FLOAT32_LIMIT, Schedule, levels_for, square_down

Solver = Literal["auto", "squaring", "log"]


@dataclass(frozen=True)
class Coupling:
    """A solved problem.

    Attributes:
        coupling: P, shape (..., n, m); its entries sum to 1 if the problem is balanced.
        potential_x, potential_y: f (..., n) and g (..., m), in units of the cost.
        transport_cost: <P, C>, shape (...), without entropy.
        entropic_cost: OT_epsilon from the potentials, shape (...).
        marginal_error: sum_j |sum_i P_ij - b_j|, shape (...); for an unbalanced problem, against the marginal that the
            potentials imply. Rows are exact by construction.
        iterations: number of sweeps, each of one column and one row update.
        solver: "squaring" or "log".
    """

    coupling: Tensor
    potential_x: Tensor
    potential_y: Tensor
    transport_cost: Tensor
    entropic_cost: Tensor
    marginal_error: Tensor
    iterations: int
    solver: str


@torch.no_grad()
def solve(
    cost: Tensor,
    epsilon: float,
    *,
    a: Tensor | None = None,
    b: Tensor | None = None,
    rho: float | None = None,
    per_level: int = 5,
    last: int = 20,
    solver: Solver = "auto",
) -> Coupling:
    """Solve entropic transport, by squaring or in the log domain.

    Args:
        cost: shape (..., n, m); not changed.
        epsilon: temperature > 0, in units of the cost.
        a, b: weights, shapes (n,) and (m,), >= 0 and each summing to 1; uniform if None.
        rho: strength > 0 of the soft marginals, in units of the cost; None keeps the marginals.
        per_level, last: number of sweeps at each temperature and at the last one.
        solver: "squaring", "log", or "auto": squaring, in float64 if C / epsilon exceeds FLOAT32_LIMIT, and the log
            domain if squaring underflows.

    Raises:
        ValueError: as in `check_problem`.
    """
    check_problem(cost, epsilon, a, b, rho)
    shifted = cost - cost.amin((-2, -1), keepdim=True) if rho is None else cost
    largest = float(shifted.max())
    schedule = Schedule(epsilon, levels_for(largest, epsilon), per_level, last, rho)
    if solver != "log":
        wide = widened(shifted) if largest / epsilon > FLOAT32_LIMIT else shifted
        found = _by_squaring(wide, cost, schedule, a, b)
        if solver == "squaring" or bool(torch.isfinite(found.entropic_cost).all()):
            return found
    return sinkhorn_log(cost, epsilon, a=a, b=b, rho=rho, per_level=per_level, last=last)


@torch.no_grad()
def sinkhorn_log(
    cost: Tensor,
    epsilon: float,
    *,
    a: Tensor | None = None,
    b: Tensor | None = None,
    rho: float | None = None,
    per_level: int = 5,
    last: int = 20,
    tolerance: float = 0.0,
) -> Coupling:
    """Solve entropic transport in the log domain, in float64: slower than squaring, but it never underflows.

    Args:
        cost, epsilon, a, b, rho, per_level, last: as in `solve`.
        tolerance: marginal error below which the sweeps at the last temperature stop, estimated from the last change
            of g; 0 makes all of them.

    Raises:
        ValueError: as in `check_problem`.
    """
    check_problem(cost, epsilon, a, b, rho)
    c = widened(cost)
    log_a, log_b = _logs(a, c.shape[-2], c), _logs(b, c.shape[-1], c)
    f, g = c.new_zeros(c.shape[:-1]), c.new_zeros(c.mT.shape[:-1])
    schedule = Schedule(
        epsilon, levels_for(float(cost.max() - (cost.min() if rho is None else 0)), epsilon), per_level, last, rho
    )
    done = 0
    for temperature, sweeps in schedule.temperatures():
        damp = schedule.damping(temperature)
        for _ in range(sweeps):
            before, g = g, -damp * temperature * torch.logsumexp(_tilt(c.mT, f, log_a, temperature), -1)
            f = -damp * temperature * torch.logsumexp(_tilt(c, g, log_b, temperature), -1)
            f, g = _balanced_between(f, g, log_a, log_b, rho)
            done += 1
            moved = torch.expm1((before - g).abs() / temperature).mul(log_b.exp()).sum(-1)
            if temperature == epsilon and float(moved.max()) < tolerance:
                break
    plan = (((f[..., None] + g[..., None, :] - c) / epsilon) + log_a[:, None] + log_b).exp()
    return _finish(plan, f, g, cost, (epsilon, rho), (log_a.exp(), log_b.exp()), (done, "log"))


def sinkhorn(
    x: Tensor, y: Tensor, *, blur: float, p: int = 2, reach: float | None = None, solver: Solver = "auto"
) -> Coupling:
    """Solve entropic transport between uniform samples with the cost |x - y|^p / p.

    Args:
        x, y: samples, shapes (n, d) and (m, d).
        blur: smoothing length > 0, in data units; epsilon = blur^p.
        p: 1 or 2.
        reach: length > 0, in data units, beyond which mass is dropped, rho = reach^p; None moves all of it.
        solver: as in `solve`.

    Raises:
        ValueError: blur is not > 0, or p is not 1 or 2.
    """
    if not blur > 0:
        raise ValueError(f"blur must be > 0 (a length, in data units); got {blur}")
    return solve(cost_p(x, y, p), blur**p, rho=None if reach is None else reach**p, solver=solver)


def check_problem(cost: Tensor, epsilon: float, a: Tensor | None, b: Tensor | None, rho: float | None) -> None:
    """Check the arguments of `solve`. The sums of the weights are not checked.

    Args:
        cost: shape (..., n, m), n and m >= 1.
        epsilon: temperature, finite and > 0.
        a, b: weights, shapes (n,) and (m,), >= 0, or None.
        rho: strength of the soft marginals, > 0, or None.

    Raises:
        ValueError: an argument is out of range. The message names it.
    """
    if cost.ndim < 2 or 0 in cost.shape:
        raise ValueError(f"cost must have shape (..., n, m) with n, m >= 1; got {tuple(cost.shape)}")
    if not (epsilon > 0 and math.isfinite(epsilon)):
        raise ValueError(f"epsilon must be > 0 (units of the cost); got {epsilon}")
    if rho is not None and not rho > 0:
        raise ValueError(f"rho must be > 0 (units of the cost) or None; got {rho}")
    for name, weights, n in (("a", a, cost.shape[-2]), ("b", b, cost.shape[-1])):
        if weights is not None and (weights.shape != (n,) or not bool((weights >= 0).all())):
            raise ValueError(f"weights {name} must be {n} numbers >= 0; got shape {tuple(weights.shape)}")


def _by_squaring(shifted: Tensor, cost: Tensor, schedule: Schedule, a: Tensor | None, b: Tensor | None) -> Coupling:
    weights_a, weights_b = (_weights(w, k, shifted) for w, k in ((a, cost.shape[-2]), (b, cost.shape[-1])))
    given = (None if a is None else weights_a, None if b is None else weights_b)
    found = square_down(shifted.clone(), schedule, *given)
    plan = found.kernel.mul_((found.u * weights_a)[..., None]).mul_((found.v * weights_b)[..., None, :])
    f = found.potential_x + (cost.to(shifted) - shifted)[..., :1, 0]
    setting, weights = (schedule.epsilon, schedule.rho), (weights_a, weights_b)
    return _finish(plan, f, found.potential_y, cost, setting, weights, (schedule.sweeps(), "squaring"))


def _finish(
    plan: Tensor,
    f: Tensor,
    g: Tensor,
    cost: Tensor,
    setting: tuple[float, float | None],
    weights: tuple[Tensor, Tensor],
    work: tuple[int, str],
) -> Coupling:
    (epsilon, rho), (a, b) = setting, weights
    due = b
    if rho is None:
        value = (a * f).sum(-1) + (b * g).sum(-1)
    else:  # the dual value; <a b, e^((f + g - C)/epsilon) - 1> is the mass of the plan - 1
        due = b * torch.exp(-g / rho)
        value = -rho * ((a * torch.expm1(-f / rho)).sum(-1) + (b * torch.expm1(-g / rho)).sum(-1))
        value = value - epsilon * (plan.sum((-2, -1)) - 1)
    error = (plan.sum(-2) - due).abs().sum(-1)
    moved = (plan * cost).sum((-2, -1))
    plan, f, g, moved, value, error = (t.to(cost.dtype) for t in (plan, f, g, moved, value, error))
    return Coupling(plan, f, g, moved, value, error, *work)


def _weights(weights: Tensor | None, n: int, like: Tensor) -> Tensor:
    return torch.full((n,), 1 / n, dtype=like.dtype, device=like.device) if weights is None else weights.to(like)


def _logs(weights: Tensor | None, n: int, like: Tensor) -> Tensor:
    return _weights(weights, n, like).log()


def _balanced_between(f: Tensor, g: Tensor, log_a: Tensor, log_b: Tensor, rho: float | None) -> tuple[Tensor, Tensor]:
    """Unbalanced potentials with the optimal constant moved from one to the other (Sejourne et al. 2022)."""
    if rho is None:
        return f, g
    shift = (log_a - f / rho).logsumexp(-1, keepdim=True) - (log_b - g / rho).logsumexp(-1, keepdim=True)
    return f + shift * rho / 2, g - shift * rho / 2


def _tilt(cost: Tensor, potential: Tensor, log_weights: Tensor, temperature: float) -> Tensor:
    return (potential[..., None, :] - cost) / temperature + log_weights
