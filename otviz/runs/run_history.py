"""The record of a run: snapshots, the losses of all steps, and training states to continue from."""

from __future__ import annotations

import dataclasses
import math
import time

from otviz.runs.change_log import RunCheckpoint
from otviz.runs.snapshots import Snapshot, thinned
from otviz.runs.training_handle import TrainingHandle
from otviz.training.driver import Chunk, Diverged, Losses, LossHistory, last_losses
from otviz.training.loop import TrainingState

MOST, LEAST = 20, 4  # states kept of a run, one in each of as many equal parts
ROOM = 8e6  # bytes that the states of one run may take
LARGE_ROOM = 64e6  # the same for large networks, if LEAST of their states need more than ROOM
SMALL = 1e6  # bytes; larger states are not taken at every snapshot
EVERY = 5.0  # seconds between large states, as copying them between processes takes time


class StateBuffer:
    """States of one training: the newest, and the first in each of several equal parts of the run, as memory allows.

    Args:
        steps: planned steps of the run.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._spaced: dict[int, TrainingState] = {}
        self._newest: tuple[int, TrainingState] | None = None
        self._added_at = -math.inf

    def add(self, step: int, state: TrainingState) -> None:
        """Add the newest state. The one before is dropped if its part of the run already has a state."""
        if (
            self._newest is not None
            and step != self._newest[0]
            and self._part(self._newest[0]) not in map(self._part, self._spaced)
        ):
            self._spaced[self._newest[0]] = self._newest[1]
        self._newest = (step, state)
        self._added_at = time.monotonic()

    @property
    def step(self) -> int | None:
        """Step of the newest state."""
        return None if self._newest is None else self._newest[0]

    @property
    def nbytes(self) -> int:
        """Memory taken by all states, in bytes."""
        return self._size * (len(self._spaced) + 1) if self._newest else 0

    def due(self) -> bool:
        """Whether the next snapshot should add a state."""
        return self._newest is None or self._size <= SMALL or time.monotonic() - self._added_at > EVERY

    @property
    def newest(self) -> TrainingState | None:
        """The newest state."""
        return None if self._newest is None else self._newest[1]

    @property
    def saved_steps(self) -> tuple[int, ...]:
        """Steps whose states are kept, increasing."""
        return (*self._spaced, self._newest[0]) if self._newest else ()

    def at(self, step: int) -> TrainingState:
        """The state after `step` steps. Raises ValueError, which lists the steps kept, if it was not."""
        newest = self._newest  # another thread may add the next one meanwhile
        if newest and step == newest[0]:
            return newest[1]
        if step not in self._spaced:
            kept = ", ".join(map(str, self.saved_steps)) or "none yet"
            raise ValueError(
                f"the weights of step {step} were not kept: to save memory a run keeps those of its last snapshot and of "
                f"{self._parts} others spread over it; choose one of {kept}"
            )
        return self._spaced[step]

    @property
    def _size(self) -> int:
        assert self._newest is not None
        return max(sum(value.nbytes for value in self._newest[1][0].values()), 1)

    @property
    def _parts(self) -> int:
        room = max(ROOM, min(LEAST * self._size, LARGE_ROOM))
        return int(min(max(room // self._size, 1), MOST))

    def _part(self, step: int) -> int:
        return step * self._parts // max(self._steps, 1)


class RunHistory:
    """The record of one run.

    Args:
        steps: planned steps of the run.
        restored: the run to continue.

    Attributes:
        snapshots: those kept, oldest first.
        losses: of every step up to the last snapshot.
        states: of some steps.
        changed_since_snapshot: whether the adversary was frozen or unfrozen since the last snapshot.
    """

    def __init__(self, steps: int, restored: RunCheckpoint | None = None) -> None:
        self.snapshots: tuple[Snapshot, ...] = restored.snapshots if restored else ()
        self.losses = LossHistory(restored.losses if restored else None)
        self.states = StateBuffer(steps)
        self.changed_since_snapshot = False
        self._pending: list[Losses] = []

    @property
    def last(self) -> Snapshot | None:
        """The newest snapshot."""
        return self.snapshots[-1] if self.snapshots else None

    @property
    def nbytes(self) -> int:
        """Memory taken by states and snapshots of images, in bytes."""
        return self.states.nbytes + sum(snapshot.image_bytes for snapshot in self.snapshots)

    def record(self, chunk: Chunk) -> None:
        """As an observer: record the steps of a chunk."""
        self._pending.append(chunk.losses)

    def is_up_to_date(self, step: int, whole: bool, rests: bool = False) -> bool:
        """Whether the last snapshot needs no other one.

        Args:
            step: steps done.
            whole: the state after this step has to be kept.
            rests: no step follows soon, so all metrics have to be measured.
        """
        missing = (whole and self.states.step != step) or (rests and self.last and "measured_at" not in self.last.meter)
        return not (self._pending or self.changed_since_snapshot or missing)

    def take_snapshot(self, live: TrainingHandle, seconds: float, whole: bool, rests: bool = False) -> Snapshot:
        """Take a snapshot, record it with the losses since the last one, and return it.

        Args:
            live: the training.
            seconds: training time so far.
            whole: record the state too.
            rests: no step follows soon, so measure what was never measured.

        Raises:
            Diverged: a weight is NaN or infinite. Then nothing is recorded.
        """
        parts, self._pending, self.changed_since_snapshot = self._pending, [], False
        before = self.last
        recent = last_losses(parts[-1]) if parts else self.losses.last
        looked = live.take_snapshot(before.sequence + 1 if before else 0, seconds, recent, whole, rests)
        if looked is None:
            raise Diverged(live.step)
        snapshot, state = looked
        if state is not None:
            self.states.add(live.step, state)
        for part in parts:
            self.losses.add(part)
        if before is None or before.step != snapshot.step:
            self.snapshots = thinned((*self.snapshots, snapshot), snapshot.image_bytes)
        elif rests:
            self.snapshots = (*self.snapshots[:-1], dataclasses.replace(snapshot, sequence=before.sequence))
        return snapshot
