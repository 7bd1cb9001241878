"""Runs as tables: losses of every step, and metrics of every snapshot."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from otviz.runs.reproduce import snapshot_metrics
from otviz.runs.run_view import RunView

Runs = Mapping[str, RunView]
"""Runs that are exported together, by label."""

LOSSES = ("step", "generator_loss", "adversary_loss")


def losses_csv(runs: Runs) -> bytes:
    """Losses after each step, empty where there is none; with several runs, a column `run` comes first.

    Nine digits represent float32 exactly.
    """
    lines = (
        (label, [step, *(_cell(value) for value in pair)])
        for label, run in runs.items()
        for step, pair in enumerate(run.losses().tolist(), start=1)
    )
    return _table(runs, LOSSES, lines)


def snapshots_csv(runs: Runs) -> bytes:
    """Step, seconds of training, losses and scalar metrics of each snapshot, with their sample sizes.

    Shares of modes or classes are lists and are only in the NPZ. `measured_at` is the step of metrics that are measured less
    often. `unit` is the unit of lengths (w2), and its square that of diversity, for runs on a file.
    """
    snapshots = [
        (label, {"step": snapshot.step, "seconds": snapshot.seconds, **snapshot_metrics(snapshot)})
        for label, run in runs.items()
        for snapshot in run.snapshots
    ]
    names = list(
        dict.fromkeys(
            name for _, snapshot in snapshots for name, value in snapshot.items() if not isinstance(value, list)
        )
    )
    return _table(
        runs, names, ((label, [_cell(snapshot.get(name)) for name in names]) for label, snapshot in snapshots)
    )


def _table(runs: Runs, names: Sequence[str], lines: Iterable[tuple[str, Sequence[Any]]]) -> bytes:
    several = len(runs) > 1
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["run", *names] if several else names)
    for label, line in lines:
        writer.writerow([label, *line] if several else line)
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if value != value else f"{value:.9g}"
    return "" if value is None else value
