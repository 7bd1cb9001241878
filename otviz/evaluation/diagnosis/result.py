"""What a diagnosis says: a verdict with its reasons, numbers beside their floors, clusters, and both sides point by point."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal[
    "covers", "collapsed", "memorised", "too narrow", "too wide", "off target", "unbalanced", "cannot be told"
]
Stage = Literal["first look", "judged", "complete"]


@dataclass(frozen=True)
class Interval:
    """An interval of 95 % confidence."""

    low: float
    high: float


@dataclass(frozen=True)
class Number:
    """A number of a diagnosis, beside the same number of real samples.

    Attributes:
        key: its name in JSON and on the command line, such as "coverage".
        title: its name on screen.
        value: of the generated samples against the real ones.
        interval: of the value; None if it has none.
        floor: of real samples against other real ones, at the same sizes; nan if it has none.
        floor_interval: the range of the floor; None if it has none.
        better: whether generated samples should have a high value, a low one, or one near the floor.
        sizes: numbers of real and of generated samples that each value was computed from.
        space: where distances were measured, such as "pixels reduced to 50 principal components".
        unit: of the value; empty for a share or a ratio.
        meaning: one sentence.
    """

    key: str
    title: str
    value: float
    interval: Interval | None
    floor: float
    floor_interval: Interval | None
    better: Literal["high", "low", "near"]
    sizes: tuple[int, int]
    space: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class Cluster:
    """A class, or a cluster of the real samples, and its share of both sides.

    Attributes:
        name: of the class, or "cluster 3".
        real, generated: shares, in [0, 1]; `real_interval` and `generated_interval` with Wilson's intervals.
        lost: whether generated samples hardly ever lie in it, beyond chance.
        spread: of the generated samples in it, relative to the real ones; nan with too few.
        offset: distance between the means of both sides, in root-mean-square radii of the real ones; nan with too few.
        example: index of the real sample nearest to its middle.
    """

    name: str
    real: float
    generated: float
    real_interval: Interval
    generated_interval: Interval
    lost: bool
    spread: float
    offset: float
    example: int


@dataclass(frozen=True)
class Advice:
    """What usually helps.

    Attributes:
        text: one sentence, in general words.
        method: a method of otviz that has this knob, for a link to Train; empty: in general words only.
        knob, value: the knob to move, and where to.
    """

    text: str
    method: str = ""
    knob: str = ""
    value: str = ""


@dataclass(frozen=True, eq=False)
class Side:
    """The samples of one side that were used, k of them, one by one.

    Attributes:
        index: places among the `Samples` that were given, (k,).
        plane: where they are drawn, (k, 2).
        alone: holes among real samples (no generated one is near), strays among generated ones (no real one is near), (k,).
        left: mass of each, relative to 1, that the unbalanced plan does not bring to the other side, in [0, 1], (k,): what
            is missing at a real sample, or too much at a generated one; all 0 before the last stage.
        nearest: places of the nearest samples of the other side among its `Samples`, nearest first, (k, 3).
        distances: to them, in units of the space, (k, 3).
        cluster: index into `Diagnosis.clusters`, (k,).
        copies: generated samples that copy a real one, (k,); all False for real samples.
    """

    index: NDArray[np.int64]
    plane: NDArray[np.float64]
    alone: NDArray[np.bool_]
    left: NDArray[np.float64]
    nearest: NDArray[np.int64]
    distances: NDArray[np.float64]
    cluster: NDArray[np.int64]
    copies: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What is known about generated samples after a stage.

    Attributes:
        stage: a first look at few samples, the verdict on all, or complete with every number.
        kind: the verdict.
        word: for a badge, such as "collapsed: 18 %".
        sentence: the answer.
        why: the numbers that led to it, in one or two sentences.
        also: other findings, as sentences, the gravest first.
        helps: what usually helps.
        numbers: in the order to show.
        clusters: the most frequent among the real samples first.
        clustering: how they were found, such as "labels of the file" or "HDBSCAN".
        real, generated: both sides, sample by sample.
        space: where distances were measured.
        plane: what the plane is, such as "columns x and y" or "two principal components of the features".
        axes: names of its axes.
        names: of both sides.
        totals: numbers of samples that were given; how many were used is the length of a `Side`.
        notes: what was drawn, left out or cannot be known, as sentences with a full stop.
    """

    stage: Stage
    kind: Kind
    word: str
    sentence: str
    why: str
    also: tuple[str, ...]
    helps: tuple[Advice, ...]
    numbers: tuple[Number, ...]
    clusters: tuple[Cluster, ...]
    clustering: str
    real: Side
    generated: Side
    space: str
    plane: str
    axes: tuple[str, str]
    names: tuple[str, str]
    totals: tuple[int, int]
    notes: tuple[str, ...]

    def number(self, key: str) -> float:
        """The value of a number; nan if it is not known at this stage."""
        return next((number.value for number in self.numbers if number.key == key), math.nan)

    def record(self) -> dict[str, Any]:
        """All but what is known of single samples, as JSON-compatible values; None for a number that is not known."""
        fields = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("real", "generated")
        }
        for name in ("helps", "numbers", "clusters"):
            fields[name] = [dataclasses.asdict(item) for item in fields[name]]
        used = {"used": [len(self.real.index), len(self.generated.index)]}
        found: dict[str, Any] = _plain(fields | used)
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
