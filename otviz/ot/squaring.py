"""Sinkhorn by squaring the plan: epsilon-scaling in which a level costs one product and no exponential.

The density of a plan is K_ij = exp((f_i + g_j - C_ij) / epsilon), so its elementwise square is the density at epsilon / 2
with the same potentials. A few row and column normalisations follow at each level. The potentials are epsilon times the
logarithms of the scalings, which double at each level. They are nearly linear in epsilon, so each level starts from their
linear extrapolation: it costs nothing and, with one sweep per level, lowers the error of the gradient by a third.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from otviz.core.work import Work, completed
from otviz.ot.duals import GAIN, Goal, Sides, weighted

START = 8.0
"""Largest exponent C / epsilon at the first level: e^-8 is well within the range of float32."""

RELAX = 1.7
"""Over-relaxation of the sweeps between the first and the last of a level: with 3 sweeps, a third of the gradient's error."""

FLOAT32_LIMIT = 1e6
"""Largest C / epsilon for float32. A rounding error doubles at each level: of eight pairs of clouds of 200 points (rings,
outliers, tight clusters, ...) the worst plan is off, in total variation against float64, by 0.0005 at C / epsilon = 4e4,
0.009 at 1e6 and 0.15 at 2e7."""

EXTRA, PATIENCE = 2, 20
"""Sweeps added at a time to a level that misses its goal, and how often at most."""

TINY = 1e-35
"""Minimum of the sums that a damped update divides by, so that scalings of vanished mass stay finite."""


@dataclass(frozen=True)
class Schedule:
    """How epsilon falls. A sweep is one column and one row normalisation.

    Attributes:
        epsilon: last temperature, in units of the cost.
        levels: number of halvings that lead to it.
        per_level, last: number of sweeps at each temperature and at the last one.
        rho: strength of the soft marginals, in units of the cost; None keeps the marginals.
    """

    epsilon: float
    levels: int
    per_level: int = 1
    last: int = 3
    rho: float | None = None

    def temperatures(self) -> list[tuple[float, int]]:
        """Epsilon and number of sweeps of each level, largest epsilon first."""
        return [
            (self.epsilon * 2.0 ** (self.levels - k), self.per_level if k < self.levels else self.last)
            for k in range(self.levels + 1)
        ]

    def sweeps(self) -> int:
        """Total number of sweeps."""
        return self.levels * self.per_level + self.last

    def damping(self, epsilon: float) -> float:
        """Factor on the potentials of an unbalanced problem, rho / (rho + epsilon); 1 if balanced."""
        return 1.0 if self.rho is None else 1.0 / (1.0 + epsilon / self.rho)


@dataclass(frozen=True)
class Scaled:
    """A plan a_i b_j u_i K_ij v_j. Rows are normalised last, so those of a balanced plan are exact.

    Attributes:
        kernel, u, v: K (..., n, m) and the scalings of rows (..., n) and columns (..., m).
        potential_x, potential_y: f (..., n) and g (..., m), in units of the cost.
        values: OT_epsilon at epsilon, 2 epsilon ... for one cost (n, n) of a cloud with itself; otherwise empty.
    """

    kernel: Tensor
    u: Tensor
    v: Tensor
    potential_x: Tensor
    potential_y: Tensor
    values: tuple[float, ...] = ()


def levels_for(largest_cost: float, epsilon: float) -> int:
    """Number of halvings from a temperature of at least largest_cost / START to `epsilon`; 0 if the cost is not finite."""
    if not math.isfinite(largest_cost):
        return 0
    return max(0, math.ceil(math.log2(max(largest_cost, 1e-30) / (START * epsilon))))


def sweeps_for(scaling: float, p: int) -> int:
    """Sweeps per halving of epsilon that match geomloss' `scaling`, the ratio of successive blurs.

    Raises:
        ValueError: scaling is not in (0, 1).
    """
    if not 0 < scaling < 1:
        raise ValueError(f"scaling must lie between 0 and 1 (ratio of successive blurs); got {scaling}")
    return max(1, round(math.log(0.5) / (p * math.log(scaling))))


def square_down(
    cost: Tensor, schedule: Schedule, a: Tensor | None = None, b: Tensor | None = None, goal: Goal | None = None
) -> Scaled:
    """Solve entropic transport by squaring.

    If a row underflows, the result is nan or inf, never a wrong number; the caller can then use the log domain.

    Args:
        cost: shape (..., n, m); overwritten.
        schedule: temperatures and sweeps.
        a, b: weights, shapes (n,) and (m,), >= 0 and each summing to 1; uniform if None.
        goal: levels get more sweeps until they meet it, for one cost (n, m) only.
    """
    return completed(descend(cost, schedule, a, b, goal))


