"""The Sinkhorn divergence against its blur, from exact transport at 0 to a comparison of means or an energy distance.

S interpolates between the exact transport cost (blur to 0) and 1/2 |a - b|_k^2 with k = -C (blur to infinity; Feydy et
al. 2019, Theorem 1). With C = |x - y|^2 / 2 that limit is half the squared difference of the means, with C = |x - y| half
the energy distance. OT_epsilon, not debiased, rises to the mean cost of all pairs instead.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.ot.costs import cost_p
from otviz.ot.divergences import check_sinkhorn, sinkhorn_divergence
from otviz.ot.exact import exact_cost
from otviz.ot.sinkhorn import solve
from otviz.ot.squaring import sweeps_for
from otviz.transport.flow import kernel_norm

LARGEST = 1000
BLURS: tuple[float, ...] = tuple(float(blur) for blur in np.geomspace(1e-3, 10, 25))
NOTEBOOK_SLIDER = (0.01, 0.70)
"""The blurs that the notebook's slider offers (Fuge, chapter 11.1)."""


@dataclass(frozen=True)
class Point:
    """The three numbers at one blur (data units), all in units of the cost; `seconds` is the time they took."""

    blur: float
    epsilon: float
    sinkhorn_divergence: float
    entropic_cost: float
    transport_cost: float
    seconds: float


@dataclass(frozen=True)
class Limits:
    """Where the curves begin and end, in units of the cost.

    Attributes:
        exact_cost: the linear programme; S, OT_epsilon and <P, C> for blur to 0.
        sinkhorn_divergence: S for blur to infinity.
        entropic_cost: OT_epsilon and <P, C> for blur to infinity, the mean cost of all pairs.
    """

    exact_cost: float
    sinkhorn_divergence: float
    entropic_cost: float


def limits(x: NDArray[np.float32], y: NDArray[np.float32], p: int) -> Limits:
    """The limits for uniform samples x (n, 2), y (m, 2); p is 1 or 2."""
    left, right = _clouds(x, y)
    cost = cost_p(left, right, p)
    if p == 2:
        blurred = float((left.mean(0) - right.mean(0)).square().sum() / 2)
    else:
        blurred = float(kernel_norm(left, right, "energy")[0])
    return Limits(exact_cost(cost.numpy()), blurred, float(cost.mean()))


def blur_curve(
    x: NDArray[np.float32], y: NDArray[np.float32], p: int = 2, scaling: float = 0.9, blurs: Sequence[float] = BLURS
) -> Iterator[Point]:
    """One point of the curves for each blur, in the order given.

    Args:
        x, y: uniform samples, shapes (n, 2) and (m, 2), at most LARGEST each.
        p: 1 for the cost |x - y|, 2 for its half square.
        scaling: ratio of successive blurs of the solver; nearer 1 is slower and more exact.
        blurs: lengths > 0, in data units.

    Raises ValueError at once for shapes, p, scaling or blurs out of range.
    """
    left, right = _clouds(x, y)
    for blur in blurs:
        check_sinkhorn(left, right, blur=blur, p=p, reach=None)
    return _points(left, right, p, scaling, blurs, max(2, sweeps_for(scaling, p)))


def _points(
    x: torch.Tensor, y: torch.Tensor, p: int, scaling: float, blurs: Sequence[float], sweeps: int
) -> Iterator[Point]:
    cost = cost_p(x, y, p)
    largest = float(cost.max())
    for blur in blurs:
        began = time.perf_counter()
        if blur**p > largest:  # there S is a small difference of large numbers, which float32 would lose
            x, y, cost = x.double(), y.double(), cost.double()
        debiased = sinkhorn_divergence(x, y, blur=blur, p=p, scaling=scaling)
        plan = solve(cost, blur**p, per_level=sweeps, last=4 * sweeps)
        yield Point(
            blur=blur,
            epsilon=blur**p,
            sinkhorn_divergence=float(debiased.value),
            entropic_cost=float(plan.entropic_cost),
            transport_cost=float(plan.transport_cost),
            seconds=time.perf_counter() - began,
        )


def _clouds(x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[torch.Tensor, torch.Tensor]:
    for name, cloud in (("x", x), ("y", y)):
        if cloud.ndim != 2 or not 1 <= len(cloud) <= LARGEST:
            raise ValueError(f"{name} must have shape (n, d) with n from 1 to {LARGEST}; got {cloud.shape}")
    return torch.from_numpy(np.array(x, dtype=np.float32)), torch.from_numpy(np.array(y, dtype=np.float32))
