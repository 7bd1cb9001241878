"""Costs between points, each with its gradient under a plan W: sum_j W_ij dc(x_i, y_j)/dx_i.

By the envelope theorem the gradient of an entropic cost needs nothing else: the plan W is held fixed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import MappingProxyType
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from otviz.ot.costs import cityblock, cosine, euclidean, squared_euclidean

Scores = Callable[[Tensor], Tensor]


class Ground(ABC):
    """A cost c(x, y) between points x (n, d) and y (m, d)."""

    @abstractmethod
    def matrix(self, x: Tensor, y: Tensor) -> Tensor:
        """c(x_i, y_j), shape (n, m)."""

    @abstractmethod
    def pull(self, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """sum_j W_ij dc(x_i, y_j)/dx_i, shape (n, d); points that coincide contribute 0.

        Args:
            weights: W, shape (n, m).
            x, y: points, shapes (n, d) and (m, d).
        """

    def mean(self, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """sum_j W_ij c(x_i, y_j), shape (n,).

        Args:
            weights: W, shape (n, m).
            x, y: points, shapes (n, d) and (m, d).
        """
        return self.matrix(x, y).mul_(weights).sum(1)

    def length(self, epsilon: float) -> float:
        """The length that is the blur at temperature epsilon, data units: of costs that are lengths, epsilon itself."""
        return epsilon

    def scores(self, y: Tensor, potential: Tensor, epsilon: float) -> Scores:
        """The function of x (n, d) that returns (potential_j - c(x_i, y_j)) / epsilon, shape (n, m).

        Args:
            y: points, shape (m, d).
            potential: potential at y, shape (m,), units of the cost.
            epsilon: temperature > 0, units of the cost.
        """
        return lambda x: self.matrix(x, y).sub_(potential).mul_(-1 / epsilon)


@final
class Quadratic(Ground):
    """factor |x - y|^2 / 2, in squared data units.

    `scores` is one matrix product, with an error of a few units in the last place of max |x|^2 / epsilon: centre the points.
    """

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def matrix(self, x: Tensor, y: Tensor) -> Tensor:
        return squared_euclidean(x, y).mul_(self.factor / 2)

    def pull(self, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return (weights.sum(1, keepdim=True) * x - _sums(weights, y)).mul_(self.factor)

    def mean(self, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
        squares = weights.sum(1) * x.square().sum(1) + weights.mv(y.square().sum(1))
        return (squares - 2 * (_sums(weights, y) * x).sum(1)).mul_(self.factor / 2)

    def length(self, epsilon: float) -> float:
        return math.sqrt(epsilon / self.factor)

    def scores(self, y: Tensor, potential: Tensor, epsilon: float) -> Scores:

        share = self.factor / epsilon
        constant = potential / epsilon - y.square().sum(1) * (share / 2)
        columns = torch.cat([y, constant[:, None], torch.ones_like(y[:, :1])], 1).T

        def found(x: Tensor) -> Tensor:
            lengths = x.square().sum(1, keepdim=True)
            return torch.cat([x * share, torch.ones_like(lengths), lengths * (-share / 2)], 1) @ columns

        return found


def _sums(weights: Tensor, y: Tensor) -> Tensor:
    """sum_j W_ij y_jk, shape (n, d), one column at a time: on a CPU three times faster than a product with few columns."""
    return torch.stack([weights.mv(column) for column in y.T], 1)


@final
class Euclidean(Ground):
    """|x - y|, in data units."""

    def matrix(self, x: Tensor, y: Tensor) -> Tensor:
        return euclidean(x, y)

    def pull(self, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
        distance = euclidean(x, y)
        slopes = weights / distance.masked_fill_(distance == 0, torch.inf)
        return _along(slopes, x, y, lambda difference: difference)


@final
class CityBlock(Ground):
    """sum_k |x_k - y_k|, in data units."""

    def matrix(self, x: Tensor, y: Tensor) -> Tensor:
        return cityblock(x, y)

    def pull(self, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return _along(weights, x, y, torch.sign)


def _along(weights: Tensor, x: Tensor, y: Tensor, slope: Callable[[Tensor], Tensor]) -> Tensor:
    """sum_j W_ij slope(x_ik - y_jk), shape (n, d), from differences, which are accurate for nearby points."""
    parts = [(slope(x[:, None, k] - y[None, :, k]) * weights).sum(1) for k in range(x.shape[1])]
    return torch.stack(parts, 1)


@final
class Cosine(Ground):
    """1 - cos(x, y), without unit. A point at the origin is at distance 1 from all others and has gradient 0."""

    def matrix(self, x: Tensor, y: Tensor) -> Tensor:
        return cosine(x, y)

    def pull(self, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
        length = x.norm(dim=1, keepdim=True)
        direction = F.normalize(x, dim=1)
        aim = weights @ F.normalize(y, dim=1)
        across = aim - direction * (direction * aim).sum(1, keepdim=True)
        return torch.where(length > 0, -across / length.clamp_min(1e-30), 0.0)


GROUNDS: MappingProxyType[str, Ground] = MappingProxyType(
    {
        "half-squared": Quadratic(1.0),
        "euclidean": Euclidean(),
        "squared": Quadratic(2.0),
        "cityblock": CityBlock(),
        "cosine": Cosine(),
    }
)
"""Costs between points by name."""
