"""What is drawn of one solved transport problem, and where: a grid over a box, and points that stand for all."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float32]
Places = NDArray[np.float64]
"""Coordinates: float32 would lose those far from the origin."""

Whole = NDArray[np.int32]
Box = tuple[float, float, float, float]
GRID = 48


@dataclass(frozen=True)
class Plan:
    """The coupling as it can be drawn: in full it would be too large to send.

    Attributes:
        map: barycentric projection T(x_i) = sum_j P_ij y_j / sum_j P_ij, shape (n, 2).
        partner: for each source point one target point drawn from its row of the plan, shape (n,): points that move
            straight to their partners play the displacement interpolation of the plan.
        lines_to, lines_share: the k heaviest entries of each row, (n, k): the target points, and their share of the row.
        matrix: the plan with rows and columns sorted and added up in bins, (r, c), entries >= 0.
        bin_x, bin_y: the row and column of `matrix` that each point went into, shapes (n,) and (m,).
        mass_x, mass_y: what each point gives and takes, in units of its own mass, (n,) and (m,); 1 if balanced.
    """

    map: Places
    partner: Whole
    lines_to: Whole
    lines_share: Array
    matrix: Array
    bin_x: Whole
    bin_y: Whole
    mass_x: Array
    mass_y: Array


@dataclass(frozen=True)
class Numbers:
    """The numbers that are so often confused; nan or None where one does not apply or is not known yet.

    Attributes:
        loss: value of the loss that the arrows descend.
        transport_cost: <P, C> of the entropic plan, without its entropy.
        entropic_cost: OT_epsilon, the optimum with its entropy term (and its marginal terms, if unbalanced).
        sinkhorn_divergence: OT_epsilon(x, y) - OT_epsilon(x, x) / 2 - OT_epsilon(y, y) / 2.
        exact_cost: least transport cost, by linear programme, balanced for every reach.
        marginal_error: share of the mass that a marginal of the plan misses, at most 2.
        mass: mass moved; 1 if balanced.
        iterations: sweeps at all temperatures.
        seconds: wall time of the solve.
        solver: what solved it, in a few words.
    """

    loss: float
    transport_cost: float | None = None
    entropic_cost: float | None = None
    sinkhorn_divergence: float | None = None
    exact_cost: float | None = None
    marginal_error: float | None = None
    mass: float | None = None
    iterations: int = 0
    seconds: float = 0.0
    solver: str = ""


@dataclass(frozen=True)
class AllPoints:
    """All points of clouds of which a picture shows some: what a `Picture` and its plan have of each, by the same names."""

    x: Places
    y: Places
    force: Array
    potential_x: Array
    potential_y: Array
    map: Places | None
    mass_x: Array | None
    mass_y: Array | None
    a: Places | None
    b: Places | None


@dataclass(frozen=True)
class Picture:
    """One answer.

    Attributes:
        x, y: source and target points, shapes (n, 2) and (m, 2), data units, float64.
        a, b: their masses, (n,) and (m,), which sum to 1; None where all points of a side weigh the same.
        box: (x_low, x_high, y_low, y_high) that the fields span.
        force: minus the gradient of the loss at each source point by its mass, (n, 2), data units where the cost is p = 2.
        potential_x, potential_y: first variation of the loss on the samples, (n,) and (m,).
        field_x, field_y: the same extended to a (g, g) grid over the box, row 0 at the low y; the force is minus the
            gradient of `field_x`.
        plan: None for losses without a coupling.
        numbers: see there.
        whole: all points, where these are only some of them; the plan is then that between the points drawn.
        finished: False for a first answer that is coarser than the problem asks.
    """

    x: Places
    y: Places
    box: Box
    force: Array
    potential_x: Array
    potential_y: Array
    field_x: Array
    field_y: Array
    plan: Plan | None
    numbers: Numbers
    finished: bool = True
    notes: tuple[str, ...] = field(default=())
    a: Places | None = None
    b: Places | None = None
    whole: AllPoints | None = None

    @property
    def all_points(self) -> AllPoints:
        """What is known of all points, whether they are drawn or not."""
        if self.whole is not None:
            return self.whole
        plan = self.plan
        return AllPoints(
            self.x,
            self.y,
            self.force,
            self.potential_x,
            self.potential_y,
            None if plan is None else plan.map,
            None if plan is None else plan.mass_x,
            None if plan is None else plan.mass_y,
            self.a,
            self.b,
        )


def grid(box: Box, side: int = GRID) -> Tensor:
    """side^2 places over the box (x_low, x_high, y_low, y_high), its edges included, (side^2, 2) float64, low y first."""
    across = torch.linspace(box[0], box[1], side, dtype=torch.float64)
    up = torch.linspace(box[2], box[3], side, dtype=torch.float64)
    return torch.stack([across.repeat(side), up.repeat_interleave(side)], 1)


def sample(n: int, some: int | None) -> NDArray[np.intp]:
    """Places of `some` out of n points, rising, always the same; of all where `some` is None or too many."""
    if some is None or some >= n:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).permutation(n)[:some])
