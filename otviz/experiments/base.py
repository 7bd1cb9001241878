"""What an experiment is: a claim of a paper, what measures it from a seed, and the rule that judges what was measured.

What a paper reports and what is measured here are different fields and never mixed.
"""

from __future__ import annotations

import math
import statistics
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

from otviz.params import Knobs

Values = Mapping[str, float | int | str]
Word = Literal["holds", "holds in part", "does not hold here", "reference only"]
Cost = Literal["seconds", "minutes", "reference"]

PAPERS: Mapping[str, str] = MappingProxyType({
    "000": "Fuge, notebook chapter 11",
    "001": "Salimans et al. 2018, OT-GAN",
    "002": "Vu, OT-GAN on MNIST",
    "003": "Choi et al. 2024, UOTM-SD",
})  # fmt: skip
"""Key of a paper, and what to call it."""

SOURCES: Mapping[str, str] = MappingProxyType({
    "paper": "printed in the paper",
    "computed": "not printed: computed from the paper's setting by an independent implementation",
    "code": "read in the authors' public code",
    "second hand": "from a reading note of the full paper, not from the paper itself",
    "memory": "from memory, not looked up",
    "derived": "derived, not stated by the paper",
    "inference": "inferred, not stated by the paper",
})  # fmt: skip
"""Where a reported number comes from, and what that means."""


@dataclass(frozen=True)
class Number:
    """One quantity of an experiment.

    Attributes:
        key: of what `measure` returns; empty for a number that is only reported.
        what: the quantity, in words, with its unit.
        reported: as the paper has it; empty if it says nothing.
        source: of `reported`, a key of SOURCES.
    """

    key: str
    what: str
    reported: str = ""
    source: str = "paper"


@dataclass(frozen=True)
class Part:
    """One part of a claim: what it says, and whether the values of a seed agree.

    `instead` marks what otviz says in place of a mistaken claim: it is checked too, and has no part in the verdict's word.
    """

    says: str
    holds: Callable[[Values], bool]
    instead: bool = False


@dataclass(frozen=True)
class Outcome:
    """What one seed gave, and the seconds it took."""

    seed: int
    values: Values
    seconds: float

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The outcome that was written down as a record. Raises ValueError for anything that does not fit."""
        try:
            seed, values, seconds = record["seed"], record["values"], record["seconds"]
        except (KeyError, TypeError) as error:
            raise ValueError(f"an outcome needs seed, values and seconds; got {record!r}") from error
        plain = isinstance(values, dict) and all(isinstance(value, float | int | str) for value in values.values())
        if not (isinstance(seed, int) and plain and isinstance(seconds, float | int)):
            raise ValueError(f"an outcome is a seed, plain values and seconds; got {record!r}")
        return cls(seed, values, float(seconds))

    def record(self) -> dict[str, Any]:
        """Plain values that JSON takes."""
        return {"seed": self.seed, "values": dict(self.values), "seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class Verdict:
    """A word on a claim, with what it rests on.

    Attributes:
        word: whether the claim holds here.
        sentence: which parts did, for how many seeds.
        rule: that was followed.
        seeds_that_disagree: with any part of the claim.
    """

    word: Word
    sentence: str
    rule: str
    seeds_that_disagree: tuple[int, ...] = ()


RULE = (
    "It holds if every part does with every seed; it does not hold here if the first part, the heart of the claim, fails "
    "with more than half of the seeds; it holds in part otherwise."
)


@dataclass(frozen=True)
class Experiment(Knobs, ABC):
    """A claim. `name` is its id, such as "n2"; a class without knobs, found by `discover`.

    Attributes:
        paper: key of PAPERS.
        place: figure, table, section or lines.
        claim: in one sentence.
        covers: rows of the checklist, such as "N2"; those of `docs/EXPERIMENTS.md`.
        cost: "seconds" without training, "minutes" with, "reference" if it cannot be run here.
        reason: why it cannot be run here; only with the cost "reference".
        how: how it is measured here, in a sentence or two.
        formula: what it is about, as lines of LaTeX; empty if words say it.
        numbers: what is measured and what was reported, in the order to show them.
        parts: of the claim, its heart first.
        live: page and query that show it, such as "compare?preset=tau"; empty if none does.
    """

    paper: ClassVar[str]
    place: ClassVar[str]
    claim: ClassVar[str]
    covers: ClassVar[tuple[str, ...]]
    cost: ClassVar[Cost] = "seconds"
    reason: ClassVar[str] = ""
    how: ClassVar[str] = ""
    formula: ClassVar[tuple[str, ...]] = ()
    numbers: ClassVar[tuple[Number, ...]] = ()
    parts: ClassVar[tuple[Part, ...]] = ()
    live: ClassVar[str] = ""

    @abstractmethod
    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        """What this seed gives, under the keys of `numbers`; a pure function of seed and quick."""

    def lacking(self) -> str:
        """Why it cannot be measured on this machine, as a sentence; empty if it can."""
        return ""

    def judge(self, outcomes: Sequence[Outcome]) -> Verdict:
        """The verdict on what the seeds gave. Raises ValueError for none, but where there is nothing to run."""
        if self.cost == "reference":
            return Verdict("reference only", f"Not run here: {self.reason}.", "Nothing is judged that was not run.")
        if not outcomes:
            raise ValueError(f"{self.name} has no outcomes to judge; run it first")
        against = {
            part: [each.seed for each in outcomes if not part.holds(each.values)] for part in self.parts
        }  # fmt: skip
        claimed = [seeds for part, seeds in against.items() if not part.instead]
        disagree = tuple(sorted({seed for seeds in claimed for seed in seeds}))
        word: Word = "holds in part"
        if not disagree:
            word = "holds"
        elif 2 * len(claimed[0]) > len(outcomes):
            word = "does not hold here"
        return Verdict(word, _sentence(against, len(outcomes)), RULE, disagree)

    def summary(self, outcomes: Sequence[Outcome], key: str) -> tuple[float, float] | str:
        """Mean and standard deviation over seeds of a measured number, or the texts it took; nan where there is none."""
        values = [each.values[key] for each in outcomes if key in each.values]
        if any(isinstance(value, str) for value in values):
            return ", ".join(dict.fromkeys(str(value) for value in values))
        numbers = [float(value) for value in values]
        if not numbers:
            return math.nan, math.nan
        return statistics.fmean(numbers), statistics.stdev(numbers) if len(numbers) > 1 else 0.0


def near(key: str, value: float, within: float, says: str = "") -> Part:
    """The part that a measured number is a reported one, within a tolerance."""
    return Part(says or f"{key} is {value:g} within {within:g}", lambda got: abs(float(got[key]) - value) <= within)


def _sentence(against: Mapping[Part, Sequence[int]], seeds: int) -> str:
    claimed = [some for part, some in against.items() if not part.instead]
    every = f"all {seeds} seeds" if seeds > 1 else "the one seed"
    told = [f"{sum(not some for some in claimed)} of {len(claimed)} parts hold with {every}"]
    for part, some in against.items():
        named = "none" if len(some) == seeds else f"{seeds - len(some)} of {seeds} (not {', '.join(map(str, some))})"
        if part.instead:
            told.append(f"instead, {part.says}: with {named if some else every}")
        elif some:
            told.append(f"“{part.says}” with {named}")
    return "; ".join(told) + "."
