"""The dual of entropic transport: its value from two potentials, and how near to it a solve must come.

With f the soft minimum of g the dual lies below OT_epsilon by the square of g's error (Peyre and Cuturi 2019, section 4.4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

GAIN = 5.0
"""Sweeps that a sweep's gain is multiplied by for a guess at the gap; those that follow gain ever less."""


@dataclass(frozen=True)
class Sides:
    """Weights a (n,) and b (m,) of rows and columns, uniform if None; epsilon, and rho or None, in units of the cost."""

    a: Tensor | None
    b: Tensor | None
    epsilon: float
    rho: float | None

    @property
    def damping(self) -> float:
        """rho / (rho + epsilon), 1 if balanced."""
        return 1.0 if self.rho is None else 1.0 / (1.0 + self.epsilon / self.rho)

    def at(self, epsilon: float) -> Sides:
        """The same at another temperature."""
        return Sides(self.a, self.b, epsilon, self.rho)

    def value(self, f: Tensor, g: Tensor) -> Tensor:
        """OT_epsilon, shape (), from potentials f (n,) = the soft minimum of g (m,), units of the cost."""
        rho = self.rho
        if rho is None:
            return weighted(f, self.a) + weighted(g, self.b)
        left, right = (torch.expm1((h / -rho).clamp_max(80)) for h in (f, g))
        return weighted(left, self.a) * -(rho + self.epsilon) - weighted(right, self.b) * rho

    def gain(self, change: Tensor) -> float:
        """What a sweep that multiplies the columns' scalings by `change` (m,) adds to the dual, in units of epsilon."""
        off = change - 1
        return float(torch.dot(off, off / len(off) if self.b is None else off * self.b)) / 2


def weighted(values: Tensor, weights: Tensor | None) -> Tensor:
    """sum_i w_i values_i, shape (); the mean if None."""
    return values.mean() if weights is None else torch.dot(weights, values)


@dataclass(frozen=True)
class Goal:
    """Share of a divergence that may be missing, at any temperature.

    Attributes:
        share: of OT_epsilon less `own`.
        own: (OT(x, x) + OT(y, y)) / 2 at epsilon, 2 epsilon, 4 epsilon ...; (0,) where these are not subtracted.
        lift: what was taken off the costs.
    """

    share: float
    own: tuple[float, ...] = (0.0,)
    lift: float = 0.0

    def rest(self, value: float, halvings: int = 0) -> float:
        """The divergence at a dual value found at 2^halvings epsilon."""
        return value + self.lift - self.own[min(halvings, len(self.own) - 1)]

    def hotter(self, halvings: int) -> Goal:
        """The goal of a solve at 2^halvings epsilon."""
        return replace(self, own=self.own[min(halvings, len(self.own) - 1) :])

    def met(self, value: float, gap: float) -> bool:
        """Whether a gap is small enough at epsilon; also one that is NaN."""
        return not gap > self.share * abs(self.rest(value))


def half_sums(values_x: tuple[float, ...], values_y: tuple[float, ...]) -> tuple[float, ...]:
    """Halves of both self terms at epsilon, 2 epsilon ...; the last of the shorter one stands for those it lacks."""
    count = max(len(values_x), len(values_y))
    longer = [[*values, *[values[-1]] * (count - len(values))] for values in (values_x, values_y)]
    return tuple((left + right) / 2 for left, right in zip(*longer, strict=True))
