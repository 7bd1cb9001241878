"""`python -m otviz.experiments.report` writes docs/EXPERIMENTS.md from what the experiments gave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from otviz.experiments import experiments
from otviz.experiments.base import (
    PAPERS,
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
from otviz.experiments.rows import ROWS, Row, covering

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "EXPERIMENTS.md"
PICTURES = DOCUMENT.parent / "pictures"  # where `python -m otviz figures all --out docs/pictures` puts them
NOT_RUN = "not run yet"
KINDS: Mapping[str, Cost] = {"identities and formulas": "seconds", "trainings": "minutes", "only reported": "reference"}
"""What claims rest on, by the cost of their experiments."""

INTRO = """# Experiments: does it hold?

Made by `python -m otviz.experiments.report` from the files in `results/`; `python -m otviz experiment all` makes those.
Each claim is measured with several seeds and judged part by part. What a paper reports and what was measured here are in
different columns. Identities and formulas are counted apart from trainings, whose seeds differ by chance.

"""


def write_document(folder: Path = SHIPPED, path: Path = DOCUMENT) -> None:
    """Write the document. Raises OSError, and ValueError for a results file that cannot be used."""
    path.write_text(document(folder), encoding="utf-8")


def document(folder: Path = SHIPPED) -> str:
    """The document, as Markdown."""
    found = {name: cls() for name, cls in experiments().items()}
    results = {name: read(name, folder) for name in found}
    lines = [
        INTRO,
        f"- {RULE}",
        f"- Trainings: {RULE_OF_TRAININGS}",
        "",
        "Where a number is not printed in the paper, its column says where it is from:",
        "",
    ]
    lines += [*(f"- *{word}*: {what}." for word, what in SOURCES.items() if word != "paper"), ""]
    lines += [*_counts(found, results), "", "## Every row", "", "| row | where | about | experiment | verdict |", "|---|---|---|---|---|"]  # fmt: skip
    lines += [line for row in ROWS for line in _row(row, found, results)]
    for paper, title in PAPERS.items():
        lines += ["", f"## {paper}: {title}", *_pictures(paper)]
        for each in found.values():
            if each.paper == paper:
                lines += ["", *_section(each, results[each.name])]
    return "\n".join(lines) + "\n"


def verdict_of(each: Experiment, result: Result | None) -> Verdict | None:
    """The verdict on an experiment; None if it is not run yet, or by an otviz that did not measure all that it rests on."""
    if each.cost == "reference":
        return each.judge(())
    if result is None or result.quick or not result.outcomes:
        return None
    there = {key for outcome in result.outcomes for key in outcome.values}
    return each.judge(result.outcomes) if each.keys <= there else None


def measured(each: Experiment, outcomes: tuple[Outcome, ...], number: Number) -> str:
    """Mean and standard deviation over the seeds, as text; empty where there is none."""
    if not number.key or not outcomes:
        return ""
    found = each.summary(outcomes, number.key)
    if isinstance(found, str):
        return found
    mean, spread = found
    if mean != mean:
        return "no finite number"
    return written(mean) if spread == 0 else f"{written(mean)} ± {written(spread, 2)}"


def written(value: float, digits: int = 4) -> str:
    """A number for a person."""
    return f"{value:.{digits}g}".replace("-", "−")


def part(found: Finding) -> str:
    """What a part says; what is said in place of a claim is marked."""
    return f"instead: {found.says}" if found.instead else found.says


def reported(number: Number) -> str:
    """What was reported, with its source where that is not the paper itself."""
    if not number.reported:
        return ""
    return number.reported if number.source == "paper" else f"{number.reported} [{number.source}]"


def counted(found: Iterable[Experiment], words: Mapping[str, str]) -> dict[str, Counter[str]]:
    """How many claims got which word, for each of KINDS; words by id."""
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
        told = ", ".join(f"{number} {word}" for word, number in counts.most_common())
        lines.append(f"- {counts.total()} {kind}: {told}.")
    return lines


def _pictures(paper: str) -> list[str]:
    """The paper's figures as trained here, which name their settings themselves."""
    lines = []
    for path in sorted(PICTURES.glob(f"{paper}-figure-*.svg")):
        words = f"After {paper}, Figure {path.stem.rpartition('-')[2]}: trained here with seed 0"
        lines += ["", f"![{words}]({PICTURES.name}/{path.name})"]
    return lines


def _row(row: Row, found: dict[str, Experiment], results: dict[str, Result | None]) -> list[str]:
    covered = covering(row, {name: type(each) for name, each in found.items()})
    lines = []
    for cls in covered:
        verdict = verdict_of(found[cls.name], results[cls.name])
        word = NOT_RUN if verdict is None else verdict.word
        lines.append(f"| {row.name} | {row.place} | {row.about} | [{cls.name}](#{cls.name}) {cls.title} | {word} |")
    return lines


def _section(each: Experiment, result: Result | None) -> list[str]:
    verdict = verdict_of(each, result)
    lines = [f"### {each.name}", "", f"**{each.title}** ({each.place}). {each.claim}", ""]
    lines.append(f"**{NOT_RUN}**" if verdict is None else f"**{verdict.word}.** {verdict.sentence}")
    if verdict is not None and verdict.findings:
        lines += ["", "| part of the claim | | effect [95 % interval], n seeds |", "|---|---|---|"]
        lines += [f"| {part(found)} | {found.word} | {found.evidence} |" for found in verdict.findings]
    if each.how:
        lines += ["", f"How: {each.how}"]
    if result is not None and not result.quick:
        machine = f"{result.machine.get('cores')} cores, {result.machine.get('processor')}"
        lines += ["", f"{len(result.outcomes)} seeds, {result.seconds:.0f} s on {machine}, otviz {result.otviz}."]
    if each.numbers:
        outcomes = () if result is None or result.quick else result.outcomes
        over = f" over {len(outcomes)} seeds" if outcomes else ""
        lines += ["", f"| quantity | reported | measured (mean ± std{over}) |", "|---|---|---|"]
        lines += [f"| {n.what} | {reported(n)} | {measured(each, outcomes, n)} |".replace(" |  |", " | |") for n in each.numbers]  # fmt: skip
    return lines


if __name__ == "__main__":
    write_document()
