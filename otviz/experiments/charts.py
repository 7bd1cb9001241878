"""The chart of a claim: which stored numbers it shows, and their reference values. Drawn by `otviz.viz.claim`."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from otviz.experiments.evidence import MOST, Interval, Outcome, Values, interval

Value = str | Callable[[Values], float]
"""The key of a measured number, or a function of the values of a seed."""


@dataclass(frozen=True)
class Mark:
    """A reference value: a constant, or the mean of a measured number."""

    label: str
    value: Value | float


@dataclass(frozen=True)
class Row:
    """One row of dots.

    Attributes:
        label: a few words.
        value: the number, per seed; empty if not measured.
        reported: the value in the source.
        low, high: the claimed range.
    """

    label: str
    value: Value = ""
    reported: float | None = None
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True)
class Dots:
    """Rows on one axis: a dot per seed, and the mean with its 95 % interval; `what` is the axis title, with unit."""

    what: str
    rows: tuple[Row, ...]
    marks: tuple[Mark, ...] = ()
    log: bool = False


@dataclass(frozen=True)
class Line:
    """The mean over seeds at each value of the setting, and reported values at some."""

    label: str
    points: Mapping[float, Value]
    reported: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Curves:
    """Lines over a setting, with a band from the lowest to the highest seed.

    Attributes:
        x, y: axis titles, with units.
        even: whether to space the values of the setting evenly, as for a setting that may be 0.
    """

    x: str
    y: str
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...] = ()
    log_x: bool = False
    log_y: bool = False
    even: bool = False


Chart = Dots | Curves


@dataclass(frozen=True)
class Spread:
    """Numbers by seed, their mean, and its 95 % interval (a point for a single seed)."""

    seeds: Mapping[int, float]
    mean: float
    interval: Interval


def spread(value: Value, outcomes: Sequence[Outcome], log: bool = False) -> Spread | None:
    """The numbers of all seeds and their mean; None without any.

    Args:
        value: the number, per seed.
        outcomes: of the seeds.
        log: use the geometric mean.
    """
    found = {each.seed: number for each in outcomes if math.isfinite(number := _of(value, each.values))}
    if not found:
        return None
    numbers = list(found.values())
    ratio = log and min(numbers) > 0
    if len(numbers) < 2:
        return Spread(found, numbers[0], (numbers[0], numbers[0]))
    mean, ends = interval(numbers, ratio)
    return Spread(found, mean, ends)


def mark_at(mark: Mark, outcomes: Sequence[Outcome]) -> float | None:
    """The value of a mark; None if it is not measured yet."""
    if isinstance(mark.value, float | int):
        return float(mark.value)
    found = spread(mark.value, outcomes)
    return None if found is None else statistics.fmean(found.seeds.values())


def _of(value: Value, values: Values) -> float:
    try:
        found = values.get(value, math.nan) if isinstance(value, str) else value(values)
        return 0.0 if abs(number := float(found)) < 1 / MOST else number
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return math.nan


def over(above: str, below: str | float) -> Callable[[Values], float]:
    """A function that returns the ratio of two measured numbers, or of one to a constant."""

    def ratio(got: Values) -> float:
        return float(got[above]) / float(got[below] if isinstance(below, str) else below)

    return ratio
