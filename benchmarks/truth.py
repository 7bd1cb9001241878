"""The entropic plan iterated until it no longer changes, in double precision: what gradients are judged by.

Plain Sinkhorn on a stabilised kernel (Schmitzer 2019) with over-relaxation (Thibault et al. 2021); no code of otviz.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor

WARM, CHECKED, RELAX = 30, 50, 1.7


@dataclass(frozen=True)
class Reference:
    """The barycentric map (n, d) of a converged plan, in double.

    Attributes:
        error: what its marginals miss, relative to them, in the mean.
        moved: relative change of the map over its last 50 sweeps: how far it may still be from the limit.
        value: OT_epsilon, the semi-dual value, in units of the cost: its error is the square of the potentials'.
    """

    map: Tensor
    error: float
    moved: float
    value: float


def converged_gradient(x: Tensor, y: Tensor, blur: float, tolerance: float = 1e-5) -> tuple[Tensor, float]:
    """Gradient of the debiased p = 2 Sinkhorn divergence at x (n, 2), in double, and the largest marginal error."""
    to_y, to_x = (converged(x, points, blur**2, tolerance) for points in (y, x))
    return (to_x.map - to_y.map) / len(x), max(to_y.error, to_x.error)


def converged(
    x: Tensor, y: Tensor, epsilon: float, tolerance: float = 1e-5, seconds: float = math.inf, most: int = 200
) -> Reference:
    """The plan between uniform x (n, d) and y (m, d) for |x - y|^2 / 2, until its marginals hold to `tolerance`.

    It stops sooner after `seconds`, or after `most` times 50 sweeps at the last temperature.
    """
    x, y = x.double(), y.double()
    cost, ends = half_squares(x, y), time.perf_counter() + seconds
    f, g, error = torch.zeros_like(cost[:, 0]), torch.zeros_like(cost[0]), math.inf
    before = g
    for level in range(max(0, math.ceil(math.log2(float(cost.max()) / epsilon))), -1, -1):
        for _ in range(1 if level else most):
            before = g
            f, g, error = _sweeps(cost, f, g, epsilon * 2.0**level, CHECKED if level == 0 else WARM)
            if error < tolerance or (level == 0 and time.perf_counter() > ends):
                break
    (found, value), (earlier, _) = (_map(cost, potential, y, epsilon) for potential in (g, before))
    return Reference(found, error, float((found - earlier).norm() / found.norm()), value)


def half_squares(x: Tensor, y: Tensor) -> Tensor:
    """|x_i - y_j|^2 / 2, (n, m), coordinate by coordinate."""
    cost = x.new_zeros((len(x), len(y)))
    for k in range(x.shape[1]):
        difference = x[:, None, k] - y[None, :, k]
        cost.addcmul_(difference, difference, value=0.5)
    return cost


def _map(cost: Tensor, g: Tensor, y: Tensor, epsilon: float) -> tuple[Tensor, float]:
    """The barycentric map of the plan that a potential g (m,) alone determines, and mean f + mean g."""
    found, f, rows = [], [], 1000  # so that few matrices are in memory at once
    for start in range(0, len(cost), rows):
        scores = (g - cost[start : start + rows]) / epsilon
        found.append(torch.softmax(scores, 1) @ y)
        f.append(-epsilon * (torch.logsumexp(scores, 1) - math.log(len(y))))
    return torch.cat(found), float(torch.cat(f).mean() + g.mean())


def _sweeps(cost: Tensor, f: Tensor, g: Tensor, epsilon: float, count: int) -> tuple[Tensor, Tensor, float]:
    """One sweep on the logarithms, then `count` on the kernel; the mean error of the marginals, relative to them."""
    n, m = cost.shape
    g = -epsilon * (torch.logsumexp((f[:, None] - cost) / epsilon, 0) - math.log(n))
    f = -epsilon * (torch.logsumexp((g - cost) / epsilon, 1) - math.log(m))
    kernel = torch.exp((f[:, None] + g - cost) / epsilon)
    u, v = torch.ones_like(f), torch.ones_like(g)
    for number in range(count):
        relax = 1.0 if number < 5 else RELAX
        v = v ** (1 - relax) * (kernel.mT @ u / n) ** -relax
        u = u ** (1 - relax) * (kernel @ v / m) ** -relax
    rows, columns = u * (kernel @ v) / m, v * (kernel.mT @ u) / n
    error = float((rows - 1).abs().mean() + (columns - 1).abs().mean())
    return f + epsilon * u.log(), g + epsilon * v.log(), error
