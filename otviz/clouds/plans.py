"""A plan as it can be drawn: its map, one partner per point, its heaviest lines, and itself in a few bins.

Rows and columns come in an order that keeps neighbours together, so bins are stretches of it and a partner, drawn by the
inverse of a row's distribution function along it, moves little when the blur does.
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
"""Least ratio of the variances along the two axes of a cloud that counts as round."""

GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, modulo 1, are spread evenly over every stretch of neighbours."""

Order = NDArray[np.intp]
Bins = NDArray[np.int32]


def orders(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[Order, Order]:
    """Orders of the points x (n, d), y (m, d) that keep neighbours together, whatever the blur.

    By angle round each cloud's mean where the clouds are round, as a gaussian onto a ring; else along the longer axis.
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
    """The bin of each point, (n,): stretches of the order with as many points each."""
    bins = np.empty(len(order), np.int32)
    bins[order] = np.arange(len(order)) * min(BINS, len(order)) // len(order)
    return bins


@dataclass(frozen=True)
class Ordered:
    """The sides of a plan in its order.

    Attributes:
        x: source points, centred, (n, d), with their masses.
        order_x: the place of each in the problem, (n,).
        bins_x: its bin, (n,), rising.
        order_y, bins_y: the same of the target points that the plan's soft minimum has, (k,).
        columns: bins of the whole target.
    """

    x: Cloud
    order_x: Order
    bins_x: Bins
    order_y: Order
    bins_y: Bins
    columns: int


@dataclass(frozen=True)
class Drawn:
    """What the rows of a plan add up to, in the plan's order.

    `f` (n,) the soft minimum and `pull` (n, d) its gradient before damping, `map` (n, d) in centred coordinates of the
    target, `heaviest` and `heights` (n, k), `partner` (n,), `matrix` (r, c), `moved` (n,) the cost of moving a row's mass.
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
    """The rows of the plan of a soft minimum over the target, for `sides`."""
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
    """The plan in the problem's own order and coordinates, as `bins` of all points and their masses are given."""
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
