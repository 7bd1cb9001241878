"""The one chart of a claim: which stored numbers it shows, and what they are held against. Drawn by `otviz.viz.claim`."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from otviz.experiments.evidence import Interval, Outcome, Values, interval

Value = str | Callable[[Values], float]
"""The key of a measured number, or what makes a number of the values of one seed."""


@dataclass(frozen=True)
class Mark:
    """A value to hold the others against: a number, or the mean of a measured one."""

    label: str
    value: Value | float


@dataclass(frozen=True)
class Row:
    """One row of dots.

    Attributes:
        label: what it is, in a few words.
        value: a number for each seed; empty where nothing was measured.
        reported: the number that the source prints.
        low, high: the range that is claimed.
    """

    label: str
    value: Value = ""
    reported: float | None = None
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True)
class Dots:
    """Rows on one axis: a dot for each seed, and their mean with its 95 % interval; `what` names the axis, with its unit."""

    what: str
    rows: tuple[Row, ...]
    marks: tuple[Mark, ...] = ()
    log: bool = False


@dataclass(frozen=True)
class Line:
    """The mean over seeds at each place, and what the source prints at some."""

    label: str
    points: Mapping[float, Value]
    reported: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Curves:
    """Lines over a setting, with a band from the lowest seed to the highest.

    Attributes:
        x, y: names of the axes, with their units.
        even: places are at equal steps, whatever their size, as for a setting that may be 0.
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
    """What the seeds gave: each with its number, their mean, and the 95 % interval of it; one point for a single seed."""

    seeds: Mapping[int, float]
    mean: float
    interval: Interval


def spread(value: Value, outcomes: Sequence[Outcome], log: bool = False) -> Spread | None:
    """The numbers of all seeds that have one, and their mean, geometric if `log`; None if no seed has."""
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
    """Where a mark stands; None if it is measured, and was not."""
    if isinstance(mark.value, float | int):
        return float(mark.value)
    found = spread(mark.value, outcomes)
    return None if found is None else statistics.fmean(found.seeds.values())


def _of(value: Value, values: Values) -> float:
    try:
        found = values.get(value, math.nan) if isinstance(value, str) else value(values)
        return float(found)
    except (KeyError, ValueError, ZeroDivisionError):
        return math.nan


def over(above: str, below: str | float) -> Callable[[Values], float]:
    """The ratio of two measured numbers, or of one to a constant."""

    def ratio(got: Values) -> float:
        return float(got[above]) / float(got[below] if isinstance(below, str) else below)

    return ratio
