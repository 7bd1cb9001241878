"""The potentials of a transport problem: squaring of the plan, then sweeps in the log domain on the original cost.

Where squaring underflows, the sweeps start at a high temperature, and no matrix is stored. Masses sum to 1; None means uniform.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.clouds.fields import SoftMin, log_mean_exp, mean, shares
from otviz.clouds.solution import sample
from otviz.core.work import Work
from otviz.ot.duals import Goal, Sides
from otviz.ot.grounds import Ground
from otviz.ot.polishing import polish
from otviz.ot.squaring import FLOAT32_LIMIT, RELAX, Schedule, descend, descend_self, levels_for, sweeps_for

LAST = 10
"""Sweeps at the last temperature, before Newton steps, as a multiple of `Setting.sweeps`."""

FREE, MOST_FREE = 10_000_000, 300
"""Small problems get more sweeps at the last temperature: up to FREE matrix entries in total, and at most MOST_FREE
sweeps. This takes about 20 ms, in which they converge."""

LAST_ALONE = 10
"""Extra sweeps for a cloud with itself. Each sweep halves the error, which enters the value squared."""

NEWTON = 2
"""Maximum number of Newton steps, each as expensive as a dozen sweeps."""

MISSING = 2e-4
"""Share of the divergence, or of OT_epsilon, that a solve may miss, by its own estimate."""

TOLERANCE = 1e-3
"""Marginal error at which sweeps stop: a tenth of the error from which a page warns."""

PATIENT = 5e-3
"""The same for sweeps in blocks, which take seconds each: half of the error from which a page warns."""


Points = NDArray[np.floating]
Masses = NDArray[np.float64]


@dataclass(frozen=True)
class Cloud:
    """Points (n, d) and their masses (n,), which sum to 1; None if uniform."""

    points: Tensor
    masses: Tensor | None = None

    def __len__(self) -> int:
        return len(self.points)

    def to(self, dtype: torch.dtype) -> Cloud:
        """Convert to another dtype."""
        return Cloud(self.points.to(dtype), None if self.masses is None else self.masses.to(dtype))

    def part(self, places: NDArray[np.intp]) -> Cloud:
        """The points at `places`, with masses normalised to sum to 1."""
        if self.masses is None:
            return Cloud(self.points[places])
        masses = self.masses[places]
        return Cloud(self.points[places], masses / masses.sum())

    def sample(self, some: int | None) -> NDArray[np.intp]:
        """Sorted indices of `some` points with mass, the same at every call; of all points if None or too many."""
        if self.masses is None or some is None or some >= len(self):
            return sample(len(self), some)
        heavy = np.flatnonzero(self.masses.numpy() > 0)
        return heavy[sample(len(heavy), some)]


@dataclass(frozen=True)
class Setting:
    """Settings of a solve.

    Attributes:
        ground: the cost c.
        epsilon: temperature, units of the cost.
        rho: strength of the soft marginals, units of the cost; None if balanced.
        sweeps: sweeps per halving of epsilon between two clouds. A cloud with itself gets a third of them, because its
            averaged sweeps converge much faster.
    """

    ground: Ground
    epsilon: float
    rho: float | None
    sweeps: int

    @classmethod
    def of(cls, ground: Ground, p: int, epsilon: float, rho: float | None, scaling: float) -> Setting:
        """Settings with 2 s + 1 sweeps, where s = `sweeps_for(scaling, p)` sweeps match geomloss' scaling.

        Args:
            ground: the cost c.
            p: exponent in epsilon = blur^p.
            epsilon: temperature > 0, units of the cost.
            rho: strength > 0 of the soft marginals, units of the cost; None if balanced.
            scaling: ratio of successive blurs, in (0, 1).

        Raises:
            ValueError: scaling is not in (0, 1).
        """
        return cls(ground, epsilon, rho, 2 * sweeps_for(scaling, p) + 1)

    @property
    def damping(self) -> float:
        """rho / (rho + epsilon), 1 if balanced."""
        return 1.0 if self.rho is None else 1.0 / (1.0 + self.epsilon / self.rho)

    def hotter(self, levels: int) -> Setting:
        """The settings at 2^levels epsilon."""
        return replace(self, epsilon=self.epsilon * 2.0**levels)

    def softmin(self, cloud: Cloud, potential: Tensor) -> SoftMin:
        """The soft minimum over a cloud of m points with a potential (m,)."""
        return SoftMin(self.ground, cloud.points, potential, self.epsilon, self.damping, cloud.masses)


@dataclass(frozen=True)
class Crossing:
    """Potentials between two clouds, in units of the cost.

    Attributes:
        f, g: f (n,) is the soft minimum of g (m,).
        g_next: soft minimum of f, shape (m,).
        error: marginal error of the plan of f and g.
        sweeps: total number of sweeps.
        solver: "squaring" or "log domain".
    """

    f: Tensor
    g: Tensor
    g_next: Tensor
    error: float
    sweeps: int
    solver: str


def crossing(setting: Setting, x: Cloud, y: Cloud, goal: Goal) -> Work[Crossing]:
    """Solve between two clouds with the whole matrix in memory; in blocks if squaring underflows.

    Args:
        setting: cost, temperature and sweeps.
        x, y: centred clouds of n and m points.
        goal: share of the divergence that may be missing.
    """
    cost = setting.ground.matrix(x.points, y.points)
    levels = levels_for(float(cost.max() - cost.min()), setting.epsilon)
    per_level = max(setting.sweeps // 2, 1 if setting.rho is None else 2)
    schedule = Schedule(
        setting.epsilon,
        levels,
        per_level,
        max(LAST * setting.sweeps, min(MOST_FREE, FREE // cost.numel())),
        setting.rho,
    )
    sides = Sides(x.masses, y.masses, setting.epsilon, setting.rho)
    yield
    least = float(cost.min()) if setting.rho is None else 0.0
    goal = replace(goal, lift=goal.lift + least)
    plan = yield from descend(cost.sub_(least), schedule, x.masses, y.masses, goal)
    plan = yield from polish(plan, sides, goal, NEWTON, PATIENT)
    g, solver = plan.potential_y + least, "squaring"
    if not bool(torch.isfinite(plan.potential_x.sum() + g.sum())):
        del plan, cost
        return (yield from crossing_in_blocks(setting, x, y, levels, torch.zeros_like(y.points[:, 0])))
    return (yield from converge(setting, x, y, g, 2, (schedule.sweeps(), solver)))


def crossing_in_blocks(setting: Setting, x: Cloud, y: Cloud, levels: int, g: Tensor) -> Work[Crossing]:
    """Solve by sweeps in the log domain from 2^levels epsilon down, in O(n + m) memory.

    Potentials are nearly linear in epsilon, so each level starts from their linear extrapolation.

    Args:
        setting: cost, last temperature and sweeps.
        x, y: centred clouds of n and m points.
        levels: number of halvings of epsilon.
        g: potential to start from, shape (m,), units of the cost.
    """
    sweeps, before = 0, None
    for level in range(levels, 0, -1):
        found = yield from converge(setting.hotter(level), x, y, g, setting.sweeps, tolerance=PATIENT)
        g, sweeps = found.g_next if before is None else torch.lerp(before, found.g_next, 1.5), sweeps + found.sweeps
        before = found.g_next
    return (yield from converge(setting, x, y, g, 5 * setting.sweeps, (sweeps, "log domain"), PATIENT))


def converge(
    setting: Setting,
    x: Cloud,
    y: Cloud,
    g: Tensor,
    most: int,
    before: tuple[int, str] = (0, "log domain"),
    tolerance: float = TOLERANCE,
) -> Work[Crossing]:
    """Sweep in the log domain, on the original cost and without a matrix in memory.

    Args:
        setting: cost and temperature.
        x, y: centred clouds of n and m points.
        g: potential to start from, shape (m,), units of the cost.
        most: maximum number of sweeps.
        before: number of sweeps done before, and the name of the solver to report.
        tolerance: marginal error below which the sweeps stop.
    """
    sweeps, solver = before
    f = yield from setting.softmin(y, g).values(x.points)
    for sweep in range(most + 1):
        g_next = yield from setting.softmin(x, f).values(y.points)
        column = torch.expm1(((g - g_next / setting.damping) / setting.epsilon).clamp_max(80))
        error = float(mean((column + 1 - shares(g, setting.rho)).abs(), y.masses))
        if error < tolerance or sweep == most:
            break
        relax = RELAX if 0 < sweep < most - 1 else 1.0
        g = torch.lerp(g, g_next, relax) - shift_between(setting, (f, x), (g_next, y))
        f = yield from setting.softmin(y, g).values(x.points)
        sweeps += 1
    if setting.rho is None:  # fix the free constant: each potential gets half of the value
        constant = float(mean(f, x.masses) - mean(g, y.masses)) / 2
        f, g, g_next = f - constant, g + constant, g_next + constant
    return Crossing(f, g, g_next, error, sweeps, solver)


def shift_between(setting: Setting, *sides: tuple[Tensor, Cloud]) -> float:
    """The optimal constant to move from g to f with soft marginals (Sejourne et al. 2022); sweeps move it slowly."""
    rho = setting.rho
    if rho is None:
        return 0.0
    masses = [float(log_mean_exp(h / -rho, cloud.masses)) for h, cloud in sides]
    return (masses[0] - masses[1]) * rho / 2


@dataclass(frozen=True)
class Own:
    """The potential (n,) of a cloud with itself, and OT_epsilon at epsilon, 2 epsilon ...; (0,) if not known."""

    potential: Tensor
    values: tuple[float, ...] = (0.0,)


def own(setting: Setting, x: Cloud) -> Work[Own]:
    """The potential of a cloud with itself, with the whole matrix in memory; in blocks if squaring underflows."""
    cost = setting.ground.matrix(x.points, x.points)
    levels = levels_for(float(cost.max()), setting.epsilon)
    sweeps = math.ceil(setting.sweeps / 3)
    schedule = Schedule(setting.epsilon, levels, sweeps, sweeps + LAST_ALONE, setting.rho)
    yield
    plan = yield from descend_self(cost, schedule, x.masses)
    if bool(torch.isfinite(plan.potential_y.sum())):
        return Own(plan.potential_y, plan.values)
    return (yield from own_in_blocks(setting, x, levels, torch.zeros_like(plan.potential_y)))


def own_in_blocks(setting: Setting, x: Cloud, levels: int, v: Tensor) -> Work[Own]:
    """The potential of a cloud with itself by sweeps in the log domain, in O(n) memory.

    Args:
        setting: cost, last temperature and sweeps.
        x: centred cloud of n points.
        levels: number of halvings of epsilon.
        v: potential to start from, shape (n,), units of the cost.
    """
    for level in range(levels, -1, -1):
        v = yield from converge_own(setting.hotter(level), x, v, math.ceil(setting.sweeps / (1 if level == 0 else 3)))
    return Own(v)


def converge_own(setting: Setting, x: Cloud, v: Tensor, sweeps: int) -> Work[Tensor]:
    """Sweep in the log domain, averaging the potential with its update, without a matrix in memory.

    Args:
        setting: cost and temperature.
        x: centred cloud of n points.
        v: potential to start from, shape (n,), units of the cost.
        sweeps: number of sweeps.
    """
    for _ in range(sweeps):
        v = (v + (yield from setting.softmin(x, v).values(x.points))) / 2
    return v


FLAT = 10.0
"""Largest epsilon for float32, in units of the largest cost: the rounding of potentials is proportional to epsilon."""


def precision(setting: Setting, x: Tensor, y: Tensor) -> torch.dtype:
    """float64 if the costs are too large for float32 in units of epsilon, or too small; otherwise float32.

    Args:
        setting: cost and temperature.
        x, y: centred points, shapes (n, d) and (m, d).
    """
    corner = torch.cat([x, y]).abs().amax(0, keepdim=True)
    largest = float(setting.ground.matrix(corner, -corner).max())
    small_enough = largest < FLOAT32_LIMIT / 20 * setting.epsilon
    return torch.float32 if small_enough and setting.epsilon < FLAT * largest else torch.float64
