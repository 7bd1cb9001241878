"""The numbers of a diagnosis, from its evidence."""

from __future__ import annotations

import math
from typing import Literal

from otviz.evaluation.diagnosis.measures import STUDENT, Measure
from otviz.evaluation.diagnosis.result import Interval, Number
from otviz.evaluation.diagnosis.rules import Evidence
from otviz.evaluation.diagnosis.shares import wilson

Better = Literal["high", "low", "near"]

_MEASURES: tuple[tuple[str, str, Better, str], ...] = (
    ("coverage", "Coverage", "high", "Share of the real samples with a generated one among their 5 nearest (Naeem et al. 2020)."),
    ("precision", "Precision", "high", "Share of the samples that lie within the real data (Kynkaanniemi et al. 2019)."),
    ("recall", "Recall", "high", "Share of the real data that lies within the samples (Kynkaanniemi et al. 2019)."),
    ("density", "Density", "near", "How densely real data surround the samples, 1 on average for real ones (Naeem et al. 2020)."),
    ("told_apart", "Told apart", "near", "Share of points that have a nearest neighbour from their own side: 0.5 if nobody can tell the sides apart (Lopez-Paz and Oquab 2017)."),
    ("spread", "Spread within clusters", "near", "Width of the clusters of the samples, relative to real ones."),
    ("misplaced", "Mass in the wrong cluster", "low", "Total variation between the shares of the clusters."),
)  # fmt: skip


def numbers_of(evidence: Evidence, space: str) -> tuple[Number, ...]:
    """The numbers in the order to show.

    Args:
        evidence: of the diagnosis.
        space: where distances were measured.
    """
    found, sizes = evidence.measured, evidence.sizes
    half = (found.size, found.size)
    numbers = [
        _over_draws(key, title, better, meaning, found[key], half, space) for key, title, better, meaning in _MEASURES
    ]
    missing = found["missing"]
    numbers.insert(0, Number(
        "missing", "Real data with nothing near", evidence.holes[0], interval(evidence.holes[0], missing.error, 1.0),
        evidence.holes[1], None, "low", sizes, space, "",
        "Share of the real samples with no generated one as near as their own neighbours.",
    ))  # fmt: skip
    c = evidence.copying
    numbers.append(Number(
        "copies", "Copies of real samples", c.share, wilson(c.copies, c.of), c.floor, wilson(c.real_copies, c.of_real),
        "low", (c.searched, c.of), space, "",
        "Share of the samples that lie ten times nearer to a real one than that one's next real neighbour.",
    ))  # fmt: skip
    if c.nearer_of:
        numbers.append(Number(
            "nearer", "Nearer to training than to held-out", c.nearer, wilson(c.nearer * c.nearer_of, c.nearer_of), 0.5, None,
            "near", sizes, space, "",
            "Share of the samples that are nearer to the real data than to as many held-out real samples: 0.5 without memorisation.",
        ))  # fmt: skip
    return tuple(numbers)


def _over_draws(
    key: str, title: str, better: Better, meaning: str, measure: Measure, sizes: tuple[int, int], space: str
) -> Number:
    most = math.inf if key in ("density", "spread") else 1.0
    return Number(
        key, title, measure.value, interval(measure.value, measure.error, most), measure.floor,
        interval(measure.floor, measure.floor_error, most), better, sizes, space, "", meaning,
    )  # fmt: skip


def interval(middle: float, error: float, most: float = math.inf, student: float = STUDENT) -> Interval | None:
    """The interval of a number that is at least 0; None if it is not known.

    Args:
        middle: its value.
        error: its standard error.
        most: its largest possible value.
        student: quantile of Student's t for the draws that the error comes from.
    """
    if not math.isfinite(middle + error):
        return None
    return Interval(max(0.0, middle - student * error), min(most, middle + student * error))
