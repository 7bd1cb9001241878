"""Processes that work off tasks beside whoever started them; they speak JSON, a text a line (see `otviz.experiments.sweeps.sweep_worker`)."""

from __future__ import annotations

import contextlib
import json
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from otviz.core.processes import begin

T = TypeVar("T")
Answer = dict[str, Any]


class Worker:
    """One process.

    Args:
        module: what it runs; its `main` is `otviz.experiments.sweeps.sweep_worker.serve` with answers of its own.
    """

    def __init__(self, module: str) -> None:
        self._process = begin(module, text=True)

    def ask(self, task: object) -> Iterator[Answer]:
        """The answers to a task of plain values, as they come.

        Raises:
            ValueError: it could not be done.
            RuntimeError: the process ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended, and so has its output
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
        for line in self._process.stdout:
            answer: Answer = json.loads(line)
            if "over" not in answer:
                yield answer
            elif answer["over"]:
                raise ValueError(answer["over"])
            else:
                return
        raise RuntimeError(
            f"a training process ended unexpectedly (status {self._process.wait()}); start the remaining runs again"
        )

    def end(self) -> None:
        """End the process at once; harmless when it has ended."""
        self._process.kill()
        self._process.wait()


class WorkerPool(ABC, Generic[T]):
    """Works off tasks until there are none; others look at it whenever they like.

    What is asked of a worker and what it answers are plain values: `request` makes the one of a task, `keep` takes the others
    as they come, on some thread of the crew.

    Attributes:
        error: what went wrong, for a person; empty if nothing did.
    """

    def __init__(self) -> None:
        self.error = ""
        self._lock = threading.Lock()
        self._stopped = False
        self._over = threading.Event()

    @property
    def over(self) -> bool:
        """Whether nothing runs any more."""
        return self._over.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is over, at most that many seconds; whether it is."""
        return self._over.wait(seconds)

    @abstractmethod
    def stop(self) -> None:
        """End at once, keeping what is done; does not wait."""


class ProcessPool(WorkerPool[T]):
    """A crew of processes on this machine.

    Args:
        tasks: what is to be done, in this order.
        request: what a process is asked for a task; JSON takes it.
        keep: takes a task and an answer to it.
        count: processes at once.
        module: that they run.
    """

    def __init__(
        self,
        tasks: Iterable[T],
        request: Callable[[T], object],
        keep: Callable[[T, Answer], None],
        count: int,
        module: str,
    ) -> None:
        super().__init__()
        self._tasks, self._request, self._keep, self._module = deque(tasks), request, keep, module
        self._workers: list[Worker] = []
        self._serving = max(1, min(count, len(self._tasks)))
        for number in range(self._serving):
            threading.Thread(target=self._serve, name=f"crew {number}", daemon=True).start()

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
                self._do(worker, task[0])
        except Exception as error:  # read by the page, which has a sentence for it
            if not self._stopped:
                self.error = str(error) or type(error).__name__
        finally:
            self._leave(worker)

    def _do(self, worker: Worker, task: T) -> None:
        try:
            for answer in worker.ask(self._request(task)):
                self._keep(task, answer)
        except ValueError as error:  # this task could not be done; the next may
            self.error = str(error)

    def _begun(self) -> Worker | None:
        with self._lock:
            if self._stopped or not self._tasks:
                return None
            self._workers.append(Worker(self._module))
            return self._workers[-1]

    def _next(self) -> list[T]:
        with self._lock:
            return [self._tasks.popleft()] if self._tasks and not self._stopped else []

    def _leave(self, worker: Worker | None) -> None:
        if worker is not None:
            worker.end()
        with self._lock:
            self._serving -= 1
            if not self._serving:
                self._over.set()
