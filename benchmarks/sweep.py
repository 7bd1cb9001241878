"""Many trainings, and a long one: what the second core, stacks and compiling are worth, by the clock."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.compare import hosted
from benchmarks.rows import Effort, Measured, Row
from otviz.data.distributions.ring import Ring
from otviz.experiments import named
from otviz.experiments.experiment_job import ExperimentJob
from otviz.experiments.jobs.job import Job
from otviz.experiments.sweeps import sweep_job
from otviz.experiments.sweeps.sweep import Sweep
from otviz.experiments.sweeps.sweep_parameters import VALUES, favoured, rows
from otviz.methods.unified import UOTM
from otviz.runs.config import RunConfig

EXPERIMENT, RUNS, TARGET = "tau-sensitivity", 32, 1.7
RING = Ring(radius=2.0, std=0.1)
EAGER_STEPS = 20_000  # of the long run, from which its seconds without compiling are extrapolated
LONG_STEPS, LONG_SECONDS = 200_000, 160


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
    with _fresh_home() as folder:
        return _timed(
            lambda: ExperimentJob([named(EXPERIMENT)], runs, quick=True, workers=workers, folder=folder), runs
        )


def _timed(begin: Callable[[], Job[Any, Any]], wanted: int) -> float:
    """Seconds from the start of a job to the last of the wanted outcomes. Raises RuntimeError if it stops early."""
    began = time.perf_counter()
    job = begin()
    job.wait()
    taken = time.perf_counter() - began
    if job.error or len(job.outcomes) < wanted:
        raise RuntimeError(f"the job stopped early: {job.error}")
    return taken


@contextlib.contextmanager
def _fresh_home(compiled: bool = True) -> Iterator[Path]:
    """An empty OTVIZ_HOME, so that no result and no compiled update is reused; whether updates may be compiled."""
    with tempfile.TemporaryDirectory() as folder:
        changes = {"OTVIZ_HOME": folder, "OTVIZ_COMPILE": str(int(compiled))}
        with patch.dict(os.environ, changes):
            yield Path(folder)


def robustness_map(effort: Effort) -> Measured:
    """The map of Compare with its default settings: seconds as it runs, the next time, and eagerly without stacks."""
    with _fresh_home(compiled=False), patch.dict(sweep_job.STACK, cpu=1):
        eager, runs, steps = _mapped(effort, 0)
    with _fresh_home():
        first, *_ = _mapped(effort, 0)
        again, *_ = _mapped(effort, 100)  # with other seeds, so that nothing but the compiled updates is there
    return Measured(
        shown=f"x{eager / first:.2f} ({first:.0f} s against {eager:.0f} s); x{eager / again:.2f} once compiled ({again:.0f} s)",
        reached=eager / first >= 2.5,
        value=first,
        reference=eager,
        ratio=eager / first,
        extra={"again": again},
        sample=f"{runs} runs of {steps} steps, two processes, by the clock, compiling included; one run of each kind",
    )


def _mapped(effort: Effort, seed: int) -> tuple[float, int, int]:
    """Seconds of a map, its number of runs, and of their steps."""
    values, steps = (VALUES["tau"][:1], 20) if effort.quick else (VALUES["tau"], Sweep.steps)
    methods = tuple(rows("tau")[name] for name in favoured("tau"))
    sweep = Sweep("tau", values, methods, RING, seeds=(seed, seed + 1), steps=steps)
    return _timed(lambda: sweep_job.SweepJob(sweep, device="cpu"), sweep.total), sweep.total, steps


def long_run(effort: Effort) -> Measured:
    """Seconds of one long run as the page starts it, which is compiled meanwhile, against one that never is."""
    steps, part = (40, 20) if effort.quick else (LONG_STEPS, EAGER_STEPS)
    with _fresh_home(compiled=False):
        eager = _trained(part) * steps / part
    with _fresh_home():
        ours = _trained(steps)
    return Measured(
        shown=f"{ours:.0f} s, x{eager / ours:.2f} ({eager:.0f} s without compiling)",
        reached=ours <= LONG_SECONDS,
        value=ours,
        reference=eager,
        ratio=eager / ours,
        sample=f"UOTM on the ring, {steps} steps, nobody watching, by the clock from the first step on, compiling included; "
        f"without compiling {part} steps, scaled",
    )


def _trained(steps: int) -> float:
    """Seconds from the first steps of a run to its end."""
    with hosted() as registry:
        run = registry.submit(RunConfig(UOTM(), RING, steps=steps, device="cpu"))
        while not run.step and run.status in ("queued", "running"):
            time.sleep(0.01)
        began, done = time.perf_counter(), run.step
        run.wait()
        seconds = time.perf_counter() - began
        if run.status != "done":
            raise RuntimeError(f"the run was {run.status}: {run.message}")
    return seconds * steps / max(steps - done, 1)


ROWS = (
    Row("sweep-workers", "a sweep of 32 short runs on two cores: one process against two", ">= x1.7", sweep_workers),
    Row("robustness-map", "robustness map, 48 runs, against one process per core without compiling", ">= x2.5", robustness_map),
    Row("long-run", "a run of 200,000 steps in the plane, compiled by itself", f"<= {LONG_SECONDS} s", long_run),
)  # fmt: skip
