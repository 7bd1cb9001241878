"""Pictures of entropic transport: potentials, then fields, forces, the plan and its numbers, all from the potentials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.ot.grounds import GROUNDS, Quadratic
from otviz.ot.squaring import Work
from otviz.runs.snapshots import square_box
from otviz.transport.fields import OfPlans, SoftMin, shares
from otviz.transport.picture import Numbers, Picture
from otviz.transport.plans import Drawn, Order, Ordered, bins_of, draw, orders, plan_of
from otviz.transport.potentials import (
    WARM,
    Crossing,
    Setting,
    crossing,
    crossing_in_blocks,
    own,
    own_in_blocks,
    precision,
)
from otviz.transport.problem import Problem
from otviz.transport.views import grid, sample

Points = NDArray[np.floating]

WARM_FROM = 2500
"""Points from which hot levels are left to a part of the cloud."""

PART = 1000
"""Points of that part."""


def has_plan(problem: Problem) -> bool:
    """Whether the loss is one of transport."""
    return problem.loss in ("sinkhorn", "entropic")


def cost_matrix(problem: Problem, x: Points, y: Points) -> NDArray[np.float64]:
    """c(x_i, y_j) of the problem, (n, m), in its units, float64."""
    left, right = (torch.from_numpy(points.astype(np.float64)) for points in (x, y))
    return np.asarray(GROUNDS[problem.cost].matrix(left, right).numpy(), dtype=np.float64)


def matrices(problem: Problem, x: Points, y: Points) -> float:
    """How many float32 matrices (n, m) the dense solve holds at once."""
    return 2.0 * Prepared.of(problem, x, y).x.element_size() / 4


@dataclass(frozen=True)
class Prepared:
    """The clouds in the plan's order, centred, in the precision that the problem needs.

    Balanced quadratic costs let each cloud have its own centre: |x - y|^2 changes by a sum of linear functions of x and
    of y, which only tilt the potentials. So clouds far apart lose nothing to rounding.

    Attributes:
        x, y: (n, d), (m, d).
        order_x, order_y: the place of each point in the problem.
        centre_x, centre_y: what was taken off, (d,) float64; `shift` is their difference.
        weight: the factor of |x - y|^2 / 2 in the cost if the centres differ, else 0.
    """

    setting: Setting
    x: Tensor
    y: Tensor
    order_x: Order
    order_y: Order
    centre_x: Tensor
    centre_y: Tensor
    weight: float

    @classmethod
    def of(cls, problem: Problem, x: Points, y: Points) -> Prepared:
        """From the points as given, (n, d) and (m, d)."""
        ground = GROUNDS[problem.cost]
        setting = Setting.of(ground, problem.p, problem.epsilon, problem.rho, problem.scaling)
        left, right = x.astype(np.float64), y.astype(np.float64)
        order_x, order_y = orders(left, right)
        clouds = [torch.from_numpy(left[order_x]), torch.from_numpy(right[order_y])]
        centres, weight = [cloud.mean(0) for cloud in clouds], 0.0
        if isinstance(ground, Quadratic) and problem.rho is None:
            weight = ground.factor
        elif problem.cost == "cosine":  # it has an origin of its own
            centres = [torch.zeros_like(centre) for centre in centres]
        else:
            centres = [(centres[0] + centres[1]) / 2] * 2
        left_c, right_c = (cloud - centre for cloud, centre in zip(clouds, centres, strict=True))
        dtype = precision(setting, left_c, right_c)
        return cls(setting, left_c.to(dtype), right_c.to(dtype), order_x, order_y, centres[0], centres[1], weight)

    @property
    def shift(self) -> Tensor:
        """centre_x - centre_y, (d,)."""
        return self.centre_x - self.centre_y

    @property
    def lift(self) -> float:
        """What the cost between the two centres adds to OT."""
        return self.weight * float(self.shift.square().sum()) / 2


@dataclass(frozen=True)
class Solved:
    """Soft minima over the points solved for: `kept_x`, `kept_y` are their places in the plan's order.

    `own_x`, `own_y` are the potentials of each cloud with itself, None where the loss has no such terms.
    """

    kept_x: Order
    kept_y: Order
    cross: Crossing
    over_x: SoftMin
    over_y: SoftMin
    own_x: SoftMin | None
    own_y: SoftMin | None


def picture(problem: Problem, x: Points, y: Points, some: int | None, dense: bool) -> Work[Picture]:
    """The picture of `problem` by `some` points of each cloud, or by all; `dense` keeps matrices in memory."""
    prepared = Prepared.of(problem, x, y)
    solved = yield from _solve(prepared, some, dense, own_terms=problem.loss == "sinkhorn")
    of_x, of_y = variations(prepared, solved)
    places_x, places_y = (torch.from_numpy(points.astype(np.float64)) for points in (x, y))
    box = square_box(x.astype(np.float32), y.astype(np.float32))
    potential_x, slope = yield from of_x.slopes(places_x)
    potential_y = yield from of_y.values(places_y)
    views = grid(box)
    field_x = yield from of_x.values(views)
    field_y = yield from of_y.values(views)
    bins_y = bins_of(prepared.order_y)
    sides = Ordered(
        prepared.x,
        prepared.order_x,
        bins_of(prepared.order_x)[prepared.order_x],
        prepared.order_y[solved.kept_y],
        bins_y[prepared.order_y][solved.kept_y],
        int(bins_y.max()) + 1,
    )
    drawn = yield from draw(solved.over_y, sides, prepared.setting.rho)
    mass_y = yield from _mass_y(prepared, solved)
    plan = plan_of(drawn, sides, prepared.centre_y, (bins_of(prepared.order_x), bins_y), mass_y)
    numbers = yield from _numbers(problem, prepared, solved, drawn)

    def plain(values: Tensor) -> NDArray[np.float32]:
        return values.numpy().astype(np.float32)

    side = round(len(views) ** 0.5)
    return Picture(
        x=x.astype(np.float32),
        y=y.astype(np.float32),
        box=box,
        force=plain(-slope),
        potential_x=plain(potential_x),
        potential_y=plain(potential_y),
        field_x=plain(field_x).reshape(side, side),
        field_y=plain(field_y).reshape(side, side),
        plan=plan,
        numbers=numbers,
        finished=some is None,
        notes=() if some is None else (f"solved for {some} of {len(x)} points, extended to the rest",),
    )


def _solve(prepared: Prepared, some: int | None, dense: bool, *, own_terms: bool) -> Work[Solved]:
    kept = [sample(len(points), some) for points in (prepared.x, prepared.y)]
    x, y = prepared.x[kept[0]], prepared.y[kept[1]]
    setting, warm = prepared.setting, max(len(x), len(y)) > WARM_FROM
    if not warm:
        cross = yield from crossing(setting, x, y)
    else:
        cross = yield from _warm_crossing(setting, x, y, dense)
    own_x = own_y = None
    if own_terms:
        potentials = []
        for points in (x, y):
            potentials.append((yield from (_warm_own(setting, points, dense) if warm else own(setting, points))))
        own_x, own_y = setting.softmin(x, potentials[0]), setting.softmin(y, potentials[1])
    over_x, over_y = setting.softmin(x, cross.f), setting.softmin(y, cross.g)
    return Solved(kept[0], kept[1], cross, over_x, over_y, own_x, own_y)


def _warm_crossing(setting: Setting, x: Tensor, y: Tensor, dense: bool) -> Work[Crossing]:
    hot = setting.hotter(WARM)
    part_x, part_y = x[sample(len(x), PART)], y[sample(len(y), PART)]
    rough = yield from crossing(hot, part_x, part_y)
    f = yield from hot.softmin(part_y, rough.g).values(x)
    g = yield from hot.softmin(part_x, f[sample(len(x), PART)]).values(y)
    if dense:
        return (yield from crossing(setting, x, y, (f, g)))
    return (yield from crossing_in_blocks(setting, x, y, WARM, g))


def _warm_own(setting: Setting, x: Tensor, dense: bool) -> Work[Tensor]:
    hot = setting.hotter(WARM)
    part = x[sample(len(x), PART)]
    rough = yield from own(hot, part)
    v = yield from hot.softmin(part, rough).values(x)
    return (yield from (own(setting, x, v) if dense else own_in_blocks(setting, x, WARM, v)))


def variations(prepared: Prepared, solved: Solved) -> tuple[OfPlans, OfPlans]:
    """The first variations of the loss with respect to source and target."""
    setting, tilt, lift = prepared.setting, prepared.weight * prepared.shift, prepared.lift / 2
    return (
        OfPlans(solved.over_y, solved.own_x, setting.rho, prepared.centre_x, tilt, lift),
        OfPlans(solved.over_x, solved.own_y, setting.rho, prepared.centre_y, -tilt, lift),
    )


def _mass_y(prepared: Prepared, solved: Solved) -> Work[Tensor]:
    """What each target point takes, (m,), in the problem's order; by the soft minimum where only some were solved."""
    setting, cross = prepared.setting, solved.cross
    if len(solved.kept_y) == len(prepared.y):
        undamped = cross.g_next / setting.damping
        mass = torch.exp(((cross.g - undamped) / setting.epsilon).clamp_max(80))
    else:
        mass = shares((yield from solved.over_x.values(prepared.y)), setting.rho)
    out = torch.empty_like(mass)
    out[torch.from_numpy(prepared.order_y)] = mass
    return out


