"""First variations of the losses at any point: the potentials that a page draws. Its arrows are minus their gradient.

A soft minimum extends Sinkhorn potentials beyond the samples, f(z) = -epsilon log sum_j b_j exp((g_j - c(z, y_j)) /
epsilon). Its gradient is the mean of dc(z, y_j)/dz over the row of the plan at z (Feydy et al. 2019, section 3).
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
"""Soft minima are computed with powers of 2: on a CPU they take half the time of powers of e."""

LEAST = -115.0
"""Minimum exponent: 2^-115 adds nothing to a sum whose largest term is 1, and underflow is twenty times slower."""

BLOCK = 2**17
"""Entries of a matrix computed at once, so that they stay in the cache of a core."""


@dataclass(frozen=True)
class Rows:
    """A block of rows of a plan.

    Attributes:
        rows: indices of the rows.
        weights: their entries up to a factor per row, shape (k, m).
        total: sum of each row, shape (k, 1).
        values: soft minimum at these rows, shape (k,), units of the cost.
    """

    rows: slice
    weights: Tensor
    total: Tensor
    values: Tensor


@dataclass(frozen=True)
class SoftMin:
    """-damping epsilon log sum_j masses_j exp((potential_j - c(z, points_j)) / epsilon), units of the cost.

    Attributes:
        ground: the cost c.
        points, potential: shapes (m, d) and (m,), the same dtype.
        epsilon: temperature, units of the cost.
        damping: rho / (rho + epsilon) for soft marginals, else 1.
        masses: masses of the points, shape (m,), >= 0 and summing to 1; 1/m each if None.
    """

    ground: Ground
    points: Tensor
    potential: Tensor
    epsilon: float
    damping: float = 1.0
    masses: Tensor | None = None

    def rows(self, z: Tensor) -> Iterator[Rows]:
        """The rows of the plan at z (k, d), in blocks."""
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
        """The soft minimum at z (k, d), shape (k,)."""
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
    """The first variation of a loss with respect to the distribution of one side, as a function of position."""

    @abstractmethod
    def values(self, z: Tensor) -> Work[Tensor]:
        """Values at z (k, d), data units; shape (k,), units of the loss."""

    @abstractmethod
    def slopes(self, z: Tensor) -> Work[tuple[Tensor, Tensor]]:
        """Values (k,) and their gradient (k, d)."""


@final
@dataclass(frozen=True)
class OfPlans(Variation):
    """First variation of OT_epsilon, or of the Sinkhorn divergence if `own` is given.

    With soft marginals, (rho + epsilon)(1 - e^(-f/rho)) replaces f (Sejourne et al. 2019, Prop. 12).

    Attributes:
        cross: soft minimum over the other side.
        own: soft minimum of this side with itself, or None.
        rho: strength of the soft marginals, units of the cost; None if balanced.
        centre: what was subtracted from the points of this side, shape (d,).
        tilt, lift: with separate centres, tilt.(z - centre) + lift is missing from the potential; tilt has shape (d,).
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
        """The values, shape (k,), from soft minima that are known already.

        Args:
            z: positions minus the centre, shape (k, d).
            f: values of `cross` at z, shape (k,).
            own: values of `self.own` at z, shape (k,), or None.
        """
        value = self._drawn(f) + z @ self.tilt.to(z) + self.lift
        return value if own is None else value - self._drawn(own)

    def slope_of(self, found: tuple[Tensor, Tensor], alone: tuple[Tensor, Tensor] | None) -> Tensor:
        """The gradient, shape (k, d), from the results of `SoftMin.slopes` for both terms."""
        slope = found[1] * shares(found[0], self.rho)[:, None] + self.tilt.to(found[1])
        return slope if alone is None else slope - alone[1] * shares(alone[0], self.rho)[:, None]

    def _drawn(self, f: Tensor) -> Tensor:
        if self.rho is None:
            return f
        return torch.expm1((f / -self.rho).clamp_max(80)).mul_(-(self.rho + self.cross.epsilon))


def mean(values: Tensor, masses: Tensor | None) -> Tensor:
    """sum_i masses_i values_i over the first axis, in float64; masses (n,) sum to 1, and are 1/n each if None."""
    values = values.double()
    return values.mean(0) if masses is None else masses.double() @ values


def log_mean_exp(values: Tensor, masses: Tensor | None) -> Tensor:
    """log sum_i masses_i e^values_i in float64, shape ()."""
    values = values.double()
    if masses is None:
        return values.logsumexp(0) - math.log(len(values))
    return (values + masses.double().log()).logsumexp(0)


def shares(f: Tensor, rho: float | None) -> Tensor:
    """The mass that each point moves, in units of its own mass: e^(-f/rho), the shape of f; 1 if balanced."""
    return torch.ones_like(f) if rho is None else torch.exp((f / -rho).clamp_max(80))


@final
@dataclass(frozen=True)
class OfKernel(Variation):
    """First variation of |a - b|_k^2 / 2: the mean of k over this side's points minus that over the other side's.

    Attributes:
        kernel: one of geomloss' "gaussian" e^(-|d|^2 / 2 blur^2), "laplacian" e^(-|d|/blur) and "energy" -|d|.
        blur: width of the kernel, in data units; "energy" ignores it.
        own, other: centred points of this side (n, d) and of the other (m, d).
        centre: what was subtracted from the points, shape (d,).
        masses_own, masses_other: masses, shapes (n,) and (m,), each summing to 1; uniform if None.
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
        """The function z -> k(z_i, y_j), and cost c and factor s with dk/dz = -s k dc/dz (for energy, -s dc/dz)."""
        nothing = torch.zeros_like(points[:, 0])
        if self.kernel == "energy":
            ground = GROUNDS["euclidean"]
            return ground.scores(points, nothing, 1.0), ground, 1.0
        name, epsilon = ("half-squared", self.blur**2) if self.kernel == "gaussian" else ("euclidean", self.blur)
        scores = GROUNDS[name].scores(points, nothing, epsilon * LOG_2)
        return lambda z: scores(z).clamp_min_(LEAST).exp2_(), GROUNDS[name], 1 / epsilon
