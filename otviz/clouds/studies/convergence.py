"""How three Sinkhorn solvers converge, and how the plan sharpens as epsilon falls.

The error of an iteration is that of stopping there: one row update at the final epsilon gives f from g, and the error is
sum_j |sum_i P_ij - b_j| of that plan. Solvers that start from a larger epsilon are measured in the same way.
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

from otviz.clouds.plans import orders
from otviz.ot.costs import cost_p
from otviz.ot.divergences import check_sinkhorn
from otviz.ot.sinkhorn import solve
from otviz.ot.squaring import FLOAT32_LIMIT, Schedule, levels_for, square_down, sweeps_for

LARGEST = 500
BINS = 64
BLURS = (2.0, 0.6, 0.2, 0.06, 0.02)

Points = NDArray[np.floating]
Masses = NDArray[np.float64] | None
Solver = Literal["squaring", "plain", "scaled"]
SOLVERS: dict[Solver, str] = {
    "squaring": "otviz: squaring the plan",
    "scaled": "Log domain, ε falling (geomloss)",
    "plain": "Log domain, ε fixed (POT)",
}


@dataclass(frozen=True)
class Step:
    """The state of a solver after an iteration, one update of each potential.

    Attributes:
        solver: a key of SOLVERS.
        iteration: number of iterations so far.
        epsilon: temperature of this iteration, units of the cost.
        error: marginal error of stopping here, at most 2.
    """

    solver: Solver
    iteration: int
    epsilon: float
    error: float


@dataclass(frozen=True)
class Sharpened:
    """The plan at one blur.

    Attributes:
        blur, epsilon: in data units and in units of the cost.
        matrix: the plan in at most BINS x BINS bins, entries summing to 1. Rows and columns have the same order at every
            blur.
        partners: mean of e^(entropy of the row) over the source: the number of targets that share the mass of a point.
    """

    blur: float
    epsilon: float
    matrix: NDArray[np.float32]
    partners: float


def convergence(
    x: Points,
    y: Points,
    p: int = 2,
    blur: float = 0.05,
    scaling: float = 0.9,
    iterations: int = 200,
    a: Masses = None,
    b: Masses = None,
) -> Iterator[Step]:
    """Run one solver after the other, in the order of SOLVERS, and yield their steps.

    Args:
        x, y: samples, shapes (n, 2) and (m, 2), at most LARGEST each.
        p: 1 for the cost |x - y|, 2 for half its square.
        blur: smoothing length > 0, in data units; epsilon = blur^p.
        scaling: ratio of successive blurs, in (0, 1), of the two solvers that lower epsilon.
        iterations: number of iterations of each solver.
        a, b: masses, shapes (n,) and (m,), > 0 and each summing to 1; uniform if None.

    Raises:
        ValueError: at once, for shapes or values out of range.
    """
    problem = _problem(x, y, p, (blur,), a, b)
    sweeps = sweeps_for(scaling, p)
    if iterations < 1:
        raise ValueError(f"iterations must be >= 1; got {iterations}")
    return _all_steps(problem, blur**p, sweeps, scaling**p, iterations)


@dataclass(frozen=True)
class _Problem:
    """A cost (n, m) and masses (n,) and (m,), each summing to 1, all in float64."""

    cost: Tensor
    a: Tensor
    b: Tensor

    def to_rows(self, g: Tensor, epsilon: float) -> Tensor:
        """-epsilon log sum_j b_j e^((g_j - c_ij) / epsilon), shape (n,)."""
        return -epsilon * torch.logsumexp((g - self.cost) / epsilon + self.b.log(), 1)

    def to_columns(self, f: Tensor, epsilon: float) -> Tensor:
        """-epsilon log sum_i a_i e^((f_i - c_ij) / epsilon), shape (m,)."""
        return -epsilon * torch.logsumexp((f - self.cost.T) / epsilon + self.a.log(), 1)

    def column_error(self, g: Tensor, epsilon: float) -> float:
        """sum_j |sum_i P_ij - b_j| of the plan with exact rows, for a potential g (m,)."""
        plan = torch.softmax((g - self.cost) / epsilon + self.b.log(), 1) * self.a[:, None]
        return float((plan.sum(0) - self.b).abs().sum())


def _all_steps(problem: _Problem, epsilon: float, sweeps: int, ratio: float, iterations: int) -> Iterator[Step]:
    yield from _squaring(problem, epsilon, sweeps, iterations)
    yield from _scaled(problem, epsilon, ratio, iterations)
    yield from _plain(problem, epsilon, iterations)


def _squaring(problem: _Problem, epsilon: float, sweeps: int, iterations: int) -> Iterator[Step]:
    """One step per level, then sweeps at the last temperature. Each step is a separate solve that stops there."""
    cost = problem.cost
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
        found = square_down(fast.clone(), Schedule(now, level, sweeps, at_last), problem.a.to(fast), problem.b.to(fast))
        error = problem.column_error(found.potential_y.double(), epsilon)
        yield Step("squaring", level * sweeps + at_last, now, error)


def _scaled(problem: _Problem, epsilon: float, ratio: float, iterations: int) -> Iterator[Step]:
    """geomloss' loop: both potentials are averaged with their updates, and epsilon falls by scaling^p to its last value."""
    now = max(float(problem.cost.max()), epsilon)
    f, g = problem.to_rows(torch.zeros_like(problem.b), now), problem.to_columns(torch.zeros_like(problem.a), now)
    for iteration in range(1, iterations + 1):
        f, g = (f + problem.to_rows(g, now)) / 2, (g + problem.to_columns(f, now)) / 2
        yield Step("scaled", iteration, now, problem.column_error(g, epsilon))
        now = max(now * ratio, epsilon)


