"""What is sent to the player: the run of each panel, and the snapshots of a run that are worth their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otviz.evaluation.verdicts import Judgement
from otviz.player.wire.stages import Stage
from otviz.runs.snapshots import Curve, Scene, Snapshot

STATUSES = ("ready", "queued", "running", "paused", "elsewhere", "done", "failed", "stopped", "recorded")
PAST_IMAGES = 40  # snapshots of images that a newly opened picture gets at most
PAST_BYTES, NEWS_BYTES = 4_000_000, 400_000  # of images in one message: of the past, and of the news

Box = tuple[float, float, float, float]
_NO_CURVE = Curve(np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.float32))


@dataclass(frozen=True)
class PanelUpdate:
    """What one panel of the player gets of its run.

    Attributes:
        run: the run's id; a new id in the same place empties the panel.
        box: `Scene.box` of the run, needed with or without the scene.
        scene: sent while the viewer has not got it, afterwards None.
        snapshots: those that the viewer has not got; it knows them by their sequence numbers.
        curve: losses so far; an empty curve leaves the one on screen.
        status: one of STATUSES, the state of training, not of playback; "ready" is a run that nobody has started,
            "recorded" one that was trained earlier and is played again.
        message: what went wrong, in a sentence, or "".
        steps_per_second: speed of training now, 0 when it rests.
        left: how long it still takes, in words, or "".
        marks: steps after which something was changed by hand, and what.
        stages: how data flow through its method; sent with the scene.
        words: on each of the snapshots, in their order, judged by itself; empty where there are none.
        verdict: the final word on the run, as "collapsed: 3 of 8 modes left" (`otviz.evaluation.verdicts`), or "" before there is one.
        verdict_kind: the word without numbers, one of `otviz.evaluation.verdicts.Kind`, or "".
        verdict_text: the numbers and the rule behind the word, in sentences, or "".
        verdict_step: the step of the look that the final word is on.
        unstable: what is unstable about the training so far, in sentences, or "".
        shape: `Scene.shape` of the run, needed with or without the scene.
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


def thin(snapshots: Sequence[Snapshot], limit: int) -> list[Snapshot]:
    """At most `limit` snapshots, evenly spaced, with the first and the last."""
    if limit < 2:
        raise ValueError(f"limit must be >= 2 (the first and the last snapshot); got {limit}")
    if len(snapshots) <= limit:
        return list(snapshots)
    return [snapshots[i] for i in np.linspace(0, len(snapshots) - 1, limit).round().astype(int)]


def news(snapshots: Sequence[Snapshot], last_sent: int) -> list[Snapshot]:
    """Snapshots after sequence number `last_sent`."""
    return [snapshot for snapshot in snapshots if snapshot.sequence > last_sent]


def select_snapshots(snapshots: Sequence[Snapshot], last_sent: int, most: int, panels: int = 1) -> list[Snapshot]:
    """What one message brings of a run: its past, evenly thinned, to a viewer that has nothing, else the news.

    Args:
        snapshots: all there are.
        last_sent: sequence number; below 0 for a viewer that has nothing.
        most: snapshots of the past of points; of images there are fewer, by their bytes.
        panels: in the message, which share the bytes.
    """
    size = panels * snapshots[-1].image_bytes if snapshots else 0
    if last_sent < 0:
        return thin(snapshots, min(max(PAST_BYTES // size, 8), PAST_IMAGES) if size else most)
    if not size:
        return news(snapshots, last_sent)
    return thin(news(snapshots, last_sent), max(NEWS_BYTES // size, 2))
