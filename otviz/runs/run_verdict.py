"""The verdict on a run so far, and the judgement of each of its snapshots."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from otviz.evaluation.verdicts import Judgement, Verdict, judge, loss_spread, verdict
from otviz.runs.image_verdict import image_verdict
from otviz.runs.run_view import ENDED, RunView
from otviz.runs.snapshots import Meter, Snapshot
from otviz.training.presets import preset

COLUMNS = {
    "high_quality": "on modes", "mode_mixture": "between modes", "w2": "W2", "w2_floor": "W2 floor",
    "w2_floor_std": "± floor", "precision": "precision", "recall": "recall", "diversity": "diversity",
    "diversity_target": "of the target",
}  # fmt: skip
"""Keys of a meter, and what they are called in a table."""


def verdict_on(run: RunView) -> Verdict:
    """What `otviz.evaluation.verdicts` says of its looks and losses; a run that failed is unstable, and its message says why."""
    if run.status == "failed":
        rule = "A run is unstable, and its samples are not judged, once losses or weights are no longer finite numbers."
        return Verdict("not judged", "not judged", f"{run.message}.", rule, "unstable", f"{run.message}. {rule}")
    if run.config.target.kind == "images":
        return _image_verdict(run, run.meter, run.step)
    return verdict(meter_history(run.snapshots), run.losses(), run.config.steps)


def is_final(run: RunView, found: Verdict) -> bool:
    """Whether a verdict on a run will not change: the run is over, and far enough to be judged."""
    return run.status in ENDED and found.kind != "not finished"


def judge_snapshot(run: RunView, look: Snapshot) -> Judgement:
    """The judgement of one snapshot, from what was measured at it and nothing else."""
    if run.config.target.kind == "images":
        found = _image_verdict(run, look.meter, look.step)
        return Judgement(found.kind, found.word, found.sentence, found.rule)
    if not np.isfinite(look.generated).all():
        rule = "Samples are not judged once a point is no longer a finite number."
        return Judgement("not judged", "not judged", "The generated points are no longer finite numbers.", rule)
    return judge(look.meter, look.step)


def verdict_so_far(run: RunView) -> str:
    """The words on a run at its last look: its final verdict, or what can be said so far."""
    found = verdict_on(run)
    if is_final(run, found) or not run.snapshots:
        return found.words
    word = judge_snapshot(run, run.snapshots[-1]).word
    return f"so far: {word}" if word else ""


def _image_verdict(run: RunView, meter: Meter, step: int) -> Verdict:
    usual = preset(run.config.method.name, run.config.target).steps
    return image_verdict(meter, step, run.config.steps, usual)


def meter_history(snapshots: Sequence[Snapshot]) -> list[tuple[int, Meter]]:
    """(step, meter) of each look."""
    return [(snapshot.step, snapshot.meter) for snapshot in snapshots]


def table(runs: Sequence[RunView], labels: Sequence[str]) -> pd.DataFrame:
    """One row for each run: where it stands and the numbers of its last look; nan where one does not apply."""
    rows = []
    for run, label in zip(runs, labels, strict=True):
        meter = run.meter
        found = f"{meter['modes_covered']} of {meter['modes_total']}" if "modes_total" in meter else ""
        numbers = {title: meter.get(key, math.nan) for key, title in COLUMNS.items()}
        spread = loss_spread(run.losses()[:, 0])
        rows.append(
            {
                "method": label,
                "verdict": verdict_so_far(run),
                "step": run.step,
                "modes": found,
                **numbers,
                "loss spread": spread,
            }
        )
    return pd.DataFrame(rows)
