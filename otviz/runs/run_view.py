"""What may be read of a run, whether it still trains or lies on disk. Needs no torch, so that pages can import it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from otviz.runs.change_log import ChangeLog
    from otviz.runs.config import RunConfig
    from otviz.runs.snapshots import Curve, Meter, Scene, Snapshot
    from otviz.training.loop import Training, TrainingState

Status = Literal["queued", "running", "paused", "elsewhere", "done", "stopped", "failed"]
"""Elsewhere: another process trains it, and what it saved last is shown."""

ENDED: tuple[Status, ...] = ("done", "stopped", "failed")


class RunView(Protocol):
    """A run as pages, figures, exports and verdicts read it: `Run` while it trains, `SavedRun` once it is on disk.

    Attributes:
        id: its name, also on disk.
        created: time it began, in seconds since 1970.
        origin: where a branch comes from, for a person.
        frozen: whether the adversary learns no more.
    """

    id: str
    created: float
    origin: str
    frozen: bool

    @property
    def scene(self) -> Scene | None:
        """What stays under every snapshot; None before the first."""

    @property
    def config(self) -> RunConfig:
        """The settings now in force."""

    @property
    def status(self) -> Status:
        """Whether it waits, trains, is paused or has ended."""

    @property
    def message(self) -> str:
        """What went wrong, for a person; empty if nothing did."""

    @property
    def step(self) -> int:
        """Steps done."""

    @property
    def seconds(self) -> float:
        """Time spent training."""

    @property
    def meter(self) -> Meter:
        """Measurements of the last snapshot."""

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """All snapshots kept, the oldest first."""

    @property
    def change_log(self) -> ChangeLog:
        """The settings at the start, and each change with its step."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Device, processor and versions that its numbers come from."""

    @property
    def steps_per_second(self) -> float:
        """Speed now; 0 unless it trains."""

    @property
    def seconds_left(self) -> float | None:
        """Seconds to its last step at the pace so far; None while nothing is known."""

    @property
    def saved_steps(self) -> tuple[int, ...]:
        """Steps whose weights are kept, in order."""

    def watch(self, after: int = -1) -> tuple[Snapshot, ...]:
        """Snapshots with a sequence number above `after`; one that trains is then looked at more often."""

    def losses(self) -> NDArray[np.float32]:
        """Losses after each step, shape (steps, 2): generator, adversary (nan without)."""

    def curve(self) -> Curve:
        """The same, thinned."""

    def state(self, step: int | None = None) -> TrainingState:
        """The training's state after `step` steps, or the newest. Raises ValueError when it was not kept."""

    def training_copy(self) -> Training:
        """The training as of the newest state kept, a copy on the CPU. Raises ValueError before the first."""
