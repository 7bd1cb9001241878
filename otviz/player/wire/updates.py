"""Updates for the player: the content of panels, and which snapshots of a run to send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otviz.evaluation.verdicts import Judgement
from otviz.player.wire.stages import Stage
from otviz.runs.snapshots import Curve, Scene, Snapshot

STATUSES = ("ready", "queued", "running", "paused", "elsewhere", "done", "failed", "stopped", "recorded")
PAST_IMAGES = 40  # snapshots of images sent to a new viewer, at most
PAST_BYTES, NEWS_BYTES = 4_000_000, 400_000  # bytes of images in one message, to a new viewer and later

Box = tuple[float, float, float, float]
_NO_CURVE = Curve(np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.float32))


@dataclass(frozen=True)
class RealPoints:
    """Real images on a plane, for the map beside a sheet. The places of generated ones are `places` of a snapshot's meter.

    Attributes:
        places: x0, y0, x1, y1, ...
        names: name of each class, and where to write it.
        title: what the plane is.
    """

    places: list[float]
    names: list[tuple[str, float, float]]
    title: str


@dataclass(frozen=True)
class PanelUpdate:
    """An update of one panel of the player.

    Attributes:
        run: id of the run; a new id clears the panel.
        box: `Scene.box` of the run; always required.
        scene: None once the viewer has it.
        snapshots: those that the viewer lacks, identified by their sequence numbers.
        curve: losses so far; an empty curve leaves the one shown.
        status: one of `STATUSES`, of training, not of playback; "ready" is a run that was not started, "recorded" one that was
            trained in advance.
        message: what went wrong, or "".
        steps_per_second: current speed of training; 0 unless training.
        left: remaining time in words, or "".
        marks: steps with a change of settings, and the change in words.
        stages: data flow of the method; sent with the scene.
        words: judgement of each snapshot, in their order; empty without judgements.
        verdict: final verdict, such as "collapsed: 3 of 8 modes left" (`otviz.evaluation.verdicts`); "" if there is none yet.
        verdict_kind: the verdict without numbers, one of `otviz.evaluation.verdicts.Kind`, or "".
        verdict_text: sentences with the numbers and the rule behind the verdict, or "".
        verdict_step: step of the last snapshot, which the verdict is on.
        unstable: sentences on the instability of the training so far, or "".
        shape: `Scene.shape` of the run; always required.
        plane: real images for a map beside the sheet; sent with the scene, or None.
    """

    run: str
    box: Box
    scene: Scene | None = None
    snapshots: Sequence[Snapshot] = ()
    curve: Curve = _NO_CURVE
    status: str = "running"
    message: str = ""
    steps_per_second: float = 0.0
    verdict: str = ""
    verdict_kind: str = ""
    verdict_text: str = ""
    verdict_step: int = 0
    unstable: str = ""
    left: str = ""
    marks: Sequence[tuple[int, str]] = ()
    stages: Sequence[Stage] = ()
    words: Sequence[Judgement] = ()
    shape: tuple[int, ...] = (2,)
    plane: RealPoints | None = None


def thin(snapshots: Sequence[Snapshot], limit: int) -> list[Snapshot]:
    """At most `limit` snapshots (>= 2), evenly spaced, including the first and the last."""
    if limit < 2:
        raise ValueError(f"limit must be >= 2 (the first and the last snapshot); got {limit}")
    if len(snapshots) <= limit:
        return list(snapshots)
    return [snapshots[i] for i in np.linspace(0, len(snapshots) - 1, limit).round().astype(int)]


def news(snapshots: Sequence[Snapshot], last_sent: int) -> list[Snapshot]:
    """Snapshots with a sequence number above `last_sent`."""
    return [snapshot for snapshot in snapshots if snapshot.sequence > last_sent]


def select_snapshots(snapshots: Sequence[Snapshot], last_sent: int, most: int, panels: int = 1) -> list[Snapshot]:
    """The snapshots of a run to send: for a new viewer all, evenly thinned, otherwise the new ones.

    Args:
        snapshots: all snapshots of the run.
        last_sent: sequence number of the last one sent; negative for a new viewer.
        most: snapshots sent to a new viewer, at most, for points; for images their size decides.
        panels: number of panels in the message, which share the bytes.
    """
    size = panels * snapshots[-1].image_bytes if snapshots else 0
    if last_sent < 0:
        return thin(snapshots, min(max(PAST_BYTES // size, 8), PAST_IMAGES) if size else most)
    if not size:
        return news(snapshots, last_sent)
    return thin(news(snapshots, last_sent), max(NEWS_BYTES // size, 2))
