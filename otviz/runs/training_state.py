"""What a run keeps of its training: losses of every step, and the weights of some steps, to continue from."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.runs.snapshots import Snapshot
from otviz.training.loop import Step

if TYPE_CHECKING:
    from otviz.runs.change_log import ChangeLog

TrainingState = tuple[dict[str, torch.Tensor], str]
"""`Training.state()`: tensors by name, and the rest as text."""

MOST, LEAST = 20, 4  # states kept in equal parts of a run
ROOM = 8e6  # bytes that the states of one run may take
LARGE_ROOM = 64e6  # the same for large networks, of which else not even LEAST would be kept
SMALL = 1e6  # bytes; larger states are not taken at every look
EVERY = 5.0  # seconds between large ones, which go from one process to another


class RunCheckpoint:
    """What a stored run needs to continue: its snapshots, losses (n, 2), the training's state, and its past if it is known."""

    def __init__(
        self,
        snapshots: tuple[Snapshot, ...],
        losses: NDArray[np.float32],
        tensors: Mapping[str, torch.Tensor],
        text: str,
        past: ChangeLog | None = None,
    ) -> None:
        self.snapshots = snapshots
        self.losses = losses
        self.tensors = dict(tensors)
        self.text = text
        self.change_log = past

    @property
    def frozen(self) -> bool:
        """Whether the adversary was frozen."""
        return bool(json.loads(self.text)["frozen"])


class StateBuffer:
    """States of one training: the newest, and one in each equal part of the run, as many as there is room for."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._spaced: dict[int, TrainingState] = {}
        self._newest: tuple[int, TrainingState] | None = None
        self._added_at = -math.inf

    def add(self, step: int, state: TrainingState) -> None:
        """Keep the newest state; of those before, the first of each part."""
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
        """Of the newest one."""
        return None if self._newest is None else self._newest[0]

    @property
    def nbytes(self) -> int:
        """What all of them take."""
        return self._size * (len(self._spaced) + 1) if self._newest else 0

    def due(self) -> bool:
        """Whether the next look should take one."""
        return self._newest is None or self._size <= SMALL or time.monotonic() - self._added_at > EVERY

    @property
    def newest(self) -> TrainingState | None:
        """The last one added."""
        return None if self._newest is None else self._newest[1]

    @property
    def saved_steps(self) -> tuple[int, ...]:
        """Steps whose states are kept, in order."""
        return (*self._spaced, self._newest[0]) if self._newest else ()

    def at(self, step: int) -> TrainingState:
        """The state after `step` steps. Raises ValueError when it was not kept, saying which are."""
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


class LossHistory:
    """Losses after each step, shape (steps, 2): generator, adversary (nan without)."""

    def __init__(self, before: NDArray[np.float32] | None = None) -> None:
        self._parts: list[NDArray[np.float32]] = [] if before is None else [before]
        self._lock = threading.Lock()

    def add(self, losses: NDArray[np.float32]) -> None:
        """Append the next ones."""
        with self._lock:
            self._parts.append(losses)

    def all(self) -> NDArray[np.float32]:
        """All of them in one array."""
        with self._lock:
            if len(self._parts) > 1:  # joined once, not at every call
                self._parts = [np.concatenate(self._parts)]
            return self._parts[0] if self._parts else np.empty((0, 2), np.float32)


def collect_losses(steps: Sequence[Step]) -> tuple[NDArray[np.float32], int | None]:
    """Losses of steps in one transfer, shape (n, 2) (nan where there is none yet), and the first step gone wrong."""
    nan = torch.tensor(math.nan)
    columns = [[step.generator_loss for step in steps], [step.adversary_loss for step in steps]]
    there = np.array([[loss is not None for loss in column] for column in columns]).T
    losses = torch.stack(
        [torch.stack([nan if loss is None else loss.float().cpu() for loss in column]) for column in columns], dim=1
    ).numpy()
    bad = np.flatnonzero((there & ~np.isfinite(losses)).any(1))
    return losses, steps[int(bad[0])].number if len(bad) else None
