"""Background jobs, which can be observed, stopped and continued."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from otviz.core.container import Plain
from otviz.core.files import refused
from otviz.experiments.jobs.journal import Journal
from otviz.experiments.jobs.worker_pool import WorkerPool

K = TypeVar("K", bound=Hashable)
O = TypeVar("O")  # noqa: E741


class Job(ABC, Generic[K, O]):
    """Computes outcomes by key, starting from its journal; other threads may read them at any time.

    A task is a list of keys for one process, which answers {"index": index in the task, "outcome": record} for each.

    Attributes:
        outcomes: of the finished keys.
        total: final number of outcomes.

    Args:
        outcomes: those in the journal.
        total: final number of outcomes.
    """

    def __init__(self, outcomes: Mapping[K, O], total: int) -> None:
        self.outcomes, self.total = dict(outcomes), total
        self._before, self._began = len(outcomes), time.monotonic()
        self._write_error, self._lock = "", threading.Lock()
        self._pool: WorkerPool[Sequence[K]]

    @abstractmethod
    def _request(self, task: Sequence[K]) -> Plain:
        """The request for a task, as plain values."""

    @abstractmethod
    def _outcome(self, record: Mapping[str, Any]) -> O:
        """Read an outcome from a worker's record."""

    @abstractmethod
    def _save(self, key: K, outcome: O) -> None:
        """Write an outcome to the journal. Raises OSError."""

    @abstractmethod
    def _journal(self, key: K) -> Journal:
        """The journal of a key."""

    def _keep(self, task: Sequence[K], answer: Plain) -> None:
        key, outcome = task[answer["index"]], self._outcome(answer["outcome"])
        with self._lock:
            self.outcomes = {**self.outcomes, key: outcome}  # a new dict, since a page may iterate over the old one
            try:
                self._save(key, outcome)
            except OSError as error:
                self._write_error = f"the results are not kept: {refused(self._journal(key).path, error)}"

    @property
    def error(self) -> str:
        """An error message, or empty."""
        return self._pool.error or self._write_error

    @property
    def over(self) -> bool:
        """Whether the job has ended."""
        return self._pool.over

    @property
    def seconds_left(self) -> float | None:
        """Estimated remaining seconds; None before the first outcome."""
        done = len(self.outcomes) - self._before
        left = self.total - len(self.outcomes)
        return (time.monotonic() - self._began) / done * left if done else None

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the job has ended, or for `seconds`; returns whether it has ended."""
        return self._pool.wait(seconds)

    def stop(self) -> None:
        """Kill the processes, keeping finished outcomes; does not wait."""
        self._pool.stop()
