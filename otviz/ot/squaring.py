"""Sinkhorn by squaring the plan: epsilon-scaling in which a level costs one product and no exponential.

A plan's density is K_ij = exp((f_i + g_j - C_ij) / epsilon), so K * K is the density at epsilon / 2 with the same
potentials: an annealing step that keeps them. A few row and column normalisations per level follow. Potentials are
read off the scalings, whose logarithms double at each level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

START = 8.0
"""Largest exponent C / epsilon at the first level: e^-8 leaves every entry well inside float32."""

TINY = 1e-35
"""Least sum a damped update divides by: mass that has vanished keeps finite scalings."""


@dataclass(frozen=True)
class Schedule:
    """How epsilon falls: `levels` halvings down to `epsilon` (units of the cost), sweeps at each and at the last one.

    A sweep is one column and one row normalisation. `rho` is the strength of the soft marginals in units of the cost;
    None holds them exactly.
    """

    epsilon: float
    levels: int
    per_level: int = 1
    last: int = 3
    rho: float | None = None

    def temperatures(self) -> list[tuple[float, int]]:
        """Each level's epsilon with its number of sweeps, hottest first."""
        return [
            (self.epsilon * 2.0 ** (self.levels - k), self.per_level if k < self.levels else self.last)
            for k in range(self.levels + 1)
        ]

    def sweeps(self) -> int:
        """Sweeps in all."""
        return self.levels * self.per_level + self.last

    def damping(self, epsilon: float) -> float:
        """Factor on the potentials of an unbalanced problem, rho / (rho + epsilon)."""
        return 1.0 if self.rho is None else 1.0 / (1.0 + epsilon / self.rho)


@dataclass(frozen=True)
class Scaled:
    """A plan a_i b_j u_i K_ij v_j: kernel (..., n, m), u (..., n), v (..., m), and its potentials.

    `potential_x` (..., n) and `potential_y` (..., m) are in units of the cost. Rows are normalised last, so those of a
    balanced plan are exact.
    """

    kernel: Tensor
    u: Tensor
    v: Tensor
    potential_x: Tensor
    potential_y: Tensor


def levels_for(largest_cost: float, epsilon: float) -> int:
    """How many halvings lead from a harmless temperature to `epsilon`."""
    return max(0, math.ceil(math.log2(max(largest_cost, 1e-30) / (START * epsilon))))


def sweeps_for(scaling: float, p: int) -> int:
    """Sweeps per halving of epsilon that match geomloss' `scaling`, the ratio between successive blurs."""
    if not 0 < scaling < 1:
        raise ValueError(f"scaling must lie between 0 and 1 (ratio of successive blurs); got {scaling}")
    return max(1, round(math.log(0.5) / (p * math.log(scaling))))


def square_down(cost: Tensor, schedule: Schedule, a: Tensor | None = None, b: Tensor | None = None) -> Scaled:
    """Solve entropic transport for `cost` (..., n, m), which is used up, with weights a (n,) and b (m,), or uniform.

    A row that underflows gives nan or inf, never a wrong number, so that the caller can turn to the log domain.
    """
    kernel = cost.mul_(-1 / (schedule.epsilon * 2.0**schedule.levels)).exp_()
    turned = kernel.mT
    log_u, log_v = kernel.new_zeros(kernel.shape[:-1]), kernel.new_zeros(turned.shape[:-1])
    u, v = torch.ones_like(log_u), torch.ones_like(log_v)
    for level, (epsilon, sweeps) in enumerate(schedule.temperatures()):
        if level:
            kernel.mul_(u[..., None]).mul_(v[..., None, :])
            kernel.mul_(kernel)
            log_u.mul_(2), log_v.mul_(2)
            u.fill_(1.0)
        damp = schedule.damping(epsilon)
        for _ in range(sweeps):
            v = _inverse(average(turned, u, a), log_v, damp)
            u = _inverse(average(kernel, v, b), log_u, damp)
        log_u.add_(u.log())
        log_v.add_(v.log())
    return Scaled(kernel, u, v, log_u.mul_(schedule.epsilon), log_v.mul_(schedule.epsilon))


def square_down_self(cost: Tensor, schedule: Schedule, a: Tensor | None = None) -> Scaled:
    """`square_down` of a symmetric cost (..., n, n) onto the same weights: one potential, one averaged product a sweep.

    A last plain row normalisation gives `u` and `potential_x`, as geomloss' final extrapolation does.
    """
    kernel = cost.mul_(-1 / (schedule.epsilon * 2.0**schedule.levels)).exp_()
    log_v = kernel.new_zeros(kernel.shape[:-1])
    v, damp = torch.ones_like(log_v), 1.0
    for level, (epsilon, sweeps) in enumerate(schedule.temperatures()):
        if level:
            log_v.add_(v.log()).mul_(2)
            kernel.mul_(v[..., None]).mul_(v[..., None, :])
            kernel.mul_(kernel)
            v.fill_(1.0)
        damp = schedule.damping(epsilon)
        for _ in range(sweeps):
            v = _inverse(average(kernel, v, a), log_v, damp).mul_(v).sqrt_()
    u = _inverse(average(kernel, v, a), log_v, damp)
    log_u = log_v + u.log()
    log_v = log_v + v.log()
    return Scaled(kernel, u, v, log_u.mul_(schedule.epsilon), log_v.mul_(schedule.epsilon))


def average(kernel: Tensor, values: Tensor, weights: Tensor | None) -> Tensor:
    """Weighted means sum_j w_j K_ij v_j, shape (..., n); uniform weights where none are given.

    On a CPU a batch is a loop of matrix-vector products: `bmm` with a vector is 20 times slower there.
    """
    alpha = 1.0
    if weights is None:
        alpha = 1.0 / kernel.shape[-1]
    else:
        values = values * weights
    if kernel.ndim == 2:
        return torch.addmv(values.new_empty(len(kernel)), kernel, values, beta=0, alpha=alpha)
    if kernel.is_cuda:
        return torch.matmul(kernel, values[..., None])[..., 0].mul_(alpha)
    return torch.stack([part @ value for part, value in zip(kernel, values, strict=True)]).mul_(alpha)


def _inverse(sums: Tensor, log_before: Tensor, damp: float) -> Tensor:
    """The scaling that brings the sums to 1, or to the damped target of an unbalanced problem."""
    if damp == 1.0:
        return sums.reciprocal_()
    return torch.exp_(log_before * (damp - 1.0) - damp * sums.clamp_min_(TINY).log_())
