"""Gradient flows: a cloud moves down the gradient of a loss towards another, x' = -n grad L(x, y), in Euler steps.

The flows compare kernel norms 1/2 |a - b|_k^2 with Sinkhorn divergences (Feydy et al. 2019). The kernels are geomloss':
gaussian exp(-|x - y|^2 / (2 blur^2)), laplacian exp(-|x - y| / blur), energy -|x - y|.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.ot.costs import squared_euclidean
from otviz.ot.divergences import sinkhorn_divergence
from otviz.ot.entropic import shares
from otviz.ot.exact import exact_cost, squared_distances

LARGEST = 1000
"""Maximum number of points of a cloud: each frame solves two or three problems of this size."""

MEASURED = 400
"""Number of points of each cloud for W2: a linear programme of this size takes hundredths of a second."""

MEASURED_EVERY = 10

Kind = Literal["sinkhorn", "gaussian", "laplacian", "energy"]


@dataclass(frozen=True)
class FlowLoss:
    """A loss to descend.

    Attributes:
        title: name to display.
        loss: "sinkhorn" (debiased), or the kernel of a norm.
        p: 1 for the cost |x - y|, 2 for its half square; kernels ignore it.
        blur: smoothing length or width of the kernel, in data units; the energy distance ignores it.
        reach: length beyond which mass is dropped, or None; Sinkhorn only.
        scaling: ratio of successive blurs of the solver; Sinkhorn only.
    """

    title: str
    loss: Kind
    p: int = 2
    blur: float = 0.5
    reach: float | None = None
    scaling: float = 0.7


FLOWS: tuple[FlowLoss, ...] = (
    FlowLoss("Gaussian MMD, blur 0.5", "gaussian", blur=0.5),
    FlowLoss("Laplacian MMD, blur 0.5", "laplacian", blur=0.5),
    FlowLoss("Energy distance", "energy"),
    FlowLoss("Sinkhorn p = 1, blur 0.05", "sinkhorn", p=1, blur=0.05),
    FlowLoss("Sinkhorn p = 1, blur 0.5", "sinkhorn", p=1, blur=0.5),
    FlowLoss("Sinkhorn p = 2, blur 0.05", "sinkhorn", blur=0.05),
    FlowLoss("Sinkhorn p = 2, blur 1", "sinkhorn", blur=1.0),
    FlowLoss("Sinkhorn p = 2, reach 1", "sinkhorn", blur=0.05, reach=1.0),
)
"""The lengths suit clouds a few units wide, such as the notebook's ring of radius 3."""


@dataclass(frozen=True)
class Frame:
    """One moment of a flow.

    Attributes:
        step, time: index of the frame and the flow's time, step * step_size.
        positions: the moving points, shape (n, 2), data units.
        loss: L at these positions.
        seconds: total computing time so far.
        w2: W2 between the first MEASURED points of each cloud, in data units; nan if not measured.
    """

    step: int
    time: float
    positions: NDArray[np.float32]
    loss: float
    seconds: float
    w2: float


def flow(
    loss: FlowLoss,
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    *,
    steps: int = 100,
    step_size: float = 0.05,
    measured_every: int = MEASURED_EVERY,
    a: NDArray[np.float64] | None = None,
    b: NDArray[np.float64] | None = None,
) -> Iterator[Frame]:
    """Iterate x <- x - step_size * n * grad L(x, y), and yield frames 0 (the initial x) to `steps`.

    Args:
        loss: loss to descend.
        x, y: moving and target points, shapes (n, 2) and (m, 2), at most LARGEST each.
        steps: number of steps, >= 1.
        step_size: flow time of a step, in (0, 1): for p = 2 a step contracts by about 1 - step_size.
        measured_every: number of steps between two values of W2.
        a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.

    Raises:
        ValueError: a shape, count or step size is out of range.
        ArithmeticError: the loss or its gradient became NaN or infinite.
    """
    _check(x, y, steps, step_size)
    return _play(loss, (x, y), (a, b), steps, step_size, measured_every)


def _play(
    loss: FlowLoss,
    clouds: tuple[NDArray[np.float32], NDArray[np.float32]],
    masses: tuple[NDArray[np.float64] | None, NDArray[np.float64] | None],
    steps: int,
    step_size: float,
    measured_every: int,
) -> Iterator[Frame]:
    (x, y), (a, b) = clouds, (None if w is None else torch.from_numpy(w) for w in masses)
    points, target = (torch.from_numpy(np.array(cloud, dtype=np.float32)) for cloud in (x, y))
    spent = 0.0
    for step in range(steps + 1):
        began = time.perf_counter()
        value, force = loss_and_force(loss, points, target, a, b)
        if not (math.isfinite(value) and bool(torch.isfinite(force).all())):
            raise ArithmeticError(f"the loss became NaN or infinite at step {step}; a smaller step may help")
        positions = points.numpy().copy()
        due = step % measured_every == 0 or step == steps
        w2 = _w2(positions, y, *masses) if due else math.nan
        points = points + step_size * force
        spent += time.perf_counter() - began
        yield Frame(step, step * step_size, positions, value, spent, w2)


