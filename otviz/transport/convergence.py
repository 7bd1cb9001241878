"""How three Sinkhorn solvers converge, and how the plan sharpens as epsilon falls.

The error after an iteration is that of stopping there: f follows from g by one row update at the epsilon asked for, and
the columns of the plan then miss sum_j |sum_i P_ij - b_j|. Solvers that come down from a larger epsilon are measured so too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.ot.costs import cost_p
from otviz.ot.divergences import check_sinkhorn
from otviz.ot.sinkhorn import solve
from otviz.ot.squaring import FLOAT32_LIMIT, Schedule, levels_for, square_down, sweeps_for
from otviz.transport.plans import orders

LARGEST = 500
BINS = 64
BLURS = (2.0, 0.6, 0.2, 0.06, 0.02)

Solver = Literal["squaring", "plain", "scaled"]
SOLVERS: dict[Solver, str] = {
    "squaring": "otviz: squaring the plan",
    "scaled": "Log domain, ε falling (geomloss)",
    "plain": "Log domain, ε fixed (POT)",
}


@dataclass(frozen=True)
class Step:
    """After so many iterations (one update of each potential): epsilon then, and the error of stopping there, at most 2."""

    solver: Solver
    iteration: int
    epsilon: float
    error: float


@dataclass(frozen=True)
class Sharpened:
    """The plan at one blur.

    Attributes:
        blur, epsilon: data units, units of the cost.
        matrix: the plan in at most BINS x BINS bins, entries sum to 1; rows and columns in an order of the points that is
            the same at every blur.
        partners: mean over source points of e^(entropy of the row): how many targets share a point's mass.
    """

    blur: float
    epsilon: float
    matrix: NDArray[np.float32]
    partners: float


def convergence(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    p: int = 2,
    blur: float = 0.05,
    scaling: float = 0.9,
    iterations: int = 200,
) -> Iterator[Step]:
    """The steps of one solver after another, in the order of SOLVERS.

    Args:
        x, y: uniform samples, shapes (n, 2) and (m, 2), at most LARGEST each.
        p, blur, scaling: geomloss' words; scaling paces the two solvers that anneal.
        iterations: of each solver.

    Raises ValueError at once for shapes or values out of range.
    """
    cost = _cost(x, y, p, (blur,))
    sweeps = sweeps_for(scaling, p)
    if iterations < 1:
        raise ValueError(f"iterations must be >= 1; got {iterations}")
    return _all_steps(cost, blur**p, sweeps, scaling**p, iterations)


def _all_steps(cost: Tensor, epsilon: float, sweeps: int, ratio: float, iterations: int) -> Iterator[Step]:
    yield from _squaring(cost, epsilon, sweeps, iterations)
    yield from _scaled(cost, epsilon, ratio, iterations)
    yield from _plain(cost, epsilon, iterations)


def _squaring(cost: Tensor, epsilon: float, sweeps: int, iterations: int) -> Iterator[Step]:
    """One step per level, then sweeps at the last temperature; each is a solve of its own, cut short there."""
    largest = float(cost.max() - cost.min())
    levels = levels_for(largest, epsilon)
    fast = cost if largest / epsilon > FLOAT32_LIMIT else cost.float()
    plans = [(level, sweeps) for level in range(levels + 1)]
    last = sweeps
    while (levels * sweeps + last) * 1.15 < iterations:
        last = math.ceil((levels * sweeps + last) * 1.15) - levels * sweeps
        plans.append((levels, last))
    for level, at_last in plans:
        now = epsilon * 2.0 ** (levels - level)
        found = square_down(fast.clone(), Schedule(now, level, sweeps, at_last))
        yield Step("squaring", level * sweeps + at_last, now, column_error(cost, found.potential_y.double(), epsilon))


def _scaled(cost: Tensor, epsilon: float, ratio: float, iterations: int) -> Iterator[Step]:
    """geomloss' loop: both potentials move half way at once, epsilon falls by scaling^p, then stays."""
    now = max(float(cost.max()), epsilon)
    f, g = _softmin(cost, torch.zeros_like(cost[0]), now), _softmin(cost.T, torch.zeros_like(cost[:, 0]), now)
    for iteration in range(1, iterations + 1):
        f, g = (f + _softmin(cost, g, now)) / 2, (g + _softmin(cost.T, f, now)) / 2
        yield Step("scaled", iteration, now, column_error(cost, g, epsilon))
        now = max(now * ratio, epsilon)


def _plain(cost: Tensor, epsilon: float, iterations: int) -> Iterator[Step]:
    f = torch.zeros_like(cost[:, 0])
    for iteration in range(1, iterations + 1):
        g = _softmin(cost.T, f, epsilon)
        f = _softmin(cost, g, epsilon)
        yield Step("plain", iteration, epsilon, column_error(cost, g, epsilon))


def column_error(cost: Tensor, g: Tensor, epsilon: float) -> float:
    """sum_j |sum_i P_ij - 1/m| of the plan with rows made exact, for cost (n, m) and a potential g (m,)."""
    plan = torch.softmax((g - cost) / epsilon, 1) / len(cost)
    return float((plan.sum(0) - 1 / len(g)).abs().sum())


def _softmin(cost: Tensor, potential: Tensor, epsilon: float) -> Tensor:
    """-epsilon log mean_j e^((potential_j - c_ij) / epsilon), shape (n,)."""
    return -epsilon * (torch.logsumexp((potential - cost) / epsilon, 1) - math.log(len(potential)))


def sharpening(
    x: NDArray[np.float32], y: NDArray[np.float32], p: int = 2, blurs: Sequence[float] = BLURS
) -> Iterator[Sharpened]:
    """The plan of uniform samples x (n, 2), y (m, 2), at most LARGEST each, for each blur (data units).

    Raises ValueError at once for shapes, p or blurs out of range.
    """
    cost = _cost(x, y, p, blurs)
    rows, columns = orders(x.astype(np.float64), y.astype(np.float64))
    return (_sharpened(cost, rows, columns, blur, p) for blur in blurs)


def _sharpened(cost: Tensor, rows: NDArray[np.intp], columns: NDArray[np.intp], blur: float, p: int) -> Sharpened:
    plan = solve(cost, blur**p).coupling.numpy()
    shares = plan / plan.sum(1, keepdims=True)
    entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(1)
    ordered = plan[np.ix_(rows, columns)]
    for axis in (0, 1):
        ordered = np.add.reduceat(ordered, _starts(ordered.shape[axis]), axis=axis)
    return Sharpened(blur, blur**p, (ordered / ordered.sum()).astype(np.float32), float(np.exp(entropy).mean()))


def _starts(n: int) -> NDArray[np.intp]:
    """First index of each of at most BINS stretches of n that differ in length by at most one."""
    bins = min(n, BINS)
    return (np.arange(bins) * n) // bins


def _cost(x: NDArray[np.float32], y: NDArray[np.float32], p: int, blurs: Sequence[float]) -> Tensor:
    if max(len(x), len(y)) > LARGEST:
        raise ValueError(f"at most {LARGEST} points of each side; got {len(x)} and {len(y)}: draw fewer (n)")
    left, right = (torch.from_numpy(np.array(cloud, dtype=np.float64)) for cloud in (x, y))
    for blur in blurs:
        check_sinkhorn(left, right, blur=blur, p=p, reach=None)
    return cost_p(left, right, p)