def descend(
    cost: Tensor, schedule: Schedule, a: Tensor | None = None, b: Tensor | None = None, goal: Goal | None = None
) -> Work[Scaled]:
    """`square_down` with a pause at each level.

    With few sweeps per level, mass moves between clusters at a high temperature or not at all. So a goal applies to
    every level, not only to the last.

    Args:
        cost, schedule, a, b, goal: as in `square_down`.
    """
    kernel = cost.mul_(-1 / (schedule.epsilon * 2.0**schedule.levels)).exp_()
    n = kernel.shape[-2]
    scalings = cost.new_ones((*cost.shape[:-2], sum(cost.shape[-2:])))
    logs, change = torch.zeros_like(scalings), torch.zeros_like(scalings)
    u, v, log_u, log_v = scalings[..., :n], scalings[..., n:], logs[..., :n], logs[..., n:]
    column, row = u[..., None], v[..., None, :]
    watch = None if goal is None else _Watch(goal, Sides(a, b, schedule.epsilon, schedule.rho), n)
    for level, (epsilon, sweeps) in enumerate(schedule.temperatures()):
        yield
        if level:
            logs.add_(_foresee(scalings, change))
            _translate(log_u, log_v, a, b, 2 * epsilon, schedule.rho)
            logs.add_(logs)
            kernel.mul_(column).mul_(row).mul_(kernel)
            u.fill_(1.0)
        sweeps_here = _Sweeps(kernel, scalings, logs, (a, b), schedule.damping(epsilon))
        moved = sweeps_here.first()
        if sweeps > 1:
            moved = sweeps_here.relaxed(sweeps - 1)
        for _ in range(PATIENCE):
            if watch is None or watch.settled(epsilon, schedule.levels - level, moved, scalings, logs):
                break
            moved = sweeps_here.relaxed(EXTRA)
    logs.add_(scalings.log())
    _translate(log_u, log_v, a, b, schedule.epsilon, schedule.rho)
    logs.mul_(schedule.epsilon)
    return Scaled(kernel, u, v, log_u, log_v)


@dataclass(frozen=True)
class _Sweeps:
    """Sweeps at one temperature. The scalings (..., n + m) come on top of the `logs` that the kernel already contains."""

    kernel: Tensor
    scalings: Tensor
    logs: Tensor
    weights: tuple[Tensor | None, Tensor | None]
    damping: float

    def first(self) -> Tensor:
        """One sweep from row scalings of 1; returns the factor by which it moved the columns, a view of their scalings."""
        (a, b), (u, v), (log_u, log_v) = self.weights, self._parts(self.scalings), self._parts(self.logs)
        invert(average(self.kernel.mT, u, a, out=v), log_v, self.damping)
        invert(average(self.kernel, v, b, out=u), log_u, self.damping)
        return v

    def relaxed(self, count: int) -> Tensor:
        """`count` sweeps, all but the last over-relaxed; returns the factor by which the last moved the columns."""
        (a, b), (u, v), (log_u, log_v) = self.weights, self._parts(self.scalings), self._parts(self.logs)
        for sweep in range(count):
            power = RELAX if sweep < count - 1 else 1.0
            target = invert(average(self.kernel.mT, u, a), log_v, self.damping)
            change = target / v if power == 1.0 else target
            _relax(v, target, power)
            _relax(u, invert(average(self.kernel, v, b), log_u, self.damping), power)
        return change

    def _parts(self, both: Tensor) -> tuple[Tensor, Tensor]:
        n = self.kernel.shape[-2]
        return both[..., :n], both[..., n:]


class _Watch:
    """Decides whether a level is done. It computes the value of the dual only if the previous one does not decide."""

    def __init__(self, goal: Goal, sides: Sides, n: int) -> None:
        self.goal, self.sides, self.n, self.rest = goal, sides, n, 0.0

    def settled(self, epsilon: float, halvings: int, change: Tensor, scalings: Tensor, logs: Tensor) -> bool:
        """Whether the gain of the last sweep, at 2^halvings epsilon, is small beside the divergence there."""
        gap = GAIN * epsilon * self.sides.gain(change)
        if gap <= self.goal.share * self.rest:
            return True
        potentials = (logs + scalings.log()).mul_(epsilon)
        value = float(self.sides.at(epsilon).value(potentials[: self.n], potentials[self.n :]))
        self.rest = self.goal.rest(value, halvings)
        return not gap > self.goal.share * self.rest


def _foresee(scalings: Tensor, change: Tensor) -> Tensor:
    """Extrapolate the scalings, for potentials linear in epsilon, and return their logs.

    `change` is that of the potentials over the last halving, in units of the temperature; it is updated in place.
    """
    logs = scalings.log()
    change.add_(logs)
    logs.add_(change, alpha=0.5)
    torch.exp(logs, out=scalings)
    return logs


def _translate(
    log_u: Tensor, log_v: Tensor, a: Tensor | None, b: Tensor | None, epsilon: float, rho: float | None
) -> None:
    """Move the optimal constant from one unbalanced potential to the other (Sejourne et al. 2022); the plan is the same.

    Each sweep moves only a share epsilon / rho of it, which takes too long at small epsilon.
    """
    if rho is not None:
        shift = (_log_mass(log_u * (-epsilon / rho), a) - _log_mass(log_v * (-epsilon / rho), b)).mul_(
            rho / epsilon / 2
        )
        log_u.add_(shift)
        log_v.sub_(shift)