def _numbers(problem: Problem, prepared: Prepared, solved: Solved, drawn: Drawn) -> Work[Numbers]:
    setting, cross = prepared.setting, solved.cross
    entropic = entropic_cost(setting, cross.f, cross.g) + prepared.lift
    divergence = None
    if solved.own_x is not None and solved.own_y is not None:
        divergence = entropic
        for softmin in (solved.own_x, solved.own_y):
            f = yield from softmin.values(softmin.points)
            divergence -= entropic_cost(setting, f, softmin.potential) / 2
    moved = float(drawn.moved.double().mean()) + prepared.lift
    if prepared.weight:  # the columns are nearly exact, so nearly no cost goes along the shift
        moved -= prepared.weight * float((drawn.map.double().mean(0) * prepared.shift).sum())
    return Numbers(
        loss=entropic if divergence is None else divergence,
        transport_cost=moved,
        entropic_cost=entropic,
        sinkhorn_divergence=divergence,
        marginal_error=cross.error,
        mass=float(drawn.mass.double().mean()),
        iterations=cross.sweeps,
        solver=f"{cross.solver}, {str(prepared.x.dtype).removeprefix('torch.')}",
    )


def entropic_cost(setting: Setting, f: Tensor, g: Tensor) -> float:
    """OT_epsilon, the dual value of f (n,) = the soft minimum of g (m,), units of the cost."""
    rho = setting.rho
    if rho is None:
        return float(f.double().mean() + g.double().mean())
    ends = sum(float(torch.expm1((h.double() / -rho).clamp_max(300)).mean()) for h in (f, g))
    return -rho * ends - setting.epsilon * (float(shares(f.double(), rho).mean()) - 1)
