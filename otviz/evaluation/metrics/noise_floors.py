"""Noise floors: scores of two independent draws of the target, of equal size, against each other.

Generated samples, held-out points and the draws of a floor are all independent. So the score of a perfect generator varies
around the mean of the floor; a value within two standard deviations cannot be distinguished from real points.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from otviz.data.target import Target
from otviz.evaluation.metrics.distances import NEIGHBOURS, Samples, precision_recall, sinkhorn, stray, wasserstein2

DRAWS = 12
"""Pairs of real draws of a noise floor, which give its mean to a third of its standard deviation."""

SMALL, FEWER = 500, 6
"""Number of points above which FEWER pairs are drawn: 1000 points take 0.1 s, five times as long as 500."""

WITHIN_NOISE = 2.0
"""Largest distance from the floor's mean, in standard deviations, of a value within noise."""


@dataclass(frozen=True)
class Floor:
    """Score of real points against other real points, over pairs of independent draws.

    Attributes:
        mean, std: over the pairs, in the units of the score.
        samples: number of points in each draw.
    """

    mean: float
    std: float
    samples: int


def within_noise(value: float, mean: float, std: float) -> bool:
    """Whether a distance cannot be distinguished from its noise floor: at most WITHIN_NOISE standard deviations above the mean.

    Args:
        value: the distance.
        mean, std: of its floor.
    """
    return value <= mean + WITHIN_NOISE * std


@functools.lru_cache(maxsize=64)
def w2_floor(target: Target, n: int) -> Floor:
    """W2 between two draws of n points, in data units; cached, since it takes DRAWS times 30 ms at 500 points."""
    return _floor(wasserstein2, target, n)


@functools.lru_cache(maxsize=64)
def sinkhorn_floor(target: Target, n: int, blur: float) -> Floor:
    """The Sinkhorn divergence between two draws of the target, in half squared data units.

    Args:
        target: what to draw from.
        n: points in each draw.
        blur: in data units.
    """
    return _floor(functools.partial(sinkhorn, blur=blur), target, n)


@functools.lru_cache(maxsize=64)
def real_scores(target: Target, n: int) -> Mapping[str, float]:
    """Noise floors of the metrics at n points (at most half the rows of a file, see `pair`).

    Returns:
        w2_floor, w2_floor_std, stray_floor: in data units.
        precision_floor, recall_floor: means over the draws; absent if a draw has at most NEIGHBOURS points.
    """
    w2, pairs = w2_floor(target, n), _pairs(target, n)
    found = {
        "w2_floor": w2.mean,
        "w2_floor_std": w2.std,
        "stray_floor": float(np.mean([stray(x, y) for x, y in pairs])),
    }
    if len(pairs[0][0]) > NEIGHBOURS:
        precision, recall = np.mean([precision_recall(x, y) for x, y in pairs], axis=0)
        found |= {"precision_floor": float(precision), "recall_floor": float(recall)}
    return MappingProxyType(found)


def _floor(distance: Callable[[Samples, Samples], float], target: Target, n: int) -> Floor:
    values = [distance(x, y) for x, y in _pairs(target, n)]
    return Floor(float(np.mean(values)), float(np.std(values, ddof=1)), n)


def _pairs(target: Target, n: int) -> list[tuple[Samples, Samples]]:
    """Pairs of draws, the same for every caller, so that a floor has the same value everywhere."""
    rng = np.random.default_rng([n, 17])
    return [target.pair(n, rng) for _ in range(DRAWS if n <= SMALL else FEWER)]