def _log_mass(logs: Tensor, weights: Tensor | None) -> Tensor:
    """log sum_i w_i e^logs_i, shape (..., 1)."""
    weighted = logs - math.log(logs.shape[-1]) if weights is None else logs + weights.log()
    return weighted.logsumexp(-1, keepdim=True)


def _relax(scaling: Tensor, target: Tensor, power: float) -> None:
    """Over-relaxation (Thibault et al. 2021): scaling <- scaling^(1 - power) target^power."""
    if power == 1.0:
        scaling.copy_(target)
    else:
        scaling.mul_(target.div_(scaling).pow_(power))


def square_down_self(cost: Tensor, schedule: Schedule, a: Tensor | None = None) -> Scaled:
    """`square_down` for a cloud with itself: one potential, and one product per sweep.

    Each sweep averages the potential with its update. A final plain row normalisation gives `u` and `potential_x`, like
    geomloss' final extrapolation.

    Args:
        cost: symmetric, shape (..., n, n); overwritten.
        schedule: temperatures and sweeps.
        a: weights, shape (n,), >= 0 and summing to 1; uniform if None.
    """
    return completed(descend_self(cost, schedule, a))


def descend_self(cost: Tensor, schedule: Schedule, a: Tensor | None = None) -> Work[Scaled]:
    """`square_down_self` with a pause at each level.

    Args:
        cost, schedule, a: as in `square_down_self`.
    """
    kernel = cost.mul_(-1 / (schedule.epsilon * 2.0**schedule.levels)).exp_()
    v = kernel.new_ones(kernel.shape[:-1])
    u, logs, column, row, damp = torch.empty_like(v), torch.zeros_like(v), v[..., None], v[..., None, :], 1.0
    values: list[Tensor] = []
    sides = Sides(a, a, schedule.epsilon, schedule.rho)
    for level, (epsilon, sweeps) in enumerate(schedule.temperatures()):
        yield
        if level:
            log_v = v.log()
            if cost.ndim == 2:
                values.append(_value_alone(sides.at(2 * epsilon), logs, u, log_v))
            logs.add_(log_v)
            logs.add_(logs)
            kernel.mul_(column).mul_(row).mul_(kernel)
            v.fill_(1.0)
        damp = schedule.damping(epsilon)
        for _ in range(sweeps):
            v.mul_(invert(average(kernel, v, a, out=u), logs, damp)).sqrt_()
    invert(average(kernel, v, a, out=u), logs, damp)
    log_u, log_v = (scaling.log().add_(logs).mul_(schedule.epsilon) for scaling in (u, v))
    if cost.ndim == 2:
        values.append(sides.value(log_u, log_v))
    return Scaled(kernel, u, v, log_u, log_v, tuple(torch.stack(values[::-1]).tolist()) if values else ())


def _value_alone(sides: Sides, logs: Tensor, u: Tensor, log_v: Tensor) -> Tensor:
    """OT_epsilon of a cloud with itself after a sweep. `u` belongs to the previous column scalings, which are v^2 / u."""
    if sides.rho is None:
        return weighted(logs + log_v, sides.a) * (2 * sides.epsilon)
    log_u = u.log()
    before = torch.add(logs - log_u, log_v, alpha=2)
    return sides.value((logs + log_u) * sides.epsilon, before * sides.epsilon)


def average(kernel: Tensor, values: Tensor, weights: Tensor | None, *, out: Tensor | None = None) -> Tensor:
    """Weighted means sum_j w_j K_ij v_j, shape (..., n).

    Args:
        kernel: K, shape (..., n, m).
        values: v, shape (..., m).
        weights: w, shape (m,); 1 / m each if None.
        out: tensor of shape (..., n) to write to.
    """
    share = 1.0 / kernel.shape[-1] if weights is None else 1.0
    if weights is not None:
        values = values * weights
    if out is None:
        out = values.new_empty(kernel.shape[:-1])
    if kernel.ndim == 2:
        return out.addmv_(kernel, values, beta=0, alpha=share)
    return out.copy_(torch.matmul(kernel, values[..., None])[..., 0]).mul_(share)


def invert(sums: Tensor, log_before: Tensor, damp: float) -> Tensor:
    """The scalings that normalise rows or columns, damped for an unbalanced problem; overwrites `sums`.

    Args:
        sums: sums before, shape (..., n).
        log_before: potentials / epsilon that the kernel already contains, shape (..., n).
        damp: rho / (rho + epsilon), 1 if balanced.
    """
    if damp == 1.0:
        return sums.reciprocal_()
    return sums.clamp_min_(TINY).log_().mul_(-damp).add_(log_before, alpha=damp - 1.0).exp_()
