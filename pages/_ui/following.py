"""The picture of one or more runs, which follows them while they train: one message to one player at every look."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from otviz import wire
from otviz.datasets import ImageSet
from otviz.distributions import Distribution
from otviz.runs.image_scenes import preview_of
from pages._ui.leases import registry
from pages._ui.player import player

if TYPE_CHECKING:
    from otviz.runs.recorded import Recorded
    from otviz.runs.run import Run

POLL, POLL_MANY = 0.4, 0.8  # seconds between two looks at one run or two, and at more; each draws the whole page again
POLL_MOST = 2.0  # seconds, however many watch: each page opened on a run looks less often than the one before
FIRST = 160  # snapshots of its past that a newly opened picture gets of a run; of several, less of each
OVER = ("done", "stopped", "failed")

State = tuple[tuple[str, bool], ...]


def state(runs: Sequence[Run | Recorded]) -> State:
    """What the buttons of a page depend on; taken first, so that no change while the page is drawn is missed."""
    return tuple((run.status, run.frozen) for run in runs)


def show(runs: Sequence[Run | Recorded], drawn: State, *, labels: Sequence[str] = (), **options: Any) -> None:
    """Draw the runs, and go on drawing them while they train; draw the page again when their state is no more as `drawn`.

    Args:
        runs: one panel each.
        drawn: their `state` when the page began to be drawn.
        labels: titles of the panels, those of the methods if not given.
        options: of the player.
    """
    st.fragment(_follow, run_every=_interval(runs, drawn))(runs, drawn, labels, options)


def _interval(runs: Sequence[Run | Recorded], drawn: State) -> float | None:
    """Seconds between two looks at these runs; None once all are over."""
    if all(status in OVER for status, _ in drawn):
        return None
    watching = max(registry().holders(run.id) for run in runs)
    return min((POLL if len(runs) < 3 else POLL_MANY) * max(watching, 1), POLL_MOST)


def tuned(run_id: str) -> str:
    """Where a session remembers the method of a run as it last saw it."""
    return f"otviz.tuned.{run_id}"


def show_preview(target: Distribution | ImageSet | None, source: Distribution | None, key: str = "train") -> None:
    """Draw target and source, or real images, before anything is trained."""
    if target is None or (source is None and isinstance(target, Distribution)):
        st.info("The picture appears here once the settings on the left are complete.")
        return
    scene = preview_of(target, source)
    name = hashlib.sha256(f"{target!r}{source!r}".encode()).hexdigest()[:12]
    update = wire.PanelUpdate(f"preview-{name}", scene.box, scene, status="ready", shape=scene.shape)
    player(wire.encode([update]), key=key, height=650)


def _follow(runs: Sequence[Run | Recorded], drawn: State, labels: Sequence[str], options: dict[str, Any]) -> None:
    key = options.get("key", "train")
    sent: dict[str, int] = st.session_state.setdefault(f"otviz.sent.{key}", {})
    now, new_sent, updates, known = state(runs), {}, [], []
    for at, run in enumerate(runs):
        # A run that goes on is a new one to the player, which then follows it.
        name = f"{run.id}.{id(run):x}"
        label = labels[at] if labels else ""
        known.append(f"{name} {label}")  # one that is frozen has another title: its scene is sent again
        update = _update(run, name, sent.get(known[-1], -1), len(runs), label)
        updates.append(update)
        if update.snapshots:
            new_sent[known[-1]] = update.snapshots[-1].sequence
    lacking = player(wire.encode(updates), **{"key": key, "height": 650, **options})
    all_known = all(name in sent for name in known)
    sent.clear()
    if not lacking:
        sent.update(new_sent)
    if lacking and all_known and all(status in OVER for status, _ in now):
        st.rerun(scope="fragment")
    if now != drawn or any(run.config.method != st.session_state.get(tuned(run.id), run.config.method) for run in runs):
        st.rerun()


def _update(run: Run | Recorded, name: str, last: int, panels: int, label: str) -> wire.PanelUpdate:
    from otviz.wire.showing import panel_of

    status, scene, looks = run.status, run.scene, run.watch()
    if scene is None or not looks:
        scene, looks, last = preview_of(run.config.target, run.config.source), (), -1
    chosen = wire.portion(looks, last, max(FIRST // panels, 60), panels)
    return panel_of(run, scene, chosen, name=name, panels=panels, label=label, status=status, whole=last < 0)
