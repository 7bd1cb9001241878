"""The six cost matrices and soft matchings of a step of OT-GAN, their sharpness, and the effect of epsilon.

Salimans et al. 2018, Algorithm 1: two minibatches of data X, X' and two generated ones Y, Y' are matched in pairs by the
critic's features. If epsilon is much larger than the spread of a cost matrix, plans are nearly uniform, and the loss is the
energy distance of random matching (section 5.2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.methods.ot_gan import OTGAN
from otviz.ot.costs import FEATURE_COSTS
from otviz.ot.divergences import match_features
from otviz.training.loop import Training

Array = NDArray[np.float32]

PAIRS: tuple[tuple[str, str, int], ...] = (
    ("X", "Y", 1),
    ("X", "Y′", 1),
    ("X′", "Y", 1),
    ("X′", "Y′", 1),
    ("X", "X′", -2),
    ("Y", "Y′", -2),
)
"""Rows, columns and coefficient in the loss of the six matchings."""

LARGEST = 512
"""Most points of a minibatch: six matrices of 512 by 512 entries."""

EPSILONS = (1 / 500, 1 / 50, 1 / 5, 1.0)
"""1/500 is the paper's code on images, 1/50 its toy code, 1 the MNIST report (Vu). With cosine costs on a ring of
8 modes (256 points, 1500 steps) the entropies were 0.54, 0.68, 0.87 and 0.987; at 1 the cost was 0.7 of the way from the
optimal to that of random matching. With OT-GAN's own cost: 0.59, 0.80, 0.98 and 0.999; 0.9 of the way."""


@dataclass(frozen=True)
class Minibatches:
    """X, X', Y, Y' by name: points (n, 2) in units of the target's file, features (n, k); `unit` is the unit of lengths."""

    points: dict[str, NDArray[Any]]
    features: dict[str, Tensor]
    unit: str = ""

    @property
    def n(self) -> int:
        """Points per minibatch."""
        return len(self.points["X"])


@dataclass(frozen=True)
class Matching:
    """One of the six matchings.

    Attributes:
        rows, columns: names of the minibatches, keys of `Minibatches.points`.
        weight: its coefficient in the loss.
        cost: between features, shape (n, n).
        plan: shares of the whole mass, shape (n, n), summing to 1.
    """

    rows: str
    columns: str
    weight: int
    cost: Array
    plan: Array

    @property
    def name(self) -> str:
        """Its term in the loss."""
        return f"W({self.rows}, {self.columns})"

    @property
    def transport_cost(self) -> float:
        """<P, C> without the entropy, in units of the feature cost."""
        return float((self.plan.astype(np.float64) * self.cost).sum())

    @property
    def entropy(self) -> float:
        """Mean entropy of a row, divided by log n: 0 for a permutation, 1 for the uniform plan."""
        return normalised_entropy(self.plan)

    @property
    def marginal_error(self) -> float:
        """Share of the mass missing in row or column sums, whichever is larger; 0 if converged."""
        plan = self.plan.astype(np.float64)
        return max(float(np.abs(plan.sum(side) - 1 / len(plan)).sum()) / 2 for side in (0, 1))

    @property
    def partners(self) -> float:
        """Effective number of partners of a point, n^entropy: from 1 to n."""
        return float(len(self.plan) ** self.entropy)


@dataclass(frozen=True)
class Step:
    """The six matchings of a step.

    Attributes:
        points: points of the minibatches by name, shape (n, 2).
        six: the matchings, in the order of PAIRS.
        cost, epsilon: of the matching; epsilon is in units of the cost.
        random: whether the matchings are random permutations, without epsilon.
        unit: of lengths (`Units.word`); "" for data units.
    """

    points: dict[str, NDArray[Any]]
    six: tuple[Matching, ...]
    cost: str
    epsilon: float
    random: bool
    unit: str = ""

    @property
    def loss(self) -> float:
        """L of Algorithm 1."""
        return sum(one.weight * one.transport_cost for one in self.six)

    @property
    def entropy(self) -> float:
        """Mean entropy of the six."""
        return float(np.mean([one.entropy for one in self.six]))

    @property
    def spread(self) -> float:
        """Median cost between data and generated points, the scale for epsilon."""
        return float(np.median(np.concatenate([one.cost for one in self.six if one.weight > 0])))


