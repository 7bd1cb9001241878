"""Entropic transport between large clouds of the plane, coarse to fine, in O(n) memory (Schmitzer 2019; Feydy 2020, 3.3).

At a high temperature clouds are cells of a fraction of the blur, few enough for matrices. Then the temperature falls and
cells shrink with the blur: each stage starts from potentials of the last, and sees only pairs that carried mass there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from otviz.clouds.cells import Cells, Curve
from otviz.clouds.potentials import Cloud, Setting, crossing, own, shift_between
from otviz.clouds.truncated import Pairs, Pull, Team
from otviz.core.work import Work
from otviz.ot.duals import GAIN, Goal, Sides, half_sums
from otviz.ot.squaring import RELAX

COARSE = 1500
"""Number of cells up to which a matrix is solved at once."""

CELL, FINE = 0.5, 0.25
"""Side of a cell, in lengths of the blur, while the temperature falls and at the end. The centre of mass leaves an error of
the second order: a quarter of the blur changes densities by half a per cent, which mostly cancels in a divergence."""

KEPT_HOT, KEPT = 16.0, 26.0
"""Pairs below 2^-KEPT_HOT of the largest in their row are not looked at below twice the temperature, nor those below 2^-KEPT
at the same temperature: at half of it a density is squared."""

TOLERANCE = 0.006
"""Marginal error at which a stage stops, times the sweeps of the setting."""

MISSING = 1e-3
"""Share of the divergence that a stage may miss, by its own estimate."""

WIDTH = 10.0
"""Width of what a row sees, in lengths of the blur, for a guess at the work."""

MOST, MOST_AT_END = 300, 30
"""Maximum number of sweeps of a stage with cells, and of the last."""


@dataclass(frozen=True)
class Stage:
    """Temperature 2^level epsilon, and halvings of the boxes of source and target down to their cells."""

    level: int
    halvings: tuple[int, int]


@dataclass(frozen=True)
class Ends:
    """What a solve ends with: pairs of cells both ways, and potentials of the cells.

    Attributes:
        over_y, over_x: rows of the source over columns of the target, and the reverse.
        f, g: potentials at the cells of source and target, float64, units of the cost: each the soft minimum of the other.
        sweeps: number of sweeps of all stages.
    """

    over_y: Pairs
    over_x: Pairs
    f: Tensor
    g: Tensor
    sweeps: int


def stages(setting: Setting, curves: Sequence[Curve]) -> list[Stage]:
    """The stages of a solve, hottest first; the first is small enough for a matrix.

    Args:
        setting: cost and last temperature.
        curves: both clouds, or one with itself.
    """
    found = [Stage(0, _halvings(setting, curves, FINE)), Stage(0, _halvings(setting, curves, CELL))]
    if found[0] == found[1]:
        found.pop()
    while any(c.count(k) > COARSE for c, k in zip(curves, found[-1].halvings, strict=False)):
        level = found[-1].level + 1
        found.append(Stage(level, _halvings(setting.hotter(level), curves, CELL)))
    return found[::-1]


def _halvings(setting: Setting, curves: Sequence[Curve], cell: float) -> tuple[int, int]:
    size = cell * setting.ground.length(setting.epsilon)
    found = [curve.halvings(size, COARSE) for curve in curves]
    return found[0], found[-1]


def costs(setting: Setting, curves: Sequence[Curve], passes: float) -> list[float]:
    """Guesses at the number of pairs that each stage looks at.

    Args:
        setting: cost and last temperature.
        curves: both clouds, or one with itself.
        passes: over all pairs, in each stage.
    """
    found = []
    for stage in stages(setting, curves):
        rows, columns = (curve.count(k) for curve, k in zip((curves[0], curves[-1]), stage.halvings, strict=True))
        seen = WIDTH * setting.ground.length(setting.hotter(stage.level).epsilon) / (curves[-1].span or 1.0)
        found.append(passes * rows * columns * min(1.0, seen**2) + 1.0)
    return found


def solve_own(setting: Setting, curve: Curve, team: Team, dtype: torch.dtype) -> Work[tuple[Pairs, Tensor, tuple[float, ...]]]:
    """A cloud with itself: pairs of its last cells, their potential, and OT_epsilon at epsilon, 2 epsilon ...

    Args:
        setting: cost, last temperature and sweeps.
        curve: the cloud.
        team: who computes.
        dtype: of the matrices.
    """
    plan = stages(setting, [curve])
    cells, hot = curve.cells(plan[0].halvings[0]), setting.hotter(plan[0].level)
    first = yield from own(hot, _cloud(cells))
    v, pairs, values = first.potential.double(), Pairs.all(setting.ground, cells, cells, dtype), {}
    for k, value in enumerate(first.values):
        values[plan[0].level + k] = value
    for stage in plan[1:]:
        team.progress.next_part()
        fine, now = curve.cells(stage.halvings[0]), setting.hotter(stage.level)
        v, pairs = yield from pairs.finer(fine).screened(v, hot.epsilon, hot.damping, team, KEPT_HOT)
        pairs, hot = pairs.split(fine), now
        for sweep in range(MOST_AT_END):
            if sweep == 0:
                u, pairs = yield from pairs.screened(v, now.epsilon, now.damping, team, KEPT)
            else:
                u = yield from pairs.values(v, now.epsilon, now.damping, team)
            error = float(fine.masses @ torch.expm1(((v - u) / now.epsilon).clamp(-80, 80)).abs())
            value = float(Sides(fine.masses, fine.masses, now.epsilon, now.rho).value(u, v))
            v = (u + v) / 2
            if error < _tolerance(setting) / 2:
                break
        values[stage.level] = value
    return pairs, v, tuple(values[k] for k in range(max(values) + 1))


def _tolerance(setting: Setting) -> float:
    return TOLERANCE / setting.sweeps


def _cloud(cells: Cells) -> Cloud:
    return Cloud(cells.points, cells.masses)


def solve_across(setting: Setting, x: Curve, y: Curve, goal: Goal, team: Team, dtype: torch.dtype) -> Work[Ends]:
    """Solve between two clouds.

    Args:
        setting: cost, last temperature and sweeps.
        x, y: the clouds.
        goal: share of the divergence that may be missing, with the values of both self terms.
        team: who computes.
        dtype: of the matrices.
    """
    plan = stages(setting, [x, y])
    rows, columns = (curve.cells(k) for curve, k in zip((x, y), plan[0].halvings, strict=True))
    hot = setting.hotter(plan[0].level)
    first = yield from crossing(hot, _cloud(rows), _cloud(columns), goal.hotter(plan[0].level))
    ends = Ends(
        Pairs.all(setting.ground, rows, columns, dtype),
        Pairs.all(setting.ground, columns, rows, dtype),
        first.f.double(),
        first.g_next.double(),
        first.sweeps,
    )
    for number, stage in enumerate(plan[1:], 2):
        team.progress.next_part()
        rows, columns = (curve.cells(k) for curve, k in zip((x, y), stage.halvings, strict=True))
        f, over_y = yield from ends.over_y.finer(rows).screened(ends.g, hot.epsilon, hot.damping, team, KEPT_HOT)
        g, over_x = yield from ends.over_x.finer(columns).screened(ends.f, hot.epsilon, hot.damping, team, KEPT_HOT)
        ends = Ends(over_y.split(columns), over_x.split(rows), f, g, ends.sweeps)
        hot = setting.hotter(stage.level)
        most = MOST_AT_END if number == len(plan) else MOST
        ends = yield from _sweeps(hot, ends, goal.hotter(stage.level), most, team)
    return ends


def _sweeps(setting: Setting, ends: Ends, goal: Goal, most: int, team: Team) -> Work[Ends]:
    """Sweep at one temperature until marginals and value are good enough."""
    epsilon, damping, g = setting.epsilon, setting.damping, ends.g
    rows, columns = ends.over_y.rows, ends.over_y.columns
    sides = Sides(rows.masses, columns.masses, epsilon, setting.rho)
    f, over_y = yield from ends.over_y.screened(g, epsilon, damping, team, KEPT)
    over_x, sweep = ends.over_x, 0
    while True:
        if sweep == 0:
            g_next, over_x = yield from over_x.screened(f, epsilon, damping, team, KEPT)
        else:
            g_next = yield from over_x.values(f, epsilon, damping, team)
        taken = torch.exp(((g - g_next / damping) / epsilon).clamp(-80, 80))
        due = torch.ones_like(g) if setting.rho is None else torch.exp((g / -setting.rho).clamp_max(80))
        error = float(columns.masses @ (taken - due).abs())
        gap = GAIN * epsilon * sides.gain(torch.exp(((g_next - g) / epsilon).clamp(-80, 80)))
        done = error < _tolerance(setting) and goal.met(float(sides.value(f, g)), gap)
        if done or sweep == most:
            break
        relax = RELAX if 0 < sweep < most - 1 else 1.0
        g = torch.lerp(g, g_next, relax) - shift_between(setting, (f, _cloud(rows)), (g_next, _cloud(columns)))
        f = yield from over_y.values(g, epsilon, damping, team)
        sweep += 1
    return Ends(over_y, over_x, f, g_next, ends.sweeps + sweep)
