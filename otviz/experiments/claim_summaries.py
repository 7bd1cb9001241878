"""The result of a claim in words: its template filled with stored numbers.

In `Experiment.summary_template`, {key} is the mean over seeds of a measured number, {key:each} its values by seed,
{key:percent} the mean as a percentage, {key:exact} the mean with five digits, {key:range} the lowest and highest value, and
{part 2} the effect of the second part with its 95 % interval.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence

from otviz.experiments.evidence import number, seeds_named
from otviz.experiments.experiment import Experiment, Outcome, Verdict
from otviz.experiments.results import Result

_FIELD = re.compile(r"\{([^{}:]+?)(?::(each|percent|range|exact))?\}")


def in_words(each: Experiment, outcomes: Sequence[Outcome], verdict: Verdict) -> str:
    """The filled template of a claim; without a template, the evidence of its main part.

    Args:
        each: the experiment.
        outcomes: of its seeds.
        verdict: on them.

    Raises:
        KeyError: a field of the template that no seed measured.
    """
    if not each.summary_template:
        return f"{verdict.findings[0].evidence}." if verdict.findings else verdict.sentence
    return _FIELD.sub(lambda match: _filled(match[1], match[2] or "mean", outcomes, verdict), each.summary_template)


def seeds_in_words(verdict: Verdict) -> str:
    """A sentence on the seeds that agree with the claim, or with its main part."""
    if not verdict.findings or not verdict.findings[0].asked:
        return ""
    main, several = verdict.findings[0], sum(not each.instead for each in verdict.findings) > 1
    about = " with the main part" if several else ""
    if main.asked == 1:
        return "" if main.against else f"Its one seed agrees{about}."
    if not main.against:
        return f"All {main.asked} seeds agree{about}."
    if len(main.against) == main.asked:
        return f"None of {main.asked} seeds agrees{about}."
    verb = "disagrees" if len(main.against) == 1 else "disagree"
    summary = seeds_named(main.against)
    return f"{summary[0].upper()}{summary[1:]} of {main.asked} {verb}{about}."


STEPS_A_SECOND = 150
"""Speed of the unified family on one of two cores, measured with the first of the claims that share trainings."""


def expected_seconds(each: Experiment, result: Result | None, seeds: int, cores: int) -> float | None:
    """Expected duration from a previous result; None if it is unknown.

    Args:
        each: the experiment.
        result: the previous result.
        seeds: number of seeds to run.
        cores: number of processes.
    """
    if each.steps:
        alone = each.steps / STEPS_A_SECOND
    elif result is not None and result.outcomes and not result.quick:
        alone = result.seconds / len(result.outcomes)
    else:
        return None
    return alone * math.ceil(seeds / max(1, min(cores, seeds)))


def _filled(key: str, how: str, outcomes: Sequence[Outcome], verdict: Verdict) -> str:
    if key.startswith("part "):
        effect = verdict.findings[int(key.removeprefix("part ")) - 1].effect
        if effect is None:
            raise KeyError(f"{key} has no effect")
        mean, (low, high) = effect
        return f"{number(mean)} (95 % interval {number(low)} to {number(high)})"
    values = [float(outcome.values[key]) for outcome in outcomes if key in outcome.values]
    if not values:
        raise KeyError(key)
    if how == "each":
        return ", ".join(number(value) for value in values)
    if how == "range":
        return f"{number(min(values))} to {number(max(values))}"
    mean = statistics.fmean(values)
    if how == "percent":
        return f"{number(100 * mean, 3 if 0.9 < mean < 1 else 2)}\u00a0%"
    return number(mean, 5 if how == "exact" else 3)
