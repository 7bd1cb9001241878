"""A sweep of short trainings by one process and by two: what the second core is worth to experiments."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from benchmarks.rows import Effort, Measured, Row
from otviz.experiments import named
from otviz.experiments.experiment_job import ExperimentJob

EXPERIMENT, RUNS, TARGET = "tau-sensitivity", 32, 1.7


def sweep_workers(effort: Effort) -> Measured:
    """Seconds from the call to the last of the runs, imports of the workers included."""
    runs = 2 if effort.quick else RUNS
    one, two = _seconds(runs, 1), _seconds(runs, 2)
    return Measured(
        shown=f"x{one / two:.2f} with two processes ({two:.0f} s against {one:.0f} s with one)",
        reached=one / two >= TARGET,
        ratio=one / two,
        extra={"seconds": {"1": one, "2": two}},
        sample=f"{runs} short runs of the claim on robustness to tau, by the clock, imports of the processes included",
    )


def _seconds(runs: int, workers: int) -> float:
    # Results go into OTVIZ_HOME; a fresh folder, so that none are reused.
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, OTVIZ_HOME=folder):
        began = time.perf_counter()
        job = ExperimentJob([named(EXPERIMENT)], runs, quick=True, workers=workers, folder=Path(folder))
        job.wait()
        taken = time.perf_counter() - began
    if job.error or len(job.outcomes) < runs:
        raise RuntimeError(f"the sweep stopped early: {job.error}")
    return taken


ROWS = (
    Row("sweep-workers", "a sweep of 32 short runs on two cores: one process against two", ">= x1.7", sweep_workers),
)  # fmt: skip
