"""A run read from disk, with the interface of `RunView` for figures, verdicts and exports."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otviz.runs.change_log import ChangeLog, RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.run_view import RunView
from otviz.runs.saved.file_schema import looks_in
from otviz.runs.saved.run_store import SavedRunInfo, Store, read_checkpoint, read_history, read_run
from otviz.runs.scheduling import Standing
from otviz.runs.snapshots import Curve, Meter, Scene, Snapshot, curve_of
from otviz.training.compare import labels
from otviz.training.loop import Training, TrainingState


class SavedRun:
    """A stored run, read-only. `Registry.resume` continues it.

    Args:
        stored: the run without its arrays.
        scene: of the run.
        restored: its snapshots, losses and training state.
    """

    steps_per_second = 0.0
    seconds_left: float | None = None
    frozen = False
    unresponsive = False
    standing = Standing()

    def __init__(self, stored: SavedRunInfo, scene: Scene, restored: RunCheckpoint) -> None:
        self.id = stored.id
        self.config = stored.config
        self.status = stored.status
        self.message = stored.message
        self.step = stored.step
        self.seconds = stored.seconds
        self.created = stored.created
        self.origin = stored.origin
        self.meter: Meter = stored.meter
        self.scene = scene
        self.snapshots = restored.snapshots
        self.environment = dict(stored.environment)
        self.change_log = restored.change_log or ChangeLog(stored.config, known=False)
        self._restored = restored

    @classmethod
    def read(cls, store: Store, run_id: str) -> SavedRun:
        """Read the run with this id. Raises ValueError if it is missing or damaged."""
        return cls.from_folder(store.path(run_id))

    @classmethod
    def from_folder(cls, folder: Path) -> SavedRun:
        """Read the run in any folder. Raises ValueError if it is missing or damaged."""
        return cls(read_run(folder), *read_checkpoint(folder))

    def watch(self, after: int = -1) -> tuple[Snapshot, ...]:
        """Snapshots with a sequence number above `after`."""
        return tuple(snapshot for snapshot in self.snapshots if snapshot.sequence > after)

    def losses(self) -> NDArray[np.float32]:
        """Losses of every step, shape (steps, 2): generator, adversary (nan without)."""
        return self._restored.losses

    def curve(self) -> Curve:
        """Losses averaged over a few hundred equal intervals."""
        return curve_of(self._restored.losses)

    @property
    def saved_steps(self) -> tuple[int, ...]:
        """Steps whose weights are kept: only the last one saved."""
        return (self.step,)

    def state(self, step: int | None = None) -> TrainingState:
        """The saved training state. Raises ValueError for any step but the last."""
        if step is not None and step != self.step:
            raise ValueError(
                f"the weights of step {step} were not kept: a run of an earlier session has only its last ones, "
                f"of step {self.step}; choose that step"
            )
        return self._restored.tensors, self._restored.text

    def training_copy(self) -> Training:
        """A copy on the CPU of the saved training."""
        return self.config.training_from(self.state())

    @cached_property
    def training(self) -> Training:
        """The saved training, created once."""
        return self.training_copy()


@dataclass(frozen=True)
class RunCurves:
    """Averaged losses, and the step and metrics of each snapshot."""

    curve: Curve
    history: Sequence[tuple[int, Meter]]


def curves_of_run(run: RunView) -> RunCurves:
    """The curves of a run in memory."""
    return RunCurves(run.curve(), [(look.step, look.meter) for look in run.snapshots])


def read_curves(folder: Path) -> RunCurves:
    """Read the curves of a stored run, without its samples. Raises ValueError if it is missing or damaged."""
    try:
        with np.load(io.BytesIO((folder / "snapshots.npz").read_bytes()), allow_pickle=False) as arrays:
            looks = looks_in(arrays["plain"])["snapshots"]
        return RunCurves(
            curve_of(read_history(folder / "history.csv")), [(look["step"], look["meter"]) for look in looks]
        )
    except Exception as error:  # a damaged file may raise any error
        raise ValueError(f"the saved run {folder.name!r} cannot be read ({error}); it may have been deleted") from error


def names_of(configs: Sequence[RunConfig]) -> list[str]:
    """Labels that distinguish runs in a figure: method, knobs, target and seed, as far as they differ."""
    targets, seeds = {config.target.title for config in configs}, {config.seed for config in configs}
    marks = [
        ", ".join(
            [config.target.title] * (len(targets) > 1) + [f"seed {config.seed}"] * (len(seeds) > 1)
        )
        for config in configs
    ]  # fmt: skip
    return labels([config.method for config in configs], marks)
