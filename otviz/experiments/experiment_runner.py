"""Experiments that run beside whoever asked: a seed is a task of a worker process, done ones are a line in a journal.

A run that was stopped goes on from its journal; once all seeds of an experiment are there, its result is written and the
journal is gone.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from otviz.core.files import home, refused
from otviz.core.processes import cores
from otviz.core.version import __version__
from otviz.experiments import named
from otviz.experiments.experiment import Experiment, Outcome
from otviz.experiments.results import SHIPPED, Result, result_of, write
from otviz.experiments.sweeps.worker_pool import Answer, ProcessPool, WorkerPool

WORKER = "otviz.experiments.experiment_worker"
MOST_SEEDS = 100

Task = tuple[str, int]


class ExperimentRunner:
    """Runs experiments over seeds; others look at `results` and `done` whenever they like.

    Attributes:
        results: of the experiments that are complete, by id.
        done: pairs of id and seed that have an outcome.
        total: how many there will be.
        unmeasured: why an experiment cannot be measured on this machine, by id; those are left out.

    Args:
        experiments: what to run; those that are reference only are left out.
        seeds: how many, 0, 1, ...
        quick: the short form of each.
        workers: processes at once; as many as there are cores if None.
        cluster: address of a Dask scheduler, whose workers measure instead of processes of this machine.
        folder: where results are written; those of quick runs lie apart and never replace full ones.

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
        wanted = [each for each in runnable if each.cost != "reference"]
        self.unmeasured = {
            each.name: unavailable_reason for each in wanted if (unavailable_reason := each.unavailable_reason())
        }
        names = [each.name for each in wanted if each.name not in self.unmeasured]
        self._outcomes = {name: {o.seed: o for o in self._kept(name) if o.seed in self._seeds} for name in names}
        self.total = len(names) * seeds
        self._write_error, self._lock = "", threading.Lock()
        self._before, self._began = len(self.done), time.monotonic()
        self._machine: dict[str, str | int] | None = None  # this one
        for name in names:
            self._complete(name)
        tasks = [(name, seed) for name in names for seed in self._seeds if seed not in self._outcomes[name]]
        with self._lock:  # nothing is written down before it is known who measured
            self._pool = self._gathered(tasks, workers, cluster)

    @property
    def done(self) -> list[Task]:
        """What has an outcome."""
        return [(name, seed) for name, outcomes in self._outcomes.items() for seed in dict(outcomes)]

    @property
    def error(self) -> str:
        """What went wrong, for a person; empty if nothing did."""
        return self._pool.error or self._write_error

    @property
    def over(self) -> bool:
        """Whether nothing runs any more."""
        return self._pool.over

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the rest takes at the pace so far; None before the first outcome."""
        done = len(self.done)
        fresh = done - self._before
        return (time.monotonic() - self._began) / fresh * (self.total - done) if fresh else None

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is over, at most so many seconds; whether it is."""
        return self._pool.wait(seconds)

    def stop(self) -> None:
        """End the processes at once, keeping what is done; does not wait."""
        self._pool.stop()

    def _gathered(self, tasks: Sequence[Task], workers: int | None, cluster: str) -> WorkerPool[Task]:
        if not cluster or not tasks:
            return ProcessPool(tasks, self._request, self._answered, workers or cores(), WORKER)
        from otviz.experiments.sweeps.dask_pool import Cluster

        crew = Cluster(tasks, self._request, self._answered, cluster, WORKER)
        self._machine = {"system": "Dask", "processor": "workers of a cluster", "cores": crew.threads}
        return crew

    def _request(self, task: Task) -> dict[str, str | int | bool]:
        return {"experiment": task[0], "seed": task[1], "quick": self._quick}

    def _answered(self, task: Task, answer: Answer) -> None:
        self._keep(task[0], Outcome.from_record(answer["outcome"]))

    def _keep(self, name: str, outcome: Outcome) -> None:
        with self._lock:
            self._outcomes[name] = {**self._outcomes[name], outcome.seed: outcome}
            try:
                path = self._journal(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"otviz": __version__, **outcome.record()}) + "\n")
                self._complete(name)
            except OSError as error:
                self._write_error = f"what is done is not kept: {refused(self._journal(name), error)}"

    def _complete(self, name: str) -> None:
        """Once every seed is there, write the result."""
        outcomes = self._outcomes[name]
        if len(outcomes) < len(self._seeds):
            return
        result = result_of(name, list(outcomes.values()), self._quick, self._machine)
        write(result, self._folder)
        self._journal(name).unlink(missing_ok=True)
        self.results = {**self.results, name: result}

    def _kept(self, name: str) -> list[Outcome]:
        """The outcomes in the journal of a run that was stopped; lines that cannot be read count as not there."""
        try:
            lines = self._journal(name).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        return [outcome for line in lines if (outcome := _parsed(line)) is not None]

    def _journal(self, name: str) -> Path:
        return experiments_folder() / f"{name}{'-quick' if self._quick else ''}.jsonl"


def experiments_folder() -> Path:
    """The folder of what runs here: `experiments` under OTVIZ_HOME (.otviz)."""
    return home() / "experiments"


def run_here(experiment: str, seed: int, quick: bool) -> Outcome:
    """One seed in this process."""
    began = time.perf_counter()
    values = named(experiment).measure(seed, quick)
    return Outcome(seed, values, time.perf_counter() - began)


def _parsed(line: str) -> Outcome | None:
    try:
        record = json.loads(line)
        return Outcome.from_record(record) if record["otviz"] == __version__ else None
    except (ValueError, KeyError, TypeError):
        return None
