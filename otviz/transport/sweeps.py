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

LARGEST = 1000
BLURS: tuple[float, ...] = tuple(float(blur) for blur in np.geomspace(1e-3, 10, 25))
NOTEBOOK_SLIDER = (0.01, 0.70)
"""The blurs that the notebook's slider offers (Fuge, chapter 11.1)."""

Points = NDArray[np.floating]
Masses = NDArray[np.float64] | None
_Cloud = tuple[torch.Tensor, torch.Tensor | None]


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


def limits(x: Points, y: Points, p: int, a: Masses = None, b: Masses = None) -> Limits:
    """The limits for samples x (n, 2), y (m, 2) with masses a (n,), b (m,), uniform if None; p is 1 or 2."""
    (left, a_t), (right, b_t) = _clouds(x, y, a, b)
    cost = cost_p(left, right, p)
    of_a, of_b = (_shares(w, points) for w, points in ((a_t, left), (b_t, right)))
    if p == 2:
        blurred = float((of_a @ left - of_b @ right).square().sum() / 2)
    else:
        own = (of_a @ cost_p(left, left, 1) @ of_a + of_b @ cost_p(right, right, 1) @ of_b) / 2
        blurred = float(of_a @ cost @ of_b - own)
    return Limits(exact_cost(cost.numpy(), a, b), blurred, float(of_a @ cost @ of_b))


def blur_curve(
    x: Points,
    y: Points,
    p: int = 2,
    scaling: float = 0.9,
    blurs: Sequence[float] = BLURS,
    a: Masses = None,
    b: Masses = None,
) -> Iterator[Point]:
    """One point of the curves for each blur, in the order given.

    Args:
        x, y: samples, shapes (n, 2) and (m, 2), at most LARGEST each.
        p: 1 for the cost |x - y|, 2 for its half square.
        scaling: ratio of successive blurs of the solver; nearer 1 is slower and more exact.
        blurs: lengths > 0, in data units.
        a, b: masses, (n,) and (m,), > 0, summing to 1; uniform if None.

    Raises ValueError at once for shapes, p, scaling, blurs or masses out of range.
    """
    (left, a_t), (right, b_t) = _clouds(x, y, a, b)
    for blur in blurs:
        check_sinkhorn(left, right, blur=blur, p=p, reach=None, a=a_t, b=b_t)
    sweeps = max(2, sweeps_for(scaling, p))
    return _points((left, a_t), (right, b_t), (p, scaling, sweeps), blurs)


def _points(of_x: _Cloud, of_y: _Cloud, setting: tuple[int, float, int], blurs: Sequence[float]) -> Iterator[Point]:
    (x, a), (y, b), (p, scaling, sweeps) = of_x, of_y, setting
    cost = cost_p(x, y, p)
    for blur in blurs:
        began = time.perf_counter()
        debiased = sinkhorn_divergence(x, y, blur=blur, p=p, scaling=scaling, a=a, b=b)
        plan = solve(cost, blur**p, a=a, b=b, per_level=sweeps, last=4 * sweeps)
        yield Point(
            blur=blur,
            epsilon=blur**p,
            sinkhorn_divergence=float(debiased.value),
            entropic_cost=float(plan.entropic_cost),
            transport_cost=float(plan.transport_cost),
            seconds=time.perf_counter() - began,
        )


def _clouds(x: Points, y: Points, a: Masses, b: Masses) -> tuple[_Cloud, _Cloud]:
    """Both in float64 about their middle, with their masses."""
    for name, cloud in (("x", x), ("y", y)):
        if cloud.ndim != 2 or not 1 <= len(cloud) <= LARGEST:
            raise ValueError(f"{name} must have shape (n, d) with n from 1 to {LARGEST}; got {cloud.shape}")
    middle = (x.mean(0, dtype=np.float64) + y.mean(0, dtype=np.float64)) / 2
    found = [
        (torch.from_numpy(cloud.astype(np.float64) - middle), None if masses is None else torch.from_numpy(masses))
        for cloud, masses in ((x, a), (y, b))
    ]
    return found[0], found[1]


def _shares(masses: torch.Tensor | None, points: torch.Tensor) -> torch.Tensor:
    return torch.full_like(points[:, 0], 1 / len(points)) if masses is None else masses
