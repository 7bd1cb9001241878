"""The effect of the convex functions on the potential: their curves, sample weights, and the potential's rate of change.

Choi et al. 2024, Eq. 9: a step of the potential raises v(y) by w(y) = g2'(-v(y)) and lowers v(T(x, z)) by
w^(x) = g1'(-l^(x)), l^ = c - v(T(x, z)). Poorly separated samples weigh most; with g = identity all weigh the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from otviz.methods.method import Adversary, Map
from otviz.methods.unified import Unified, cost
from otviz.ot.conjugates import Conjugate
from otviz.ot.convex import conjugate
from otviz.training.loop import Training

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Curves:
    """g^alpha = alpha g(. / alpha) and its derivative at x, arrays of equal length, with alpha and the function's title."""

    x: NDArray[np.float64]
    value: NDArray[np.float64]
    slope: NDArray[np.float64]
    alpha: float
    title: str


def curves(conjugate: Conjugate, alpha: float, xs: ArrayLike) -> Curves:
    """The function and its derivative, in float64.

    Args:
        conjugate: g.
        alpha: scale, > 0.
        xs: where to evaluate, shape (n,).

    Raises:
        ValueError: alpha <= 0.
    """
    if not alpha > 0:
        raise ValueError(f"alpha must be > 0 (weight of the divergence); got {alpha:g}")
    x = torch.as_tensor(np.asarray(xs, dtype=np.float64))
    value, slope = conjugate.value(x, alpha).detach(), conjugate.slope(x, alpha)
    return Curves(x.numpy(), value.numpy(), slope.numpy(), alpha, conjugate.title)


@dataclass(frozen=True)
class SampleWeights:
    """Samples and their weights (Eq. 9).

    Attributes:
        target, generated: y and T(x, z), shapes (m, d) and (n, d), in data units; for a run, in those of its target's file.
        on_target: g2'(-v(y)), shape (m,): the gradient of L_v in v(y) is minus this over m.
        on_generated: g1'(v(T) - c), shape (n,): the gradient of L_v in v(T(x, z)) is this over n.
        constant: whether g1 and g2 are the identity, so that all weights are 1.
        unit: of lengths (`Units.word`); "" for data units.
    """

    target: NDArray[Any]
    generated: NDArray[Any]
    on_target: Array
    on_generated: Array
    constant: bool
    unit: str = ""


@torch.no_grad()
def sample_weights(
    method: Unified,
    generator: Map,
    adversary: Adversary,
    source: Tensor,
    noise: Tensor,
    target: Tensor,
    scalars: Mapping[str, float],
) -> SampleWeights:
    """The current weights of samples in L_v, without its penalty R.

    Args:
        method: gives cost and convex functions.
        generator, adversary: T and v.
        source, noise: x (n, d) and z (n, k).
        target: y, shape (m, d).
        scalars: current scalars of the method, including `tau` and `alpha`.
    """
    g1, g2, _ = (conjugate(name) for name in method.conjugates())
    generated = generator(source, noise)
    v_generated, v_target = adversary(generated).reshape(-1), adversary(target).reshape(-1)
    c, alpha = cost(source, generated, scalars["tau"]), scalars["alpha"]
    return SampleWeights(
        target=_array(target),
        generated=_array(generated),
        on_target=_array(g2.slope(-v_target, alpha)),
        on_generated=_array(g1.slope(v_generated - c, alpha)),
        constant=g1.name == g2.name == "identity",
    )


@torch.no_grad()
def weights_now(training: Training, n: int = 1000, seed: int = 0) -> SampleWeights:
    """The weights of new samples, with the current networks.

    Args:
        training: of a method of the unified family.
        n: number of points of target and source.
        seed: of the draws.

    Raises:
        ValueError: a method of another family.
    """
    method, potential = _potential_of(training)
    x, z, y = _draws(training, n, seed)
    found = sample_weights(method, training.generator, potential, x, z, y, method.scalars(training.progress))
    units = training.target.units
    return replace(found, target=units.to_file(found.target), generated=units.to_file(found.generated), unit=units.word)


@torch.no_grad()
def rates_now(training: Training, n: int = 1000, seed: int = 0) -> Array:
    """Rates of change between independent pairs of a generated and a data point, per length in the target's units.

    Args:
        training, seed: as for `weights_now`.
        n: number of pairs.

    Raises:
        ValueError: a method of another family.
    """
    _, potential = _potential_of(training)
    x, z, y = _draws(training, n, seed)
    rates: Array = rate_of_change(potential, training.generator(x, z), y) / training.target.units.factor
    return rates


@torch.no_grad()
def rate_of_change(v: Adversary, x: Tensor, y: Tensor) -> Array:
    """|v(y) - v(x)| / |y - x|, per length, shape (m,), m <= n: pairs that coincide are left out.

    Probably the "average rate of change" of Choi et al. 2024, Fig. 6; the available copy of the paper ends before the definition.

    Args:
        v: the potential.
        x, y: pairs of points, shape (n, d) each.

    Raises:
        ValueError: different shapes.
    """
    if x.shape != y.shape:
        raise ValueError(f"x and y must be pairs of one shape (n, d); got {tuple(x.shape)} and {tuple(y.shape)}")
    apart = (y - x).norm(dim=1)
    rise = (v(y).reshape(-1) - v(x).reshape(-1)).abs()
    return _array((rise / apart)[apart > 0])


def _potential_of(training: Training) -> tuple[Unified, Adversary]:
    if not isinstance(training.method, Unified) or training.adversary is None:
        raise ValueError(
            f"{training.method.title} has no potential; choose a run of WGAN, OTM, UOTM or a related method"
        )
    return training.method, training.adversary


def _draws(training: Training, n: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """x (n, d), z (n, k) and y (n, d), drawn without affecting the training."""
    rng = np.random.default_rng([seed, 23])
    x, y = (torch.from_numpy(part.sample(n, rng)) for part in (training.source, training.target))
    z = torch.randn(n, training.method.noise_dim, generator=torch.Generator().manual_seed(seed + 23))
    return x.to(training.device), z.to(training.device), y.to(training.device)


def _array(tensor: Tensor) -> Array:
    array: Array = tensor.detach().float().cpu().numpy()
    return array
