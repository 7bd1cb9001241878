"""`python -m otviz.experiments.report` writes docs/EXPERIMENTS.md from the results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from otviz.content.bibliography import BIBLIOGRAPHY, cite
from otviz.core.files import ROOT
from otviz.core.numbers import duration_in_words
from otviz.experiments import experiments
from otviz.experiments.claim_summaries import in_words
from otviz.experiments.evidence import number, plus_minus
from otviz.experiments.experiment import (
    RULE,
    RULE_OF_TRAININGS,
    SOURCES,
    Cost,
    Experiment,
    Finding,
    Number,
    Outcome,
    Verdict,
)
from otviz.experiments.results import SHIPPED, Result, read

DOCUMENT = ROOT / "docs" / "EXPERIMENTS.md"
PICTURES = DOCUMENT.parent / "pictures"  # written by `python -m otviz figures all --out docs/pictures`
NOT_RUN = "not run yet"
COUNTED = {
    "holds": "hold",
    "holds in part": "hold in part",
    "does not hold here": "do not hold here",
    "reference only": "not run here",
}
"""Plural forms of verdicts."""
KINDS: Mapping[str, Cost] = {"identities and formulas": "seconds", "trainings": "minutes", "only reported": "reference"}
"""Kinds of claims, by the cost of their experiments."""

SOURCE_TEXTS: Mapping[str, str] = {
    "fuge": "Fuge's course notebook (chapter 11, Optimal Transport for Generative Models), which trains a generator by the Sinkhorn divergence.",
    "vu": "Vu's report for a master's course in data science, which trains OT-GAN on small digits.",
}
"""Descriptions of the unpublished sources."""

INTRO = """# Does it hold? What four sources claim, measured again

Two papers, a course notebook and a student's report make claims about generative models and optimal transport. Each claim was measured
here with several seeds and judged part by part. What a source reports and what was measured here stand in different columns.
Identities and formulas are counted apart from trainings, whose seeds differ by chance.

This file is made by `python -m otviz.experiments.report` from the results in `results/`; `python -m otviz experiment all` makes those.

## How a claim is judged

"""


def write_document(folder: Path = SHIPPED, path: Path = DOCUMENT) -> None:
    """Write the document. Raises OSError, and ValueError for an invalid results file."""
    path.write_text(document(folder), encoding="utf-8")


def document(folder: Path = SHIPPED) -> str:
    """The document, as Markdown."""
    found = {name: cls() for name, cls in experiments().items()}
    results = {name: stored(each, folder)[0] for name, each in found.items()}
    lines = [
        f"{INTRO}- Formulas: {RULE}",
        f"- Trainings: {RULE_OF_TRAININGS}",
        "- *Instead* marks what was found in place of a claim; it does not count for the verdict.",
        "",
        "A reported number that the source does not print is marked with where it comes from:",
        "",
    ]
    lines += [*(f"- *{word}*: {what}." for word, what in SOURCES.items() if word != "paper"), ""]
    lines += [*_counts(found, results), "", "## All claims", "", "| source | claim | verdict |", "|---|---|---|"]
    lines += [_row(each, results[name]) for name, each in found.items()]
    for paper, source in BIBLIOGRAPHY.items():
        summary = SOURCE_TEXTS.get(paper, f"{source.title}, {source.where}.")
        lines += [
            "",
            f"## {source.short}",
            "",
            summary if not source.url else f"[{source.title}]({source.url}), {source.where}.",
            *_pictures(paper),
        ]
        for each in found.values():
            if each.paper == paper:
                lines += ["", *_section(each, results[each.name])]
    return "\n".join(lines) + "\n"


def verdict_of(each: Experiment, result: Result | None) -> Verdict | None:
    """The verdict on an experiment; None if it was not run, or by a version of otviz that did not measure all its numbers."""
    if each.cost == "reference":
        return each.judge(())
    if result is None or result.quick or not result.outcomes:
        return None
    there = {key for outcome in result.outcomes for key in outcome.values}
    return each.judge(result.outcomes) if each.keys <= there else None


def stored(each: Experiment, folder: Path = SHIPPED) -> tuple[Result | None, Verdict | None]:
    """The stored result of a claim and the verdict on it.

    Raises ValueError for a result that is damaged, or whose values cannot be those of this claim.
    """
    result = read(each.name, folder)
    try:
        verdict = verdict_of(each, result)
        outcomes = () if result is None else result.outcomes
        if verdict is not None:
            in_words(each, outcomes, verdict)
        for asked in each.numbers:
            measured(each, outcomes, asked)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f"the values in {each.name}.json do not fit the claim ({' '.join(str(error).split())[:80]}); run the experiment again"
        ) from error
    return result, verdict


def measured(each: Experiment, outcomes: tuple[Outcome, ...], asked: Number) -> str:
    """Mean and standard deviation over seeds as text, or empty.

    Args:
        each: the experiment.
        outcomes: of its seeds.
        asked: the number.
    """
    if not asked.key or not outcomes:
        return ""
    found = each.summary(outcomes, asked.key)
    if isinstance(found, str):
        return found
    mean, spread = found
    if mean != mean:
        return "no finite number"
    return number(mean, 4) if spread == 0 else plus_minus(mean, spread)


def part(found: Finding) -> str:
    """A part in words; findings that replace a claim are marked."""
    return f"instead: {found.says}" if found.instead else found.says


def reported(asked: Number) -> str:
    """The reported value, with its source if that is not the paper itself."""
    if not asked.reported:
        return ""
    return asked.reported if asked.source == "paper" else f"{asked.reported} [{asked.source}]"


def counted(found: Iterable[Experiment], words: Mapping[str, str]) -> dict[str, Counter[str]]:
    """Number of claims per verdict, for each of KINDS; `words` are verdicts by claim."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for each in found:
        kind = next(kind for kind, cost in KINDS.items() if each.cost == cost)
        counts[kind][words[each.name]] += 1
    return counts


