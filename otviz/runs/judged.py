"""The verdict on a run, as far as it has come."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from otviz.presets import preset
from otviz.runs.image_verdict import image_verdict
from otviz.runs.recorded import Recorded
from otviz.runs.run import Run
from otviz.runs.snapshots import Meter, Snapshot
from otviz.verdicts import Verdict, loss_spread, verdict

COLUMNS = {
    "high_quality": "on modes", "mode_mixture": "between modes", "w2": "W2", "w2_floor": "W2 floor",
    "precision": "precision", "recall": "recall", "diversity": "diversity", "diversity_target": "of the target",
}  # fmt: skip
"""Keys of a meter, and what they are called in a table."""


def verdict_on(run: Run | Recorded) -> Verdict:
    """What `otviz.verdicts` says of its looks and losses; a run that failed is unstable, and its message says why."""
    if run.status == "failed":
        rule = "A run is unstable once its losses or weights are no longer finite numbers."
        return Verdict("unstable", "unstable", f"{run.message}.", rule)
    if run.config.images:
        usual = preset(run.config.method.name, run.config.target).steps
        return image_verdict(run.meter, run.step, run.config.steps, usual)
    return verdict(history(run.snapshots), run.losses(), run.config.steps)


def history(snapshots: Sequence[Snapshot]) -> list[tuple[int, Meter]]:
    """(step, meter) of each look."""
    return [(snapshot.step, snapshot.meter) for snapshot in snapshots]


def table(runs: Sequence[Run | Recorded], labels: Sequence[str]) -> pd.DataFrame:
    """One row for each run: its verdict and the numbers of its last look; nan where one does not apply."""
    rows = []
    for run, label in zip(runs, labels, strict=True):
        meter = run.meter
        found = f"{meter['modes_covered']} of {meter['modes_total']}" if "modes_total" in meter else ""
        numbers = {title: meter.get(key, math.nan) for key, title in COLUMNS.items()}
        spread = loss_spread(run.losses()[:, 0])
        rows.append(
            {
                "method": label,
                "verdict": verdict_on(run).word,
                "step": run.step,
                "modes": found,
                **numbers,
                "loss spread": spread,
            }
        )
    return pd.DataFrame(rows)
