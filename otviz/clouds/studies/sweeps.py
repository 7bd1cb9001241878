"""The Sinkhorn divergence as a function of blur: from exact transport to a comparison of means or an energy distance.

S interpolates between the exact transport cost (blur to 0) and 1/2 |a - b|_k^2 with k = -C (blur to infinity; Feydy et
al. 2019, Theorem 1). For C = |x - y|^2 / 2 this limit is half the squared difference of the means, for C = |x - y| half
the energy distance. OT_epsilon, which is not debiased, rises to the mean cost of all pairs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.clouds.potentials import Masses
from otviz.clouds.studies.gradient_flow import kernel_norm
from otviz.ot.costs import cost_p
from otviz.ot.divergences import check_sinkhorn, sinkhorn_divergence
from otviz.ot.entropic import shares
from otviz.ot.exact import exact_cost
from otviz.ot.sinkhorn import solve
from otviz.ot.squaring import sweeps_for

LARGEST = 1000
BLURS: tuple[float, ...] = tuple(float(blur) for blur in np.geomspace(1e-3, 10, 25))
NOTEBOOK_SLIDER = (0.01, 0.70)
"""Range of the blur slider in the course notebook (Fuge 2025, chapter 11.1)."""


@dataclass(frozen=True)
class Point:
    """The three values at one blur (data units), in units of the cost; `seconds` is the time that they took."""

    blur: float
    epsilon: float
    sinkhorn_divergence: float
    entropic_cost: float
    transport_cost: float
    seconds: float


@dataclass(frozen=True)
class Limits:
    """Limits of the curves, in units of the cost.

    Attributes:
        exact_cost: S, OT_epsilon and <P, C> for blur to 0, by linear programme.
        sinkhorn_divergence: S for blur to infinity.
        entropic_cost: OT_epsilon and <P, C> for blur to infinity, the mean cost of all pairs.
    """

    exact_cost: float
    sinkhorn_divergence: float
    entropic_cost: float


def limits(
    x: NDArray[np.floating], y: NDArray[np.floating], p: int, a: Masses | None = None, b: Masses | None = None
) -> Limits:
    """The limits of the curves for blur to 0 and to infinity.

    Args:
        x, y: samples, shapes (n, 2) and (m, 2), at most LARGEST each.
        p: 1 for the cost |x - y|, 2 for half its square.
        a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.

    Raises:
        ValueError: a shape or p is out of range.
    """
    left, right = _clouds(x, y)
    of_x, of_y = (shares(_tensor(w), z) for w, z in ((a, left), (b, right)))
    cost = cost_p(left, right, p)
    if p == 2:
        blurred = float((of_x @ left - of_y @ right).square().sum() / 2)
    else:
        blurred = float(kernel_norm(left, right, "energy", a=of_x, b=of_y)[0])
    return Limits(exact_cost(cost.numpy(), a, b), blurred, float(of_x @ cost @ of_y))


def blur_curve(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    p: int = 2,
    scaling: float = 0.9,
    blurs: Sequence[float] = BLURS,
    a: Masses | None = None,
    b: Masses | None = None,
) -> Iterator[Point]:
    """One point of the curves for each blur, in the order given.

    Args:
        x, y: samples, shapes (n, 2) and (m, 2), at most LARGEST each.
        p: 1 for the cost |x - y|, 2 for half its square.
        scaling: ratio of successive blurs of the solver, in (0, 1); nearer 1 is slower and more exact.
        blurs: lengths > 0, in data units.
        a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.

    Raises:
        ValueError: at once, for shapes, p, scaling or blurs out of range.
    """
    left, right = _clouds(x, y)
    for blur in blurs:
        check_sinkhorn(left, right, blur=blur, p=p, reach=None, a=_tensor(a), b=_tensor(b))
    sweeps = max(2, sweeps_for(scaling, p))
    return _points((left, right), (_tensor(a), _tensor(b)), p, (scaling, sweeps), blurs)


def _points(
    clouds: tuple[Tensor, Tensor],
    masses: tuple[Tensor | None, Tensor | None],
    p: int,
    pace: tuple[float, int],
    blurs: Sequence[float],
) -> Iterator[Point]:
    (x, y), (a, b), (scaling, sweeps) = clouds, masses, pace
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


def _clouds(x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[torch.Tensor, torch.Tensor]:
    for name, cloud in (("x", x), ("y", y)):
        if cloud.ndim != 2 or not 1 <= len(cloud) <= LARGEST:
            raise ValueError(f"{name} must have shape (n, d) with n from 1 to {LARGEST}; got {cloud.shape}")
    left, right = (torch.from_numpy(np.array(cloud, dtype=np.float64)) for cloud in (x, y))
    return left - left[0], right - left[0]


def _tensor(masses: Masses | None) -> Tensor | None:
    return None if masses is None else torch.from_numpy(masses)