@torch.no_grad()
def minibatches(training: Training, seed: int = 0) -> Minibatches:
    """Draw two minibatches of data and two of generated points, with their features.

    The draws do not affect the training. Raises ValueError for another method.
    """
    method, critic = _inside(training)
    n = min(method.batch_size, LARGEST)
    rng = np.random.default_rng([seed, 17])
    data, source = (torch.from_numpy(part.sample(2 * n, rng)) for part in (training.target, training.source))
    noise = torch.randn(2 * n, method.noise_dim, generator=torch.Generator().manual_seed(seed + 17))
    generated = training.generator(source.to(training.device), noise.to(training.device))
    both = torch.cat([data.to(training.device), generated])
    names = ("X", "X′", "Y", "Y′")
    points = {name: part.float().cpu().numpy() for name, part in zip(names, both.chunk(4), strict=True)}
    if not np.isfinite(np.concatenate(list(points.values()))).all():
        raise ValueError("the generated points are NaN or infinite; choose another run")
    units = training.target.units
    placed = {name: units.to_file(part) for name, part in points.items()}
    return Minibatches(placed, dict(zip(names, critic(both).cpu().chunk(4), strict=True)), units.word)


@torch.no_grad()
def matchings(
    drawn: Minibatches, method: OTGAN, epsilon: float | None = None, cost: str | None = None, seed: int = 0
) -> Step:
    """The six cost matrices and matchings of these minibatches, as in a step of the method.

    Args:
        drawn: the minibatches.
        method: gives the settings.
        epsilon, cost: override the method's settings.
        seed: of random matchings.

    Raises ValueError for epsilon <= 0 or an unknown cost.
    """
    epsilon, cost = method.epsilon if epsilon is None else epsilon, cost or method.cost
    if not epsilon > 0:
        raise ValueError(f"epsilon must be > 0 (units of the feature cost); got {epsilon:g}")
    if cost not in FEATURE_COSTS:
        raise ValueError(f"cost must be one of {', '.join(FEATURE_COSTS)}; got {cost!r}")
    rows = torch.stack([drawn.features[name] for name, _, _ in PAIRS])
    columns = torch.stack([drawn.features[name] for _, name, _ in PAIRS])
    costs = FEATURE_COSTS[cost](rows, columns)
    random = method.matching == "random"
    plans = _permutations(costs, seed) if random else match_features(costs.clone(), epsilon, method.iterations)
    six = tuple(Matching(*pair, c.numpy(), p.numpy()) for pair, c, p in zip(PAIRS, costs, plans, strict=True))
    return Step(drawn.points, six, cost, epsilon, random, drawn.unit)


def entropies(
    drawn: Minibatches, method: OTGAN, epsilons: Sequence[float] = EPSILONS, cost: str | None = None
) -> tuple[tuple[float, float], ...]:
    """Pairs of epsilon and mean entropy of the six matchings, without keeping the plans.

    Args:
        drawn, method, cost: as for `matchings`.
        epsilons: in units of the cost.
    """
    return tuple((epsilon, matchings(drawn, method, epsilon, cost).entropy) for epsilon in epsilons)


def normalised_entropy(plan: NDArray[np.floating]) -> float:
    """(H(P) - log n) / log n of a plan (n, n) with uniform marginals, in [0, 1]; H(P) = -sum P log P, n > 1.

    H(P) - log n is the mean entropy of a row.
    """
    shares = np.asarray(plan, dtype=np.float64)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum() / math.log(len(plan)) - 1)


def order_by_angle(points: NDArray[Any], centre: NDArray[Any]) -> NDArray[np.int64]:
    """Indices that sort points (n, 2) by their angle around a centre (2,)."""
    offset = points - centre
    return np.argsort(np.arctan2(offset[:, 1], offset[:, 0]), kind="stable")


def one_partner_each(plan: Array, seed: int = 0) -> NDArray[np.int64]:
    """One column per row, drawn with the plan's probabilities, shape (n,)."""
    steps = np.cumsum(plan.astype(np.float64), axis=1)
    at = np.random.default_rng([seed, 19]).random(len(plan)) * steps[:, -1]
    column: NDArray[np.int64] = (steps < at[:, None]).sum(1)
    return column


def _inside(training: Training) -> tuple[OTGAN, torch.nn.Module]:
    if not isinstance(training.method, OTGAN) or training.adversary is None:
        raise ValueError(f"only OT-GAN matches minibatches; {training.method.title} has none: choose an OT-GAN run")
    return training.method, training.adversary


def _permutations(costs: Tensor, seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    eye = torch.eye(costs.shape[-1]) / costs.shape[-1]
    return torch.stack([eye[torch.randperm(len(eye), generator=rng)] for _ in costs])
