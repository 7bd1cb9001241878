"""First variations of the losses, at any point: the potentials that a page draws and whose descent its arrows follow.

Sinkhorn potentials leave the samples by a soft minimum, f(z) = -epsilon log sum_j b_j exp((g_j - c(z, y_j)) / epsilon),
and so do their gradients: means of dc(z, y_j)/dz over the row of the plan at z (Feydy et al. 2019, section 3).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from otviz.core.work import Work
from otviz.ot.grounds import GROUNDS, Ground, Scores

LOG_2 = math.log(2)
"""Sums are taken of powers of 2: on a CPU they take half the time of powers of e."""

LEAST = -115.0
"""Least exponent: 2^-115 adds nothing to a sum whose largest term is 1, and what underflows is twenty times slower."""

BLOCK = 2**17
"""Entries of a matrix computed at once: they stay in a core's cache."""


@dataclass(frozen=True)
class Rows:
    """Some rows of a plan.

    Attributes:
        rows: which.
        weights: their entries up to a factor per row, (k, m).
        total: the sums of these, (k, 1).
        values: the soft minimum at these rows, (k,), units of the cost.
    """

    rows: slice
    weights: Tensor
    total: Tensor
    values: Tensor


@dataclass(frozen=True)
class SoftMin:
    """-damping epsilon log sum_j masses_j exp((potential_j - c(z, points_j)) / epsilon), units of the cost.

    Attributes:
        points, potential: shapes (m, d) and (m,), the same dtype.
        epsilon: temperature, units of the cost.
        damping: rho / (rho + epsilon) where marginals are soft, else 1.
        masses: of the points, (m,), >= 0 and summing to 1; 1/m each if None.
    """

    ground: Ground
    points: Tensor
    potential: Tensor
    epsilon: float
    damping: float = 1.0
    masses: Tensor | None = None

    def rows(self, z: Tensor) -> Iterator[Rows]:
        """The plan's rows at z (k, d), in blocks."""
        step, bit = max(1, BLOCK // len(self.points)), self.epsilon * LOG_2
        potential, log_m = self.potential, math.log2(len(self.points))
        if self.masses is not None:
            potential, log_m = potential + self.epsilon * self.masses.log(), 0.0
        scores = self.ground.scores(self.points, potential, bit)
        for start in range(0, len(z), step):
            weights = scores(z[start : start + step])
            top = weights.amax(1, keepdim=True)
            total = weights.sub_(top).clamp_min_(LEAST).exp2_().sum(1, keepdim=True)
            values = (top + total.log2())[:, 0].sub_(log_m).mul_(-self.damping * bit)
            yield Rows(slice(start, start + step), weights, total, values)

    def values(self, z: Tensor) -> Work[Tensor]:
        """At z (k, d), shape (k,)."""
        out = z.new_empty(len(z))
        for block in self.rows(z):
            out[block.rows] = block.values
            yield
        return out

    def slopes(self, z: Tensor) -> Work[tuple[Tensor, Tensor]]:
        """Values (k,), and the mean of dc/dz over each row, (k, d): the gradient, before damping."""
        out, means = z.new_empty(len(z)), torch.empty_like(z)
        for block in self.rows(z):
            out[block.rows] = block.values
            means[block.rows] = self.ground.pull(block.weights, z[block.rows], self.points) / block.total
            yield
        return out, means


class Variation(ABC):
    """The first variation of a loss with respect to one side's distribution, as a function of the place."""

    @abstractmethod
    def values(self, z: Tensor) -> Work[Tensor]:
        """At z (k, d), data units, shape (k,), units of the loss."""

    @abstractmethod
    def slopes(self, z: Tensor) -> Work[tuple[Tensor, Tensor]]:
        """Values (k,) and their gradient (k, d)."""


@final
@dataclass(frozen=True)
class OfPlans(Variation):
    """Of OT_epsilon, or of the Sinkhorn divergence where `own` is the potential of the side with itself.

    With soft marginals it is (rho + epsilon)(1 - e^(-f/rho)) in place of f (Sejourne et al. 2019, Prop. 12).

    Attributes:
        centre: what was taken off this side's points, (d,).
        tilt, lift: the linear function of z - centre that centring the sides apart took off the potential, (d,) and ().
    """

    cross: SoftMin
    own: SoftMin | None
    rho: float | None
    centre: Tensor
    tilt: Tensor
    lift: float

    def values(self, z: Tensor) -> Work[Tensor]:
        z = (z - self.centre).to(self.cross.points)
        f = yield from self.cross.values(z)
        return self.value_of(z, f, None if self.own is None else (yield from self.own.values(z)))

    def slopes(self, z: Tensor) -> Work[tuple[Tensor, Tensor]]:
        z = (z - self.centre).to(self.cross.points)
        found = yield from self.cross.slopes(z)
        alone = None if self.own is None else (yield from self.own.slopes(z))
        value = self.value_of(z, found[0], None if alone is None else alone[0])
        return value, self.slope_of(found, alone)

    def value_of(self, z: Tensor, f: Tensor, own: Tensor | None) -> Tensor:
        """From the soft minima f and `own`, (k,), at centred z (k, d)."""
        value = self._drawn(f) + z @ self.tilt.to(z) + self.lift
        return value if own is None else value - self._drawn(own)

    def slope_of(self, found: tuple[Tensor, Tensor], alone: tuple[Tensor, Tensor] | None) -> Tensor:
        """The gradient from what `SoftMin.slopes` gives for both terms, (k, d)."""
        slope = found[1] * shares(found[0], self.rho)[:, None] + self.tilt.to(found[1])
        return slope if alone is None else slope - alone[1] * shares(alone[0], self.rho)[:, None]

    def _drawn(self, f: Tensor) -> Tensor:
        if self.rho is None:
            return f
        return torch.expm1((f / -self.rho).clamp_max(80)).mul_(-(self.rho + self.cross.epsilon))


def mean(values: Tensor, masses: Tensor | None) -> Tensor:
    """sum_i masses_i values_i in float64, over the first axis; masses (n,) sum to 1, 1/n each if None."""
    values = values.double()
    return values.mean(0) if masses is None else masses.double() @ values


def log_mean_exp(values: Tensor, masses: Tensor | None) -> Tensor:
    """log sum_i masses_i e^values_i in float64, shape ()."""
    values = values.double()
    if masses is None:
        return values.logsumexp(0) - math.log(len(values))
    return (values + masses.double().log()).logsumexp(0)


def shares(f: Tensor, rho: float | None) -> Tensor:
    """What a point moves, in units of its own mass: e^(-f/rho), the shape of f; 1 if balanced."""
    return torch.ones_like(f) if rho is None else torch.exp((f / -rho).clamp_max(80))


@final
@dataclass(frozen=True)
class OfKernel(Variation):
    """Of |a - b|_k^2 / 2: the mean of k over the side's own points minus that over the other's.

    Attributes:
        kernel: "gaussian" e^(-|d|^2 / 2 blur^2), "laplacian" e^(-|d|/blur), or "energy" -|d|; geomloss' three.
        own, other: points, centred, (n, d) and (m, d).
        masses_own, masses_other: theirs, (n,) and (m,), summing to 1; uniform if None.
    """

    kernel: str
    blur: float
    own: Tensor
    other: Tensor
    centre: Tensor
    masses_own: Tensor | None = None
    masses_other: Tensor | None = None

    def values(self, z: Tensor) -> Work[Tensor]:
        values, _ = yield from self._sums(z, slopes=False)
        return values

    def slopes(self, z: Tensor) -> Work[tuple[Tensor, Tensor]]:
        return (yield from self._sums(z, slopes=True))

    def _sums(self, z: Tensor, *, slopes: bool) -> Work[tuple[Tensor, Tensor]]:
        z = (z - self.centre).to(self.own)
        values, slope = torch.zeros_like(z[:, 0]), torch.zeros_like(z)
        sides = ((self.own, self.masses_own, 1.0), (self.other, self.masses_other, -1.0))
        for points, masses, sign in sides:
            share = torch.full_like(points[:, 0], 1 / len(points)) if masses is None else masses
            step, (kernel, ground, steep) = max(1, BLOCK // len(points)), self._kernel(points)
            for start in range(0, len(z), step):
                rows = slice(start, start + step)
                weights = kernel(z[rows])
                values[rows] += sign * weights.mv(share)
                if slopes:
                    pulling = share.expand_as(weights) if self.kernel == "energy" else weights * share
                    slope[rows] -= ground.pull(pulling, z[rows], points).mul_(sign * steep)
                yield
        return values, slope

    def _kernel(self, points: Tensor) -> tuple[Scores, Ground, float]:
        """z -> k(z_i, y_j), the cost c whose pull its gradient is, and the factor s: dk/dz = -s k dc/dz (k = 1: energy)."""
        nothing = torch.zeros_like(points[:, 0])
        if self.kernel == "energy":
            ground = GROUNDS["euclidean"]
            return ground.scores(points, nothing, 1.0), ground, 1.0
        name, epsilon = ("half-squared", self.blur**2) if self.kernel == "gaussian" else ("euclidean", self.blur)
        scores = GROUNDS[name].scores(points, nothing, epsilon * LOG_2)
        return lambda z: scores(z).clamp_min_(LEAST).exp2_(), GROUNDS[name], 1 / epsilon
