"""Processes that work off tasks beside whoever started them; they speak JSON, a text a line (see `otviz.robustness.worker`)."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from otviz.processes import begin

T = TypeVar("T")


class Worker:
    """One process.

    Args:
        module: what it runs; its `main` is `otviz.robustness.worker.serve` with answers of its own.
    """

    def __init__(self, module: str) -> None:
        self._process = begin(module, text=True)

    def ask(self, task: object) -> Iterator[dict[str, Any]]:
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
            answer: dict[str, Any] = json.loads(line)
            if "over" not in answer:
                yield answer
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


class Crew(Generic[T]):
    """Gives tasks to processes until there are none; others look at it whenever they like.

    Attributes:
        error: what went wrong, for a person; empty if nothing did.

    Args:
        tasks: what is to be done, in this order.
        work: does one task with one process, on a thread of that process; it may raise what `Worker.ask` raises.
        count: processes at once.
        module: that they run.
    """

    def __init__(self, tasks: Iterable[T], work: Callable[[Worker, T], None], count: int, module: str) -> None:
        self.error = ""
        self._tasks, self._work, self._module = deque(tasks), work, module
        self._lock = threading.Lock()
        self._stopped = False
        self._over = threading.Event()
        self._workers: list[Worker] = []
        self._serving = max(1, min(count, len(self._tasks)))
        for number in range(self._serving):
            threading.Thread(target=self._serve, name=f"crew {number}", daemon=True).start()

    @property
    def over(self) -> bool:
        """Whether nothing runs any more."""
        return self._over.is_set()

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
                self._do(worker, task[0])
        except Exception as error:  # read by the page, which has a sentence for it
            if not self._stopped:
                self.error = str(error) or type(error).__name__
        finally:
            self._leave(worker)

    def _do(self, worker: Worker, task: T) -> None:
        try:
            self._work(worker, task)
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
