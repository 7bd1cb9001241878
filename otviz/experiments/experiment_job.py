"""Experiments in the background: a seed is a task of a worker process, and its outcome a line in a journal.

A stopped job continues from its journal; when all seeds of an experiment are done, its result is written and the journal
deleted.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from otviz.core import __version__
from otviz.core.container import Arrays, Plain
from otviz.core.files import home
from otviz.core.locks import WAIT, alone
from otviz.core.machine import cores
from otviz.core.workers.pipe import Message
from otviz.core.workers.serving import sentence
from otviz.experiments import named
from otviz.experiments.experiment import Experiment, Outcome
from otviz.experiments.jobs.job import Job
from otviz.experiments.jobs.journal import Journal
from otviz.experiments.jobs.worker_pool import ProcessPool, WorkerPool
from otviz.experiments.results import SHIPPED, Result, experiments_folder, result_of, write

MOST_SEEDS = 100

Key = tuple[str, int]
"""An experiment and a seed."""


class ExperimentJob(Job[Key, Outcome]):
    """Runs experiments over seeds.

    Attributes:
        names: names of the experiments.
        results: of complete experiments, by name.
        unmeasured: why experiments cannot be measured on this machine, by name; they are skipped.

    Args:
        experiments: what to run; claims that are only reported are skipped.
        seeds: number of seeds, 0, 1, ...
        quick: run the short form.
        workers: number of processes; default: number of cores.
        folder: where to write results; those of quick runs are separate and never replace full ones.
        cluster: address of a Dask scheduler, whose workers replace local processes.

    Raises ValueError for a number of seeds or workers out of range, or a cluster that cannot be reached.
    """

    def __init__(
        self,
        experiments: Sequence[Experiment],
        seeds: int = 5,
        quick: bool = False,
        workers: int | None = None,
        folder: Path | None = None,
        cluster: str = "",
    ) -> None:
        for name, value in (("seeds", seeds), ("workers", 1 if workers is None else workers)):
            if not 1 <= value <= MOST_SEEDS:
                raise ValueError(f"{name} must be from 1 to {MOST_SEEDS}; got {value}")
        self.results: dict[str, Result] = {}
        self._folder = folder or (home() / "quick" if quick else SHIPPED)
        self._quick, self._seeds = quick, range(seeds)
        runnable = sorted(experiments, key=lambda each: ("seconds", "minutes", "reference").index(each.cost))
        wanted = {each.name: each.unavailable_reason() for each in runnable if each.cost != "reference"}
        self.unmeasured = {name: reason for name, reason in wanted.items() if reason}
        self._locks = contextlib.ExitStack()
        self._lock_all([name for name in wanted if name not in self.unmeasured])
        self.names = names = [name for name in wanted if name not in self.unmeasured]
        keys = [(name, seed) for name in names for seed in self._seeds]
        kept = {(name, o.seed): o for name in names for o in self._journal((name, 0)).read(_parsed)}
        super().__init__({key: kept[key] for key in keys if key in kept}, len(keys))
        self._machine: dict[str, str | int] | None = None  # this one
        for name in names:
            self._complete(name)
        left = [[key] for key in keys if key not in kept]
        with self._lock:  # outcomes are written only when the machine is known
            try:
                self._pool = self._gathered(left, workers, cluster)
            except BaseException:
                self._locks.close()
                raise
        threading.Thread(target=self._unlock, name="locks of claims", daemon=True).start()

    def _lock_all(self, names: Sequence[str]) -> None:
        """Lock the journals, so that each claim is measured by one process at a time."""
        patience = time.monotonic() + WAIT
        for name in names:
            journal = self._journal((name, 0)).path
            try:
                wait = max(patience - time.monotonic(), 0.0)
                self._locks.enter_context(alone(journal, "another process measures it now", wait))
            except ValueError as error:
                self.unmeasured[name] = str(error)

    def _unlock(self) -> None:
        self._pool.wait()
        self._locks.close()

    def _gathered(self, tasks: Sequence[Sequence[Key]], workers: int | None, cluster: str) -> WorkerPool[Sequence[Key]]:
        if not cluster or not tasks:
            return ProcessPool(tasks, self._request, self._keep, workers or cores(), __name__)
        from otviz.experiments.jobs.dask_pool import DaskPool

        pool = DaskPool(tasks, self._request, self._keep, cluster, __name__)
        self._machine = {"system": "Dask", "processor": "workers of a cluster", "cores": pool.threads}
        return pool

    def _request(self, task: Sequence[Key]) -> Plain:
        ((name, seed),) = task
        return {"experiment": name, "seed": seed, "quick": self._quick}

    def _outcome(self, record: Mapping[str, Any]) -> Outcome:
        return Outcome.from_record(record)

    def _save(self, key: Key, outcome: Outcome) -> None:
        self._journal(key).add({"otviz": __version__, **outcome.record()})
        self._complete(key[0])

    def _journal(self, key: Key) -> Journal:
        return Journal(experiments_folder() / f"{key[0]}{'-quick' if self._quick else ''}.jsonl")

    def _complete(self, name: str) -> None:
        """Write the result when all seeds are done."""
        outcomes = [outcome for (each, _), outcome in self.outcomes.items() if each == name]
        if len(outcomes) < len(self._seeds):
            return
        result = result_of(name, outcomes, self._quick, self._machine)
        write(result, self._folder)
        self._journal((name, 0)).path.unlink(missing_ok=True)
        self.results = {**self.results, name: result}


def answers(plain: Plain, arrays: Arrays) -> Iterator[Message]:
    """Measure a seed in a worker process. Raises ValueError if it fails."""
    try:
        outcome = measure_seed(plain["experiment"], plain["seed"], plain["quick"])
    except Exception as error:
        raise ValueError(f"{plain['experiment']}, seed {plain['seed']}: {sentence(error)}") from error
    yield {"index": 0, "outcome": outcome.record()}, {}


def measure_seed(experiment: str, seed: int, quick: bool) -> Outcome:
    """Measure a seed in this process.

    Args:
        experiment: its name.
        seed: of its draws and trainings.
        quick: run the short form.
    """
    began = time.perf_counter()
    values = named(experiment).measure(seed, quick)
    return Outcome(seed, values, time.perf_counter() - began)


def _parsed(record: Mapping[str, Any]) -> Outcome:
    if record["otviz"] != __version__:
        raise ValueError("written by another version")
    return Outcome.from_record(record)
