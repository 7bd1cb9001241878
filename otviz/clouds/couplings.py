"""Pictures of entropic transport: solve for the potentials, then compute fields, forces, plan and numbers from them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.clouds.fields import OfPlans, SoftMin, mean, shares
from otviz.clouds.plans import Drawn, Order, Ordered, bins_of, draw, orders, plan_of
from otviz.clouds.potentials import (
    MISSING,
    Cloud,
    Crossing,
    Masses,
    Points,
    Setting,
    crossing,
    own,
    precision,
)
from otviz.clouds.problem import Problem
from otviz.clouds.solution import GRID, Box, Numbers, Picture, grid
from otviz.core.work import Work, alongside
from otviz.ot.duals import Goal, half_sums
from otviz.ot.grounds import GROUNDS, Quadratic
from otviz.runs.snapshots import square_box

SMALL = 1e-3
"""Share of OT_epsilon below which a divergence is computed again in float64."""


def has_plan(problem: Problem) -> bool:
    """Whether the loss is a transport loss, which has a plan."""
    return problem.loss in ("sinkhorn", "entropic")


def cost_matrix(problem: Problem, x: Points, y: Points) -> NDArray[np.float64]:
    """The costs c(x_i, y_j) of a problem, shape (n, m), float64, in units of the cost.

    Args:
        problem: its field `cost` names the cost.
        x, y: points, shapes (n, d) and (m, d), data units.
    """
    left, right = (torch.from_numpy(points.astype(np.float64)) for points in (x, y))
    return np.asarray(GROUNDS[problem.cost].matrix(left, right).numpy(), dtype=np.float64)


def matrices(problem: Problem, x: Points, y: Points) -> float:
    """Peak memory of the dense solve, as a number of float32 matrices of shape (n, m): 3, or 6 in float64.

    Args:
        problem: cost, blur and reach, which decide the precision.
        x, y: points, shapes (n, d) and (m, d), data units.
    """
    return 3.0 * Prepared.of(problem, x, y).x.points.element_size() / 4


@dataclass(frozen=True)
class Prepared:
    """The clouds in the order of the plan, centred, in the precision that the problem needs.

    For a balanced problem with a quadratic cost each cloud has its own centre: |x - y|^2 changes by linear functions of x
    and of y, which only tilt the potentials. So clouds that are far apart do not lose precision.

    Attributes:
        setting: cost, temperature and sweeps.
        x, y: centred points (n, d), (m, d), with their masses.
        order_x, order_y: the index of each point in the problem.
        centre_x, centre_y: what was subtracted, shape (d,), float64; `shift` is their difference.
        weight: the factor of |x - y|^2 / 2 in the cost if the centres differ, else 0.
    """

    setting: Setting
    x: Cloud
    y: Cloud
    order_x: Order
    order_y: Order
    centre_x: Tensor
    centre_y: Tensor
    weight: float

    @classmethod
    def of(
        cls,
        problem: Problem,
        x: Points,
        y: Points,
        a: Masses | None = None,
        b: Masses | None = None,
        dtype: torch.dtype | None = None,
    ) -> Prepared:
        """Prepare the clouds of a problem.

        Args:
            problem: cost, blur, reach and scaling.
            x, y: points, shapes (n, d) and (m, d), data units.
            a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.
            dtype: of the clouds; the one that the problem needs if None.
        """
        ground = GROUNDS[problem.cost]
        setting = Setting.of(ground, problem.p, problem.epsilon, problem.rho, problem.scaling)
        left, right = x.astype(np.float64), y.astype(np.float64)
        order_x, order_y = orders(left, right)
        clouds = [torch.from_numpy(left[order_x]), torch.from_numpy(right[order_y])]
        masses = [None if w is None else torch.from_numpy(w[order]) for w, order in ((a, order_x), (b, order_y))]
        centres, weight = [mean(cloud, w) for cloud, w in zip(clouds, masses, strict=True)], 0.0
        if isinstance(ground, Quadratic) and problem.rho is None:
            weight = ground.factor
        elif problem.cost == "cosine":  # depends on the origin
            centres = [torch.zeros_like(centre) for centre in centres]
        else:
            centres = [(centres[0] + centres[1]) / 2] * 2
        left_c, right_c = (cloud - centre for cloud, centre in zip(clouds, centres, strict=True))
        dtype = dtype or precision(setting, left_c, right_c)
        of_x, of_y = (
            Cloud(cloud.to(dtype), None if w is None else w.to(dtype))
            for cloud, w in zip((left_c, right_c), masses, strict=True)
        )
        return cls(setting, of_x, of_y, order_x, order_y, centres[0], centres[1], weight)

    def wide(self) -> Prepared:
        """Convert both clouds to float64."""
        return replace(self, x=self.x.to(torch.float64), y=self.y.to(torch.float64))

    @property
    def shift(self) -> Tensor:
        """centre_x - centre_y, (d,)."""
        return self.centre_x - self.centre_y

    @property
    def are_equal(self) -> bool:
        """Whether both clouds are the same points with the same masses, in any order."""
        if not torch.equal(self.x.points, self.y.points) or bool(self.shift.any()):
            return False
        sides = (self.x, self.y)
        masses = [torch.full_like(s.points[:, 0], 1 / len(s)) if s.masses is None else s.masses for s in sides]
        return torch.equal(*masses)

    @property
    def lift(self) -> float:
        """The cost between the two centres, to be added to OT_epsilon."""
        return self.weight * float(self.shift.square().sum()) / 2


@dataclass(frozen=True)
class Solved:
    """Potentials of the points that were solved for, as soft minima.

    Attributes:
        kept_x, kept_y: indices of these points in the order of the plan.
        cross: potentials between the clouds.
        over_x, over_y: soft minima over source and target.
        own_x, own_y: soft minima of each cloud with itself; None if the loss has no such terms.
        own: half the sum of the two self terms; 0 if not known.
    """

    kept_x: Order
    kept_y: Order
    cross: Crossing
    over_x: SoftMin
    over_y: SoftMin
    own_x: SoftMin | None
    own_y: SoftMin | None
    own: float = 0.0


@dataclass(frozen=True)
class Sampled:
    """Potentials of all samples, in the order of the plan.

    Attributes:
        f, g: between the clouds, shapes (n,) and (m,).
        pull: gradient of f before damping, shape (n, d).
        own_f, own_g, own_pull: the same of each cloud with itself; None if the loss has no such terms.
    """

    f: Tensor
    g: Tensor
    pull: Tensor
    own_f: Tensor | None
    own_g: Tensor | None
    own_pull: Tensor | None


def picture(
    problem: Problem, x: Points, y: Points, a: Masses | None, b: Masses | None, some: int | None
) -> Work[Picture]:
    """Solve a transport problem and compute its picture.

    Args:
        problem: loss, cost, blur, reach and scaling.
        x, y: points, shapes (n, 2) and (m, 2), data units.
        a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.
        some: solve for this many points of each cloud and extend the potentials to the rest; None solves for all.
    """
    prepared, own_terms = Prepared.of(problem, x, y, a, b), problem.loss == "sinkhorn"
    solved = yield from _solve(prepared, some, own_terms=own_terms)
    if own_terms and prepared.x.points.dtype == torch.float32 and _is_small(prepared, solved):
        prepared = prepared.wide()
        solved = yield from _solve(prepared, some, own_terms=True)
    bins_x, bins_y = bins_of(prepared.order_x), bins_of(prepared.order_y)
    sides = Ordered(
        prepared.x,
        prepared.order_x,
        bins_x[prepared.order_x],
        prepared.order_y[solved.kept_y],
        bins_y[prepared.order_y][solved.kept_y],
        int(bins_y.max()) + 1,
    )
    of_x, of_y = variations(prepared, solved)
    box = square_box(x, y)
    samples = _sampled(prepared, solved, draw(solved.over_y, sides, prepared.setting.rho))
    (drawn, at), (field_x, field_y) = yield from alongside(samples, on_grid(of_x, of_y, box))
    alone = None if at.own_f is None or at.own_pull is None else (at.own_f, at.own_pull)
    slope = of_x.slope_of((at.f, at.pull), alone)
    if prepared.are_equal and alone is not None:
        slope = torch.zeros_like(slope)
    masses = _masses(prepared, solved, at)
    return Picture(
        x=x.astype(np.float64),
        y=y.astype(np.float64),
        box=box,
        force=_placed(-slope, prepared.order_x),
        potential_x=_placed(of_x.value_of(prepared.x.points, at.f, at.own_f), prepared.order_x),
        potential_y=_placed(of_y.value_of(prepared.y.points, at.g, at.own_g), prepared.order_y),
        field_x=field_x,
        field_y=field_y,
        plan=plan_of(drawn, sides, prepared.centre_y, (bins_x, bins_y), masses),
        numbers=_numbers(prepared, solved, at, drawn),
        finished=some is None,
        notes=() if some is None else (f"solved for {some} of {len(x)} points, extended to the rest",),
    )


def _is_small(prepared: Prepared, solved: Solved) -> bool:
    """Whether the divergence is too small a part of OT_epsilon for float32."""
    x, y = prepared.x.part(solved.kept_x), prepared.y.part(solved.kept_y)
    whole = entropic_cost(prepared.setting, (solved.cross.f, x), (solved.cross.g, y)) + prepared.lift
    return whole - solved.own < SMALL * abs(whole)


def _placed(values: Tensor, order: Order) -> NDArray[np.float32]:
    """Values (n, ...) from the order of the plan back to that of the problem."""
    out = np.empty(values.shape, np.float32)
    out[order] = values.numpy()
    return out


def on_grid(of_x: OfPlans, of_y: OfPlans, box: Box) -> Work[list[NDArray[np.float32]]]:
    """Both first variations on the grid.

    Args:
        of_x, of_y: the plans as seen from either side.
        box: where the grid is.
    """
    fields = []
    for variation in (of_x, of_y):
        values = yield from variation.values(grid(box))
        fields.append(values.numpy().astype(np.float32).reshape(GRID, GRID))
    return fields


def _sampled(prepared: Prepared, solved: Solved, drawing: Work[Drawn]) -> Work[tuple[Drawn, Sampled]]:
    drawn = yield from drawing
    whole = len(solved.kept_y) == len(prepared.y)
    g = solved.cross.g_next if whole else (yield from solved.over_x.values(prepared.y.points))
    if solved.own_x is None or solved.own_y is None:
        return drawn, Sampled(drawn.f, g, drawn.pull, None, None, None)
    own_f, own_pull = yield from solved.own_x.slopes(prepared.x.points)
    own_g = yield from solved.own_y.values(prepared.y.points)
    return drawn, Sampled(drawn.f, g, drawn.pull, own_f, own_g, own_pull)


def _solve(prepared: Prepared, some: int | None, *, own_terms: bool) -> Work[Solved]:
    kept = [cloud.sample(some) for cloud in (prepared.x, prepared.y)]
    x, y = prepared.x.part(kept[0]), prepared.y.part(kept[1])
    setting, goal = prepared.setting, Goal(MISSING, lift=prepared.lift)
    own_x = own_y = None
    if own_terms:
        found = yield from alongside(own(setting, x), own(setting, y))
        own_x, own_y = (setting.softmin(cloud, one.potential) for cloud, one in zip((x, y), found, strict=True))
        goal = replace(goal, own=half_sums(found[0].values, found[1].values))
    cross = yield from crossing(setting, x, y, goal)
    over_x, over_y = setting.softmin(x, cross.f), setting.softmin(y, cross.g)
    return Solved(kept[0], kept[1], cross, over_x, over_y, own_x, own_y, goal.own[0])


def variations(prepared: Prepared, solved: Solved) -> tuple[OfPlans, OfPlans]:
    """First variations of the loss with respect to source and target."""
    setting, tilt, lift = prepared.setting, prepared.weight * prepared.shift, prepared.lift / 2
    return (
        OfPlans(solved.over_y, solved.own_x, setting.rho, prepared.centre_x, tilt, lift),
        OfPlans(solved.over_x, solved.own_y, setting.rho, prepared.centre_y, -tilt, lift),
    )


def _masses(prepared: Prepared, solved: Solved, at: Sampled) -> tuple[Tensor, Tensor]:
    """The mass that each point gives (n,) or takes (m,), in the order of the problem and in units of its own mass.

    If only some columns were solved for, what a point takes is what its potential implies.
    """
    setting, cross = prepared.setting, solved.cross
    taken = shares(at.g, setting.rho)
    if len(solved.kept_y) == len(prepared.y):
        taken = torch.exp(((cross.g - cross.g_next / setting.damping) / setting.epsilon).clamp_max(80))
    given = shares(at.f, setting.rho)
    return (
        torch.from_numpy(_placed(given, prepared.order_x)),
        torch.from_numpy(_placed(taken, prepared.order_y)),
    )


def _numbers(prepared: Prepared, solved: Solved, at: Sampled, drawn: Drawn) -> Numbers:
    setting, cross = prepared.setting, solved.cross
    x, y = prepared.x.part(solved.kept_x), prepared.y.part(solved.kept_y)
    entropic = entropic_cost(setting, (cross.f, x), (cross.g, y)) + prepared.lift
    divergence = None
    if solved.own_x is not None and solved.own_y is not None and at.own_f is not None and at.own_g is not None:
        own_x = entropic_cost(setting, (at.own_f[solved.kept_x], x), (solved.own_x.potential, x))
        own_y = entropic_cost(setting, (at.own_g[solved.kept_y], y), (solved.own_y.potential, y))
        divergence = 0.0 if prepared.are_equal else max(0.0, entropic - (own_x + own_y) / 2)
    moved = float(mean(drawn.moved, prepared.x.masses)) + prepared.lift
    if prepared.weight:  # the columns are only nearly exact, so the mean of the map is not quite 0
        moved -= prepared.weight * float((mean(drawn.map, prepared.x.masses) * prepared.shift).sum())
    return Numbers(
        loss=entropic if divergence is None else divergence,
        transport_cost=moved,
        entropic_cost=entropic,
        sinkhorn_divergence=divergence,
        marginal_error=cross.error,
        mass=float(mean(shares(at.f.double(), setting.rho), prepared.x.masses)),
        iterations=cross.sweeps,
        solver=f"{cross.solver}, {str(prepared.x.points.dtype).removeprefix('torch.')}",
    )


def entropic_cost(setting: Setting, of_x: tuple[Tensor, Cloud], of_y: tuple[Tensor, Cloud]) -> float:
    """OT_epsilon, the value of the dual, in units of the cost.

    Args:
        setting: epsilon and rho.
        of_x: potential f (n,), the soft minimum of g, and the source.
        of_y: potential g (m,) and the target.
    """
    rho, sides = setting.rho, [(potential.double(), cloud.masses) for potential, cloud in (of_x, of_y)]
    if rho is None:
        return sum(float(mean(h, masses)) for h, masses in sides)
    ends = sum(float(mean(torch.expm1((h / -rho).clamp_max(300)), masses)) for h, masses in sides)
    return -rho * ends - setting.epsilon * (float(mean(shares(sides[0][0], rho), sides[0][1])) - 1)
