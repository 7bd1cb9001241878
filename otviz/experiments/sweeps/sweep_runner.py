"""A sweep that runs beside a page: worker processes on all cores, or one that trains whole rows as stacks on a GPU."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from otviz.core.files import refused
from otviz.core.processes import cores
from otviz.experiments.sweeps.journal import Journal
from otviz.experiments.sweeps.sweep import Cell, Outcome, Sweep, with_knob
from otviz.experiments.sweeps.train_cells import stackable
from otviz.experiments.sweeps.worker_pool import Answer, ProcessPool
from otviz.training.loop import device_named
from otviz.training.stacked import structure

STACK = {"cuda": 64, "cpu": 4}
"""Members of one stack at most.

More than 64 fill a GPU no better. On a CPU four take two thirds of the time of four alone; eight would take little less, and
results come later.
"""

WORKER = "otviz.experiments.sweeps.sweep_worker"


class SweepRunner:
    """Fills in a sweep from where its journal ends; others look at `outcomes` whenever they like.

    Attributes:
        outcomes: of the cells that are done.

    Args:
        sweep: what to run.
        workers: processes at once; as many as there are cores, or one with a GPU, if None.
        device: "cpu" or "cuda"; "auto" takes the GPU if there is one.
    """

    def __init__(self, sweep: Sweep, workers: int | None = None, device: str = "auto") -> None:
        self.sweep = sweep
        kind = device_named(device).type
        self._device = kind if kind == "cuda" else "cpu"
        self._journal = Journal(sweep)
        self.outcomes: dict[Cell, Outcome] = self._journal.read()
        self._before = len(self.outcomes)
        self._write_error = ""
        self._lock = threading.Lock()
        self._began = time.monotonic()
        count = (1 if kind == "cuda" else cores()) if workers is None else workers
        left = tasks(sweep, self.outcomes, STACK[self._device])
        self._pool = ProcessPool(left, self._request, self._answered, count, WORKER)

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
        done = len(self.outcomes) - self._before
        left = self.sweep.total - len(self.outcomes)
        return (time.monotonic() - self._began) / done * left if done else None

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is over, at most that many seconds; whether it is."""
        return self._pool.wait(seconds)

    def stop(self) -> None:
        """End the processes at once, keeping what is done; does not wait."""
        self._pool.stop()

    def _request(self, task: list[Cell]) -> list[dict[str, Any]]:
        return [self.sweep.config(cell, self._device).record() for cell in task]

    def _answered(self, task: list[Cell], answer: Answer) -> None:
        self._keep(task[answer["index"]], Outcome.from_record(answer["outcome"]))

    def _keep(self, cell: Cell, outcome: Outcome) -> None:
        with self._lock:
            self.outcomes = {**self.outcomes, cell: outcome}  # a new one: a page may be going through the old
            try:
                self._journal.add(cell, outcome)
            except OSError as error:
                self._write_error = f"the results are not kept: {refused(self._journal.path, error)}"


def tasks(sweep: Sweep, done: dict[Cell, Outcome], most: int) -> Iterator[list[Cell]]:
    """What is left to do, in portions: of at most `most` cells that can be stacked, or of one cell."""
    groups: dict[tuple[object, ...], list[Cell]] = defaultdict(list)
    for cell in sweep.cells():
        if cell not in done:
            method = with_knob(cell.method, sweep.knob, cell.value)
            alone = most == 1 or not stackable([sweep.config(cell)])
            groups[(cell,) if alone else (type(method), *structure(method).values())].append(cell)
    for cells in groups.values():
        yield from (cells[begin : begin + most] for begin in range(0, len(cells), most))
