"""A plan as it can be drawn: its map, one partner per point, its heaviest lines, and itself in a few bins.

Rows and columns come in an order that keeps neighbours together, so bins are stretches of it and a partner, drawn by the
inverse of a row's distribution function along it, moves little when the blur does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.ot.squaring import Work
from otviz.transport.fields import SoftMin, shares
from otviz.transport.picture import Plan

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
        x: source points, centred, (n, d).
        order_x: the place of each in the problem, (n,).
        bins_x: its bin, (n,), rising.
        order_y, bins_y: the same of the target points that the plan's soft minimum has, (k,).
        columns: bins of the whole target.
    """

    x: Tensor
    order_x: Order
    bins_x: Bins
    order_y: Order
    bins_y: Bins
    columns: int


@dataclass(frozen=True)
class Drawn:
    """What the rows of a plan add up to, in the plan's order.

    `map` (n, d) in centred coordinates of the target, `heaviest` and `heights` (n, k), `partner` (n,), `matrix` (r, c),
    `mass` (n,) and the cost of moving a row's mass, `moved` (n,).
    """

    map: Tensor
    heaviest: Tensor
    heights: Tensor
    partner: Tensor
    matrix: Tensor
    mass: Tensor
    moved: Tensor


def draw(softmin: SoftMin, sides: Ordered, rho: float | None) -> Work[Drawn]:
    """The rows of the plan of a soft minimum over the target, for `sides`."""
    x, y = sides.x, softmin.points
    n, m, k = len(x), len(y), min(LINES, len(y))
    bins_x, bins_y = torch.from_numpy(sides.bins_x.astype(np.int64)), torch.from_numpy(sides.bins_y.astype(np.int64))
    gather = torch.cat([y, torch.nn.functional.one_hot(bins_y, sides.columns).to(y)], 1)
    chance = torch.from_numpy(np.arange(1, n + 1) * GOLDEN % 1).to(x)[:, None]
    first, width = _stretches(bins_y, sides.columns)
    out = Drawn(
        torch.empty(n, y.shape[1], dtype=x.dtype),
        torch.empty(n, k, dtype=torch.int64),
        x.new_empty(n, k),
        torch.empty(n, dtype=torch.int64),
        x.new_zeros(int(bins_x.max()) + 1, sides.columns),
        x.new_empty(n),
        x.new_empty(n),
    )
    for block in softmin.rows(x):
        rows, weights, total = block.rows, block.weights, block.total
        sums = weights @ gather / total
        mass = shares(block.values, rho)
        out.map[rows], binned = sums[:, : y.shape[1]], sums[:, y.shape[1] :]
        heights, out.heaviest[rows] = torch.topk(weights, k)
        out.heights[rows] = heights / total
        out.matrix.index_add_(0, bins_x[rows], binned * mass[:, None] / n)
        out.partner[rows] = _partners(weights, binned, chance[rows], first, width, m)
        out.mass[rows], out.moved[rows] = mass, softmin.ground.mean(weights, x[rows], y) / total[:, 0] * mass
        yield
    return out


def _stretches(bins: Tensor, count: int) -> tuple[Tensor, int]:
    """Where each bin begins among rising `bins` (k,), and the length of the longest."""
    sizes = torch.bincount(bins, minlength=count)
    return torch.cumsum(sizes, 0) - sizes, int(sizes.max())


def _partners(weights: Tensor, binned: Tensor, chance: Tensor, first: Tensor, width: int, m: int) -> Tensor:
    """Columns (k,) at which the rows' distribution functions pass `chance` (k, 1): the bin first, then within it."""
    below = torch.cumsum(binned, 1)
    goal = chance * below[:, -1:]
    bins = (below <= goal).sum(1, keepdim=True).clamp_max(binned.shape[1] - 1)
    left = goal - (below.gather(1, bins) - binned.gather(1, bins))
    places = first[bins] + torch.arange(width)
    last = torch.cat([first[1:], torch.tensor([m])])[bins]
    inside = weights.gather(1, places.clamp_max(m - 1)).masked_fill_(places >= last, 0.0)
    within = torch.cumsum(inside, 1)
    left = left / binned.gather(1, bins).clamp_min(1e-30) * within[:, -1:]
    step = (within <= left.clamp_max(within[:, -1:] * (1 - 1e-6))).sum(1, keepdim=True)
    return torch.minimum(places.gather(1, step.clamp_max(width - 1)), last - 1)[:, 0].clamp_min(0)


def plan_of(drawn: Drawn, sides: Ordered, centre: Tensor, bins: tuple[Bins, Bins], mass_y: Tensor) -> Plan:
    """The plan in the problem's own order and coordinates; `bins` are those of all points, `mass_y` (m,) as the problem."""
    back = np.empty_like(sides.order_x)
    back[sides.order_x] = np.arange(len(back))
    targets = torch.from_numpy(sides.order_y)

    def whole(places: Tensor) -> NDArray[np.int32]:
        return targets[places].numpy()[back].astype(np.int32)

    return Plan(
        map=(drawn.map.double() + centre).numpy()[back].astype(np.float32),
        partner=whole(drawn.partner),
        lines_to=whole(drawn.heaviest),
        lines_share=drawn.heights.numpy()[back].astype(np.float32),
        matrix=drawn.matrix.numpy().astype(np.float32),
        bin_x=bins[0].astype(np.int32),
        bin_y=bins[1].astype(np.int32),
        mass_x=drawn.mass.numpy()[back].astype(np.float32),
        mass_y=mass_y.numpy().astype(np.float32),
    )
