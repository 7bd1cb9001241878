"""The potentials of a transport problem: the plan squared down, then sweeps in the log domain on the true cost.

Past DENSE points no matrix is kept: potentials of some of the points are extended to all by one soft minimum each, and
sweeps in blocks take the temperature down from there. Masses (n,) and (m,) sum to 1; None stands for uniform ones.
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

WARM = 6
"""Halvings of epsilon that a problem too large for memory does itself; hotter levels are done by PART of its points."""

PART = 2000

LAST = 10
"""Sweeps at the last temperature per sweep of `Setting`, before Newton steps take over."""

FREE, MOST_FREE = 10_000_000, 300
"""Entries that the sweeps at the last temperature may go over in any case, and the most sweeps of that: at most some
twenty milliseconds, in which small problems converge."""

LAST_ALONE = 10
"""The same for a cloud with itself, whose error each sweep halves: it is squared in the value."""

NEWTON = 2
"""Newton steps at most, each as dear as a dozen sweeps."""

MISSING = 5e-4
"""Share of the divergence, or of OT_epsilon, that an unfinished solve may miss, by its own estimate."""

TOLERANCE = 1e-3
"""Marginal error at which sweeps stop: a tenth of what a page warns of."""

PATIENT = 5e-3
"""The same for sweeps in blocks, which take seconds each: half of what a page warns of."""


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
        """The same in another precision."""
        return Cloud(self.points.to(dtype), None if self.masses is None else self.masses.to(dtype))

    def part(self, places: NDArray[np.intp]) -> Cloud:
        """Some of its points; their masses sum to 1 again."""
        if self.masses is None:
            return Cloud(self.points[places])
        masses = self.masses[places]
        return Cloud(self.points[places], masses / masses.sum())

    def sample(self, some: int | None) -> NDArray[np.intp]:
        """Places of `some` of its points that have mass, rising, always the same; of all where `some` is None or too many."""
        if self.masses is None or some is None or some >= len(self):
            return sample(len(self), some)
        heavy = np.flatnonzero(self.masses.numpy() > 0)
        return heavy[sample(len(heavy), some)]


@dataclass(frozen=True)
class Setting:
    """epsilon and rho in units of the cost; `sweeps` per halving of epsilon between two clouds.

    A cloud with itself needs a third: its averaged sweeps converge much faster.
    """

    ground: Ground
    epsilon: float
    rho: float | None
    sweeps: int

    @classmethod
    def of(cls, ground: Ground, p: int, epsilon: float, rho: float | None, scaling: float) -> Setting:
        """With two sweeps for each that matches geomloss' `scaling`, and one more."""
        return cls(ground, epsilon, rho, 2 * sweeps_for(scaling, p) + 1)

    @property
    def damping(self) -> float:
        """rho / (rho + epsilon), 1 if balanced."""
        return 1.0 if self.rho is None else 1.0 / (1.0 + self.epsilon / self.rho)

    def hotter(self, levels: int) -> Setting:
        """The same at 2^levels epsilon."""
        return replace(self, epsilon=self.epsilon * 2.0**levels)

    def softmin(self, cloud: Cloud, potential: Tensor) -> SoftMin:
        """The soft minimum over a cloud of m points with a potential (m,)."""
        return SoftMin(self.ground, cloud.points, potential, self.epsilon, self.damping, cloud.masses)


@dataclass(frozen=True)
class Crossing:
    """Potentials between two clouds: f (n,) is the soft minimum of g (m,), and g_next (m,) that of f.

    `error` is the marginal error of the plan of f and g, `sweeps` the number of all.
    """

    f: Tensor
    g: Tensor
    g_next: Tensor
    error: float
    sweeps: int
    solver: str


def crossing(setting: Setting, x: Cloud, y: Cloud, goal: Goal) -> Work[Crossing]:
    """Solve between clouds of n and m points with the whole matrix in memory, as near as the goal asks."""
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
    """Sweeps in the log domain from g (m,) at 2^levels epsilon down, in O(n + m) memory.

    Potentials are nearly linear in epsilon, so each level starts from their linear extrapolation.
    """
    sweeps, before = 0, None
    for level in range(levels, 0, -1):
        found = yield from converge(setting.hotter(level), x, y, g, setting.sweeps, tolerance=PATIENT)
        g, sweeps = found.g_next if before is None else torch.lerp(before, found.g_next, 1.5), sweeps + found.sweeps
        before = found.g_next
    return (yield from converge(setting, x, y, g, 5 * setting.sweeps, (sweeps, "log domain"), PATIENT))


