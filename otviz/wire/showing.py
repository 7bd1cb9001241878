"""What the player is told of a run: shared by the page that follows it and the report that keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from otviz.runs.judged import final, look_word, verdict_on
from otviz.runs.recorded import Recorded
from otviz.runs.run import Run
from otviz.runs.snapshots import Scene, Snapshot
from otviz.wire.updates import PanelUpdate

POINTS = 500
"""Points drawn of each of several runs; one alone shows all of its probe."""


def panel_of(
    run: Run | Recorded,
    scene: Scene,
    looks: Sequence[Snapshot],
    *,
    name: str,
    panels: int = 1,
    label: str = "",
    status: str = "",
    whole: bool = True,
) -> PanelUpdate:
    """The panel of a run.

    Args:
        scene: its own, or a preview while it has none.
        looks: those to be sent.
        name: tells the player whether it knows the run.
        panels: beside each other.
        label: its title, that of the method if not given.
        status: as it is to be shown, if not as it is.
        whole: whether the scene is sent.
    """
    if panels > 1:
        scene = replace(scene, title=label or scene.title, target=scene.target[:POINTS], source=scene.source[:POINTS])
        looks = [replace(look, generated=look.generated[:POINTS]) for look in looks]
    words = [look_word(run, look) for look in looks]
    found = verdict_on(run) if run.snapshots else None
    ended = found is not None and final(run, found)
    return PanelUpdate(
        run=name,
        box=scene.box,
        scene=scene if whole else None,
        snapshots=looks,
        curve=run.curve(),
        status=status or run.status,
        message=run.message,
        steps_per_second=run.steps_per_second,
        words=words,
        verdict=found.word if found and ended else "",
        verdict_kind=found.kind if found and ended else "",
        verdict_text=f"{found.sentence} {found.rule}" if found and ended and found.word else "",
        verdict_step=run.snapshots[-1].step if run.snapshots else 0,
        unstable=found.shaking if found else "",
        shape=scene.shape,
    )
