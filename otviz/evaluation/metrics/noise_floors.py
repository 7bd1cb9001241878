"""Noise floors: what two independent plain draws of the target, of equal size, score against each other.

Generated samples, held-out points and the draws behind a floor are all drawn in this one way. So a perfect generator scores
like the floor, now above its mean and now below; a value within two standard deviations cannot be told from real points.
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
"""Pairs of real draws behind a floor: with them its mean is known to a third of its standard deviation."""

SMALL, FEWER = 500, 6
"""Points above which there are FEWER pairs: 1000 points against 1000 take 0.1 s, five times as long as 500."""

WITHIN_NOISE = 2.0
"""Standard deviations from the floor's mean up to which a value is within noise."""


@dataclass(frozen=True)
class Floor:
    """A score of real points against other real points, over pairs of independent draws.

    Attributes:
        mean, std: over the pairs, in units of the score.
        samples: points on each side.
    """

    mean: float
    std: float
    samples: int


def within_noise(value: float, mean: float, std: float) -> bool:
    """Whether a distance cannot be told from its floor: it is at most WITHIN_NOISE standard deviations above the mean."""
    return value <= mean + WITHIN_NOISE * std


@functools.lru_cache(maxsize=64)
def w2_floor(target: Target, n: int) -> Floor:
    """W2 between n and n points of the target, in data units; DRAWS programmes of 30 ms at 500 points, the first time."""
    return _floor(wasserstein2, target, n)


@functools.lru_cache(maxsize=64)
def sinkhorn_floor(target: Target, n: int, blur: float) -> Floor:
    """The Sinkhorn divergence between n and n points of the target, in half squared data units."""
    return _floor(functools.partial(sinkhorn, blur=blur), target, n)


@functools.lru_cache(maxsize=64)
def real_scores(target: Target, n: int) -> Mapping[str, float]:
    """What n real points score against n others, under the names of a meter (a file with few rows: half of them, see `pair`).

    Returns:
        w2_floor, w2_floor_std, stray_floor: in data units.
        precision_floor, recall_floor: means over the draws; absent where a draw has NEIGHBOURS points or fewer.
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
    """The same pairs of draws for every caller, so that a floor is the same number everywhere."""
    rng = np.random.default_rng([n, 17])
    return [target.pair(n, rng) for _ in range(DRAWS if n <= SMALL else FEWER)]
