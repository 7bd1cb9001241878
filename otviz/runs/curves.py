"""How runs went: losses and measurements over steps, without the arrays of their snapshots."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from otviz.runs.config import RunConfig
from otviz.runs.file_schema import looks_in
from otviz.runs.run_store import read_history
from otviz.runs.run_view import RunView
from otviz.runs.snapshots import Curve, Meter, curve_of
from otviz.training.compare import labels


@dataclass(frozen=True)
class RunCurves:
    """Losses, thinned, and (step, meter) of each look."""

    curve: Curve
    history: Sequence[tuple[int, Meter]]


def curves_of_run(run: RunView) -> RunCurves:
    """Of a run in memory."""
    return RunCurves(run.curve(), [(look.step, look.meter) for look in run.snapshots])


def read_curves(folder: Path) -> RunCurves:
    """Of a stored run; only what is needed is unpacked. Raises ValueError when it is not there or damaged."""
    try:
        with np.load(io.BytesIO((folder / "snapshots.npz").read_bytes()), allow_pickle=False) as arrays:
            looks = looks_in(arrays["plain"])["snapshots"]
        return RunCurves(
            curve_of(read_history(folder / "history.csv")), [(look["step"], look["meter"]) for look in looks]
        )
    except Exception as error:  # whatever a damaged file provokes becomes one sentence
        raise ValueError(f"the saved run {folder.name!r} cannot be read ({error}); it may have been deleted") from error


def names_of(configs: Sequence[RunConfig]) -> list[str]:
    """What tells runs apart in a picture: the method, knobs, target and seed, as far as they differ."""
    targets, seeds = {config.target.title for config in configs}, {config.seed for config in configs}
    marks = [
        ", ".join(
            [config.target.title] * (len(targets) > 1) + [f"seed {config.seed}"] * (len(seeds) > 1)
        )
        for config in configs
    ]  # fmt: skip
    return labels([config.method for config in configs], marks)
