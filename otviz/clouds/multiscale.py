"""Entropic transport between large clouds of the plane, coarse to fine, in O(n) memory (Schmitzer 2019).

At a high temperature clouds are cells of a fraction of the blur, few enough for matrices. Then the temperature falls and
cells shrink with the blur: each stage starts from potentials of the last, and sees only pairs that carried mass there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from otviz.clouds.anderson import Anderson
from otviz.clouds.cells import Cells, Curve
from otviz.clouds.potentials import Cloud, Setting, crossing, own, shift_between
from otviz.clouds.truncated import Pairs, Team
from otviz.core.work import Work
from otviz.ot.duals import Goal, Sides
from otviz.ot.grounds import Quadratic

COARSE = 1500
"""Number of cells up to which a matrix is solved at once."""

CELL, FINE = 0.5, 0.25
"""Side of a cell, in lengths of the blur, while the temperature falls and at the end. The centre of mass leaves an error of
the second order: a quarter of the blur changes densities by half a per cent, which mostly cancels in a divergence."""

CLOSE, CLOSE_WHILE_HOT = 0.04, 0.1
"""Estimated distances from the optimum, in total variation, at which a stage ends at the last temperature and above it, times
the sweeps of the setting."""

OWN_TOLERANCE = 1e-3
"""Marginal error at which a cloud with itself is solved; each sweep halves it."""

MISSING = 1e-3
"""Share of the divergence that a stage may miss, by its own estimate."""

WIDTH = 10.0
"""Width of what a row sees, in lengths of the blur, for a guess at the work."""

MOST = 300
"""Maximum number of sweeps of a stage."""

WORSE = 10.0
"""Factor over the last step from which on a step leads away, and the acceleration begins anew."""

MOST_PAIRS = 1.5e9
"""Number of pairs up to which cells are split further for exactness."""


@dataclass(frozen=True)
class Stage:
    """Temperature 2^level epsilon, and halvings of the boxes of source and target down to their cells."""

    level: int
    halvings: tuple[int, int]


@dataclass(frozen=True)
class Ends:
    """What a solve ends with: pairs of cells both ways, and potentials of the cells.

    Attributes:
        stage: the last.
        over_y, over_x: rows of the source over columns of the target, and the reverse.
        f, g: potentials at the cells of source and target, float64, units of the cost: each the soft minimum of the other.
        sweeps: number of sweeps of all stages.
    """

    stage: Stage
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


def solve_own(setting: Setting, curve: Curve, team: Team) -> Work[tuple[Pairs, Tensor, tuple[float, ...]]]:
    """A cloud with itself: pairs of its last cells, their potential, and OT_epsilon at epsilon, 2 epsilon ...

    Args:
        setting: cost, last temperature and sweeps.
        curve: the cloud.
        team: who computes.
    """
    plan = stages(setting, [curve])
    cells, now = curve.cells(plan[0].halvings[0]), setting.hotter(plan[0].level)
    first = yield from own(now, _cloud(cells))
    v, pairs = first.potential.double(), Pairs.all(setting.ground, cells, cells)
    values = {plan[0].level + k: value for k, value in enumerate(first.values)}
    for stage in plan[1:]:
        team.progress.next_part()
        fine, how = curve.cells(stage.halvings[0]), (now.epsilon, now.damping, team)
        v, pairs = yield from pairs.finer(fine).screened(v, *how, pairs.columns.points)
        pairs, now = pairs.split(fine), setting.hotter(stage.level)
        v, values[stage.level] = yield from _sweeps_own(now, pairs, v, team)
    return pairs, v, tuple(values[k] for k in range(max(values) + 1))


def _sweeps_own(setting: Setting, pairs: Pairs, v: Tensor, team: Team) -> Work[tuple[Tensor, float]]:
    """Sweep at one temperature; returns the potential and OT_epsilon."""
    masses, epsilon = pairs.rows.masses, setting.epsilon
    for _ in range(MOST):
        u = yield from pairs.values(v, epsilon, setting.damping, team)
        error = float(masses @ torch.expm1(((v - u) / epsilon).clamp(-80, 80)).abs())
        value = float(Sides(masses, masses, epsilon, setting.rho).value(u, v))
        v = (u + v) / 2
        if error < OWN_TOLERANCE:
            break
    return v, value


def _cloud(cells: Cells) -> Cloud:
    return Cloud(cells.points, cells.masses)


def solve_across(setting: Setting, x: Curve, y: Curve, goal: Goal, team: Team) -> Work[Ends]:
    """Solve between two clouds.

    Args:
        setting: cost, last temperature and sweeps.
        x, y: the clouds.
        goal: share of the divergence that may be missing, with the values of both self terms.
        team: who computes.
    """
    plan = stages(setting, [x, y])
    rows, columns = (curve.cells(k) for curve, k in zip((x, y), plan[0].halvings, strict=True))
    hot = setting.hotter(plan[0].level)
    first = yield from crossing(hot, _cloud(rows), _cloud(columns), goal.hotter(plan[0].level))
    ends = Ends(
        plan[0],
        Pairs.all(setting.ground, rows, columns),
        Pairs.all(setting.ground, columns, rows),
        first.f.double(),
        first.g_next.double(),
        first.sweeps,
    )
    for stage in plan[1:]:
        team.progress.next_part()
        ends = yield from lowered(setting, x, y, ends, stage, goal, team)
    return ends


def split(x: Curve, y: Curve, ends: Ends) -> Stage | None:
    """A stage with cells of half the size at the same temperature; None if cells are points, or it is too much work.

    Args:
        x, y: the clouds.
        ends: what the last stage ended with.
    """
    halvings = tuple(curve.worth(k + 1) for curve, k in zip((x, y), ends.stage.halvings, strict=True))
    more = [
        curve.count(k) / curve.count(old) for curve, k, old in zip((x, y), halvings, ends.stage.halvings, strict=True)
    ]
    if halvings == ends.stage.halvings or more[0] * more[1] * ends.over_y.entries > MOST_PAIRS:
        return None
    return Stage(ends.stage.level, (halvings[0], halvings[1]))


def lowered(setting: Setting, x: Curve, y: Curve, ends: Ends, stage: Stage, goal: Goal, team: Team) -> Work[Ends]:
    """Go on with the cells and the temperature of the next stage.

    Args:
        setting: cost, last temperature and sweeps.
        x, y: the clouds.
        ends: what the last stage ended with.
        stage: the next.
        goal: share of the divergence that may be missing, at the last temperature.
        team: who computes.
    """
    rows, columns = (curve.cells(k) for curve, k in zip((x, y), stage.halvings, strict=True))
    now, hot = setting.hotter(stage.level), setting.hotter(ends.stage.level)
    how = hot.epsilon, hot.damping, team
    of_rows, of_columns = ends.over_x.columns.points, ends.over_y.columns.points
    if isinstance(setting.ground, Quadratic):  # others need no partners
        of_rows = (yield from ends.over_y.pulls(ends.g, *how)).means
        of_columns = (yield from ends.over_x.pulls(ends.f, *how)).means
    f, over_y = yield from ends.over_y.finer(rows).screened(ends.g, *how, of_columns)
    g, over_x = yield from ends.over_x.finer(columns).screened(ends.f, *how, of_rows)
    start = Ends(stage, over_y.split(columns), over_x.split(rows), f, g, ends.sweeps)
    return (yield from _sweeps(now, start, goal.hotter(stage.level), team))


def _sweeps(setting: Setting, ends: Ends, goal: Goal, team: Team) -> Work[Ends]:
    """Sweep at one temperature until the plan is near enough to the optimum; Anderson's step says how far that still is."""
    close = (CLOSE_WHILE_HOT if ends.stage.level else CLOSE) / setting.sweeps
    epsilon, damping, g = setting.epsilon, setting.damping, ends.g
    rows, columns = _cloud(ends.over_y.rows), _cloud(ends.over_y.columns)
    sides, faster = Sides(rows.masses, columns.masses, epsilon, setting.rho), Anderson(columns.masses)
    far, sweep = math.inf, 0
    while True:
        f = yield from ends.over_y.values(g, epsilon, damping, team)
        g_next = yield from ends.over_x.values(f, epsilon, damping, team)
        ahead = faster.next(g, g_next - shift_between(setting, (f, rows), (g_next, columns)))
        step = ((ahead - g) / epsilon).clamp(-80, 80)
        before, far = far, float(columns.masses @ step.abs())
        near = max(before, far) < close and goal.met(float(sides.value(f, g)), epsilon * sides.gain(step.exp()))
        if near or sweep >= MOST:
            break
        if far > WORSE * before:
            faster.forget()
        g = ahead
        sweep += 1
    return Ends(ends.stage, ends.over_y, ends.over_x, f, g_next, ends.sweeps + sweep)
