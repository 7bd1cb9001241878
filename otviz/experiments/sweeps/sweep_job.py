"""Runs a sweep in the background: on all cores with worker processes, or on a GPU with one that trains stacks of runs."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from otviz.core import __version__
from otviz.core.container import Arrays, Plain
from otviz.core.files import home
from otviz.core.machine import cores
from otviz.core.owners import EVERYBODY, Owner
from otviz.core.workers.pipe import Message
from otviz.experiments.jobs.job import Job
from otviz.experiments.jobs.journal import Journal
from otviz.experiments.jobs.worker_pool import ProcessPool
from otviz.experiments.sweeps.sweep import Cell, Outcome, Sweep, identity, run_id, with_knob
from otviz.experiments.sweeps.train_cells import stackable, train_cells
from otviz.runs.config import RunConfig
from otviz.runs.saved.run_store import Store
from otviz.runs.takeover import SHORTEST, allowed
from otviz.training.ahead import can_build
from otviz.training.loop import device_named
from otviz.training.stacked import structure

STACK = {"cuda": 64, "cpu": 4}
"""Maximum number of runs in a stack, by device.

More than 64 do not use a GPU better. On a CPU, a stack of four takes two thirds of the time of four single runs; eight would
save little more and delay results. Single runs that are compiled take less than half the time.
"""

COMPILED = 30_000
"""Steps of all runs of a sweep from which compiling their updates, some twenty seconds for each method, pays on a CPU."""


class SweepJournal(Journal):
    """The journal of all sweeps with the same target, source and steps, in `sweeps` under OTVIZ_HOME (.otviz).

    The file is named by a hash of these, and each line by a hash of its run. So adding a value, method or seed to a sweep
    trains only the new runs.

    Args:
        sweep: what to run.
        owner: whose it is; each owner has a journal.
    """

    def __init__(self, sweep: Sweep, owner: Owner = EVERYBODY) -> None:
        self._sweep = sweep
        shared = {
            "otviz": __version__, "steps": sweep.steps,
            "target": sweep.target.record(), "source": sweep.source.record(),
        }  # fmt: skip
        name = owner.digest(json.dumps(shared, sort_keys=True).encode())
        super().__init__(home() / "sweeps" / f"{name}.jsonl")

    def outcomes(self) -> dict[Cell, Outcome]:
        """The outcomes of the sweep's cells so far."""
        found = dict(self.read(_parsed))
        names = {cell: identity(self._sweep.config(cell)) for cell in self._sweep.cells()}
        return {cell: found[name] for cell, name in names.items() if name in found}

    def save(self, cell: Cell, outcome: Outcome) -> None:
        """Append an outcome. Raises OSError."""
        self.add({"run": identity(self._sweep.config(cell)), "outcome": dataclasses.asdict(outcome)})


class SweepJob(Job[Cell, Outcome]):
    """Runs the cells of a sweep that its journal lacks.

    Args:
        sweep: what to run.
        workers: number of processes; if None, one per core, or one in all with a GPU.
        device: "cpu", "cuda", or "auto" for the GPU if there is one.
        owner: whose the runs are.
    """

    def __init__(
        self, sweep: Sweep, workers: int | None = None, device: str = "auto", owner: Owner = EVERYBODY
    ) -> None:
        self.sweep = sweep
        self._owner = owner
        kind = device_named(device).type
        self._device = kind if kind == "cuda" else "cpu"
        self._file = SweepJournal(sweep, owner)
        super().__init__(self._file.outcomes(), sweep.total)
        count = (1 if kind == "cuda" else cores()) if workers is None else workers
        alone = list(tasks(sweep, self.outcomes, 1))
        self._compiled = (
            self._device == "cpu" and allowed() and can_build() and sweep.steps >= SHORTEST
            and len(alone) * sweep.steps >= COMPILED
        )  # fmt: skip
        left = alone if self._compiled else list(tasks(sweep, self.outcomes, STACK[self._device]))
        self._pool = ProcessPool(left, self._request, self._keep, count, __name__)

    def _request(self, task: Sequence[Cell]) -> Plain:
        configs = [self.sweep.config(cell, self._device) for cell in task]
        return {
            "configs": [config.record() for config in configs],
            "ids": [run_id(config, self._owner) for config in configs],
            "compiled": self._compiled and configs[0].method.can_compile,
        }

    def _outcome(self, record: Mapping[str, Any]) -> Outcome:
        return Outcome.from_record(record)

    def _save(self, key: Cell, outcome: Outcome) -> None:
        self._file.save(key, outcome)

    def _journal(self, key: Cell) -> SweepJournal:
        return self._file


def tasks(sweep: Sweep, done: dict[Cell, Outcome], most: int) -> Iterator[list[Cell]]:
    """Group the remaining cells into tasks of cells that can be trained as one stack.

    Args:
        sweep: what to run.
        done: the outcomes so far.
        most: maximum number of cells in a task.
    """
    groups: dict[tuple[object, ...], list[Cell]] = defaultdict(list)
    for cell in sweep.cells():
        if cell not in done:
            method = with_knob(cell.method, sweep.knob, cell.value)
            alone = most == 1 or not stackable([sweep.config(cell)])
            groups[(cell,) if alone else (type(method), *structure(method).values())].append(cell)
    for cells in groups.values():
        yield from (cells[begin : begin + most] for begin in range(0, len(cells), most))


def answers(plain: Plain, arrays: Arrays) -> Iterator[Message]:
    """In a worker process: train the cells of a task and yield their outcomes. Raises ValueError if they cannot be trained."""
    configs = [RunConfig.from_record(record) for record in plain["configs"]]
    for index, outcome in enumerate(train_cells(configs, Store(), plain["ids"], plain["compiled"])):
        yield {"index": index, "outcome": dataclasses.asdict(outcome)}, {}


def _parsed(line: Mapping[str, Any]) -> tuple[str, Outcome]:
    return str(line["run"]), Outcome.from_record(line["outcome"])
