"""A trained map compared with the exact plan between the same points: cost, marginal, and where points go.

T minimises c - v, which is necessary for an optimal map but not sufficient (Choi et al. 2024, footnote 1), so a trained map
need not be optimal. Their Eq. 11 bounds the divergences of the marginals by tau W2^2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.methods.method import Scalars
from otviz.methods.unified import Unified, cost
from otviz.ot.conjugates import Conjugate
from otviz.ot.convex import conjugate
from otviz.ot.exact import exact_coupling, squared_distances
from otviz.training.loop import Training

Array = NDArray[Any]


@dataclass(frozen=True)
class Exactness:
    """A map and the exact plan on n points. Positions and squared lengths are in the units of the target's file.

    Attributes:
        source, generated, target: x_i, T(x_i, z_i) and y_j, shapes (n, 2).
        partner: index of the target point to which the exact plan sends x_i, shape (n,).
        map_cost: mean |x - T|^2.
        exact_cost: W2^2 of source and target points, the smallest cost of a map onto them.
        own_cost: W2^2 of source and generated points, the cost of an optimal map onto the image of T, <= map_cost.
        mismatch, floor: W2^2 of the target points to generated points, and to other target points.
        bound: tau W2^2 of Eq. 11 in the units of the potential, or None for a method without tau.
        divergence: the bounded quantity, alpha D(pi_0 | mu) + alpha D(pi_1 | nu), computed from the potential: with
            dpi_1 / dnu = g2'(-v), Psi(g'(t)) = t g'(t) - g(t). None for a method without potential. Unlike `mismatch` it is
            no squared length, and it is meaningless for an untrained potential.
        unit: of lengths (`Units.word`); "" for data units.
    """

    source: Array
    generated: Array
    target: Array
    partner: NDArray[np.int64]
    map_cost: float
    exact_cost: float
    own_cost: float
    mismatch: float
    floor: float
    bound: float | None
    divergence: float | None
    unit: str = ""


@torch.no_grad()
def against_exact(training: Training, n: int = 500, seed: int = 0) -> Exactness:
    """Compare the current map with exact transport; half a second for 500 points.

    Args:
        training: gives the map.
        n: number of points.
        seed: of the draws.

    Raises:
        ValueError: n < 2, or the map has diverged.
    """
    if n < 2:
        raise ValueError(f"n must be >= 2 (points of each); got {n}")
    rng = np.random.default_rng([seed, 13])
    x, y = training.source.sample(n, rng), training.target.sample(n, rng)
    noise = torch.randn(n, training.method.noise_dim, generator=torch.Generator().manual_seed(seed + 13))
    points = torch.from_numpy(x).to(training.device)
    moved = training.eval_generator(points, noise.to(training.device))
    image: Array = moved.float().cpu().numpy()
    squared = squared_distances(x, y)
    plan = exact_coupling(squared)
    least = float((plan * squared).sum())
    bound, divergence = None, None
    if isinstance(training.method, Unified):
        scalars = training.method.scalars(training.progress)
        bound = scalars["tau"] * least
        divergence = _divergence(training, training.method, points, moved, torch.from_numpy(y).to(points), scalars)
    units = training.target.units
    area = units.factor**2
    return Exactness(
        source=units.to_file(x), generated=units.to_file(image), target=units.to_file(y), partner=plan.argmax(1),
        map_cost=area * float(((x - image) ** 2).sum(1).mean()), exact_cost=area * least,
        own_cost=area * _w2_squared(x, image), mismatch=area * _w2_squared(image, y),
        floor=area * _w2_squared(training.target.sample(n, rng), y), bound=bound, divergence=divergence, unit=units.word,
    )  # fmt: skip


def _w2_squared(x: Array, y: Array) -> float:
    squared = squared_distances(x, y)
    return float((exact_coupling(squared) * squared).sum())


def _divergence(
    training: Training, method: Unified, x: Tensor, moved: Tensor, y: Tensor, scalars: Scalars
) -> float | None:
    if training.adversary is None:
        return None
    g1, g2, _ = (conjugate(name) for name in method.conjugates())
    on_generated = training.adversary(moved).reshape(-1) - cost(x, moved, scalars["tau"])
    on_target = -training.adversary(y).reshape(-1)
    return sum(_entropy(g, at, scalars["alpha"]) for g, at in ((g1, on_generated), (g2, on_target)))


def _entropy(g: Conjugate, at: Tensor, alpha: float) -> float:
    """alpha times the mean of Psi(g'(t)) = t g'(t) - g(t), t = at / alpha (Fenchel)."""
    return float((at * g.slope(at, alpha) - g.value(at, alpha)).mean())
