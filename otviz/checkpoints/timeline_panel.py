"""The timeline of a model as a panel of the player. Needs no torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from otviz.checkpoints.card import Card
from otviz.checkpoints.timelines import SCORES, Timeline
from otviz.player.wire import PanelUpdate
from otviz.runs.snapshots import IMAGE_BOX, Curve, Scene, Snapshot


def panel(card: Card, timeline: Timeline, title: str = "") -> PanelUpdate:
    """The whole training of a model as a panel of the player.

    Between snapshots with scores, each snapshot shows the last scores before it.

    Args:
        card: of the model.
        timeline: of its training.
        title: of the panel; the title on the card if empty.
    """
    steps, total = timeline.steps, int(card.record["steps"])
    classes = len(card.metrics.get("class_shares", ()))
    judge = str(card.metrics.get("judge", ""))
    scene = Scene(
        title=title or card.title, box=IMAGE_BOX, target=timeline.images[-1][:0], source=timeline.images[-1][:0], centres=None,
        adversary="", steps=total, loss_floor=None, shape=card.shape, judge=judge and f"Scored by {judge}",
    )  # fmt: skip
    snapshots, meter = [], dict[str, Any]()
    for at in range(len(steps)):
        if np.isfinite(timeline.scores[at]).all():
            measured = zip(SCORES, timeline.scores[at].tolist(), strict=True)
            meter = {**dict(measured), "samples": timeline.samples, "measured_at": int(steps[at])}
            meter |= {"neighbour_samples": timeline.samples, "classes_total": classes}
        snapshots.append(_look(timeline, at, total, meter))
    curve = Curve(steps, timeline.losses[:, 0], timeline.losses[:, 1])
    name = f"{card.name}-{str(card.record['sha256'])[:12]}"
    return PanelUpdate(name, IMAGE_BOX, scene, snapshots, curve, status="done", shape=card.shape)


def _look(timeline: Timeline, at: int, total: int, meter: dict[str, Any]) -> Snapshot:
    step = int(timeline.steps[at])
    return Snapshot(
        sequence=at,
        step=step,
        progress=step / max(total, 1),
        seconds=float(timeline.seconds[at]),
        generated=timeline.images[at],
        potential=None,
        arrows=None,
        manifold=None,
        generator_loss=float(timeline.losses[at, 0]),
        adversary_loss=float(timeline.losses[at, 1]),
        alpha=None,
        meter=meter,
    )
