"""A sweep that runs beside a page: worker processes on all cores, or one that trains whole rows as stacks on a GPU."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from otviz.robustness.journal import Journal
from otviz.robustness.playing import stackable
from otviz.robustness.sweep import Cell, Outcome, Sweep, with_knob
from otviz.runs.config import RunConfig
from otviz.stacked import structure
from otviz.training import device_named

STACK = {"cuda": 64, "cpu": 4}
"""Members of one stack at most.

More than 64 fill a GPU no better. On a CPU four take two thirds of the time of four alone; eight would take little less, and
results come later.
"""

ROOT = Path(__file__).resolve().parents[2]


class Sweeping:
    """Fills in a sweep from where its journal ends; others look at `outcomes` whenever they like.

    Attributes:
        outcomes: of the cells that are done.
        error: what went wrong, for a person; empty if nothing did.

    Args:
        sweep: what to run.
        workers: processes at once; as many as there are cores, or one with a GPU, if None.
        device: "cpu" or "cuda"; "auto" takes the GPU if there is one.
    """

    def __init__(self, sweep: Sweep, workers: int | None = None, device: str = "auto") -> None:
        self.sweep = sweep
        self.error = ""
        kind = device_named(device).type
        self._device = kind if kind == "cuda" else "cpu"
        self._journal = Journal(sweep)
        self.outcomes: dict[Cell, Outcome] = self._journal.read()
        self._before = len(self.outcomes)
        self._tasks = deque(tasks(sweep, self.outcomes, STACK[self._device]))
        self._lock = threading.Lock()
        self._stopped = False
        self._over = threading.Event()
        self._began = time.monotonic()
        count = (1 if kind == "cuda" else cores()) if workers is None else workers
        self._workers: list[Worker] = []
        self._serving = max(1, min(count, len(self._tasks)))
        for number in range(self._serving):
            threading.Thread(target=self._serve, name=f"sweep {number}", daemon=True).start()

    @property
    def over(self) -> bool:
        """Whether nothing runs any more."""
        return self._over.is_set()

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the rest takes at the pace so far; None before the first outcome."""
        done = len(self.outcomes) - self._before
        left = self.sweep.total - len(self.outcomes)
        return (time.monotonic() - self._began) / done * left if done else None

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is over, at most so many seconds; whether it is."""
        return self._over.wait(seconds)

    def stop(self) -> None:
        """End the processes at once, keeping what is done; does not wait."""
        with self._lock:
            self._stopped = True
            for worker in self._workers:
                worker.end()

    def _serve(self) -> None:
        """Give tasks to a process of its own until there are none."""
        worker = None
        try:
            worker = self._begun()
            while worker is not None and (task := self._next()):
                self._play(worker, task)
        except Exception as error:  # read by the page, which has a sentence for it
            if not self._stopped:
                self.error = str(error) or type(error).__name__
        finally:
            self._leave(worker)

    def _play(self, worker: Worker, task: list[Cell]) -> None:
        try:
            for index, outcome in worker.play([self.sweep.config(cell, self._device) for cell in task]):
                self._keep(task[index], outcome)
        except ValueError as error:  # this task could not be played; the next may
            self.error = str(error)

    def _begun(self) -> Worker | None:
        with self._lock:
            if self._stopped or not self._tasks:
                return None
            self._workers.append(Worker())
            return self._workers[-1]

    def _next(self) -> list[Cell]:
        with self._lock:
            return self._tasks.popleft() if self._tasks and not self._stopped else []

    def _keep(self, cell: Cell, outcome: Outcome) -> None:
        with self._lock:
            self.outcomes = {**self.outcomes, cell: outcome}  # a new one: a page may be going through the old
            try:
                self._journal.add(cell, outcome)
            except OSError as error:
                self.error = f"what is done could not be written down ({error.strerror}); free some disk space"

    def _leave(self, worker: Worker | None) -> None:
        if worker is not None:
            worker.end()
        with self._lock:
            self._serving -= 1
            if not self._serving:
                self._over.set()


class Worker:
    """A process that plays cells (see `otviz.robustness.worker`)."""

    def __init__(self) -> None:
        found = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        paths = {"PYTHONPATH": os.pathsep.join(filter(None, found)), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "otviz.robustness.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **paths},
        )  # fmt: skip

    def play(self, configs: Sequence[RunConfig]) -> Iterator[tuple[int, Outcome]]:
        """Index and outcome of each, as they come.

        Raises:
            ValueError: they could not be played.
            RuntimeError: the process ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended, and so has its output
            self._process.stdin.write(json.dumps([config.record() for config in configs]) + "\n")
            self._process.stdin.flush()
        for line in self._process.stdout:
            answer: dict[str, Any] = json.loads(line)
            if "over" not in answer:
                yield answer["index"], Outcome.from_record(answer["outcome"])
            elif answer["over"]:
                raise ValueError(answer["over"])
            else:
                return
        raise RuntimeError(
            f"a process that trains ended by itself (status {self._process.wait()}); start the rest again"
        )

    def end(self) -> None:
        """End the process at once; harmless when it has ended."""
        self._process.kill()
        self._process.wait()


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


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
