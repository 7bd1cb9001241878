"""Measures of samples against as many real ones, each beside its floor: the same measure of other real samples.

Both are taken over DRAWS random halves of the data. The spread of a measure over random halves estimates its standard
error on all of it (the jackknife that leaves out half; Shao and Wu 1989), which gives intervals without a bootstrap, whose
repeated points would break every nearest-neighbour measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.diagnosis.grouping import Grouping, Places
from otviz.evaluation.diagnosis.near import alone, hole_rank, nearest, nearest_others, reach
from otviz.evaluation.image_metrics import K_DENSITY, Neighbours, neighbours, radii

Array = NDArray[np.float64]

FEWEST = 2 * (K_DENSITY + 1)
"""Smallest number of samples on either side."""

FEW_IN_GROUP = 12
"""Smallest number of samples of both sides in a cluster whose width and place are compared."""

STUDENT = 2.36
"""Quantile 0.975 of Student's t with 7 degrees of freedom, for 8 draws."""


class Measure(NamedTuple):
    """Means over the draws, and standard errors, of the value, of the floor and of their difference."""

    value: float
    error: float
    floor: float
    floor_error: float
    gap_error: float

    def beyond(self, errors: float = 4.0) -> bool:
        """Whether value and floor differ by more than so many standard errors of their difference."""
        return abs(self.value - self.floor) > errors * self.gap_error


@dataclass(frozen=True, eq=False)
class Measured:
    """Measures by name, and the number of samples on each side of each draw."""

    by_name: dict[str, Measure]
    size: int

    def __getitem__(self, name: str) -> Measure:
        return self.by_name[name]


class Vectors(NamedTuple):
    """Vectors (n, d) and their clusters (n,)."""

    points: Array
    groups: Places

    def at(self, places: NDArray[np.int64]) -> Vectors:
        return Vectors(self.points[places], self.groups[places])


def measured(
    real: Vectors, generated: Vectors, held_out: Vectors | None, grouping: Grouping, size: int, draws: int,
    rng: np.random.Generator,
) -> Measured:  # fmt: skip
    """Measures of generated against real samples, and of held-out real ones.

    Args:
        real, generated: both sides.
        held_out: real samples for the floors; None: a half of `real` that is left out in turn.
        grouping: the clusters.
        size: largest number of samples on each side of a draw.
        draws: number of draws.
        rng: for the draws.
    """
    sides = (len(real.points) // 2,) if held_out is None else (len(real.points), len(held_out.points))
    size = min(size, len(generated.points), *sides)
    values, floors = [], []
    for _ in range(draws):
        order = rng.permutation(len(real.points))
        reference = real.at(order[:size])
        if held_out is None:
            other = real.at(order[size : 2 * size])
        else:
            other = held_out.at(rng.permutation(len(held_out.points))[:size])
        drawn = generated.at(rng.permutation(len(generated.points))[:size])
        groups = len(grouping.names)
        around = _Reference(reference, groups)
        values.append(around.measures(drawn))
        floors.append(around.measures(other))
    return Measured({name: _over_draws(name, values, floors) for name in values[0]}, size)


def _over_draws(name: str, values: list[dict[str, float]], floors: list[dict[str, float]]) -> Measure:
    value, floor = (np.array([draw[name] for draw in side]) for side in (values, floors))
    if np.isfinite(value - floor).sum() < 2:
        return Measure(*[float("nan")] * 5)
    errors = [float(np.nanstd(some, ddof=1)) for some in (value, floor, value - floor)]
    return Measure(float(np.nanmean(value)), errors[0], float(np.nanmean(floor)), errors[1], errors[2])


class _Reference:
    """Real samples that others of the same number are measured against."""

    def __init__(self, real: Vectors, groups: int) -> None:
        self.real, self.groups = real, groups
        self.radii = radii(real.points)
        self.rank = hole_rank(len(real.points), len(real.points))
        self.own = nearest_others(real.points, max(1, self.rank))[0]

    def measures(self, others: Vectors) -> dict[str, float]:
        shares: Neighbours = neighbours(others.points, self.real.points, None, self.radii)
        to_others = nearest(self.real.points, others.points, 1)[0][:, 0]
        distances, near = nearest(others.points, self.real.points, 1)
        to_real, places = distances[:, 0], near[:, 0]
        own = nearest_others(others.points, 1)[0][:, 0]
        around = self.own[:, self.rank - 1]
        missing = alone(around, to_others, reach(to_real, around[places])).mean() if self.rank else np.nan
        widths = compare_groups(self.real, others, self.groups)
        return {
            **shares._asdict(),
            "missing": float(missing),
            "told_apart": 0.5 * float(_nearer(self.own[:, 0], to_others) + _nearer(own, to_real)),
            "misplaced": misplaced(self.real.groups, others.groups, self.groups),
            "spread": widths.spread,
            "offset": widths.offset,
            "width": _width(others.points) / max(_width(self.real.points), 1e-300),
        }


def _nearer(own: Array, across: Array) -> float:
    """Share of samples whose nearest neighbour is of their own side; equal distances count half."""
    return float((own < across).mean() + 0.5 * (own == across).mean())


def misplaced(one: Places, other: Places, groups: int) -> float:
    """Total variation between the shares of clusters of two sides, in [0, 1].

    Args:
        one, other: cluster of each sample, (n,) and (m,).
        groups: number of clusters.
    """
    shares = [np.bincount(side, minlength=groups) / len(side) for side in (one, other)]
    return 0.5 * float(np.abs(shares[0] - shares[1]).sum())


class Widths(NamedTuple):
    """Spread and offset of each cluster (k,), nan with too few samples, and their medians by mass."""

    spreads: Array
    offsets: Array
    spread: float
    offset: float


def compare_groups(real: Vectors, others: Vectors, groups: int) -> Widths:
    """Widths and places of the clusters of others relative to real samples.

    Args:
        real, others: both sides.
        groups: number of clusters.
    """
    spreads, offsets, masses = np.full(groups, np.nan), np.full(groups, np.nan), np.zeros(groups)
    for group in range(groups):
        one, two = (side.points[side.groups == group] for side in (real, others))
        masses[group] = len(one)
        if min(len(one), len(two)) < FEW_IN_GROUP:
            continue
        width = max(_width(one), 1e-300)
        spreads[group] = _width(two) / width
        offsets[group] = float(np.linalg.norm(one.mean(0) - two.mean(0))) / width
    return Widths(spreads, offsets, _median(spreads, masses), _median(offsets, masses))


def _width(points: Array) -> float:
    """Median distance from the mean."""
    return float(np.median(np.linalg.norm(points - points.mean(0), axis=1)))


def _median(values: Array, weights: Array) -> float:
    """Weighted median of the values that are not nan; nan if there are none."""
    known = np.isfinite(values)
    if not known.any():
        return float("nan")
    order = np.argsort(values[known])
    reached = np.cumsum(weights[known][order])
    return float(values[known][order][np.searchsorted(reached, reached[-1] / 2)])
