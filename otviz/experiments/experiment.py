"""What an experiment is: a claim of a paper, what measures it from a seed, and the rule that judges what was measured.

What a paper reports and what is measured here are different fields and never mixed.
"""

from __future__ import annotations

import math
import statistics
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal

from otviz.content.bibliography import cite, cite_link
from otviz.core.params import Knobs
from otviz.experiments.charts import Chart
from otviz.experiments.evidence import AnyPart, Cases, Effect, Finding, Outcome, Part, Values

__all__ = [
    "RULE", "RULE_OF_TRAININGS", "SOURCES", "AnyPart", "Cases", "Cost", "Effect", "Experiment", "Finding", "Number", "Outcome", "Part", "Values",
    "Verdict", "Word", "number_of",
]  # fmt: skip

Word = Literal["holds", "holds in part", "does not hold here", "cannot be told", "reference only"]
Cost = Literal["seconds", "minutes", "reference"]

SOURCES: Mapping[str, str] = MappingProxyType({
    "paper": "printed in the source",
    "computed": "not printed: computed from the source's settings by an independent implementation",
    "code": "read in the authors' public code",
    "second hand": "from notes on the full paper, not from the paper itself",
    "memory": "from memory, not looked up",
    "derived": "follows from a formula; the source does not state it",
    "inference": "our reading; the source does not state it",
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
class Verdict:
    """A word on a claim, with what it rests on.

    Attributes:
        word: whether the claim holds here.
        sentence: how many parts did, over how many seeds, and what is said instead.
        rule: that was followed.
        findings: of the parts, in their order; empty where nothing was run.
        seeds_that_disagree: with any part of the claim.
    """

    word: Word
    sentence: str
    rule: str
    findings: tuple[Finding, ...] = ()
    seeds_that_disagree: tuple[int, ...] = ()


SECOND_HAND = (
    "The copy of the paper used here ends in Section 3.2.2, so this claim is quoted from notes on the full paper."
)

RULE = (
    "A claim holds if every part holds with every seed. It does not hold here if its first part, the main one, fails with more than "
    "half of the seeds. Otherwise it holds in part. A measured effect holds if its 95 % interval (Student's t, over seeds) lies in the "
    "range that is claimed, fails if it lies outside, and cannot be told if it lies across the limit."
)

RULE_OF_TRAININGS = (
    "Seeds differ by chance. A measured effect holds if its 95 % interval (Student's t, over seeds; differences and ratios are taken "
    "seed by seed) lies in the range that is claimed, fails if it lies outside, and cannot be told if it lies across the limit. For a yes or "
    "no, the 95 % interval (Wilson's) of the share of seeds is held against a half. The claim holds if every part does. If its first "
    "part, the main one, fails, the claim does not hold here; if the main part cannot be told, neither can the claim. Otherwise it holds in part."
)


@dataclass(frozen=True)
class Experiment(Knobs, ABC):
    """A claim. `name` is a short word for links, the command and the file of its result; a class without knobs, found by `discover`.

    Attributes:
        title: the claim as one short sentence.
        paper: key of the source in `otviz.content.bibliography`.
        place: section, figure, table or equation there.
        claim: what the source says, in one sentence.
        summary_template: what was measured, in a sentence or two; numbers stand as {key}, see `otviz.experiments.claim_summaries`.
        chart: the one picture of it; None if there are no numbers to show.
        cost: "seconds" without training, "minutes" with, "reference" if it cannot be run here.
        reason: why it cannot be run here; only with the cost "reference".
        how: how it is measured here, in a sentence or two.
        formula: what it is about, as lines of LaTeX; empty if words say it.
        numbers: what is measured and what was reported, in the order to show them.
        parts: of the claim, the main one first.
        live: page and query that show it, such as "compare?preset=tau"; empty if none does.
        order: its place among the claims of its source.
        steps: training steps of a seed, of a claim whose trainings other claims share: its result does not tell how long they take.
    """

    paper: ClassVar[str]
    place: ClassVar[str]
    claim: ClassVar[str]
    summary_template: ClassVar[str] = ""
    chart: ClassVar[Chart | None] = None
    cost: ClassVar[Cost] = "seconds"
    reason: ClassVar[str] = ""
    how: ClassVar[str] = ""
    formula: ClassVar[tuple[str, ...]] = ()
    numbers: ClassVar[tuple[Number, ...]] = ()
    parts: ClassVar[tuple[AnyPart, ...]] = ()
    live: ClassVar[str] = ""
    order: ClassVar[int] = 500
    steps: ClassVar[int] = 0

    @property
    def citation(self) -> str:
        """Source and place, as plain text."""
        return cite(self.paper, self.place)

    @property
    def citation_link(self) -> str:
        """Source and place as Markdown, a link where the source is published."""
        return cite_link(self.paper, self.place)

    @property
    def trains(self) -> bool:
        """Whether it rests on trainings, whose seeds differ by chance; the others are identities and formulas."""
        return self.cost == "minutes"

    @property
    def keys(self) -> set[str]:
        """Of the numbers that are measured."""
        return {number.key for number in self.numbers if number.key}

    @abstractmethod
    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        """What this seed gives, under the keys of `numbers`; a pure function of seed and quick."""

    def unavailable_reason(self) -> str:
        """Why it cannot be measured on this machine, as a sentence; empty if it can."""
        return ""

    def judge(self, outcomes: Sequence[Outcome]) -> Verdict:
        """The verdict on what the seeds gave. Raises ValueError for none, but where there is nothing to run."""
        if self.cost == "reference":
            return Verdict("reference only", f"Not run here: {self.reason}.", "What is not run is not judged.")
        if not outcomes:
            raise ValueError(f"{self.name} has no outcomes to judge; run it first")
        findings = tuple(part.found(outcomes, self.trains) for part in self.parts)
        claimed = [each for each in findings if not each.instead]
        disagree = tuple(sorted({seed for each in claimed for seed in each.against}))
        rule = RULE_OF_TRAININGS if self.trains else RULE
        return Verdict(_word(claimed), _sentence(claimed, len(outcomes)), rule, findings, disagree)

    def summary(self, outcomes: Sequence[Outcome], key: str) -> tuple[float, float] | str:
        """Mean and standard deviation over seeds of a measured number, or the texts it took; nan where there is none."""
        values = [each.values[key] for each in outcomes if key in each.values]
        if any(isinstance(value, str) for value in values):
            return ", ".join(dict.fromkeys(str(value) for value in values))
        numbers = [float(value) for value in values]
        if not numbers:
            return math.nan, math.nan
        return statistics.fmean(numbers), statistics.stdev(numbers) if len(numbers) > 1 else 0.0


def number_of(got: Values, key: str) -> float:
    """A measured number; nan where a run gave none, because it was no longer finite."""
    return float(got.get(key, math.nan))


def _word(claimed: Sequence[Finding]) -> Word:
    heart, words = claimed[0].word, {each.word for each in claimed}
    if heart == "fails":
        return "does not hold here"
    if heart == "cannot be told":
        return "cannot be told"
    return "holds" if words == {"holds"} else "holds in part"


def _sentence(claimed: Sequence[Finding], seeds: int) -> str:
    """How many parts got which word."""
    over = f"with {seeds} seed{'s' if seeds > 1 else ''}."
    if len(claimed) == 1:
        return f"Its one part {claimed[0].word}, {over}"
    counts = Counter(each.word for each in claimed)
    told = [f"{counts['holds']} of {len(claimed)} parts hold"]
    if counts["holds in part"]:
        told.append(f"{counts['holds in part']} in part")
    if counts["fails"]:
        told.append(f"{counts['fails']} fail{'s' if counts['fails'] == 1 else ''}")
    if counts["cannot be told"]:
        told.append(f"{counts['cannot be told']} cannot be told")
    return f"{', '.join(told)}, {over}"
