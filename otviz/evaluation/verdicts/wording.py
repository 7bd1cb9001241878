"""Verdicts: one on the samples, one on the training, and what they are based on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "covers",
    "collapsed",
    "mixes modes",
    "unbalanced",
    "off target",
    "too narrow",
    "too wide",
    "not finished",
    "not judged",
]
Stability = Literal["steady", "unstable", "not judged"]
Meter = Mapping[str, Any]
History = Sequence[tuple[int, Meter]]


@dataclass(frozen=True)
class Judgement:
    """A verdict on a snapshot.

    Attributes:
        kind: the verdict without numbers.
        word: the verdict, as "collapsed: 3 of 8 modes left".
        sentence: the metrics.
        rule: the rule that applied.
    """

    kind: Kind
    word: str
    sentence: str
    rule: str


@dataclass(frozen=True)
class Verdict:
    """A verdict on a run: on its last snapshot, and on the stability of the training.

    Attributes:
        kind, word, sentence, rule: of the samples, as in `Judgement`.
        stability: of the training; "not judged" with too little history.
        shaking: sentences on what is unstable and by which rule, or "".
    """

    kind: Kind
    word: str
    sentence: str
    rule: str
    stability: Stability = "not judged"
    shaking: str = ""

    @property
    def words(self) -> str:
        """Both verdicts, as "covers, unstable"; a stable training is not mentioned."""
        return ", ".join(filter(None, [self.word, "unstable" if self.stability == "unstable" else ""]))


def number_in(meter: Meter, key: str, default: float = math.nan) -> float:
    """A metric by name.

    Args:
        meter: metrics of a snapshot.
        key: name of the metric.
        default: returned if it is unknown.
    """
    value = meter.get(key)
    return default if value is None else float(value)


def over_floor(meter: Meter, key: str) -> float:
    """A score relative to its noise floor; nan if either is unknown or the floor is 0."""
    value, floor = meter.get(key), meter.get(f"{key}_floor", 1.0)
    return float(value) / float(floor) if value is not None and floor else math.nan


def length(meter: Meter, value: float) -> str:
    """A length with its unit, if the file has one."""
    return f"{digits(meter, value)} {meter.get('unit', '')}".rstrip()


def digits(meter: Meter, value: float) -> str:
    """A length with a suitable number of digits, since lengths of a file may have any size."""
    return f"{value:.3g}" if meter.get("unit") else f"{value:.2f}"
