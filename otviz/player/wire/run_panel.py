"""The panel of a run, for pages and reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from otviz.core.numbers import duration_in_words
from otviz.data.target import Kind
from otviz.methods import Adversarial, Method
from otviz.player.wire.stages import Role, Stage, flow
from otviz.player.wire.updates import PanelUpdate
from otviz.runs.run_verdict import is_final, judge_snapshot, verdict_on
from otviz.runs.run_view import RunView
from otviz.runs.snapshots import Scene, Snapshot

POINTS = 500
"""Points shown of each run if there are several; a single run shows all."""


def panel_of(
    run: RunView,
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
        run: the run.
        scene: of the run, or a preview until it has one.
        looks: the snapshots to send.
        name: id of the panel; a new one makes the player start over.
        panels: number of panels shown together.
        label: title of the panel; that of the scene if empty.
        status: to show instead of that of the run; the latter if empty.
        whole: send the scene and the stages, too.
    """
    if panels > 1:
        scene = replace(scene, title=label or scene.title, target=scene.target[:POINTS], source=scene.source[:POINTS])
        looks = [replace(look, generated=look.generated[:POINTS]) for look in looks]
    words = [judge_snapshot(run, look) for look in looks]
    found = verdict_on(run) if run.snapshots else None
    ended = found is not None and is_final(run, found)
    return PanelUpdate(
        run=name,
        box=scene.box,
        scene=scene if whole else None,
        snapshots=looks,
        curve=run.curve(),
        status=status or run.status,
        message=run.message,
        steps_per_second=run.steps_per_second,
        left=_left(run),
        marks=marks_of(run),
        stages=stages_of(run.config.method, run.config.target.kind) if whole else (),
        words=words,
        verdict=found.word if found and ended else "",
        verdict_kind=found.kind if found and ended else "",
        verdict_text=f"{found.sentence} {found.rule}" if found and ended and found.word else "",
        verdict_step=run.snapshots[-1].step if run.snapshots else 0,
        unstable=found.shaking if found else "",
        shape=scene.shape,
    )


def marks_of(run: RunView) -> list[tuple[int, str]]:
    """Steps with a change of settings, by the user or `freeze_after`, and the change: (1200, "tau 0.05 → 0.5")."""
    found = [(step, ", ".join(words).replace("->", "→")) for step, words in run.change_log.changes_by_step()]
    method = run.config.method
    if isinstance(method, Adversarial) and 0 < method.freeze_after <= run.step:
        found.append((method.freeze_after, f"{method.adversary_word or 'adversary'} frozen"))
    return sorted(found)


def _left(run: RunView) -> str:
    standing = run.standing
    if run.status == "queued":
        return f"number {standing.place} in the queue, about {standing.wait:.0f} s" if standing.place else "waiting"
    if run.unresponsive or run.seconds_left is None:
        return "no answer" if run.unresponsive else ""
    left = f"{duration_in_words(run.seconds_left)} {'of training ' if run.status == 'paused' else ''}left"
    return f"{left}, in turns with {standing.others} other{'s'[: standing.others - 1]}" if standing.others else left


def stages_of(method: Method, kind: Kind = "points") -> tuple[Stage, ...]:
    """The stages of a method on points or images."""
    first: Role = "field" if isinstance(method, Adversarial) else "other"
    judges: list[tuple[Role, str, str]] = [
        (first if at == 0 else "other", words, entry) for at, (words, entry) in enumerate(method.judges)
    ]
    return flow(kind, judges)
