"""Playing cells: trained alone or as one stack, looked at in equal parts of the run, judged, and kept as stored runs."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otviz.core.machine import made_on
from otviz.data.units import in_file_units
from otviz.evaluation.verdicts import LATE, loss_spread, verdict
from otviz.experiments.sweeps.sweep import Outcome, identity
from otviz.runs.change_log import ChangeLog
from otviz.runs.config import RunConfig
from otviz.runs.probe import Probe, scores
from otviz.runs.run_store import SavedRunInfo, Store
from otviz.runs.run_view import Status
from otviz.runs.saved_run import SavedRun
from otviz.runs.snapshots import Meter, Snapshot
from otviz.runs.training_state import RunCheckpoint, collect_losses
from otviz.training.loop import Training, device_named, start
from otviz.training.stacked import Stacked, check_stackable

LOOKS = 40
"""Looks at a run: ten of them in its last quarter, where verdicts are made."""


class Trainer(Protocol):
    """What trains one or more members together; `Stacked` is one."""

    @property
    def members(self) -> tuple[Training, ...]:
        """The trainings."""

    def advance(self, steps: int) -> Tensor:
        """Do that many steps; their losses, shape (steps, S, 2)."""

    def sync_members(self) -> None:
        """Bring the members up to date."""


class SingleTrainer:
    """One training in the plain way, as a `Trainer`."""

    def __init__(self, training: Training) -> None:
        self.members: tuple[Training, ...] = (training,)

    def advance(self, steps: int) -> Tensor:
        """Do that many steps; their losses, shape (steps, 1, 2)."""
        losses, _ = collect_losses([self.members[0].advance() for _ in range(steps)])
        return torch.from_numpy(losses)[:, None]

    def sync_members(self) -> None:
        """There is nothing to bring up to date."""


def stackable(configs: Sequence[RunConfig]) -> bool:
    """Whether these runs can be trained as one stack."""
    try:
        check_stackable([config.method for config in configs])
    except ValueError:
        return False
    return len({config.steps for config in configs}) == 1


def train_cells(configs: Sequence[RunConfig], store: Store | None = None) -> Iterator[Outcome]:
    """Train these runs, several as one stack, and keep them in `store`; their outcomes in order.

    Raises:
        ValueError: several that cannot be stacked, or a device that is not here.
    """
    films = train_members(trainer_of(configs), [config.seed for config in configs])
    for config, each in zip(configs, films, strict=True):
        yield each.outcome(config, store)


def trainer_of(configs: Sequence[RunConfig]) -> Trainer:
    """One run is trained alone, several as one stack: its members live on the CPU, the stack on the device."""
    device = device_named(configs[0].device)
    at = configs[0].device if len(configs) == 1 else "cpu"
    trainings = [
        start(config.method, config.target, config.source, steps=config.steps, seed=config.seed, device=at)
        for config in configs
    ]
    return SingleTrainer(trainings[0]) if len(trainings) == 1 else Stacked(trainings, device)


def train_members(trainer: Trainer, seeds: Sequence[int], looks: int = LOOKS) -> list[MemberRecorder]:
    """Train to the end and look at every member in equal parts of the run, at the latest after each step."""
    films = [MemberRecorder(member, seed) for member, seed in zip(trainer.members, seeds, strict=True)]
    steps, seconds = trainer.members[0].steps, 0.0
    parts = sorted({round(steps * part / looks) for part in range(looks + 1)})
    for before, until in itertools.pairwise(parts):
        began = time.perf_counter()
        losses = trainer.advance(until - before).float().cpu().numpy()
        trainer.sync_members()
        seconds += (time.perf_counter() - began) / len(films)
        for index, each in enumerate(films):
            each.add(losses[:, index], seconds)
        if not any(each.alive for each in films):
            break
    return films


class MemberRecorder:
    """What is kept of one member: snapshots, losses, and the last state that was all numbers.

    Attributes:
        alive: False once its weights are NaN or infinite; from then on only losses are kept.
    """

    def __init__(self, training: Training, seed: int) -> None:
        self.alive = True
        self._training = training
        self._probe = Probe(training, seed)
        self._snapshots = [self._probe.take_snapshot(0, 0.0, (math.nan, math.nan))]
        self._losses: list[NDArray[np.float32]] = []
        self._good = training.state()
        self._seconds = 0.0

    def add(self, losses: NDArray[np.float32], seconds: float) -> None:
        """Look at the training as it is after steps with these losses, shape (n, 2)."""
        self._losses.append(losses)
        weights = [weight for part, _ in self._training.parts() for weight in part.values()]
        self.alive = self.alive and all(bool(weight.isfinite().all()) for weight in weights)
        if not self.alive:
            return
        last = (float(losses[-1, 0]), float(losses[-1, 1]))
        self._snapshots.append(self._probe.take_snapshot(len(self._snapshots), seconds, last))
        self._good, self._seconds = self._training.state(), seconds

    def outcome(self, config: RunConfig, store: Store | None) -> Outcome:
        """Judge what was seen, and keep it as a stored run."""
        losses, meter = np.concatenate(self._losses), self._snapshots[-1].meter
        found = verdict(_history(self._snapshots, config), losses, config.steps)
        numbers = meter if self.alive else {}
        return Outcome(
            kind=found.kind,
            word=found.word,
            sentence=found.sentence,
            stability=found.stability,
            shaking=found.shaking,
            w2=_number(numbers.get("w2")),
            w2_floor=_number(meter.get("w2_floor")),
            w2_samples=meter.get("w2_samples", 0),
            high_quality=_number(numbers.get("high_quality")),
            mode_mixture=_number(numbers.get("mode_mixture")),
            modes_covered=numbers.get("modes_covered"),
            modes_total=numbers.get("modes_total"),
            samples=meter["samples"],
            loss_spread=_number(loss_spread(losses[:, 0])),
            seconds=round(self._seconds, 3),
            run_id="" if store is None else self._kept(config, losses, store),
        )

    def _kept(self, config: RunConfig, losses: NDArray[np.float32], store: Store) -> str:
        """Store the run as it was when it was last all numbers; its id, the same for the same config."""
        if not self.alive:
            self._training.restore(*self._good)
        name = f"sweep-{config.method.name}-{identity(config)}"
        done = losses[: self._training.step]
        step, meter = self._training.step, self._snapshots[-1].meter
        status: Status = "done" if step >= config.steps else "stopped"
        made = made_on(self._training.device.type)
        stored = SavedRunInfo(name, config, status, "", step, self._seconds, time.time(), meter, environment=made)
        restored = RunCheckpoint(tuple(self._snapshots), done, *self._good, ChangeLog(config))
        try:
            store.save(SavedRun(stored, self._probe.scene, restored))
        except OSError:  # a full disk; what was measured is still worth having
            return ""
        return name


def _history(snapshots: Sequence[Snapshot], config: RunConfig) -> list[tuple[int, Meter]]:
    """Steps and meters; without modes, W2 is measured afresh where a verdict reads it: a probe does so now and then only."""
    since = math.inf if config.target.mixture() is not None else LATE * snapshots[-1].step
    real: Any = None
    found = []
    for snapshot in snapshots:
        meter = dict(snapshot.meter)
        if since < snapshot.step < snapshots[-1].step:
            if real is None:
                real = config.target.sample(meter["w2_samples"], np.random.default_rng([config.seed, 13]))
            points = config.target.units.to_data(snapshot.generated[: len(real)])
            found_there = in_file_units(scores(points, real), config.target.units)
            meter |= {**found_there, "measured_at": snapshot.step}
        found.append((snapshot.step, meter))
    return found


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
