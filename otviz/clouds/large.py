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
from otviz.clouds.cells import Curve
from otviz.clouds.couplings import Prepared, entropic_cost
from otviz.clouds.fields import SoftMin, mean, shares
from otviz.clouds.multiscale import Ends, solve_across, solve_own
from otviz.clouds.potentials import Cloud, Setting, precision
from otviz.clouds.truncated import Pairs, Pull, Team
from otviz.core.machine import cores
from otviz.core.work import Progress, Work
from otviz.ot.duals import Goal, half_sums
from otviz.ot.grounds import Cosine, Ground, Quadratic

CHECKED = 300
"""Rows, and columns, whose sums are checked: the mean of their errors is known to 6 % of the errors' spread."""

AT_ONCE = 2**21
"""Entries of a matrix in the check."""

PASSES_OWN, PASSES_ACROSS, PASSES_AT_POINTS = 6.0, 20.0, 2.0
"""Passes over all pairs, for a guess at the time that is left."""


@dataclass(frozen=True)
class Side:
    """What is known at the n points of one side, in their order, float64.

    Attributes:
        potential: between the clouds, shape (n,), units of the cost.
        pull: means over the rows of the plan at these points; None where it was not asked for.
        own, own_slopes: potential of the cloud with itself and its gradient before damping, (n,) and (n, 2); None without.
    """

    potential: Tensor
    pull: Pull | None
    own: Tensor | None
    own_slopes: Tensor | None


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
        dtype: of the matrices.
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
    dtype: torch.dtype


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
        progress: is told how much has been done.
        own_terms: solve each cloud with itself, too, for the divergence.
        pull_y: compute means over the columns of the plan, too.
    """
    setting, x, y = prepared.setting, prepared.x, prepared.y
    inner, curves = _solvable(setting), [_curve(setting, cloud) for cloud in (x, y)]
    dtype = torch.float32 if isinstance(inner.ground, Quadratic) else precision(setting, x.points, y.points)
    progress.expect(_expected(inner, curves, own_terms))
    with Team(cores(), progress) as team:
        alone: list[_Own | None] = [None, None]
        if own_terms:
            for k, (curve, cloud) in enumerate(zip(curves, (x, y), strict=True)):
                alone[k] = yield from _own(inner, setting.ground, curve, cloud, team, dtype)
                progress.next_part()
        goal = Goal(multiscale.MISSING, lift=prepared.lift)
        if alone[0] is not None and alone[1] is not None:
            goal = Goal(goal.share, half_sums(alone[0].values, alone[1].values), goal.lift)
        ends = yield from solve_across(inner, curves[0], curves[1], goal, team, dtype)
        progress.next_part()
        over_y, over_x = (
            _at_points(setting.ground, pairs, curve, cloud)
            for pairs, curve, cloud in zip((ends.over_y, ends.over_x), curves, (x, y), strict=True)
        )
        how = setting.epsilon, setting.damping, team
        pull = _placed(curves[0], (yield from over_y.pulls(ends.g, *how)))
        back = None
        if pull_y:
            back = _placed(curves[1], (yield from over_x.pulls(ends.f, *how)))
            g = back.values
        else:
            g = _ordered(curves[1], (yield from over_x.values(ends.f, *how)))
    sides = [
        Side(h, means, None if own is None else own.at.values, None if own is None else own.at.slopes)
        for h, means, own in zip((pull.values, g), (pull, back), alone, strict=True)
    ]
    error = yield from _error(setting, (x, sides[0].potential), (y, sides[1].potential))
    return _solution(prepared, ends, sides, alone, error, dtype)


def _solution(
    prepared: Prepared, ends: Ends, sides: list[Side], alone: list[_Own | None], error: float, dtype: torch.dtype
) -> Solution:
    setting, x, y = prepared.setting, prepared.x, prepared.y
    pull = sides[0].pull
    assert pull is not None, "the source's means are always computed"
    given = shares(sides[0].potential, setting.rho)
    entropic = entropic_cost(setting, (sides[0].potential, x), (sides[1].potential, y)) + prepared.lift
    moved = float(mean(pull.costs * given, x.masses)) + prepared.lift
    if prepared.weight:  # separate centres: what tilts the potentials is left out of the costs
        apart = mean(x.points, x.masses) - mean(pull.means, x.masses)
        moved += prepared.weight * float(apart @ prepared.shift)
    divergence = None
    if alone[0] is not None and alone[1] is not None:
        halves = [
            entropic_cost(setting, (own.at.values, cloud), (own.at.values, cloud)) / 2
            for own, cloud in zip(alone, (x, y), strict=True)
            if own is not None
        ]
        divergence = 0.0 if prepared.are_equal else max(0.0, entropic - sum(halves))

    flat = precision(setting, x.points, y.points)  # without centres of blocks

    def softmin(pairs: Pairs, potential: Tensor) -> SoftMin:
        cells = Cloud(pairs.columns.points, pairs.columns.masses).to(flat)
        return setting.softmin(cells, potential.to(flat))

    owns = [None if own is None else softmin(own.pairs, own.potential) for own in alone]
    return Solution(
        *sides, softmin(ends.over_x, ends.f), softmin(ends.over_y, ends.g), *owns,
        entropic, moved, divergence, error, float(mean(given, x.masses)), ends.sweeps, dtype,
    )  # fmt: skip


def _own(
    inner: Setting, ground: Ground, curve: Curve, cloud: Cloud, team: Team, dtype: torch.dtype
) -> Work[_Own]:
    pairs, v, values = yield from solve_own(inner, curve, team, dtype)
    team.progress.next_part()
    at = yield from _at_points(ground, pairs, curve, cloud).pulls(v, inner.epsilon, inner.damping, team)
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
    for each, passes in (([curves[:1], PASSES_OWN], [curves[1:], PASSES_OWN]) if own_terms else ()):
        stages = multiscale.costs(inner, each, passes)
        parts += [*stages, PASSES_AT_POINTS * stages[-1] / passes]
    stages = multiscale.costs(inner, curves, PASSES_ACROSS)
    return [*parts, *stages, 2 * PASSES_AT_POINTS * stages[-1] / PASSES_ACROSS]


def _at_points(ground: Ground, pairs: Pairs, curve: Curve, cloud: Cloud) -> Pairs:
    """Pairs of all points as rows, with the cost of the problem."""
    rows = curve.single()
    return replace(pairs.finer(rows), ground=ground, rows=replace(rows, points=cloud.points[curve.order]))


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
