"""A training in progress, in this process or in a host process (`otviz.runs.hosts.host_pool`)."""

from __future__ import annotations

from typing import Protocol

from otviz.methods import Method
from otviz.runs.change_log import RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.image_probe import probe_of
from otviz.runs.snapshots import Array, Scene, Snapshot
from otviz.training.driver import SingleTrainer, Trainer
from otviz.training.loop import TrainingState


class TrainingHandle(Trainer, Protocol):
    """A training, and the probe that takes its snapshots."""

    scene: Scene
    device: str

    @property
    def frozen(self) -> bool:
        """Whether the adversary is frozen."""

    def take_snapshot(
        self, sequence: int, seconds: float, losses: tuple[float, float], whole: bool = True, rests: bool = False
    ) -> tuple[Snapshot, TrainingState | None] | None:
        """A snapshot, and the state to continue from; None if a weight is NaN or infinite.

        Args:
            sequence: number of the snapshot within the run.
            seconds: training time so far.
            losses: the last ones, of generator and adversary.
            whole: include the state.
            rests: no step follows soon, so measure what was never measured.
        """

    def restore(self, state: TrainingState) -> None:
        """Restore the training to `state`."""

    def retune(self, method: Method) -> None:
        """Apply changed live knobs."""

    def freeze(self, frozen: bool) -> None:
        """Freeze the adversary, or let it learn again."""

    def take_over(self) -> bool:
        """Go on with compiled updates from disk; returns whether it does (as `Training.take_over`)."""

    def samples(self, n: int, seed: int) -> Array:
        """n new generated samples: points (n, 2) in data units, or images as rows (n, C*H*W)."""

    def close(self) -> None:
        """Release resources. The handle cannot be used afterwards."""


class LocalTraining(SingleTrainer):
    """A training in this process, on the calling thread."""

    def __init__(self, config: RunConfig, restored: RunCheckpoint | None = None) -> None:
        super().__init__(config.begin())
        if restored is not None:
            self.training.restore(restored.tensors, restored.text)
        self._probe = probe_of(self.training, config.seed)
        self.scene = self._probe.scene
        self.device = self.training.device.type

    @property
    def frozen(self) -> bool:
        return self.training.frozen

    def take_snapshot(
        self, sequence: int, seconds: float, losses: tuple[float, float], whole: bool = True, rests: bool = False
    ) -> tuple[Snapshot, TrainingState | None] | None:
        state = self.training.state() if whole else None
        weights = [value for part, _ in self.training.parts() for value in part.values()]
        if not all(value.isfinite().all() for value in (weights if state is None else state[0].values())):
            return None
        measure = True if rests and not self._probe.has_measured else None
        return self._probe.take_snapshot(sequence, seconds, losses, measure), state

    def restore(self, state: TrainingState) -> None:
        self.training.restore(*state)

    def retune(self, method: Method) -> None:
        self.training.retune(method)

    def freeze(self, frozen: bool) -> None:
        self.training.frozen = frozen

    def take_over(self) -> bool:
        return self.training.take_over()

    def samples(self, n: int, seed: int) -> Array:
        return self._probe.samples(n, seed)

    def close(self) -> None:
        """Does nothing: there is only memory to release."""
