"""The read-only interface of a run, in training or on disk. Needs no torch, so that pages can import it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from otviz.runs.change_log import ChangeLog
    from otviz.runs.config import RunConfig
    from otviz.runs.scheduling import Standing
    from otviz.runs.snapshots import Curve, Meter, Scene, Snapshot
    from otviz.training.loop import Training, TrainingState

Status = Literal["queued", "running", "paused", "elsewhere", "done", "stopped", "failed"]
"""Elsewhere: another process trains the run; its last save is shown."""

ENDED: tuple[Status, ...] = ("done", "stopped", "failed")


class RunView(Protocol):
    """A run as pages, figures, exports and verdicts read it: `Run` while it trains, `SavedRun` once it is on disk.

    Attributes:
        id: name of the run, also of its folder.
        created: time of its start, in seconds since 1970.
        origin: where a branch comes from, in words; empty for other runs.
        frozen: whether the adversary is frozen.
    """

    id: str
    created: float
    origin: str
    frozen: bool

    @property
    def scene(self) -> Scene | None:
        """The part of the picture that all snapshots share; None before the first snapshot."""

    @property
    def config(self) -> RunConfig:
        """The current settings."""

    @property
    def status(self) -> Status:
        """Whether the run is queued, training, paused or has ended."""

    @property
    def message(self) -> str:
        """What went wrong, in words; empty if nothing did."""

    @property
    def step(self) -> int:
        """Steps done."""

    @property
    def seconds(self) -> float:
        """Training time so far, in seconds."""

    @property
    def meter(self) -> Meter:
        """Metrics of the last snapshot."""

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """All snapshots kept, oldest first."""

    @property
    def change_log(self) -> ChangeLog:
        """The initial settings, and each change with its step."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Device, processor and library versions that its numbers come from."""

    @property
    def steps_per_second(self) -> float:
        """Current speed; 0 unless training."""

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds to the last step; None while unknown."""

    @property
    def unresponsive(self) -> bool:
        """Whether the process that trains it gives no sign of life."""

    @property
    def standing(self) -> Standing:
        """Its place in the queue, and how many runs it takes turns with."""

    @property
    def saved_steps(self) -> tuple[int, ...]:
        """Steps whose weights are kept, increasing."""

    def watch(self, after: int = -1) -> tuple[Snapshot, ...]:
        """Snapshots with a sequence number above `after`. A run in training takes snapshots more often while watched."""

    def losses(self) -> NDArray[np.float32]:
        """Losses after each step, shape (steps, 2): generator, adversary (nan without)."""

    def curve(self) -> Curve:
        """Losses averaged over a few hundred equal intervals."""

    def state(self, step: int | None = None) -> TrainingState:
        """The training state after `step` steps; the newest if None. Raises ValueError if it was not kept."""

    def training_copy(self) -> Training:
        """A copy on the CPU of the training at the newest state kept. Raises ValueError if there is none."""
