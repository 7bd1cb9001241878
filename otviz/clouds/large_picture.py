"""The picture of a large cloud: solved at all points, drawn at some of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.clouds.couplings import Prepared, on_grid
from otviz.clouds.fields import OfPlans, SoftMin, shares
from otviz.clouds.large import Side, Solution, solve
from otviz.clouds.plans import Bins, Order, Ordered, bins_of, draw, plan_of
from otviz.clouds.potentials import Masses, Points
from otviz.clouds.problem import Problem
from otviz.clouds.solution import AllPoints, Numbers, Picture, sample
from otviz.core.work import Progress, Work, alongside
from otviz.runs.snapshots import square_box

SHOWN = 5000
"""Number of points of each side that are drawn: more are neither told apart nor sent to a browser in time."""


def some_of(points: Points, masses: Masses | None) -> tuple[Points, Masses | None, Order]:
    """The points that are drawn, their masses, which sum to 1, and their places.

    Args:
        points: shape (n, 2).
        masses: shape (n,), or None if uniform.
    """
    if masses is None:
        kept = sample(len(points), SHOWN)
        return points[kept], None, kept
    heavy = np.flatnonzero(masses > 0)
    kept = heavy[sample(len(heavy), SHOWN)]
    return points[kept], masses[kept] / masses[kept].sum(), kept


def picture(
    problem: Problem, x: Points, y: Points, a: Masses | None, b: Masses | None, progress: Progress
) -> Work[Picture]:
    """Solve a transport problem between large clouds and compute the picture of SHOWN points.

    Args:
        problem: loss, cost, blur, reach and scaling.
        x, y: points, shapes (n, 2) and (m, 2), data units.
        a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.
        progress: records how much has been done.
    """
    prepared = Prepared.of(problem, x, y, a, b, torch.float64)
    solved = yield from solve(prepared, progress, own_terms=problem.loss == "sinkhorn")
    of_x, of_y = variations(prepared, solved)
    box = square_box(x, y)
    whole = _whole(prepared, solved, of_x, of_y, (x, y, a, b))
    (some_x, some_a, shown_x), (some_y, some_b, shown_y) = some_of(x, a), some_of(y, b)
    softmin, sides, bins = _sides(prepared, solved, shown_x, shown_y)
    drawn, (field_x, field_y) = yield from alongside(
        draw(softmin, sides, prepared.setting.rho), on_grid(of_x, of_y, box)
    )
    assert whole.map is not None, "there is a plan"
    assert whole.mass_x is not None, "there is a plan"
    assert whole.mass_y is not None, "there is a plan"
    masses = torch.from_numpy(whole.mass_x[shown_x]), torch.from_numpy(whole.mass_y[shown_y])
    plan = plan_of(drawn, sides, prepared.centre_y, bins, masses)
    return Picture(
        x=some_x.astype(np.float64),
        y=some_y.astype(np.float64),
        box=box,
        force=whole.force[shown_x],
        potential_x=whole.potential_x[shown_x],
        potential_y=whole.potential_y[shown_y],
        field_x=field_x,
        field_y=field_y,
        plan=replace(plan, map=whole.map[shown_x]),
        numbers=_numbers(solved),
        notes=(_note(whole, shown_x, shown_y),),
        a=some_a,
        b=some_b,
        whole=whole,
    )


def variations(prepared: Prepared, solved: Solution) -> tuple[OfPlans, OfPlans]:
    """First variations of the loss with respect to source and target."""
    rho, tilt, lift = prepared.setting.rho, prepared.weight * prepared.shift, prepared.lift / 2
    return (
        OfPlans(solved.over_y, solved.own_x, rho, prepared.centre_x, tilt, lift),
        OfPlans(solved.over_x, solved.own_y, rho, prepared.centre_y, -tilt, lift),
    )


def slope(prepared: Prepared, variation: OfPlans, side: Side) -> Tensor:
    """Gradient of the first variation at the points of a side, shape (n, 2), in the order of the plan.

    Args:
        prepared: the problem.
        variation: of this side.
        side: with its pull.
    """
    own = None if side.own is None else (side.own.values, side.own.slopes)
    found = variation.slope_of((side.pull.values, side.pull.slopes), own)
    return torch.zeros_like(found) if own is not None and prepared.are_equal else found


def _whole(
    prepared: Prepared,
    solved: Solution,
    of_x: OfPlans,
    of_y: OfPlans,
    given: tuple[Points, Points, Masses | None, Masses | None],
) -> AllPoints:
    x, y, a, b = given
    rho = prepared.setting.rho
    f, g = solved.x.pull.values, solved.y.pull.values
    own_f, own_g = (None if side.own is None else side.own.values for side in (solved.x, solved.y))

    def placed(values: Tensor, order: Order) -> NDArray[np.float64]:
        out = np.empty(values.shape)
        out[order] = values.numpy()
        return out

    return AllPoints(
        x=x.astype(np.float64),
        y=y.astype(np.float64),
        force=placed(-slope(prepared, of_x, solved.x), prepared.order_x).astype(np.float32),
        potential_x=placed(of_x.value_of(prepared.x.points, f, own_f), prepared.order_x).astype(np.float32),
        potential_y=placed(of_y.value_of(prepared.y.points, g, own_g), prepared.order_y).astype(np.float32),
        map=placed(solved.x.pull.means + prepared.centre_y, prepared.order_x),
        mass_x=placed(shares(f, rho), prepared.order_x).astype(np.float32),
        mass_y=placed(shares(g, rho), prepared.order_y).astype(np.float32),
        a=a,
        b=b,
    )


def _numbers(solved: Solution) -> Numbers:
    return Numbers(
        loss=solved.entropic_cost if solved.divergence is None else solved.divergence,
        transport_cost=solved.transport_cost,
        entropic_cost=solved.entropic_cost,
        sinkhorn_divergence=solved.divergence,
        marginal_error=solved.error,
        mass=solved.mass,
        iterations=solved.sweeps,
        solver="coarse to fine",
    )


def _sides(
    prepared: Prepared, solved: Solution, shown_x: Order, shown_y: Order
) -> tuple[SoftMin, Ordered, tuple[Bins, Bins]]:
    """The soft minimum over the target points drawn, both sides in the order of the plan, and their bins in that drawn."""
    kept, orders = [], []
    for order, shown in ((prepared.order_x, shown_x), (prepared.order_y, shown_y)):
        kept.append(np.flatnonzero(np.isin(order, shown)))
        orders.append(np.searchsorted(shown, order[kept[-1]]))
    bins = bins_of(orders[0]), bins_of(orders[1])
    x, y = (
        cloud.part(places).to(solved.over_y.points.dtype)
        for cloud, places in zip((prepared.x, prepared.y), kept, strict=True)
    )
    softmin = prepared.setting.softmin(y, solved.y.pull.values[kept[1]].to(y.points))
    sides = Ordered(x, orders[0], bins[0][orders[0]], orders[1], bins[1][orders[1]], int(bins[1].max()) + 1)
    return softmin, sides, bins


def some_drawn(picture: Picture) -> Picture:
    """A picture without a plan, of SHOWN of its points."""
    whole = AllPoints(
        picture.x,
        picture.y,
        picture.force,
        picture.potential_x,
        picture.potential_y,
        None,
        None,
        None,
        picture.a,
        picture.b,
    )
    (x, a, shown_x), (y, b, shown_y) = some_of(picture.x, picture.a), some_of(picture.y, picture.b)
    return replace(
        picture,
        x=x.astype(np.float64),
        y=y.astype(np.float64),
        a=a,
        b=b,
        force=picture.force[shown_x],
        potential_x=picture.potential_x[shown_x],
        potential_y=picture.potential_y[shown_y],
        notes=(*picture.notes, _note(whole, shown_x, shown_y)),
        whole=whole,
    )


def _note(whole: AllPoints, shown_x: Order, shown_y: Order) -> str:
    return (
        f"{len(shown_x):,} of {len(whole.x):,} source and {len(shown_y):,} of {len(whole.y):,} target points are drawn;"
        " the numbers are of all"
    )
