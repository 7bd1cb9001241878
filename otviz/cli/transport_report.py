"""Solves one transport problem for the command line, and prints its numbers as one JSON object or as readable lines."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from otviz.cli.printing import as_json_text, short
from otviz.clouds import large_values
from otviz.clouds.large import LARGE
from otviz.clouds.problem import MOST_POINTS, Transform, transformed
from otviz.clouds.scale import blurred, change, mismatch
from otviz.core.params import LEAST, MOST, Knobs, param
from otviz.core.work import Progress, Result, Work
from otviz.data.distributions import Cloud, Distribution
from otviz.ot.notebook_cost import notebook_points
from otviz.ot.summary import transport_numbers


@dataclass(frozen=True)
class Transport(Knobs):
    """How to solve one transport problem, in the terms of geomloss."""

    name: ClassVar[str] = "transport"

    n: int = param(
        1000, 2, MOST_POINTS, doc="Points drawn on each side; a file with fewer rows is used whole", unit="points"
    )
    p: int = param(2, 1, 2, doc="Cost: 1 is |x - y|, 2 is |x - y|^2 / 2")
    blur: float = param(0.05, LEAST, MOST, doc="Smoothing length; epsilon = blur^p", unit="length", log=True)
    scaling: float = param(0.9, 0.1, 0.999, doc="Fineness of epsilon-scaling: nearer 1 is slower, finer")
    reach: float | None = param(
        None, LEAST, MOST, doc="Unbalanced: mass may stay unmatched beyond reach", unit="length"
    )
    seed: int = param(0, 0, 2**31 - 1, doc="Draws the points")
    transform: Transform = param(
        "none",
        doc="One change of coordinates for both clouds: common mean to the origin; scaled: divided by their spread",
    )


def transport_report(
    source: Distribution, target: Distribution, knobs: Transport, notebook: bool, as_json: bool
) -> int:
    """Solve one transport problem between two clouds, print its numbers and return the exit status.

    A description of the clouds is printed on stderr and, with `as_json`, included as source, target and transform.

    Args:
        source, target: the clouds, or distributions to sample them from.
        knobs: how to solve the problem.
        notebook: use the points of the course notebook instead.
        as_json: print one JSON object.

    Raises:
        ValueError: a file cannot be read, or the problem cannot be solved with these settings.
    """
    rng = np.random.default_rng(knobs.seed)
    if notebook:
        given = [Cloud(side.astype(np.float64), name="notebook") for side in notebook_points()]
    else:
        given = [side.cloud(knobs.n, rng) for side in (source, target)]
    x, y = transformed(knobs.transform, *given)
    said = (
        f"source: {x.describe()}",
        f"target: {y.describe()}",
        change(x.units),
        mismatch(x, y),
        blurred(knobs.blur, x, y),
    )
    for sentence in said:
        if sentence:
            print(sentence, file=sys.stderr)
    numbers = _numbers(x, y, knobs)
    lines = [f"{name:20} {short(value)}" for name, value in numbers.items()]
    units = {"name": knobs.transform, "offset": list(x.units.offset), "factor": x.units.factor}
    taken = {"source": x.as_dict(), "target": y.as_dict(), "transform": units}
    print(as_json_text(numbers | taken) if as_json else "\n".join(lines))
    return 0


def _numbers(x: Cloud, y: Cloud, knobs: Transport) -> dict[str, Any]:
    points = torch.tensor(x.points), torch.tensor(y.points)
    a, b = (None if side.weights is None else torch.tensor(side.weights) for side in (x, y))
    if not large_values.are_large(*points):
        return transport_numbers(
            *points, p=knobs.p, blur=knobs.blur, scaling=knobs.scaling, reach=knobs.reach, a=a, b=b
        )
    print(f"exact_cost: left out beyond {LARGE:,} points of a side, as it would take hours", file=sys.stderr)
    began, progress = time.perf_counter(), Progress()
    setting = large_values.Setting(knobs.blur, knobs.p, knobs.reach, knobs.scaling)
    found = _watched(large_values.numbers(*points, setting, a, b, progress), progress)
    return found | {"seconds": round(time.perf_counter() - began, 3)}


def _watched(work: Work[Result], progress: Progress) -> Result:
    """The result of work; how far it is and how long it will take is shown on stderr if that is a terminal."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            _show("")
            result: Result = end.value
            return result
        _show(f"solving: {progress.words}")


def _show(words: str) -> None:
    """Write over the last line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r{words:50}\r{words}", end="", file=sys.stderr, flush=True)