def _counts(found: dict[str, Experiment], results: dict[str, Result | None]) -> list[str]:
    verdicts = {name: verdict_of(each, results[name]) for name, each in found.items()}
    words = {name: NOT_RUN if verdict is None else verdict.word for name, verdict in verdicts.items()}
    lines = [f"{len(found)} claims:", ""]
    for kind, counts in counted(found.values(), words).items():
        summary = ", ".join(
            f"{count} {word if count == 1 else COUNTED.get(word, word)}" for word, count in counts.most_common()
        )
        lines.append(f"- {counts.total()} {kind}: {summary}.")
    return lines


def _pictures(paper: str) -> list[str]:
    """The reproduced figures of a source."""
    lines = []
    for path in sorted(PICTURES.glob(f"{paper}-figure-*.svg")):
        figure = f"Fig. {path.stem.rpartition('-')[2]}"
        words = f"After {cite(paper, figure)}: trained here with seed 0"
        lines += ["", f"![{words}]({PICTURES.name}/{path.name})"]
    return lines


def _row(each: Experiment, result: Result | None) -> str:
    verdict = verdict_of(each, result)
    word = NOT_RUN if verdict is None else verdict.word
    return f"| {each.citation} | [{each.title}](#{each.name}) | {word} |"


def _section(each: Experiment, result: Result | None) -> list[str]:
    verdict = verdict_of(each, result)
    lines = [f'<a id="{each.name}"></a>', "", f"### {each.title}", "", f"{each.citation_link}: {each.claim}", ""]
    if verdict is None:
        lines.append(f"**{NOT_RUN.capitalize()}.**")
    else:
        outcomes = () if result is None else result.outcomes
        summary = f" {in_words(each, outcomes, verdict)}" if each.summary_template else ""
        lines.append(f"**{verdict.word.capitalize()}.**{summary} {verdict.sentence}")
    if verdict is not None and verdict.findings:
        lines += ["", "| part of the claim | verdict | what was measured |", "|---|---|---|"]
        lines += [f"| {part(found)} | {found.word} | {found.evidence} |" for found in verdict.findings]
    if each.how:
        lines += ["", f"How it is measured: {each.how}"]
    if result is not None and not result.quick:
        machine = f"{result.machine.get('cores')} cores, {result.machine.get('processor')}"
        took = f"{len(result.outcomes)} seeds, {duration_in_words(result.seconds)} on {machine}, otviz {result.otviz}."
        fewer = f" --seeds {each.seeds}" if each.seeds != Experiment.seeds else ""
        lines += ["", f"{took} Run it again: `python -m otviz experiment {each.name}{fewer}`."]
    if each.numbers:
        outcomes = () if result is None or result.quick else result.outcomes
        over = f" over {len(outcomes)} seeds" if outcomes else ""
        spread = f"measured (mean ± standard deviation{over})"
        lines += ["", f"| quantity | reported | {spread} |", "|---|---|---|"]
        lines += [f"| {n.what} | {reported(n)} | {measured(each, outcomes, n)} |".replace(" |  |", " | |") for n in each.numbers]  # fmt: skip
    return lines


if __name__ == "__main__":
    write_document()