def _plain(problem: _Problem, epsilon: float, iterations: int) -> Iterator[Step]:
    f = torch.zeros_like(problem.a)
    for iteration in range(1, iterations + 1):
        g = problem.to_columns(f, epsilon)
        f = problem.to_rows(g, epsilon)
        yield Step("plain", iteration, epsilon, problem.column_error(g, epsilon))


def sharpening(
    x: Points, y: Points, p: int = 2, blurs: Sequence[float] = BLURS, a: Masses = None, b: Masses = None
) -> Iterator[Sharpened]:
    """The plan at each blur, in the order given.

    Args:
        x, y: samples, shapes (n, 2) and (m, 2), at most LARGEST each.
        p: 1 for the cost |x - y|, 2 for half its square.
        blurs: smoothing lengths > 0, in data units.
        a, b: masses, shapes (n,) and (m,), > 0 and each summing to 1; uniform if None.

    Raises:
        ValueError: at once, for shapes or values out of range.
    """
    problem = _problem(x, y, p, blurs, a, b)
    rows, columns = orders(x.astype(np.float64), y.astype(np.float64))
    return (_sharpened(problem, rows, columns, blur, p) for blur in blurs)


def _sharpened(problem: _Problem, rows: NDArray[np.intp], columns: NDArray[np.intp], blur: float, p: int) -> Sharpened:
    plan = solve(problem.cost, blur**p, a=problem.a, b=problem.b).coupling.numpy()
    shares = plan / plan.sum(1, keepdims=True)
    entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(1)
    ordered = plan[np.ix_(rows, columns)]
    for axis in (0, 1):
        ordered = np.add.reduceat(ordered, _starts(ordered.shape[axis]), axis=axis)
    partners = float(np.exp(entropy) @ problem.a.numpy())
    return Sharpened(blur, blur**p, (ordered / ordered.sum()).astype(np.float32), partners)


def _starts(n: int) -> NDArray[np.intp]:
    """First index of each of at most BINS intervals of range(n), whose lengths differ by at most one."""
    bins = min(n, BINS)
    return (np.arange(bins) * n) // bins


def _problem(x: Points, y: Points, p: int, blurs: Sequence[float], a: Masses, b: Masses) -> _Problem:
    if max(len(x), len(y)) > LARGEST:
        raise ValueError(f"at most {LARGEST} points of each side; got {len(x)} and {len(y)}: draw fewer (n)")
    middle = (x.mean(0, dtype=np.float64) + y.mean(0, dtype=np.float64)) / 2
    left, right = (torch.from_numpy(cloud.astype(np.float64) - middle) for cloud in (x, y))
    masses = [
        torch.from_numpy(np.full(len(cloud), 1 / len(cloud)) if of is None else of) for cloud, of in ((x, a), (y, b))
    ]
    for blur in blurs:
        check_sinkhorn(left, right, blur=blur, p=p, reach=None, a=masses[0], b=masses[1])
    return _Problem(cost_p(left, right, p), masses[0], masses[1])
