"""Large clouds, solved coarse to fine: potentials, maps and numbers at every point, and how far the marginals really are off.

The marginal error is not the solver's own: rows and columns drawn at random are summed over all points, without cells and
without leaving out any pair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from otviz.clouds import multiscale
from otviz.clouds.cells import Cells, Curve
from otviz.clouds.couplings import Prepared, entropic_cost
from otviz.clouds.fields import SoftMin, mean, shares
from otviz.clouds.multiscale import MOST_PAIRS, Ends, lowered, solve_across, solve_own, split
from otviz.clouds.potentials import Cloud, Setting, precision
from otviz.clouds.truncated import Pairs, Pull, Team
from otviz.core.machine import cores
from otviz.core.work import Progress, Work
from otviz.ot.duals import Goal, half_sums
from otviz.ot.grounds import Cosine, Ground, Quadratic

LARGE = 5000
"""Number of points of a side beyond which plane clouds are solved coarse to fine: less work than with their matrices."""

CHECKED = 300
"""Rows, and columns, whose sums are checked: the mean of their errors is known to 6 % of the errors' spread."""

AT_ONCE = 2**21
"""Entries of a matrix in the check."""

ENOUGH = 1.5e-3
"""Marginal error above which cells are split further: less than half of that from which a picture warns."""

PASSES_OWN, PASSES_ACROSS, PASSES_AT_POINTS = 6.0, 20.0, 2.0
"""Passes over all pairs, for a guess at the time that is left."""


def is_large(n: int, m: int) -> bool:
    """Whether clouds of n and m points are solved coarse to fine."""
    return max(n, m) > LARGE


@dataclass(frozen=True)
class Side:
    """What is known at the n points of one side, in their order, float64.

    Attributes:
        pull: potential between the clouds, and means over the rows of the plan; of the target only if asked for.
        own: the same of the cloud with itself, or None.
    """

    pull: Pull
    own: Pull | None


@dataclass(frozen=True)
class Solution:
    """A solved problem between two prepared clouds.

    Attributes:
        x, y: both sides.
        over_x, over_y: soft minima over the cells of source and target.
        own_x, own_y: soft minima of the cells of each cloud with itself, or None.
        entropic_cost, transport_cost: in units of the cost.
        divergence: Sinkhorn divergence; None if self terms were not asked for.
        error: marginal error of the potentials at all points, measured on rows and columns drawn at random.
        mass: mass moved.
        sweeps: number of sweeps.
    """

    x: Side
    y: Side
    over_x: SoftMin
    over_y: SoftMin
    own_x: SoftMin | None
    own_y: SoftMin | None
    entropic_cost: float
    transport_cost: float
    divergence: float | None
    error: float
    mass: float
    sweeps: int


@dataclass(frozen=True)
class _Own:
    """A cloud with itself: pairs and potential of its cells, OT_epsilon at epsilon, 2 epsilon ...; and at its points."""

    pairs: Pairs
    potential: Tensor
    values: tuple[float, ...]
    at: Pull


def solve(prepared: Prepared, progress: Progress, *, own_terms: bool, pull_y: bool = False) -> Work[Solution]:
    """Solve a problem between large clouds of the plane in O(n + m) memory.

    Args:
        prepared: the problem, in float64.
        progress: records how much has been done.
        own_terms: solve each cloud with itself, too, for the divergence.
        pull_y: compute means over the columns of the plan, too.
    """
    setting, clouds = prepared.setting, (prepared.x, prepared.y)
    inner, curves = _solvable(setting), [_curve(setting, cloud) for cloud in clouds]
    progress.expect(_expected(inner, curves, own_terms))
    goal, alone = Goal(multiscale.MISSING, lift=prepared.lift), []
    with Team(cores(), progress) as team:
        for curve, cloud in zip(curves, clouds, strict=True) if own_terms else ():
            alone.append((yield from _own(inner, setting.ground, curve, cloud, team)))
        if own_terms:
            goal = Goal(goal.share, half_sums(alone[0].values, alone[1].values), goal.lift)
        ends = yield from solve_across(inner, curves[0], curves[1], goal, team)
        progress.next_part()
        while True:
            sides = yield from _at_points(prepared, ends, curves, team, pull_y=pull_y)
            error = yield from _error(setting, *zip(clouds, (side.values for side in sides), strict=True))
            finer = split(curves[0], curves[1], ends) if error > ENOUGH else None
            if finer is None:
                break
            ends = yield from lowered(inner, curves[0], curves[1], ends, finer, goal, team)
    return _solution(prepared, ends, sides, alone, error)


