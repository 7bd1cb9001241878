"""The verdict on a run, as far as it has come."""

from __future__ import annotations

from collections.abc import Sequence

from otviz.runs.recorded import Recorded
from otviz.runs.run import Run
from otviz.runs.snapshots import Meter, Snapshot
from otviz.verdicts import Verdict, verdict


def verdict_on(run: Run | Recorded) -> Verdict:
    """What `otviz.verdicts` says of its looks and losses; a run that failed is unstable, and its message says why."""
    if run.status == "failed":
        rule = "A run is unstable once its losses or weights are no longer finite numbers."
        return Verdict("unstable", "unstable", f"{run.message}.", rule)
    return verdict(history(run.snapshots), run.losses(), run.config.steps)


def history(snapshots: Sequence[Snapshot]) -> list[tuple[int, Meter]]:
    """(step, meter) of each look."""
    return [(snapshot.step, snapshot.meter) for snapshot in snapshots]
