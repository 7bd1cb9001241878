"""Repeats a run with the same settings and the same changes at the same steps, and compares the numbers.

A run takes snapshots by wall clock, but these change neither weights nor random streams. So a repetition ends with the same
weights whenever its snapshots are taken, and a probe with the same seed measures the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from otviz.core.machine import made_on
from otviz.runs.change_log import ChangeLog, Replay
from otviz.runs.image_probe import probe_of
from otviz.runs.run_view import RunView
from otviz.runs.snapshots import Scene, Snapshot
from otviz.training.ahead import can_build
from otviz.training.driver import AtSteps, LossHistory, drive, last_quarter
from otviz.training.loop import Training

Numbers = dict[str, Any]
"""A step, its losses and metrics, by name, as plain values; None for NaN and infinity."""


@dataclass(frozen=True)
class RunRecord:
    """What is needed to repeat a run and to compare the result.

    Attributes:
        change_log: the initial settings and all changes.
        numbers: step, losses and metrics at the end.
        spread: standard deviations of the metrics over the last quarter of the snapshots and of the losses over the last
            quarter of the steps, that is, how far they fluctuate anyway.
        environment: device, processor and library versions, by name.
    """

    change_log: ChangeLog
    numbers: Numbers
    spread: Numbers
    environment: Mapping[str, str]

    def record(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {
            **self.change_log.record(), "numbers": self.numbers, "spread": self.spread, "made": dict(self.environment),
        }  # fmt: skip

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> RunRecord:
        """The inverse of `record`. Raises ValueError for an invalid record."""
        past = ChangeLog.from_record(record)
        try:
            return cls(past, dict(record["numbers"]), dict(record["spread"]), dict(record["made"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is not the record of a run: {error} is missing or of the wrong kind") from error


@dataclass(frozen=True)
class Repeated:
    """The result of a repeated run.

    Attributes:
        training: the training at its end.
        scene, snapshot: the scene, and the snapshot at the end.
        losses: of every step, shape (steps, 2): generator, adversary (nan without).
        numbers: at the end, as `RunRecord.numbers`.
    """

    training: Training
    scene: Scene
    snapshot: Snapshot
    losses: NDArray[np.float32]
    numbers: Numbers


def run_record(run: RunView) -> RunRecord:
    """The record of a run up to its last snapshot. Raises ValueError if it has none."""
    if not run.snapshots:
        raise ValueError("this run has not begun, so there is nothing to repeat yet; wait for its first step")
    last = run.snapshots[-1]
    return RunRecord(run.change_log.until(last.step - 1), snapshot_metrics(last), _spread(run), run.environment)


def snapshot_metrics(snapshot: Snapshot) -> Numbers:
    """Step, losses and metrics of a snapshot."""
    losses = {"generator_loss": snapshot.generator_loss, "adversary_loss": snapshot.adversary_loss}
    return {"step": snapshot.step} | {name: _plain(value) for name, value in (losses | snapshot.meter).items()}


def repeat(kept: RunRecord) -> Repeated:
    """Train as the run did up to its last snapshot, and measure at the same steps. Takes as long as the run.

    Raises:
        ValueError: the device, images or uploaded points of the run are not available, or the training failed.
    """
    torch.set_num_threads(1)  # as runs do
    steps = int(kept.numbers["step"])
    measured_at = int(kept.numbers.get("measured_at", steps))
    replay, losses, probe, looked = Replay(kept.change_log), LossHistory(), None, None
    numbers: Numbers = {}
    for step, _ in drive(replay, AtSteps(sorted({measured_at, steps})), [losses.record]):
        if probe is None or probe.training is not replay.training:  # a branch has a training of its own
            probe = probe_of(replay.training, kept.change_log.began.seed)
        looked = probe.take_snapshot(0, 0.0, losses.last, measure=step == measured_at)
        numbers |= snapshot_metrics(looked)  # keeps what was measured before a branch began
    assert probe is not None
    assert looked is not None
    return Repeated(replay.training, probe.scene, looked, losses.all(), numbers)


def differences(kept: RunRecord, found: Numbers) -> dict[str, tuple[Any, Any]]:
    """Recorded and repeated values, by name, where they are not exactly equal."""
    return {name: (value, found.get(name)) for name, value in kept.numbers.items() if found.get(name) != value}


def agreement(kept: RunRecord, found: Numbers) -> str:
    """Sentences that say whether a repetition agrees; if not, what differs, by how much, and possible reasons."""
    differing = differences(kept, found)
    if not differing:
        return f"agrees: all {len(kept.numbers)} numbers of step {kept.numbers['step']} are equal to the last digit."
    lines = [f"differs in {len(differing)} of {len(kept.numbers)} numbers of step {kept.numbers['step']}:"]
    lines += [f"  {name}: {_compared(old, new, kept.spread.get(name))}" for name, (old, new) in differing.items()]
    here = made_on(kept.environment.get("device", "cpu"))
    others = [
        f"{name} {old}, here {here[name]}" for name, old in kept.environment.items() if here.get(name, old) != old
    ]
    if others:
        lines.append(
            f"It was made with {'; '.join(others)}: rounding differs there, and training amplifies the difference."
        )
    compiled = next((change.step for change in kept.change_log.changes if change.compiled), None)
    if compiled is not None and not can_build():
        lines.append(
            f"From step {compiled} on its steps were compiled, and no C++ compiler is here: plain steps round otherwise."
        )
    if not kept.change_log.known:
        lines.append("It was saved by a version that did not record changes during a run; there may have been some.")
    return "\n".join(lines)


def _compared(old: Any, new: Any, spread: float | None) -> str:
    if not isinstance(old, float | int) or not isinstance(new, float | int):
        return f"it was {old}, now {new}"
    beside = "" if spread is None else f", where it moved by {spread:.2g} at the end of the run"
    return f"it was {old!r}, now {new!r}: {abs(new - old):.2g} apart{beside}"


def _spread(run: RunView) -> Numbers:
    looks = [snapshot_metrics(look) for look in last_quarter(run.snapshots)]
    losses = last_quarter(run.losses())
    found = {
        name: [look[name] for look in looks if isinstance(look.get(name), float)]
        for name, value in looks[-1].items()
        if isinstance(value, float)
    }
    found |= {"generator_loss": losses[:, 0].tolist(), "adversary_loss": losses[:, 1].tolist()}
    return {name: _plain(float(np.std(values))) for name, values in found.items() if len(values) > 1}


def _plain(value: Any) -> Any:
    """As JSON gives it back; None for NaN and infinity."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