def _at_points(
    prepared: Prepared, ends: Ends, curves: list[Curve], team: Team, *, pull_y: bool
) -> Work[tuple[Pull, Pull]]:
    """What is known at all points of both sides, in their order; without `pull_y` only the values of the second."""
    how = prepared.setting.epsilon, prepared.setting.damping, team
    over_y = _rows_of(prepared.setting.ground, ends.over_y, curves[0], prepared.x)
    over_x = _rows_of(prepared.setting.ground, ends.over_x, curves[1], prepared.y)
    g = yield from over_x.values(ends.f, *how)
    x = yield from _pulls(over_y, ends.g, g, curves[1], prepared.y, how)
    y = replace(x, values=g)
    if pull_y:
        y = yield from _pulls(over_x, ends.f, x.values, curves[0], prepared.x, how)
    return _placed(curves[0], x), _placed(curves[1], y) if pull_y else replace(y, values=_ordered(curves[1], g))


def _pulls(
    pairs: Pairs, potential: Tensor, at_points: Tensor, curve: Curve, cloud: Cloud, how: tuple[float, float, Team]
) -> Work[Pull]:
    """Means over the rows. A cost with a kink at 0 asks for points as columns, where that is affordable.

    Args:
        pairs: of points as rows.
        potential, at_points: potentials at the cells and at the points of the columns, along their curve.
        curve, cloud: the columns' side.
        how: epsilon, damping and team.
    """
    points = _points_of(curve, cloud)
    if isinstance(pairs.ground, Quadratic) or pairs.entries * len(points) > MOST_PAIRS * len(pairs.columns):
        return (yield from pairs.pulls(potential, *how))
    return (yield from pairs.split(points).pulls(at_points, *how))


def _solution(prepared: Prepared, ends: Ends, sides: tuple[Pull, Pull], alone: list[_Own], error: float) -> Solution:
    setting, x, y = prepared.setting, prepared.x, prepared.y
    if setting.rho is None:  # fix the free constant: each potential gets half of the value
        constant = float(mean(sides[0].values, x.masses) - mean(sides[1].values, y.masses)) / 2
        ends = replace(ends, f=ends.f - constant, g=ends.g + constant)
        sides = (
            replace(sides[0], values=sides[0].values - constant),
            replace(sides[1], values=sides[1].values + constant),
        )
    pull = sides[0]
    given = shares(pull.values, setting.rho)
    entropic = entropic_cost(setting, (pull.values, x), (sides[1].values, y)) + prepared.lift
    moved = float(mean(pull.costs * given, x.masses)) + prepared.lift
    if prepared.weight:  # separate centres: what tilts the potentials is left out of the costs
        apart = mean(x.points, x.masses) - mean(pull.means, x.masses)
        moved += prepared.weight * float(apart @ prepared.shift)
    divergence = None
    if alone:
        halves = [
            entropic_cost(setting, (own.at.values, cloud), (own.at.values, cloud)) / 2
            for own, cloud in zip(alone, (x, y), strict=True)
        ]
        divergence = 0.0 if prepared.are_equal else max(0.0, entropic - sum(halves))

    flat = precision(setting, x.points, y.points)  # without centres of blocks

    def softmin(pairs: Pairs, potential: Tensor) -> SoftMin:
        cells = Cloud(pairs.columns.points, pairs.columns.masses).to(flat)
        return setting.softmin(cells, potential.to(flat))

    own_x, own_y = (softmin(own.pairs, own.potential) for own in alone) if alone else (None, None)
    of_x, of_y = (Side(side, alone[k].at if alone else None) for k, side in enumerate(sides))
    return Solution(
        of_x, of_y, softmin(ends.over_x, ends.f), softmin(ends.over_y, ends.g), own_x, own_y,
        entropic, moved, divergence, error, float(mean(given, x.masses)), ends.sweeps,
    )  # fmt: skip