def crossing_by_part(setting: Setting, x: Cloud, y: Cloud, goal: Goal) -> Work[Crossing]:
    """The same in O(n + m) memory: potentials of a part at 2^WARM epsilon, extended to all, then sweeps in blocks."""
    hot, part_x, part_y = setting.hotter(WARM), x.part(x.sample(PART)), y.part(y.sample(PART))
    rough = yield from crossing(hot, part_x, part_y, goal)
    g = yield from hot.softmin(part_x, rough.f).values(y.points)
    return (yield from crossing_in_blocks(setting, x, y, WARM, g))


def converge(
    setting: Setting,
    x: Cloud,
    y: Cloud,
    g: Tensor,
    most: int,
    before: tuple[int, str] = (0, "log domain"),
    tolerance: float = TOLERANCE,
) -> Work[Crossing]:
    """At most `most` sweeps in the log domain from g (m,), on the true cost and without a matrix in memory."""
    sweeps, solver = before
    f = yield from setting.softmin(y, g).values(x.points)
    for sweep in range(most + 1):
        g_next = yield from setting.softmin(x, f).values(y.points)
        column = torch.expm1(((g - g_next / setting.damping) / setting.epsilon).clamp_max(80))
        error = float(mean((column + 1 - shares(g, setting.rho)).abs(), y.masses))
        if error < tolerance or sweep == most:
            break
        relax = RELAX if 0 < sweep < most - 1 else 1.0
        g = torch.lerp(g, g_next, relax) - _shift(setting, (f, x), (g_next, y))
        f = yield from setting.softmin(y, g).values(x.points)
        sweeps += 1
    if setting.rho is None:  # the constant that one potential may give to the other: half of the value each
        constant = float(mean(f, x.masses) - mean(g, y.masses)) / 2
        f, g, g_next = f - constant, g + constant, g_next + constant
    return Crossing(f, g, g_next, error, sweeps, solver)


def _shift(setting: Setting, *sides: tuple[Tensor, Cloud]) -> float:
    """The best constant to move from g to f where marginals are soft (Sejourne et al. 2022); sweeps move it slowly."""
    rho = setting.rho
    if rho is None:
        return 0.0
    masses = [float(log_mean_exp(h / -rho, cloud.masses)) for h, cloud in sides]
    return (masses[0] - masses[1]) * rho / 2


@dataclass(frozen=True)
class Own:
    """The potential (n,) of a cloud with itself, and OT_epsilon at epsilon, 2 epsilon, 4 epsilon ..., as far as known."""

    potential: Tensor
    values: tuple[float, ...] = (0.0,)


def own(setting: Setting, x: Cloud) -> Work[Own]:
    """The potential of a cloud with itself, whole matrix in memory."""
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
    """The same by sweeps in the log domain from v (n,) at 2^levels epsilon down, in O(n) memory."""
    for level in range(levels, -1, -1):
        v = yield from converge_own(setting.hotter(level), x, v, math.ceil(setting.sweeps / (1 if level == 0 else 3)))
    return Own(v)


def own_by_part(setting: Setting, x: Cloud) -> Work[Own]:
    """The same in O(n) memory, as `crossing_by_part`."""
    hot, part = setting.hotter(WARM), x.part(x.sample(PART))
    v = yield from hot.softmin(part, (yield from own(hot, part)).potential).values(x.points)
    return (yield from own_in_blocks(setting, x, WARM, v))


def converge_own(setting: Setting, x: Cloud, v: Tensor, sweeps: int) -> Work[Tensor]:
    """Averaged sweeps in the log domain from v (n,), without a matrix in memory."""
    for _ in range(sweeps):
        v = (v + (yield from setting.softmin(x, v).values(x.points))) / 2
    return v


FLAT = 10.0
"""Epsilon in units of the largest cost up to which float32 serves: potentials are rounded as a share of epsilon."""


def precision(setting: Setting, x: Tensor, y: Tensor) -> torch.dtype:
    """float32, unless the costs between the centred clouds are too large in units of epsilon, or lost beside it."""
    corner = torch.cat([x, y]).abs().amax(0, keepdim=True)
    largest = float(setting.ground.matrix(corner, -corner).max())
    small_enough = largest < FLOAT32_LIMIT / 20 * setting.epsilon
    return torch.float32 if small_enough and setting.epsilon < FLAT * largest else torch.float64
