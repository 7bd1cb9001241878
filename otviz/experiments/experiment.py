"""Experiments: a claim of a paper, its measurement from a seed, and the rule for the verdict.

Reported and measured values are separate fields and never mixed.
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
from otviz.experiments.evidence import AnyPart, Effect, Finding, Outcome, Part, Values

__all__ = [
    "RULE", "RULE_OF_TRAININGS", "SOURCES", "AnyPart", "Cost", "Effect", "Experiment", "Finding", "Number", "Outcome", "Part", "Values",
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
"""Kinds of sources of reported numbers, and their meaning."""


@dataclass(frozen=True)
class Number:
    """A quantity of an experiment.

    Attributes:
        key: in the result of `measure`; empty for a number that is only reported.
        what: its name, with unit.
        reported: value in the paper, or empty.
        source: source of `reported`, a key of SOURCES.
    """

    key: str
    what: str
    reported: str = ""
    source: str = "paper"


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim, with its evidence.

    Attributes:
        word: whether the claim holds.
        sentence: number of parts that hold, number of seeds, and findings that replace the claim.
        rule: the rule that applied.
        findings: of the parts, in order; empty if nothing was run.
        seeds_that_disagree: seeds that disagree with any part.
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
    """A claim: a class without knobs, found by `discover`; `name` is its key in links, commands and result files.

    Attributes:
        title: the claim as a short sentence.
        paper: key of the source in `otviz.content.bibliography`.
        place: section, figure, table or equation in the source.
        claim: what the source states, in one sentence.
        summary_template: the result, in a sentence or two, with numbers as {key} (see `otviz.experiments.claim_summaries`).
        chart: its chart; None if there are no numbers to show.
        cost: "seconds" without training, "minutes" with training, "reference" if it is not run.
        reason: why it is not run; only for the cost "reference".
        how: how it is measured, in a sentence or two.
        formula: lines of LaTeX, or empty.
        numbers: measured and reported numbers, in display order.
        parts: of the claim, the main one first.
        live: page and query that show it, such as "compare?preset=tau", or empty.
        order: position among the claims of its source.
        seeds: number of seeds of a full measurement; fewer where a seed trains for an hour.
        steps: training steps per seed, for claims that share trainings with others, so that results do not give the duration.
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
    seeds: ClassVar[int] = 5
    steps: ClassVar[int] = 0

    @property
    def citation(self) -> str:
        """Source and place, as plain text."""
        return cite(self.paper, self.place)

    @property
    def citation_link(self) -> str:
        """Source and place as Markdown, a link if the source is published."""
        return cite_link(self.paper, self.place)

    @property
    def trains(self) -> bool:
        """Whether it trains, so that seeds differ by chance; other claims are identities and formulas."""
        return self.cost == "minutes"

    @property
    def keys(self) -> set[str]:
        """Keys of the measured numbers."""
        return {number.key for number in self.numbers if number.key}

    @abstractmethod
    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        """Measure one seed: values by the keys of `numbers`; a pure function of seed and quick."""

    def unavailable_reason(self) -> str:
        """Why it cannot be measured on this machine, as a sentence, or empty."""
        return ""

    def judge(self, outcomes: Sequence[Outcome]) -> Verdict:
        """The verdict on the outcomes. Raises ValueError if there are none, unless the claim is only reported."""
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
        """Mean and standard deviation over seeds of a measured number, or its texts; nan if there is none."""
        values = [each.values[key] for each in outcomes if key in each.values]
        if any(isinstance(value, str) for value in values):
            return ", ".join(dict.fromkeys(str(value) for value in values))
        numbers = [float(value) for value in values]
        if not numbers:
            return math.nan, math.nan
        return statistics.fmean(numbers), statistics.stdev(numbers) if len(numbers) > 1 else 0.0


def number_of(got: Values, key: str) -> float:
    """A measured number; nan if a run did not give it because it was not finite."""
    return float(got.get(key, math.nan))


def _word(claimed: Sequence[Finding]) -> Word:
    heart, words = claimed[0].word, {each.word for each in claimed}
    if heart == "fails":
        return "does not hold here"
    if heart == "cannot be told":
        return "cannot be told"
    return "holds" if words == {"holds"} else "holds in part"


def _sentence(claimed: Sequence[Finding], seeds: int) -> str:
    """A sentence on the number of parts per verdict."""
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
