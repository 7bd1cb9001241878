"""What a run records of its training at every snapshot: the snapshot, the losses of all steps, and the state to continue from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otviz.runs.snapshots import Snapshot, thinned
from otviz.runs.training_handle import TrainingHandle, last_of
from otviz.runs.training_state import LossHistory, RunCheckpoint, StateBuffer


class RunHistory:
    """Of one run with that many planned steps; begins with the restored state.

    Attributes:
        snapshots: all that are kept, the oldest first.
        losses: of every step, as of the last look.
        states: of some steps.
        changed_since_snapshot: whether the training was changed since the last look, other than by training.
        bad: the first step whose losses are NaN or infinite.
    """

    def __init__(self, steps: int, restored: RunCheckpoint | None = None) -> None:
        self.snapshots: tuple[Snapshot, ...] = restored.snapshots if restored else ()
        self.losses = LossHistory(restored.losses if restored else None)
        self.states = StateBuffer(steps)
        self.changed_since_snapshot = False
        self.bad: int | None = None
        self._pending: list[NDArray[np.float32]] = []

    @property
    def last(self) -> Snapshot | None:
        """The newest snapshot."""
        return self.snapshots[-1] if self.snapshots else None

    @property
    def nbytes(self) -> int:
        """What snapshots of images and the states take in memory."""
        return self.states.nbytes + sum(snapshot.image_bytes for snapshot in self.snapshots)

    def record_losses(self, losses: NDArray[np.float32], bad: int | None) -> None:
        """Take note of steps done since: their losses (n, 2), and the first that was no number."""
        self._pending.append(losses)
        self.bad = bad if self.bad is None else self.bad

    def is_up_to_date(self, step: int, whole: bool) -> bool:
        """Whether nothing was done since the last look; where it must be `whole`, the state of `step` is needed too."""
        return not self._pending and not self.changed_since_snapshot and (self.states.step == step or not whole)

    def take_snapshot(self, live: TrainingHandle, seconds: float, whole: bool) -> Snapshot | None:
        """Record the training after `seconds`, with its state if `whole`; returns the snapshot.

        None if the loss is NaN or infinite: nothing is written, and the training returns to the newest state.
        """
        parts, self._pending, self.changed_since_snapshot = self._pending, [], False
        before = self.last
        recent = last_of(parts or [self.losses.all()])
        looked = None if self.bad else live.take_snapshot(before.sequence + 1 if before else 0, seconds, recent, whole)
        if looked is None:
            self.bad = self.bad or live.step
            if self.states.newest is not None:
                live.restore(self.states.newest)
            return None
        snapshot, state = looked
        if state is not None:
            self.states.add(live.step, state)
        for part in parts:
            self.losses.add(part)
        if before is None or before.step != snapshot.step:
            self.snapshots = thinned((*self.snapshots, snapshot), snapshot.image_bytes)
        return snapshot
