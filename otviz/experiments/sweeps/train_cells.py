"""Trains cells, singly or as one stack, takes snapshots at equal intervals, judges them and stores the runs."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from otviz.core.machine import made_on
from otviz.data.units import in_file_units
from otviz.evaluation.verdicts import LATE, loss_spread, verdict
from otviz.experiments.sweeps.sweep import Outcome, run_id
from otviz.runs.change_log import Change, ChangeLog, RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.probe import Probe, scores
from otviz.runs.run_view import Status
from otviz.runs.saved.run_lock import RunLock
from otviz.runs.saved.run_store import SavedRunInfo, Store
from otviz.runs.saved.saved_run import SavedRun
from otviz.runs.snapshots import Meter, Snapshot
from otviz.training.ahead import build
from otviz.training.driver import AtSteps, Losses, LossHistory, SingleTrainer, drive, last_losses
from otviz.training.loop import Training, device_named, start
from otviz.training.stacked import Stacked, check_stackable

LOOKS = 40
"""Snapshots of a run, ten of them in its last quarter, which verdicts are based on."""


class Members:
    """One or several trainings that are driven together; several are trained as one stack.

    Args:
        trainings: not started; on the CPU if there are several.
        device: of the stack.
        compiled: whether a single one goes on with compiled updates after its first step, if they are on disk.

    Attributes:
        trainings: those of a stack are up to date only after `sync`.
    """

    def __init__(
        self, trainings: Sequence[Training], device: torch.device | None = None, compiled: bool = False
    ) -> None:
        self.trainings = tuple(trainings)
        self._compiled = compiled
        self._stack = Stacked(trainings, device) if len(trainings) > 1 else None

    @property
    def step(self) -> int:
        return self.trainings[0].step

    def advance(self, steps: int) -> tuple[Losses, None]:
        """Do so many steps; returns their losses, shape (steps, S, 2). A member that diverges does not stop the others."""
        if self._stack is not None:
            return self._stack.advance(steps).float().cpu().numpy(), None
        single = SingleTrainer(self.trainings[0])
        first = [single.advance(1)[0]] if single.step == 0 else []
        if first and self._compiled:
            single.training.take_over()
        rest = [single.advance(steps - len(first))[0]] if steps > len(first) else []
        return np.concatenate([*first, *rest])[:, None], None

    def sync(self) -> None:
        """Copy the state of the stack to its trainings."""
        if self._stack is not None:
            self._stack.sync_members()


def stackable(configs: Sequence[RunConfig]) -> bool:
    """Whether runs can be trained as one stack."""
    try:
        check_stackable([config.method for config in configs])
    except ValueError:
        return False
    return len({config.steps for config in configs}) == 1


def train_cells(
    configs: Sequence[RunConfig], store: Store | None = None, ids: Sequence[str] = (), compiled: bool = False
) -> Iterator[Outcome]:
    """Train runs, several as one stack, and yield their outcomes in order.

    Args:
        configs: what to train.
        store: where runs are stored, if given.
        ids: what the runs are called there; by default as those of everybody.
        compiled: compile the updates of a single run first, unless they are on disk; it stays as it is if that fails.

    Raises:
        ValueError: several runs that cannot be stacked, or a device that is not available.
    """
    device = device_named(configs[0].device)
    at = configs[0].device if len(configs) == 1 else "cpu"
    trainings = [
        start(config.method, config.target, config.source, steps=config.steps, seed=config.seed, device=at)
        for config in configs
    ]
    if compiled:
        with contextlib.suppress(Exception):  # of a compiler: of any kind
            build(configs[0].method, configs[0].target.shape[0])
    members = Members(trainings, device, compiled)
    found = train_members(members, [config.seed for config in configs])
    for config, name, each in zip(configs, ids or [""] * len(configs), found, strict=True):
        yield each.outcome(config, store, name)


def train_members(members: Members, seeds: Sequence[int], looks: int = LOOKS) -> list[MemberRecorder]:
    """Train to the end, or until all members have diverged, with snapshots at equal intervals.

    Args:
        members: what to train.
        seeds: of the probe of each member.
        looks: number of snapshots after the first, at most one per step.
    """
    recorders = [MemberRecorder(each, seed) for each, seed in zip(members.trainings, seeds, strict=True)]
    steps, losses = members.trainings[0].steps, LossHistory()
    parts = sorted({round(steps * part / looks) for part in range(1, looks + 1)} - {0})
    for _, seconds in drive(members, AtSteps(parts), [losses.record]):
        members.sync()
        for index, each in enumerate(recorders):
            each.take_snapshot(losses.all()[:, index], seconds / len(recorders))
        if not any(each.alive for each in recorders):
            break
    return recorders


class MemberRecorder:
    """Records one member: snapshots, losses, and the last finite state.

    Args:
        training: of the member.
        seed: of its probe.

    Attributes:
        alive: False once a weight is NaN or infinite; from then on only losses are recorded.
    """

    def __init__(self, training: Training, seed: int) -> None:
        self.alive = True
        self._training = training
        self._probe = Probe(training, seed)
        self._snapshots = [self._probe.take_snapshot(0, 0.0, (math.nan, math.nan))]
        self._losses: Losses = np.empty((0, 2), np.float32)
        self._good = training.state()
        self._seconds = 0.0

    def take_snapshot(self, losses: Losses, seconds: float) -> None:
        """Record a snapshot, all losses so far, shape (n, 2), and the training time in seconds."""
        self._losses = losses
        weights = [weight for part, _ in self._training.parts() for weight in part.values()]
        self.alive = self.alive and all(bool(weight.isfinite().all()) for weight in weights)
        if not self.alive:
            return
        self._snapshots.append(self._probe.take_snapshot(len(self._snapshots), seconds, last_losses(losses)))
        self._good, self._seconds = self._training.state(), seconds

    def outcome(self, config: RunConfig, store: Store | None, name: str = "") -> Outcome:
        """Judge the run, and return its outcome.

        Args:
            config: of the run.
            store: where it is stored, if given.
            name: its id there; by default as those of everybody.
        """
        losses, meter = self._losses, self._snapshots[-1].meter
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
            run_id="" if store is None else self._kept(config, losses, store, name or run_id(config)),
        )

    def _kept(self, config: RunConfig, losses: Losses, store: Store, name: str) -> str:
        """Store the run at its last finite state; returns its id, or empty."""
        if not self.alive:
            self._training.restore(*self._good)
        done = losses[: self._training.step]
        step, meter = self._training.step, self._snapshots[-1].meter
        status: Status = "done" if step >= config.steps else "stopped"
        made, log = made_on(self._training.device.type), ChangeLog(config)
        if self._training.compile and not config.compile:
            log = log.with_change(Change(1, compiled=True))
        stored = SavedRunInfo(name, config, status, "", step, self._seconds, time.time(), meter, environment=made)
        restored = RunCheckpoint(tuple(self._snapshots), done, *self._good, log)
        try:
            with contextlib.closing(RunLock(store.path(name))):
                store.save(SavedRun(stored, self._probe.scene, restored))
        except OSError:  # a full disk; the outcome is still valid
            return ""
        except ValueError:  # another process trains on with this run, which is therefore stored
            pass
        return name


def _history(snapshots: Sequence[Snapshot], config: RunConfig) -> list[tuple[int, Meter]]:
    """Steps and metrics. Without modes, adds W2 of late snapshots, which a verdict needs and probes measure only sometimes."""
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