def _own(inner: Setting, ground: Ground, curve: Curve, cloud: Cloud, team: Team) -> Work[_Own]:
    pairs, v, values = yield from solve_own(inner, curve, team)
    team.progress.next_part()
    how, rows = (inner.epsilon, inner.damping, team), _rows_of(ground, pairs, curve, cloud)
    at = yield from _pulls(rows, v, (yield from rows.values(v, *how)), curve, cloud, how)
    team.progress.next_part()
    return _Own(pairs, v, values, _placed(curve, at))


def _solvable(setting: Setting) -> Setting:
    """The cosine is half the squared distance of the points moved onto the unit circle."""
    if not isinstance(setting.ground, Cosine):
        return setting
    return Setting(Quadratic(1.0), setting.epsilon, setting.rho, setting.sweeps)


def _curve(setting: Setting, cloud: Cloud) -> Curve:
    points = F.normalize(cloud.points, dim=1) if isinstance(setting.ground, Cosine) else cloud.points
    return Curve.of(points.numpy(), None if cloud.masses is None else cloud.masses.numpy())


def _expected(inner: Setting, curves: list[Curve], own_terms: bool) -> list[float]:
    """Guesses at the cost of each part, in pairs of points."""
    parts = []
    for curve in curves if own_terms else ():
        stages = multiscale.costs(inner, [curve], PASSES_OWN)
        parts += [*stages, PASSES_AT_POINTS * stages[-1] / PASSES_OWN]
    stages = multiscale.costs(inner, curves, PASSES_ACROSS)
    return [*parts, *stages, 2 * PASSES_AT_POINTS * stages[-1] / PASSES_ACROSS]


def _rows_of(ground: Ground, pairs: Pairs, curve: Curve, cloud: Cloud) -> Pairs:
    """Pairs of all points as rows, with the cost of the problem."""
    return replace(pairs.finer(curve.single()), ground=ground, rows=_points_of(curve, cloud))


def _points_of(curve: Curve, cloud: Cloud) -> Cells:
    return replace(curve.single(), points=cloud.points[curve.order])


def _ordered(curve: Curve, values: Tensor) -> Tensor:
    """Values along the curve in the order of the cloud."""
    out = torch.empty_like(values)
    out[curve.order] = values
    return out


def _placed(curve: Curve, pull: Pull) -> Pull:
    return Pull(*(_ordered(curve, values) for values in (pull.values, pull.slopes, pull.means, pull.costs)))


def _error(setting: Setting, *sides: tuple[Cloud, Tensor]) -> Work[float]:
    """The larger marginal error, each estimated from CHECKED rows or columns, drawn by their mass and summed in full."""
    errors = []
    for (own, f), (other, g) in (sides, sides[::-1]):
        masses = None if own.masses is None else own.masses.numpy() / float(own.masses.sum())
        count = min(CHECKED, len(own))
        some = np.random.default_rng(0).choice(len(own), count, replace=masses is not None, p=masses)
        log_b = torch.full_like(g, -np.log(len(other))) if other.masses is None else other.masses.log()
        step = max(1, AT_ONCE // len(other))
        off = []
        for part in (some[start : start + step] for start in range(0, len(some), step)):
            cost = setting.ground.matrix(own.points[part], other.points)
            exponents = (f[part, None] + g - cost) / setting.epsilon + log_b
            off.append((exponents.logsumexp(1).exp() - shares(f[part], setting.rho)).abs())
            yield
        errors.append(float(torch.cat(off).mean()))
    return max(errors)
