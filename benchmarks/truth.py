"""The entropic plan iterated until it no longer changes, in double precision: what gradients are judged by.

Plain Sinkhorn on a stabilised kernel (Schmitzer 2019) with over-relaxation (Thibault et al. 2021); no code of otviz.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

WARM, CHECKED, RELAX = 30, 50, 1.7


def converged_gradient(x: Tensor, y: Tensor, blur: float, tolerance: float = 1e-5) -> tuple[Tensor, float]:
    """Gradient of the debiased p = 2 Sinkhorn divergence at x (n, 2), in double, and the largest marginal error."""
    x, y = x.double(), y.double()
    (to_y, one), (to_x, two) = (_barycentric(x, points, blur**2, tolerance) for points in (y, x))
    return (to_x - to_y) / len(x), max(one, two)


def _barycentric(x: Tensor, y: Tensor, epsilon: float, tolerance: float) -> tuple[Tensor, float]:
    cost = (x[:, None, 0] - y[None, :, 0]).square_().add_((x[:, None, 1] - y[None, :, 1]).square_()).div_(2)
    f, g, error = _potentials(cost, epsilon, tolerance)
    plan = cost.neg_().add_(f[:, None]).add_(g).div_(epsilon).exp_()
    return plan @ y / plan.sum(1, keepdim=True), error


def _potentials(cost: Tensor, epsilon: float, tolerance: float, most: int = 200) -> tuple[Tensor, Tensor, float]:
    f, g, error = torch.zeros_like(cost[:, 0]), torch.zeros_like(cost[0]), math.inf
    for level in range(max(0, math.ceil(math.log2(float(cost.max()) / epsilon))), -1, -1):
        for _ in range(1 if level else most):
            f, g, error = _sweeps(cost, f, g, epsilon * 2.0**level, CHECKED if level == 0 else WARM)
            if error < tolerance:
                break
    return f, g, error


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
