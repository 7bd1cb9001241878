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

from otviz import __version__
from otviz.experiments import named
from otviz.experiments.base import Experiment, Outcome
from otviz.experiments.results import SHIPPED, Result, result_of, write
from otviz.files import home
from otviz.processes import cores
from otviz.robustness.crew import Crew, Worker

WORKER = "otviz.experiments.worker"
MOST_SEEDS = 100

Task = tuple[str, int]


class Running:
    """Runs experiments over seeds; others look at `results` and `done` whenever they like.

    Attributes:
        results: of the experiments that are complete, by id.
        done: pairs of id and seed that have an outcome.
        total: how many there will be.

    Args:
        experiments: what to run; those that are reference only are left out.
        seeds: how many, 0, 1, ...
        quick: the short form of each.
        workers: processes at once; as many as there are cores if None.
        folder: where results are written; those of quick runs lie apart and never replace full ones.

    Raises ValueError for a number of seeds or workers out of range.
    """

    def __init__(
        self,
        experiments: Sequence[Experiment],
        seeds: int = 5,
        quick: bool = False,
        workers: int | None = None,
        folder: Path | None = None,
    ) -> None:
        for name, value in (("seeds", seeds), ("workers", 1 if workers is None else workers)):
            if not 1 <= value <= MOST_SEEDS:
                raise ValueError(f"{name} must be from 1 to {MOST_SEEDS}; got {value}")
        self.results: dict[str, Result] = {}
        self._folder = folder or (home() / "quick" if quick else SHIPPED)
        self._quick, self._seeds = quick, range(seeds)
        runnable = sorted(experiments, key=lambda each: ("seconds", "minutes", "reference").index(each.cost))
        names = [each.name for each in runnable if each.cost != "reference"]
        self._outcomes = {name: {o.seed: o for o in self._kept(name) if o.seed in self._seeds} for name in names}
        self.total = len(names) * seeds
        self._unwritten, self._lock = "", threading.Lock()
        self._before, self._began = len(self.done), time.monotonic()
        for name in names:
            self._complete(name)
        tasks = [(name, seed) for name in names for seed in self._seeds if seed not in self._outcomes[name]]
        self._crew: Crew[Task] = Crew(tasks, self._measure, workers or cores(), WORKER)

    @property
    def done(self) -> list[Task]:
        """What has an outcome."""
        return [(name, seed) for name, outcomes in self._outcomes.items() for seed in dict(outcomes)]

    @property
    def error(self) -> str:
        """What went wrong, for a person; empty if nothing did."""
        return self._crew.error or self._unwritten

    @property
    def over(self) -> bool:
        """Whether nothing runs any more."""
        return self._crew.over

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the rest takes at the pace so far; None before the first outcome."""
        done = len(self.done)
        fresh = done - self._before
        return (time.monotonic() - self._began) / fresh * (self.total - done) if fresh else None

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is over, at most so many seconds; whether it is."""
        return self._crew.wait(seconds)

    def stop(self) -> None:
        """End the processes at once, keeping what is done; does not wait."""
        self._crew.stop()

    def _measure(self, worker: Worker, task: Task) -> None:
        name, seed = task
        for answer in worker.ask({"experiment": name, "seed": seed, "quick": self._quick}):
            self._keep(name, Outcome.from_record(answer["outcome"]))

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
                self._unwritten = f"what is done could not be written down ({error.strerror}); free some disk space"

    def _complete(self, name: str) -> None:
        """Once every seed is there, write the result."""
        outcomes = self._outcomes[name]
        if len(outcomes) < len(self._seeds):
            return
        result = result_of(name, list(outcomes.values()), self._quick)
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
