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
"""Least row sum divided by, so that a row that has vanished keeps finite scalings."""


@dataclass(frozen=True)
class Scaled:
    """A plan a_i b_j u_i K_ij v_j, kept as the kernel and the weighted scalings.

    `kernel` (..., n, m), `left` = a u (..., n), `right` = b v (..., m); `potential_x` (..., n) and `potential_y`
    (..., m) are in units of the cost. Rows are normalised last, so those of a balanced plan are exact.
    """

    kernel: Tensor
    left: Tensor
    right: Tensor
    potential_x: Tensor
    potential_y: Tensor
    iterations: int

    def coupling(self) -> Tensor:
        """The plan itself, shape (..., n, m); uses up the kernel."""
        return self.kernel.mul_(self.left[..., :, None]).mul_(self.right[..., None, :])


def levels_for(largest_cost: float, epsilon: float) -> int:
    """How many halvings lead from a harmless temperature to `epsilon`."""
    return max(0, math.ceil(math.log2(max(largest_cost, 1e-30) / (START * epsilon))))


def sweeps_for(scaling: float, p: int) -> int:
    """Normalisations per halving of epsilon that match geomloss' `scaling`, the ratio between successive blurs."""
    if not 0 < scaling < 1:
        raise ValueError(f"scaling must lie between 0 and 1 (ratio of successive blurs); got {scaling}")
    return max(1, round(math.log(0.5) / (p * math.log(scaling))))


def square_down(
    cost: Tensor,
    epsilon: float,
    *,
    levels: int,
    per_level: int,
    last: int,
    a: Tensor,
    b: Tensor,
    rho: float | None = None,
) -> Scaled:
    """Solve entropic transport for `cost` (..., n, m), annealing epsilon over `levels` halvings.

    Args:
        epsilon: final temperature, in units of the cost.
        per_level, last: column and row normalisations at each level and at the last one.
        a, b: weights, shapes (n,) and (m,) or with the batch in front.
        rho: strength of the soft marginals in units of the cost; None holds them exactly.
    """
    kernel = (cost / (-epsilon * 2.0**levels)).exp_()
    left, right = a.expand(kernel.shape[:-1]), b.expand(kernel.shape[:-2] + kernel.shape[-1:])
    log_u, log_v = torch.zeros_like(left), torch.zeros_like(right)
    sweeps = [per_level] * levels + [last]
    for level, repeats in enumerate(sweeps):
        if level:
            kernel.mul_((left / a)[..., :, None]).mul_((right / b)[..., None, :])
            kernel.mul_(kernel)
            left, right = a, b
            log_u, log_v = log_u * 2, log_v * 2
        damp = _damping(epsilon * 2.0 ** (levels - level), rho)
        for _ in range(repeats):
            right = _scale(b, _times(kernel.mT, left), log_v, damp)
            left = _scale(a, _times(kernel, right), log_u, damp)
        log_u, log_v = log_u + (left / a).log(), log_v + (right / b).log()
    return Scaled(kernel, left, right, log_u * epsilon, log_v * epsilon, sum(sweeps))


def square_down_self(
    cost: Tensor,
    epsilon: float,
    *,
    levels: int,
    per_level: int,
    last: int,
    a: Tensor,
    rho: float | None = None,
) -> Scaled:
    """`square_down` of a symmetric cost (..., n, n) onto the same weights: one potential, one averaged product a sweep.

    A last plain row normalisation gives `left` and `potential_x`, as geomloss' final extrapolation does.
    """
    kernel = (cost / (-epsilon * 2.0**levels)).exp_()
    mass = a.expand(kernel.shape[:-1])
    log_u = torch.zeros_like(mass)
    sweeps = [per_level] * levels + [last]
    for level, repeats in enumerate(sweeps):
        if level:
            u = mass / a
            kernel.mul_(u[..., :, None]).mul_(u[..., None, :])
            kernel.mul_(kernel)
            mass = a
            log_u = log_u * 2
        damp = _damping(epsilon * 2.0 ** (levels - level), rho)
        for _ in range(repeats):
            mass = (mass * _scale(a, _times(kernel, mass), log_u, damp)).sqrt_()
        if level < levels:
            log_u = log_u + (mass / a).log()
    left = _scale(a, _times(kernel, mass), log_u, damp)
    log_left, log_right = log_u + (left / a).log(), log_u + (mass / a).log()
    return Scaled(kernel, left, mass, log_left * epsilon, log_right * epsilon, sum(sweeps) + 1)


def _damping(epsilon: float, rho: float | None) -> float:
    return 1.0 if rho is None else 1.0 / (1.0 + epsilon / rho)


def _times(kernel: Tensor, vector: Tensor) -> Tensor:
    if kernel.ndim == 2:
        return torch.mv(kernel, vector)
    return torch.matmul(kernel, vector[..., None])[..., 0]


def _scale(weights: Tensor, sums: Tensor, log_before: Tensor, damp: float) -> Tensor:
    """weights * u, where u brings the sums to 1 (balanced) or to their damped target."""
    sums = sums.clamp_min_(TINY)
    if damp == 1.0:
        return weights / sums
    return weights * torch.exp_(log_before * (damp - 1.0) - damp * sums.log_())
