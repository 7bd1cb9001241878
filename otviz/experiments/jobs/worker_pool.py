"""Pools of worker processes (see `otviz.core.workers.worker`)."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from otviz.core.container import Plain
from otviz.core.workers.worker import Worker, WorkerEnded

T = TypeVar("T")
NICENESS = 10
"""Lower priority than pages and watched runs."""


class WorkerPool(ABC, Generic[T]):
    """Does tasks until there are none; other threads may read its state at any time.

    Attributes:
        error: an error message, or empty.
    """

    def __init__(self) -> None:
        self.error = ""
        self._lock = threading.Lock()
        self._stopped = False
        self._over = threading.Event()

    @property
    def over(self) -> bool:
        """Whether all tasks have ended."""
        return self._over.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until all tasks have ended, or for `seconds`; returns whether they have ended."""
        return self._over.wait(seconds)

    @abstractmethod
    def stop(self) -> None:
        """Stop, keeping finished outcomes; does not wait."""


class ProcessPool(WorkerPool[T]):
    """Processes on this machine. One that ends unexpectedly is replaced if it has finished any task.

    Args:
        tasks: the tasks, in order.
        request: makes the request for a task, as plain values.
        keep: called with a task and an answer to it, on a thread of the pool.
        count: number of processes.
        module: served by the processes; its `answers` does a task.
    """

    def __init__(
        self,
        tasks: Sequence[T],
        request: Callable[[T], Plain],
        keep: Callable[[T, Plain], None],
        count: int,
        module: str,
    ) -> None:
        super().__init__()
        self._tasks, self._request, self._keep, self._module = deque(tasks), request, keep, module
        self._workers: list[Worker] = []
        self._serving = max(1, min(count, len(tasks)))
        for number in range(self._serving):
            threading.Thread(target=self._serve, name=f"worker {number}", daemon=True).start()

    def stop(self) -> None:
        """Kill the processes, keeping finished outcomes; does not wait."""
        with self._lock:
            self._stopped = True
            for worker in self._workers:
                worker.end()

    def _serve(self) -> None:
        """Send tasks to a process, one at a time, until there are none."""
        try:
            while (worker := self._begun()) is not None and self._use(worker):
                pass
        except Exception as error:  # shown by the page
            self._tell(error)
        finally:
            with self._lock:
                self._serving -= 1
                if not self._serving:
                    self._over.set()

    def _use(self, worker: Worker) -> bool:
        """Give tasks to a process until there are none, or it ends; whether another one is worth a try."""
        useful = False
        try:
            while task := self._next():
                try:
                    for answer, _ in worker.ask(self._request(task[0])):
                        self._keep(task[0], answer)
                        useful = True
                except WorkerEnded as error:
                    self._tell(error)
                    return useful
                except ValueError as error:  # this task could not be done; the next may
                    self._tell(error)
                    useful = True
            return False
        finally:
            worker.end()

    def _tell(self, error: Exception) -> None:
        if not self._stopped:
            self.error = str(error) or type(error).__name__

    def _begun(self) -> Worker | None:
        with self._lock:
            if self._stopped or not self._tasks:
                return None
            self._workers.append(Worker(self._module, NICENESS, "start the remaining runs again"))
            return self._workers[-1]

    def _next(self) -> list[T]:
        with self._lock:
            return [self._tasks.popleft()] if self._tasks and not self._stopped else []