def _w2(
    x: NDArray[np.float32], y: NDArray[np.float32], a: NDArray[np.float64] | None, b: NDArray[np.float64] | None
) -> float:
    """W2 between the first MEASURED points of each side, with normalised masses; nan if these are all 0."""
    parts = [None if w is None else w[:MEASURED] / max(w[:MEASURED].sum(), 1e-300) for w in (a, b)]
    if any(part is not None and not part.any() for part in parts):
        return math.nan
    return math.sqrt(exact_cost(squared_distances(x[:MEASURED], y[:MEASURED]), *parts))


@torch.no_grad()
def loss_and_force(
    loss: FlowLoss, x: Tensor, y: Tensor, a: Tensor | None = None, b: Tensor | None = None
) -> tuple[float, Tensor]:
    """The loss L(x, y) and the force -grad_x L per unit of mass, shape (n, d); 0 for points without mass.

    Args:
        loss: loss and its settings.
        x, y: samples, shapes (n, d) and (m, d).
        a, b: masses, shapes (n,) and (m,), each summing to 1. Uniform if None: the force is then -n grad_x L.
    """
    if loss.loss == "sinkhorn":
        found = sinkhorn_divergence(x, y, blur=loss.blur, p=loss.p, reach=loss.reach, scaling=loss.scaling, a=a, b=b)
        value, gradient = found.value, found.gradient_x
    else:
        value, gradient = kernel_norm(x, y, loss.loss, loss.blur, a, b)
    mass = shares(a, x).to(x)[:, None]
    return float(value), torch.where(mass > 0, -gradient / mass, torch.zeros_like(gradient))


@torch.no_grad()
def kernel_norm(
    x: Tensor, y: Tensor, kernel: Kind, blur: float = 0.5, a: Tensor | None = None, b: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The kernel norm 1/2 |a - b|_k^2, shape (), and its gradient at x in closed form, shape (n, d).

    The value is the V-statistic, which includes the pairs of each point with itself, so it is >= 0. For "energy" it is
    half the energy distance.

    Args:
        x, y: samples, shapes (n, d) and (m, d).
        kernel: "gaussian", "laplacian" or "energy".
        blur: width > 0 of the kernel, in data units; "energy" ignores it.
        a, b: masses, shapes (n,) and (m,), each summing to 1; uniform if None.

    Raises:
        ValueError: the kernel is unknown, or blur is not > 0.
    """
    if kernel not in _KERNELS:
        raise ValueError(f"kernel must be one of {', '.join(_KERNELS)}; got {kernel!r}")
    if not blur > 0:
        raise ValueError(f"blur must be > 0 (a length, in data units); got {blur}")
    k_xx, pull_xx = _KERNELS[kernel](squared_euclidean(x, x), blur)
    k_xy, pull_xy = _KERNELS[kernel](squared_euclidean(x, y), blur)
    k_yy, _ = _KERNELS[kernel](squared_euclidean(y, y), blur)
    of_x, of_y = shares(a, x).to(x), shares(b, y).to(y)
    value = (of_x @ k_xx @ of_x + of_y @ k_yy @ of_y) / 2 - of_x @ k_xy @ of_y
    return value, (_pulled(pull_xx, x, x, of_x) - _pulled(pull_xy, x, y, of_y)) * of_x[:, None]


def _pulled(pull: Tensor, x: Tensor, y: Tensor, masses: Tensor) -> Tensor:
    """sum_j masses_j pull_ij (x_i - y_j), the gradient of sum_j masses_j k(x_i, y_j) at x_i, shape (n, d)."""
    weighed = pull * masses
    return weighed.sum(1, keepdim=True) * x - weighed @ y


# Each kernel gives k and the factor w with dk/dx = w (x - y), from squared distances.


def _gaussian(squared: Tensor, blur: float) -> tuple[Tensor, Tensor]:
    k = (squared / (-2 * blur**2)).exp()
    return k, k / -(blur**2)


def _laplacian(squared: Tensor, blur: float) -> tuple[Tensor, Tensor]:
    distance = squared.sqrt()
    k = (distance / -blur).exp()
    return k, _over(k, distance) / -blur


def _energy(squared: Tensor, _blur: float) -> tuple[Tensor, Tensor]:
    distance = squared.sqrt()
    return -distance, -_over(torch.ones_like(distance), distance)


def _over(k: Tensor, distance: Tensor) -> Tensor:
    """k / distance; 0 where points coincide, because a point exerts no force on itself at the cusp of the kernel."""
    return torch.where(distance > 0, k / distance, torch.zeros_like(k))


_KERNELS: dict[str, Callable[[Tensor, float], tuple[Tensor, Tensor]]] = {
    "gaussian": _gaussian,
    "laplacian": _laplacian,
    "energy": _energy,
}


def _check(x: NDArray[np.float32], y: NDArray[np.float32], steps: int, step_size: float) -> None:
    for name, cloud in (("x", x), ("y", y)):
        if cloud.ndim != 2 or cloud.shape[1] != 2 or not 1 <= len(cloud) <= LARGEST:
            raise ValueError(f"{name} must have shape (n, 2) with n from 1 to {LARGEST}; got {cloud.shape}")
    if steps < 1:
        raise ValueError(f"steps must be >= 1; got {steps}")
    if not 0 < step_size < 1:
        raise ValueError(f"step_size must lie between 0 and 1 (flow time of a step); got {step_size}")
