"""What a verdict is: a word on the samples, a word on the training, and what both rest on."""

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
    """A word on one look at the samples.

    Attributes:
        kind: the word without numbers.
        word: the word, as "collapsed: 3 of 8 modes left".
        sentence: the numbers.
        rule: the rule that was followed.
    """

    kind: Kind
    word: str
    sentence: str
    rule: str


@dataclass(frozen=True)
class Verdict:
    """Two words on a run: what its samples are like at the last look, and whether the training is stable.

    Attributes:
        kind, word, sentence, rule: on the samples, as in `Judgement`.
        stability: "not judged" while too little is known.
        shaking: what is unstable and by which rule, in sentences, or "".
    """

    kind: Kind
    word: str
    sentence: str
    rule: str
    stability: Stability = "not judged"
    shaking: str = ""

    @property
    def words(self) -> str:
        """Both words, as "covers, unstable"; a training that is steady is not said to be."""
        return ", ".join(filter(None, [self.word, "unstable" if self.stability == "unstable" else ""]))


def number_in(meter: Meter, key: str, default: float = math.nan) -> float:
    """A number of the meter; the default where it is not known."""
    value = meter.get(key)
    return default if value is None else float(value)


def over_floor(meter: Meter, key: str) -> float:
    """A score over that of real draws; nan where either is not known, or real draws score 0 and nothing can be over it."""
    value, floor = meter.get(key), meter.get(f"{key}_floor", 1.0)
    return float(value) / float(floor) if value is not None and floor else math.nan


def length(meter: Meter, value: float) -> str:
    """A length of the meter, with its unit if it has one of its own."""
    return f"{digits(meter, value)} {meter.get('unit', '')}".rstrip()


def digits(meter: Meter, value: float) -> str:
    """A length in digits that fit: those of a file may have any size."""
    return f"{value:.3g}" if meter.get("unit") else f"{value:.2f}"
