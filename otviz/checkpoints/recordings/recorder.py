"""Makes recordings: trains the runs, takes snapshots at fixed steps, and writes one file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import torch

from otviz.checkpoints.recordings import store
from otviz.checkpoints.recordings.store import About, Panel
from otviz.checkpoints.recordings.table import Recording, settings_of
from otviz.core import __version__
from otviz.evaluation.verdicts import Judgement, judge, verdict
from otviz.player import wire
from otviz.player.wire import PanelUpdate
from otviz.runs.config import RunConfig
from otviz.runs.probe import Probe
from otviz.runs.run_verdict import meter_history
from otviz.runs.snapshots import Scene, Snapshot, curve_of, spread_steps
from otviz.training.driver import AtSteps, Diverged, LossHistory, SingleTrainer, drive

FRAMES, BEND = 37, 1.5
POINTS = 330
GRIDS = (24, 13, 11)  # of heat map, arrows and generator's grid; a run then takes about 90 kB
GRAIN = 32
LOSSES = 200  # points of the curve
METERS = (
    "modes_covered", "modes_total", "mode_shares", "true_shares", "high_quality", "mode_mixture", "samples", "w2", "w2_floor",
    "w2_floor_std", "w2_samples", "precision", "recall", "measured_at",
)  # fmt: skip
"""Metrics that the player shows of a snapshot."""

Tell = Callable[[str], None]


def make(recording: Recording, tell: Tell = lambda _: None, frames: int = FRAMES) -> int:
    """Train the runs of a recording, write its file and return the size of that in bytes.

    Args:
        recording: from `table.recordings`.
        tell: called with lines about the progress.
        frames: snapshots of each run, at most.
    """
    torch.set_num_threads(1)  # as runs do
    updates, panels = [], []
    for at, (config, label) in enumerate(zip(recording.configs, recording.labels, strict=True), start=1):
        tell(f"{recording.name}: {at} of {len(recording.configs)}, {label}")
        update, panel = record(config, label, f"{recording.name}.{at}", frames)
        tell(f"{recording.name}: {at} of {len(recording.configs)}, {label}: {panel.verdict} ({panel.seconds:.0f} s)")
        updates.append(update)
        panels.append(panel)
    about = About(__version__, recording.page, recording.settings, tuple(panels))
    return store.write(recording.name, about, wire.encode(updates, grain=GRAIN))


def record(config: RunConfig, label: str, name: str, frames: int = FRAMES) -> tuple[PanelUpdate, Panel]:
    """Train a run on points. Runs are cached, as several recordings may contain the same one.

    Returns its panel for the player, and what is known of it besides its snapshots.

    Args:
        config: of the run.
        label: title of the panel.
        name: id of the panel.
        frames: snapshots, at most.
    """
    update, panel = _record(config, frames)
    assert update.scene is not None
    return replace(update, run=name, scene=replace(update.scene, title=label)), replace(panel, label=label)


@cache
def _record(config: RunConfig, frames: int) -> tuple[PanelUpdate, Panel]:
    training = config.begin("cpu")
    probe = Probe(training, config.seed, GRIDS)
    losses, snapshots, seconds, message = LossHistory(), list[Snapshot](), 0.0, ""
    at = AtSteps(spread_steps(config.steps, frames, BEND))
    try:
        for _, seconds in drive(SingleTrainer(training), at, [losses.record], clock=time.process_time):
            snapshots.append(probe.take_snapshot(len(snapshots), round(seconds, 2), losses.last, measure=True))
    except Diverged as error:
        message = str(error)
    every = losses.all()
    found = verdict(meter_history(snapshots), every, config.steps)
    meter = snapshots[-1].meter
    update = PanelUpdate(
        run="",
        box=probe.scene.box,
        scene=_lighter_scene(probe.scene),
        snapshots=[_lighter(look) for look in snapshots],
        curve=curve_of(every, LOSSES),
        status="failed" if message else "recorded",
        message=message,
        words=list(_words(snapshots)),
        verdict=found.word,
        verdict_kind=found.kind,
        verdict_text=f"{found.sentence} {found.rule}",
        verdict_step=snapshots[-1].step,
        unstable=found.shaking,
    )
    modes = (int(meter.get("modes_covered", 0)), int(meter.get("modes_total", 0)))
    moved = round(float(np.linalg.norm(snapshots[-1].generated - probe.scene.source, axis=1).mean()), 3)
    settings, seconds = settings_of(config), round(seconds, 2)
    panel = Panel("", settings, config.steps, config.seed, seconds, found.kind, found.words, modes, moved)
    return update, panel


def _words(snapshots: list[Snapshot]) -> Iterator[Judgement]:
    for look in snapshots:
        yield judge(look.meter, look.step)


def _lighter_scene(scene: Scene) -> Scene:
    return replace(scene, target=scene.target[:POINTS], source=scene.source[:POINTS])


def _lighter(look: Snapshot) -> Snapshot:
    meter = {key: look.meter[key] for key in METERS if key in look.meter}
    return replace(look, generated=look.generated[:POINTS], meter=meter)
