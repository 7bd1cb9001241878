"""A plan as it can be drawn: its map, one partner per point, its heaviest lines, and the plan itself in a few bins.

Rows and columns are in an order that keeps neighbours together, and bins are intervals of it. A partner is drawn with the
inverse distribution function of a row in this order, so a small change of the blur moves it little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from otviz.clouds.fields import SoftMin, shares
from otviz.clouds.potentials import Cloud
from otviz.clouds.solution import Plan
from otviz.core.work import Work

LINES = 6
BINS = 96
ROUND = 0.5
"""Minimum ratio of the variances along the two axes of round clouds."""

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, modulo 1, are spread evenly over any interval of neighbours."""

Order = NDArray[np.intp]
Bins = NDArray[np.int32]


def orders(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[Order, Order]:
    """Orders of the points x (n, d), y (m, d) that keep neighbours together and do not depend on the blur.

    Round clouds, such as a Gaussian and a ring, are sorted by the angle about their means; others along the longer axis.
    """
    left, right = x - x.mean(0), y - y.mean(0)
    spread = left.T @ left / len(x) + right.T @ right / len(y)
    lengths, axes = np.linalg.eigh(spread)
    if x.shape[1] == 2 and lengths[0] > ROUND * lengths[-1]:
        keys = [np.arctan2(z[:, 1], z[:, 0]) for z in (left, right)]
    else:
        keys = [z @ axes[:, -1] for z in (left, right)]
    return np.argsort(keys[0], kind="stable"), np.argsort(keys[1], kind="stable")


def bins_of(order: Order) -> Bins:
    """The bin of each point, shape (n,): intervals of the order with equally many points."""
    bins = np.empty(len(order), np.int32)
    bins[order] = np.arange(len(order)) * min(BINS, len(order)) // len(order)
    return bins


@dataclass(frozen=True)
class Ordered:
    """Both sides of a plan, in its order.

    Attributes:
        x: centred source points (n, d), with their masses.
        order_x: index of each in the problem, shape (n,).
        bins_x: bin of each, shape (n,), non-decreasing.
        order_y, bins_y: the same for the target points that were solved for, shape (k,).
        columns: number of bins of the whole target.
    """

    x: Cloud
    order_x: Order
    bins_x: Bins
    order_y: Order
    bins_y: Bins
    columns: int


@dataclass(frozen=True)
class Drawn:
    """What is drawn of the rows of a plan, in the order of the plan.

    Attributes:
        f, pull: soft minimum (n,) and its gradient before damping (n, d).
        map: barycentric projection, shape (n, d), in centred coordinates of the target.
        heaviest, heights: columns and shares of the k heaviest entries of each row, shape (n, k).
        partner: a column drawn from each row, shape (n,).
        matrix: the plan summed over bins, shape (r, c).
        moved: sum_j P_ij c(x_i, y_j) / a_i, shape (n,), units of the cost.
    """

    f: Tensor
    pull: Tensor
    map: Tensor
    heaviest: Tensor
    heights: Tensor
    partner: Tensor
    matrix: Tensor
    moved: Tensor


def draw(softmin: SoftMin, sides: Ordered, rho: float | None) -> Work[Drawn]:
    """Compute what is drawn of the rows of a plan, block by block.

    Args:
        softmin: soft minimum over the target points (m, d) that were solved for, which defines the plan.
        sides: both sides in the order of the plan.
        rho: strength of the soft marginals, units of the cost; None if balanced.
    """
    x, y = sides.x.points, softmin.points
    share = torch.full_like(x[:, 0], 1 / len(x)) if sides.x.masses is None else sides.x.masses
    n, m, k = len(x), len(y), min(LINES, len(y))
    bins_x, bins_y = (torch.from_numpy(bins.astype(np.int64)) for bins in (sides.bins_x, sides.bins_y))
    ends = torch.searchsorted(bins_y, torch.arange(sides.columns), right=True)
    chance = torch.from_numpy(np.arange(1, n + 1) * GOLDEN % 1).to(x)[:, None]
    out = Drawn(
        f=x.new_empty(n),
        pull=torch.empty_like(x),
        map=torch.empty_like(x),
        heaviest=torch.empty(n, k, dtype=torch.int64),
        heights=x.new_empty(n, k),
        partner=torch.empty(n, dtype=torch.int64),
        matrix=x.new_zeros(int(bins_x.max()) + 1, sides.columns),
        moved=x.new_empty(n),
    )
    for block in softmin.rows(x):
        rows, weights = block.rows, block.weights.div_(block.total)
        mass, below = shares(block.values, rho), weights.cumsum(1)
        binned = F.pad(below, (1, 0))[:, ends].diff(prepend=torch.zeros_like(below[:, :1]))
        out.f[rows], out.pull[rows] = block.values, softmin.ground.pull(weights, x[rows], y)
        out.map[rows] = torch.stack([weights.mv(column) for column in y.T], 1)
        out.heights[rows], out.heaviest[rows] = torch.topk(weights, k)
        out.matrix.index_add_(0, bins_x[rows], binned * (mass * share[rows])[:, None])
        out.partner[rows] = torch.searchsorted(below, chance[rows] * below[:, -1:], right=True)[:, 0].clamp_max(m - 1)
        out.moved[rows] = softmin.ground.mean(weights, x[rows], y) * mass
        yield
    return out


def plan_of(
    drawn: Drawn, sides: Ordered, centre: Tensor, bins: tuple[Bins, Bins], masses: tuple[Tensor, Tensor]
) -> Plan:
    """The plan in the order and the coordinates of the problem.

    Args:
        drawn: result of `draw`.
        sides: both sides in the order of the plan.
        centre: what was subtracted from the target, shape (d,).
        bins: bin of each point of source (n,) and target (m,), in the order of the problem.
        masses: mass that each point gives (n,) and takes (m,), in units of its own, in the order of the problem.
    """
    back = np.empty_like(sides.order_x)
    back[sides.order_x] = np.arange(len(back))
    targets = torch.from_numpy(sides.order_y)

    def whole(places: Tensor) -> NDArray[np.int32]:
        return targets[places].numpy()[back].astype(np.int32)

    return Plan(
        map=(drawn.map.double() + centre).numpy()[back],
        partner=whole(drawn.partner),
        lines_to=whole(drawn.heaviest),
        lines_share=drawn.heights.numpy()[back].astype(np.float32),
        matrix=drawn.matrix.numpy().astype(np.float32),
        bin_x=bins[0].astype(np.int32),
        bin_y=bins[1].astype(np.int32),
        mass_x=masses[0].numpy().astype(np.float32),
        mass_y=masses[1].numpy().astype(np.float32),
    )
