"""`otviz experiment`: measures claims over several seeds, judges them, and reports in text or JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from otviz.core.numbers import duration_in_words
from otviz.experiments import Experiment, Outcome, experiments, named
from otviz.experiments.experiment_job import ExperimentJob
from otviz.experiments.report import measured
from otviz.experiments.results import Result

LOOK = 0.5  # seconds between progress messages


@dataclass(frozen=True)
class ExperimentArgs:
    """Measure claims of the papers over seeds, and judge them.

    Args:
        id: name of the claim, or "all"; `otviz list` shows them.
        seeds: number of seeds: 0, 1, ...
        quick: fewer points and steps; prints what it measured and judges nothing.
        workers: processes at once; 0: one per core.
        cluster: address of a Dask scheduler, such as tcp://HOST:8786, whose workers measure instead of processes of this machine.
        json: print one JSON object.
        write: write docs/EXPERIMENTS.md from all results afterwards.
        out: folder for the results instead of results/.
    """

    id: Annotated[str, tyro.conf.Positional]
    seeds: int = 5
    quick: bool = False
    workers: int = 0
    cluster: str = ""
    json: bool = False
    write: bool = False
    out: str = ""


def experiment(args: ExperimentArgs) -> tuple[str, int]:
    """Run experiments, with progress on stderr; returns the text to print and the exit status.

    Raises:
        ValueError: an unknown id, a number out of range, or a cluster that cannot be reached.
    """
    chosen = [cls() for cls in experiments().values()] if args.id == "all" else [named(args.id)]
    if args.workers and args.cluster:
        raise ValueError("--workers counts processes of this machine; leave it out with --cluster")
    job = ExperimentJob(
        chosen, args.seeds, args.quick, workers=args.workers or None, folder=Path(args.out) if args.out else None,
        cluster=args.cluster,
    )  # fmt: skip
    try:
        while not job.wait(LOOK):
            _progress(job)
    except BaseException:
        job.stop()  # finished seeds are in the journal, from which the same command continues
        raise
    _progress(job, end="\n")
    told = [_told(each, job.results.get(each.name), job.unmeasured.get(each.name, "")) for each in chosen]
    if args.write:
        from otviz.experiments.report import write_document

        write_document()
    if job.error:
        sys.stderr.write(f"otviz: {job.error}\n")
    text = json.dumps({each["id"]: each for each in told}, indent=1) if args.json else "\n".join(map(_lines, told))
    return text, 1 if job.error else 0


def listed() -> dict[str, dict[str, str]]:
    """All experiments as plain values, by id."""
    return {
        name: {"title": cls.title, "paper": cls.paper, "place": cls.place, "claim": cls.claim, "cost": cls.cost}
        for name, cls in experiments().items()
    }


def _told(each: Experiment, result: Result | None, lacking: str) -> dict[str, Any]:
    """The report on one experiment as plain values."""
    found: dict[str, Any] = {"id": each.name, "title": each.title, "claim": each.claim, "paper": each.paper}
    if lacking:
        return found | {"verdict": "not measured", "sentence": lacking}
    if each.cost != "reference" and result is None:
        return found | {"verdict": "not complete", "sentence": "Some seeds are missing; run it again to continue."}
    outcomes = () if result is None else result.outcomes
    quick = result is not None and result.quick
    found |= _judged(each, outcomes, quick) | {"quick": quick}
    numbers = []
    for number in each.numbers:
        mean = each.summary(outcomes, number.key) if number.key and outcomes else (math.nan, math.nan)
        known = isinstance(mean, str) or math.isfinite(mean[0])
        numbers.append({
            "what": number.what, "reported": number.reported, "source": number.source if number.reported else "",
            "measured": (mean if isinstance(mean, str) else list(mean)) if known else None,
            "text": measured(each, outcomes, number), "n": sum(number.key in outcome.values for outcome in outcomes),
        })  # fmt: skip
    return found | {"numbers": numbers, "result": None if result is None else result.record()}


def _judged(each: Experiment, outcomes: Sequence[Outcome], quick: bool) -> dict[str, Any]:
    """The verdict as plain values; a quick run is not judged."""
    if quick:
        return {
            "verdict": "not judged", "sentence": "A quick run has too few points and steps to judge the claim. It measured:",
            "rule": "", "parts": [], "seeds_that_disagree": [],
        }  # fmt: skip
    verdict = each.judge(outcomes)
    return {
        "verdict": verdict.word, "sentence": verdict.sentence, "rule": verdict.rule,
        "parts": [dataclasses.asdict(finding) for finding in verdict.findings],
        "seeds_that_disagree": list(verdict.seeds_that_disagree),
    }  # fmt: skip


def _lines(told: dict[str, Any]) -> str:
    """The verdict with its evidence as text; for a quick run, the measured numbers."""
    lines = [f"{told['id']}: {told['title']}", f"{told['verdict'].upper()}. {told['sentence']}"]
    for part in told.get("parts", []):
        says = f"instead, {part['says']}" if part["instead"] else part["says"]
        lines.append(f"- {part['word']}: {says}: {part['evidence']}")
    if told.get("quick"):
        lines += [f"- {each['what']}: {each['text']} (n = {each['n']})" for each in told["numbers"]
                  if isinstance(each["measured"], list)]  # fmt: skip
    return "\n  ".join(lines)


def _progress(job: ExperimentJob, end: str = "") -> None:
    left = job.seconds_left
    when = "" if left is None or job.over else f", {duration_in_words(left)} left"
    sys.stderr.write(f"\r{len(job.outcomes)} of {job.total} seeds are done{when}    {end}")
    sys.stderr.flush()
