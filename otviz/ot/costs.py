"""Pairwise costs c(x_i, y_j) between points of shapes (..., n, d) and (..., m, d), as matrices of shape (..., n, m)."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from otviz.core.precision import widest

BY_COORDINATES = 8
"""Up to this dimension squared distances are summed coordinate by coordinate."""

BLOCK = 2**16
"""Entries computed at once on a CPU, so that temporaries stay in its cache (5 times faster at 2000 by 2000 points)."""


def squared_euclidean(x: Tensor, y: Tensor) -> Tensor:
    """|x_i - y_j|^2, shape (..., n, m), in squared data units.

    Up to BY_COORDINATES dimensions the differences are squared, which is accurate even for nearby points far from the
    origin. Beyond, |x|^2 + |y|^2 - 2 x.y is computed about the common mean in float64: its error is about 1e-16 of the
    squared radius of the cloud instead of 1e-7.
    """
    if x.shape[-1] > BY_COORDINATES:
        return _squared_by_products(widest(x), widest(y)).clamp_min(0).to(x.dtype)
    if torch.is_grad_enabled() and (x.requires_grad or y.requires_grad):
        return _squared_by_coordinates(x, y)
    n, m = x.shape[-2], y.shape[-2]
    if n * m <= BLOCK or x.is_cuda:
        return _squared_by_coordinates(x, y)
    out = x.new_empty((*(x[..., 0, 0] + y[..., 0, 0]).shape, n, m))
    rows = max(1, BLOCK // m)
    for start in range(0, n, rows):
        out[..., start : start + rows, :] = _squared_by_coordinates(x[..., start : start + rows, :], y)
    return out


def _squared_by_coordinates(x: Tensor, y: Tensor) -> Tensor:
    total = (x[..., :, None, 0] - y[..., None, :, 0]).square()
    for k in range(1, x.shape[-1]):
        difference = x[..., :, None, k] - y[..., None, :, k]
        total.addcmul_(difference, difference)
    return total


def euclidean(x: Tensor, y: Tensor) -> Tensor:
    """|x_i - y_j|, shape (..., n, m), in data units; its gradient is 0 where the points coincide."""
    squared = squared_euclidean(x, y)
    if not squared.requires_grad:
        return squared.sqrt_()
    return torch.where(squared > 0, squared, torch.ones_like(squared)).sqrt() * (squared > 0)


def cost_p(x: Tensor, y: Tensor, p: int = 2) -> Tensor:
    """geomloss' cost |x_i - y_j|^p / p, shape (..., n, m), in data units to the power p.

    Args:
        x, y: points, shapes (..., n, d) and (..., m, d).
        p: 1 for the distance, 2 for half its square.

    Raises:
        ValueError: p is not 1 or 2.
    """
    check_p(p)
    if p == 1:
        return euclidean(x, y)
    squared = squared_euclidean(x, y)
    return squared / 2 if squared.requires_grad else squared.mul_(0.5)


def check_p(p: int) -> None:
    """Raise ValueError unless p is 1 (distance) or 2 (half squared distance)."""
    if p not in (1, 2):
        raise ValueError(f"p must be 1 (distance) or 2 (half squared distance); got {p!r}")


def cityblock(x: Tensor, y: Tensor) -> Tensor:
    """sum_k |x_ik - y_jk|, shape (..., n, m), in data units."""
    total = (x[..., :, None, 0] - y[..., None, :, 0]).abs()
    for k in range(1, x.shape[-1]):
        total = total + (x[..., :, None, k] - y[..., None, :, k]).abs()
    return total


def cosine(x: Tensor, y: Tensor) -> Tensor:
    """1 - cos(x_i, y_j), shape (..., n, m), in [0, 2] (Salimans et al. 2018, section 4). Lengths do not matter."""
    return 1 - F.normalize(x, dim=-1) @ F.normalize(y, dim=-1).mT


def cosine_with_bias(x: Tensor, y: Tensor) -> Tensor:
    """1 - cos([x_i, 1], [y_j, 1]), shape (..., n, m). With the constant feature, lengths matter."""
    return cosine(F.pad(x, (0, 1), value=1.0), F.pad(y, (0, 1), value=1.0))


def half_squared(x: Tensor, y: Tensor) -> Tensor:
    """|x_i - y_j|^2 / 2 between features, shape (..., n, m), summed over the features.

    OT-GAN's toy code takes the mean over the features. With 16 features of an untrained critic that cost is far below
    the code's own epsilon of 1/50, so every matching is nearly random and the generator does not learn.

    Computed as one product of [x, |x|^2, 1] with [-2y, 1, |y|^2] about the common mean, in the dtype of x. The error,
    about 1e-7 of the squared radius of the cloud and of either sign, is far below that epsilon.
    """
    return _squared_by_products(x, y, 0.5)


def _squared_by_products(x: Tensor, y: Tensor, factor: float = 1.0) -> Tensor:
    middle = (x.detach().mean(-2, keepdim=True) + y.detach().mean(-2, keepdim=True)) / 2
    x, y = x - middle, y - middle
    lengths_x, lengths_y = x.square().sum(-1, keepdim=True), y.square().sum(-1, keepdim=True)
    rows = torch.cat([x * (-2 * factor), lengths_x * factor, torch.full_like(lengths_x, factor)], -1)
    columns = torch.cat([y, torch.ones_like(lengths_y), lengths_y], -1)
    return rows @ columns.mT


FEATURE_COSTS: MappingProxyType[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {"squared-l2": half_squared, "cosine": cosine, "cosine-bias": cosine_with_bias}
)
"""The costs between critic features, by the name a knob gives them."""
