"""The driver: advances one training, or several together, and notifies observers.

    losses = LossHistory()
    for step, seconds in drive(SingleTrainer(training), AtSteps([0, 100, 200]), [losses.record]):
        ...  # take a snapshot after `step` steps and `seconds` seconds

A schedule sets the number of steps until the next snapshot, in chunks; observers are called after every chunk. Neither
affects the numbers of a training.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.training.loop import Step, Training

Losses: TypeAlias = NDArray[np.float32]
"""Losses of generator and adversary after each step, shape (steps, 2), nan before a first update; (steps, S, 2) for S trainings."""

Values = TypeVar("Values", NDArray[np.float32], tuple[Any, ...])

CHUNK = 256
"""Largest number of steps between two calls of the observers, whose losses are fetched from the device together."""


DIVERGED = "the loss became NaN or infinite"
"""The beginning of the message of a run that failed because of its numbers."""


class Diverged(ValueError):
    """A loss or a weight is NaN or infinite after `step` steps."""

    def __init__(self, step: int) -> None:
        super().__init__(f"{DIVERGED} at step {step}; a smaller lr or larger penalty may help")
        self.step = step


class Trainer(Protocol):
    """The interface for the driver: one training, several as one, or one in another process."""

    @property
    def step(self) -> int:
        """Number of steps done."""

    def advance(self, steps: int) -> tuple[Losses, int | None]:
        """Do `steps` steps; returns their losses, and the first step whose loss is NaN or infinite."""


class Schedule(Protocol):
    """When to take snapshots, and how many steps to do at once until then."""

    def next_steps(self, done: int) -> int | None:
        """Steps to do next, 0 for a snapshot at once, None at the end."""

    def record_steps(self, steps: int, seconds: float) -> None:
        """Record the duration of `steps` steps."""

    def snapshot_due(self, done: int) -> bool:
        """Whether to take a snapshot now."""


class Chunk(NamedTuple):
    """The argument of observers.

    Attributes:
        step: steps done in all.
        losses: of the new ones.
        seconds: of training in all.
        finite: False if one of the losses is NaN or infinite.
    """

    step: int
    losses: Losses
    seconds: float
    finite: bool


Observer: TypeAlias = Callable[[Chunk], None]


def drive(
    trainer: Trainer,
    schedule: Schedule,
    observers: Sequence[Observer] = (),
    *,
    seconds: float = 0.0,
    check: bool = True,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[tuple[int, float]]:
    """Train by a schedule; yields the steps done and the seconds of training whenever a snapshot is due.

    Args:
        trainer: what to advance.
        schedule: also ends the training.
        observers: called in order after every chunk of steps.
        seconds: of training done before.
        check: raise Diverged, after calling the observers, if a loss is NaN or infinite.
        clock: measures the seconds.

    Raises:
        Diverged: a loss is NaN or infinite, if `check`.
    """
    while (count := schedule.next_steps(trainer.step)) is not None:
        if count:
            began = clock()
            losses, bad = trainer.advance(count)
            took = clock() - began
            seconds += took
            schedule.record_steps(count, took)
            chunk = Chunk(trainer.step, losses, seconds, bad is None)
            for observer in observers:
                observer(chunk)
            if check and bad is not None:
                raise Diverged(bad)
        if schedule.snapshot_due(trainer.step):
            yield trainer.step, seconds


class SingleTrainer:
    """One training in this process.

    Attributes:
        training: the training.
    """

    def __init__(self, training: Training) -> None:
        self.training = training

    @property
    def step(self) -> int:
        return self.training.step

    def advance(self, steps: int) -> tuple[Losses, int | None]:
        return collect_losses([self.training.advance() for _ in range(steps)])


class AtSteps:
    """Snapshots after given numbers of steps.

    Args:
        steps: remaining steps with snapshots, in order; the training ends with the last.
        seconds: approximate duration of a chunk, short enough to show progress.
    """

    def __init__(self, steps: Iterable[int], seconds: float = math.inf) -> None:
        self._ahead = deque(steps)
        self._seconds = seconds
        self._pace = Pace()

    def next_steps(self, done: int) -> int | None:
        if not self._ahead:
            return None
        most = CHUNK if math.isinf(self._seconds) else min(CHUNK, self._pace.steps_in(self._seconds))
        return min(self._ahead[0] - done, most)

    def record_steps(self, steps: int, seconds: float) -> None:
        self._pace.record_steps(steps, seconds)

    def snapshot_due(self, done: int) -> bool:
        due = done >= self._ahead[0]
        if due:
            self._ahead.popleft()
        return due


class Pace:
    """Running mean of the duration of a step."""

    def __init__(self) -> None:
        self._each = 0.0

    def record_steps(self, steps: int, seconds: float) -> None:
        """Record the duration of `steps` steps."""
        each = seconds / steps
        self._each = each if not self._each else self._each + (each - self._each) / 4

    def steps_in(self, seconds: float) -> int:
        """Number of steps in this many seconds, at least 1; 1 before the first measurement."""
        return max(1, int(seconds / self._each)) if self._each else 1


def every(seconds: float, act: Callable[[], object], start: float = 0.0) -> Observer:
    """An observer that calls a function at intervals of training time, as long as losses are finite.

    Args:
        seconds: of training between two calls.
        act: the function.
        start: seconds of training done before.
    """
    last = start

    def observe(chunk: Chunk) -> None:
        nonlocal last
        if chunk.finite and chunk.seconds - last > seconds:
            last = chunk.seconds
            act()

    return observe


class LossHistory:
    """Losses of all steps, in order; can be read from another thread."""

    def __init__(self, before: Losses | None = None) -> None:
        self._parts: list[Losses] = [] if before is None else [before]
        self._lock = threading.Lock()

    def record(self, chunk: Chunk) -> None:
        """Observer: append the losses of a chunk."""
        self.add(chunk.losses)

    def add(self, losses: Losses) -> None:
        """Append losses."""
        with self._lock:
            self._parts.append(losses)

    def all(self) -> Losses:
        """All losses as one array."""
        with self._lock:
            if len(self._parts) > 1:  # joined once, not at every call
                self._parts = [np.concatenate(self._parts)]
            return self._parts[0] if self._parts else np.empty((0, 2), np.float32)

    @property
    def last(self) -> tuple[float, float]:
        """Losses of the last step; nan before the first."""
        return last_losses(self.all())


def collect_losses(steps: Sequence[Step]) -> tuple[Losses, int | None]:
    """Losses of steps in one transfer, shape (n, 2), and the first step whose loss is NaN or infinite."""
    nan = torch.tensor(math.nan)
    columns = [[step.generator_loss for step in steps], [step.adversary_loss for step in steps]]
    there = np.array([[loss is not None for loss in column] for column in columns]).T
    losses = torch.stack(
        [torch.stack([nan if loss is None else loss.float().cpu() for loss in column]) for column in columns], dim=1
    ).numpy()
    bad = np.flatnonzero((there & ~np.isfinite(losses)).any(1))
    return losses, steps[int(bad[0])].number if len(bad) else None


def last_losses(losses: Losses) -> tuple[float, float]:
    """Losses of the last step, as numbers; nan without any."""
    return (float(losses[-1, 0]), float(losses[-1, 1])) if len(losses) else (math.nan, math.nan)


def loss_summary(losses: Losses) -> dict[str, dict[str, float] | None]:
    """Last loss, and standard deviation over the last quarter, of generator and adversary; None without any."""
    found: dict[str, dict[str, float] | None] = {}
    for name, side in zip(("generator", "adversary"), losses.T, strict=True):
        there = side[np.isfinite(side)]
        found[name] = (
            {"last": float(there[-1]), "std_last_quarter": float(last_quarter(there).std())} if len(there) else None
        )
    return found


def last_quarter(values: Values) -> Values:
    """The last quarter of a history, at least one value."""
    return values[-max(1, len(values) // 4) :]


def mean_losses(losses: Losses) -> tuple[float, float]:
    """Means of the losses of generator and adversary; nan without any."""
    generator, adversary = (
        float(side[np.isfinite(side)].mean()) if np.isfinite(side).any() else math.nan for side in losses.T
    )
    return generator, adversary
