"""Parts of a claim and their evidence over seeds: yes or no with the share of seeds, or an effect with its interval.

Intervals are 95 % intervals over seeds: Student's, mean -+ t(n - 1) std / sqrt(n), for means, where differences and log
ratios are taken seed by seed (paired); for shares that of Wilson 1927.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from otviz.core import records
from otviz.core.records import checked, fields, text, whole

Values = Mapping[str, float | int | str]
Word = Literal["holds", "holds in part", "fails", "cannot be told"]
Interval = tuple[float, float]

LEVEL = 0.95
NORMAL = 1.959964
"""Quantile of the normal distribution for LEVEL."""


MOST = 1e100
"""Largest value, whose square is finite, too."""
_LARGEST = math.log(MOST)

_number, _text = records.number(-MOST, MOST), text(1000)
OUTCOME = fields(
    {
        "seed": whole(0, 2**31 - 1), "seconds": records.number(0, 1e10),
        "values": fields({}, others=lambda value: (_text if isinstance(value, str) else _number)(value)),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """The values measured with one seed, and the seconds it took."""

    seed: int
    values: Values
    seconds: float

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read an outcome from a record. Raises ValueError for an invalid one."""
        checked(record, OUTCOME, "an outcome")
        return cls(record["seed"], record["values"], float(record["seconds"]))

    def record(self) -> dict[str, Any]:
        """As JSON-compatible values."""
        return {"seed": self.seed, "values": dict(self.values), "seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class Finding:
    """The result of one part of a claim.

    Attributes:
        says: the part, in words.
        word: its verdict.
        evidence: the effect with its interval, or the number of seeds that agree and those that do not.
        instead: whether this is a finding of otviz that replaces a wrong claim; it does not count for the verdict.
        against: seeds that disagree.
        asked: number of seeds that measured it.
        effect: mean and 95 % interval of the number behind it; None for yes or no.
    """

    says: str
    word: Word
    evidence: str
    instead: bool
    against: tuple[int, ...]
    asked: int = 0
    effect: tuple[float, Interval] | None = None


@dataclass(frozen=True)
class Part:
    """A part with an answer per seed: yes, no, or None if the seed did not measure it.

    If seeds differ by chance (a training), the share of agreeing seeds has an interval, and the part holds or fails only if
    the interval is on one side of 1/2. Otherwise it holds if all seeds agree, holds in part if at least half do, and else fails.
    """

    says: str
    holds: Callable[[Values], bool | None]
    instead: bool = False

    def found(self, outcomes: Sequence[Outcome], chance: bool) -> Finding:
        """Evaluate the part; `chance`: whether seeds differ by chance."""
        answers = {each.seed: self.holds(each.values) for each in outcomes}
        asked = {seed: answer for seed, answer in answers.items() if answer is not None}
        against = tuple(seed for seed, answer in asked.items() if not answer)
        agree, n = len(asked) - len(against), len(asked)
        told = _counted(agree, n, against, chance)
        return Finding(self.says, share_word(agree, n, chance), told, self.instead, against, n)


@dataclass(frozen=True)
class Effect:
    """A part that claims a range for the mean of a number.

    Attributes:
        says: the part, in words.
        what: name of the number, with its unit.
        value: computes it from the values of a seed; nan if unknown.
        low, high: the claimed range.
        ratio: whether it is a ratio, which has a geometric mean.
    """

    says: str
    what: str
    value: Callable[[Values], float]
    low: float = -math.inf
    high: float = math.inf
    ratio: bool = False
    instead: bool = False

    def found(self, outcomes: Sequence[Outcome], chance: bool) -> Finding:
        """Holds if the interval of the mean is inside the range, fails if it is outside, and else is undecided."""
        values = {each.seed: self.value(each.values) for each in outcomes}
        against = tuple(seed for seed, value in values.items() if not self.low < value < self.high)
        known = [value for value in values.values() if math.isfinite(value) and (value > 0 or not self.ratio)]
        n = len(values)
        if not known:
            return Finding(self.says, "cannot be told", f"{self.what}: no seed measured it", self.instead, against, n)
        if len(known) < n or n < 2:
            agree = n - len(against)
            text = f"{self.what}: no finite number for some seeds; {_counted(agree, n, against, True)}"
            if n == 1 and known:
                text = f"{self.what}: {number(known[0])}, one seed"
            return Finding(self.says, share_word(agree, n, True), text, self.instead, against, n)
        mean, (low, high) = interval(known, self.ratio)
        word: Word = "cannot be told"
        if low > self.low and high < self.high:
            word = "holds"
        elif high <= self.low or low >= self.high:
            word = "fails"
        text = f"{self.what}: {number(mean)}, 95 % interval {number(low)} to {number(high)} over {n} seeds; {self._claimed()}"
        return Finding(self.says, word, text, self.instead, against, n, (mean, (low, high)))

    def _claimed(self) -> str:
        low, high = (number(limit) for limit in (self.low, self.high))
        if math.isinf(self.high):
            return f"claimed: above {low}"
        return f"claimed: below {high}" if math.isinf(self.low) else f"claimed: {low} to {high}"


AnyPart = Part | Effect


def interval(values: Sequence[float], ratio: bool = False) -> tuple[float, Interval]:
    """Mean of at least two values and its Student interval; for ratios (> 0), both on a log scale."""
    from scipy.stats import t

    logs = [math.log(value) for value in values] if ratio else list(values)
    n, mean = len(logs), statistics.fmean(logs)
    half = float(t.ppf(0.5 + LEVEL / 2, n - 1)) * statistics.stdev(logs) / math.sqrt(n)
    low, high = mean - half, mean + half
    if ratio:
        mean, low, high = (math.exp(max(-_LARGEST, min(value, _LARGEST))) for value in (mean, low, high))
    return mean, (low, high)


def wilson(agree: int, n: int) -> Interval:
    """Wilson's interval of the share agree / n, n >= 1."""
    share, z = agree / n, NORMAL**2 / n
    centre, half = (share + z / 2) / (1 + z), math.sqrt(z * share * (1 - share) + z**2 / 4) / (1 + z)
    return centre - half, centre + half


def share_word(agree: int, n: int, chance: bool) -> Word:
    """The verdict on a part from the number of agreeing seeds.

    Args:
        agree: seeds that agree.
        n: seeds that measured it.
        chance: whether seeds differ by chance.
    """
    if not n:
        return "cannot be told"
    if not chance:
        return "holds" if agree == n else "holds in part" if 2 * agree >= n else "fails"
    low, high = wilson(agree, n)
    return "holds" if low > 0.5 else "fails" if high < 0.5 else "cannot be told"


def number(value: float, digits: int = 3) -> str:
    """Format a number."""
    if value != 0 and not 1e-4 <= abs(value) < 10**6 and math.isfinite(value):
        mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
        raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return f"{float(mantissa):g} × 10{raised}".replace("-", "−")
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.10g}".replace("-", "−").replace(",", "\u2009" if abs(rounded) >= 10_000 else "")


def plus_minus(mean: float, spread: float) -> str:
    """Format a mean and its spread > 0: the spread with two digits, the mean to the same decimal."""
    place = 1 - math.floor(math.log10(spread))
    digits = math.floor(math.log10(abs(mean))) + 1 + place if mean else 1
    return f"{number(mean, max(digits, 1))} ± {number(spread, 2)}"


def seeds_named(seeds: Sequence[int]) -> str:
    """Format seeds as "seed 2", or "seeds 1, 3 and 4"."""
    names = [str(seed) for seed in seeds]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"seed{'s' if len(names) > 1 else ''} {listed}"


def _counted(agree: int, n: int, against: Sequence[int], chance: bool) -> str:
    if not n:
        return "no seed measured it"
    but = f"; {seeds_named(against)} failed" if against and agree else ""
    share = " (95 % interval of the share {:.0f} to {:.0f} %)".format(*(100 * end for end in wilson(agree, n)))
    return f"{agree} of {n} seed{'s' if n > 1 else ''}{but}{share if chance else ''}"
