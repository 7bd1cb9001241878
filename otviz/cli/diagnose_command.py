"""`python -m otviz diagnose`: what generated samples miss, and where; several files of them in order show when it was lost."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from otviz.checkpoints.evaluate import folder_of
from otviz.checkpoints.model_samples import real_of, samples_of
from otviz.checkpoints.models import read_model
from otviz.core.files import refused, write_whole
from otviz.data.distributions import distributions, parse_distribution
from otviz.evaluation.diagnosis import Diagnosis, Samples, Timeline, over_time, stages
from otviz.evaluation.diagnosis.opening import open_samples

ListOfLimits = tuple[str, ...]


@dataclass(frozen=True)
class DiagnoseArgs:
    """Judge generated samples: what is missing, copied, too narrow, too wide or beside the data?

    Args:
        sides: the real samples, then the generated ones: files of points (CSV, NPY, NPZ, Parquet ...), folders, ZIPs or arrays of
            images, a published set such as mnist8 or mnist8:test, a distribution such as ring, a checkpoint, or a run. Several
            generated ones are taken as saved in this order during a training.
        held_out: real samples that the generator has not seen, to tell whether it follows single training points.
        columns: of points; by default all columns of numbers that are coordinates.
        label: column of the classes of points; by default one called label or class; none: none.
        seed: of what is drawn.
        fail_below: numbers that must not be lower, as coverage=0.8; otherwise the exit status is 1.
        fail_above: numbers that must not be higher, as missing=0.05.
        html: file to write the report to, which opens without a server.
        json: print one JSON object.
    """

    sides: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="REAL GENERATED [GENERATED ...]")]
    held_out: Annotated[str, tyro.conf.arg(metavar="REAL")] = ""
    columns: tuple[str, ...] = ()
    label: str = ""
    seed: int = 0
    fail_below: Annotated[ListOfLimits, tyro.conf.arg(metavar="NUMBER=LIMIT ...")] = ()
    fail_above: Annotated[ListOfLimits, tyro.conf.arg(metavar="NUMBER=LIMIT ...")] = ()
    html: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    json: bool = False


def diagnosed(args: DiagnoseArgs) -> tuple[str, int]:
    """The text to print, and the exit status: 1 if a number is beyond its limit.

    Raises:
        ValueError: a side cannot be read or compared, or a limit is not understood.
    """
    if len(args.sides) < 2:
        raise ValueError("name the real samples and then the generated ones: otviz diagnose REAL GENERATED")
    limits = [
        (*_limit(text), below) for texts, below in ((args.fail_below, True), (args.fail_above, False)) for text in texts
    ]
    real, generated, held_out = _opened(args)
    found: Diagnosis | Timeline | None = None
    if len(generated) == 1:
        for found in stages(real, generated[0], held_out, args.seed):
            print(f"{found.stage}: {found.sentence}", file=sys.stderr, flush=True)
    else:
        for found in over_time(real, generated, held_out, args.seed):
            print(f"{found.diagnoses[-1].names[1]}: {found.diagnoses[-1].sentence}", file=sys.stderr, flush=True)
    assert found is not None
    last = found.diagnoses[-1] if isinstance(found, Timeline) else found
    failed = [sentence for limit in limits if (sentence := _beyond(last, *limit))]
    for sentence in failed:
        print(f"otviz: {sentence}", file=sys.stderr)
    if args.html is not None:
        _write_report(args.html, found, real)
    text = json.dumps({**found.record(), "failed": failed}, allow_nan=False) if args.json else _readable(found)
    return text, int(bool(failed))


def _write_report(path: Path, found: Diagnosis | Timeline, real: Samples) -> None:
    from otviz.viz.diagnosis import report

    timeline = found if isinstance(found, Timeline) else Timeline((1.0,), (found,))
    try:
        write_whole(path, report(timeline, real))
    except OSError as error:
        raise ValueError(f"the report is not written: {refused(path, error)}") from error


def _opened(args: DiagnoseArgs) -> tuple[Samples, list[Samples], Samples | None]:
    real = _side(args.sides[0], None, args)
    others = [_side(source, real, args) for source in args.sides[1:]]
    return real, others, _side(args.held_out, real, args) if args.held_out else None


def _side(source: str, like: Samples | None, args: DiagnoseArgs) -> Samples:
    if source in distributions():
        return real_of(parse_distribution(source, {}))
    folder: Path | None = None
    if like is not None:
        with contextlib.suppress(ValueError):
            folder = folder_of(source)
    if folder is not None:
        return samples_of(read_model(folder), seed=args.seed)
    return open_samples(source, like, args.columns, args.label)


def _limit(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise ValueError(f"a limit is written NUMBER=LIMIT, such as coverage=0.8; got {text!r}") from None


def _beyond(found: Diagnosis, name: str, limit: float, below: bool) -> str:
    """What is beyond its limit, or empty. Raises ValueError for an unknown number."""
    known = {number.key: number.value for number in found.numbers}
    if name not in known:
        raise ValueError(f"a limit is on one of {', '.join(known)}; got {name!r}")
    value = known[name]
    fine = value >= limit if below else value <= limit
    word = "below" if below else "above"
    return (
        "" if fine else f"{name} is {value:.4g}, {word} {limit:g}" if math.isfinite(value) else f"{name} is not known"
    )


def _readable(found: Diagnosis | Timeline) -> str:
    if isinstance(found, Diagnosis):
        return "\n".join(_lines(found))
    wide = max(len(each.names[1]) for each in found.diagnoses)
    rows = [
        f"  {each.names[1]:{wide}}  {each.word:20}  coverage {each.number('coverage'):.2f}" for each in found.diagnoses
    ]
    return "\n".join([found.sentence, *rows, "", *_lines(found.diagnoses[-1])])


def _lines(found: Diagnosis) -> list[str]:
    lines = [found.sentence, found.why, *found.also, *(f"What usually helps: {advice.text}" for advice in found.helps)]
    lines += ["", f"{'':40} {'value':>8} {'95 %':>16}   real against real"]
    lines += [_number_line(number) for number in found.numbers]
    lines += ["", f"{found.clustering}:"]
    lines += [
        f"  {cluster.name:24} {cluster.real:6.1%} of the real data, {cluster.generated:6.1%} of the samples"
        f"{'  lost' if cluster.lost else ''}"
        for cluster in found.clusters
    ]
    return [*lines, "", f"Distances: {found.space}.", *found.notes]


def _number_line(number: Any) -> str:
    between = f"{number.interval.low:.3g} to {number.interval.high:.3g}" if number.interval else ""
    return f"  {number.title:38} {number.value:8.3g} {between:>16}   {number.floor:.3g}"
