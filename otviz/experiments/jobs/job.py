"""A job beside a page or a command: tasks in, outcomes out; it can be looked at, stopped, and gone on with."""

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
    """Fills in outcomes by key from where its journal ends; others look at them whenever they like.

    A task is a list of keys that one process does together; for each it answers {"index": place in the task, "outcome": record}.

    Attributes:
        outcomes: of the keys that are done.
        total: how many there will be.

    Args:
        outcomes: those that the journal has.
        total: how many there will be.
    """

    def __init__(self, outcomes: Mapping[K, O], total: int) -> None:
        self.outcomes, self.total = dict(outcomes), total
        self._before, self._began = len(outcomes), time.monotonic()
        self._write_error, self._lock = "", threading.Lock()
        self._pool: WorkerPool[Sequence[K]]

    @abstractmethod
    def _request(self, task: Sequence[K]) -> Plain:
        """The plain values that ask for a task."""

    @abstractmethod
    def _outcome(self, record: Mapping[str, Any]) -> O:
        """The outcome that a worker wrote down."""

    @abstractmethod
    def _save(self, key: K, outcome: O) -> None:
        """Write it into the journal. Raises OSError."""

    @abstractmethod
    def _journal(self, key: K) -> Journal:
        """The journal of a key."""

    def _keep(self, task: Sequence[K], answer: Plain) -> None:
        key, outcome = task[answer["index"]], self._outcome(answer["outcome"])
        with self._lock:
            self.outcomes = {**self.outcomes, key: outcome}  # a new one: a page may be going through the old
            try:
                self._save(key, outcome)
            except OSError as error:
                self._write_error = f"the results are not kept: {refused(self._journal(key).path, error)}"

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
        left = self.total - len(self.outcomes)
        return (time.monotonic() - self._began) / done * left if done else None

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is over, at most that many seconds; whether it is."""
        return self._pool.wait(seconds)

    def stop(self) -> None:
        """End the processes at once, keeping what is done; does not wait."""
        self._pool.stop()
