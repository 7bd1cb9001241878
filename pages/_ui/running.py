"""Runs on a page: the picture of a run that follows it, and the buttons that steer it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import streamlit as st

from otviz import wire
from otviz.distributions import Distribution
from otviz.runs.snapshots import preview
from pages._ui import leases
from pages._ui.leases import registry
from pages._ui.links import Link, plain
from pages._ui.player import player

if TYPE_CHECKING:
    from otviz.runs.config import RunConfig
    from otviz.runs.run import Run

POLL = 0.4  # seconds between two looks at a run that trains
FIRST = 160  # snapshots of its past that a newly opened picture gets
HEIGHT = 640


def find(run_id: str) -> tuple[Run | None, str]:
    """The run of that id, held by this browser session, or None and a sentence that says what became of it."""
    if not run_id:
        return None, ""
    run = registry().find(run_id)
    if run is not None:
        leases.hold(registry(), run_id)
        return run, ""
    store = registry().store
    assert store is not None
    try:
        stored = store.read(run_id)
    except ValueError as error:
        return None, f"This link names a run that is not here: {error}. Press Train to start it with these settings."
    return None, f"The server was restarted since this run; it was saved at step {stored.step}."


def begin(link: Link, config: RunConfig) -> None:
    """Start a run and show it."""
    try:
        run = registry().submit(config)
    except ValueError as error:
        st.error(plain(str(error)))
        return
    link.publish({"run": run.id})
    st.rerun()


def unfinished(run_id: str) -> bool:
    """Whether the run has ended before its last step, here or on disk."""
    run = registry().find(run_id) if run_id else None
    if run is not None:
        return run.status == "stopped" and run.step < run.config.steps
    store = registry().store
    try:
        stored = store.read(run_id) if store is not None and run_id else None
    except ValueError:
        return False
    return stored is not None and stored.step < stored.config.steps


def go_on(link: Link, run_id: str) -> None:
    """Continue a stored run from where it was saved, and show it."""
    try:
        registry().resume(run_id)
    except ValueError as error:
        st.error(plain(str(error)))
        return
    link.publish({"run": run_id})
    st.rerun()


def show_preview(target: Distribution, source: Distribution) -> None:
    """Draw target and source before anything is trained."""
    scene = preview(target, source)
    name = hashlib.sha256(f"{target!r}{source!r}".encode()).hexdigest()[:12]
    update = wire.PanelUpdate(f"preview-{name}", scene.box, scene, status="ready")
    player(wire.encode([update]), key="train", height=HEIGHT)


def show(run: Run) -> None:
    """Draw the run, and go on drawing it while it trains."""
    alive = not _ended(run)
    st.fragment(_follow, run_every=POLL if alive else None)(run, run.status)


def _follow(run: Run, status_drawn: str) -> None:
    sent: dict[str, int] = st.session_state.setdefault("otviz.sent", {})
    last = sent.get(run.id, -1)
    news = run.watch()
    update = wire.PanelUpdate(
        run=run.id,
        box=(0.0, 1.0, 0.0, 1.0) if run.scene is None else run.scene.box,
        scene=run.scene if last < 0 else None,
        snapshots=wire.thin(news, FIRST) if last < 0 else wire.news(news, last),
        curve=run.curve(),
        status=run.status,
        message=run.message,
        steps_per_second=run.steps_per_second,
    )
    lacking = player(wire.encode([update]), key="train", height=HEIGHT)
    if run.scene is not None and news:
        sent.clear()
        sent[run.id] = news[-1].sequence
    if lacking:
        sent.pop(run.id, None)
        st.rerun(scope="fragment") if _ended(run) and last >= 0 else None
    if run.status != status_drawn:
        st.rerun()


def _ended(run: Run) -> bool:
    return run.status in ("done", "stopped", "failed")


def show_formula(run: Run) -> None:
    """The losses being descended, with the numbers in force now."""

    def lines() -> None:
        for line in run.config.method.formula(min(run.step / run.config.steps, 1.0)):
            st.latex(line, width="content")

    st.fragment(lines, run_every=None if _ended(run) else 2.0)()


def steer(run: Run) -> None:
    """The buttons that act on training (playback has its own, in the picture); only what went wrong once it has ended."""
    if run.status == "failed":
        st.error(plain(f"This run failed: {run.message}. What it had learned before is kept."))
    if _ended(run):
        return
    with st.container(horizontal=True, gap="small", key="steer"):
        if run.status in ("running", "queued"):
            st.button("Pause training", on_click=run.pause, shortcut="P", type="primary")
        else:
            st.button("Resume training", on_click=run.resume, shortcut="P", type="primary")
        st.button("1 step", on_click=run.do_steps, args=(1,), help="Do one step, then pause")
        st.button("100 steps", on_click=run.do_steps, args=(100,), help="Do 100 steps, then pause")
        if run.has_adversary:
            word = "Unfreeze" if run.frozen else "Freeze"
            st.button(
                f"{word} the {run.config.method.adversary_word}",
                on_click=run.freeze, args=(not run.frozen,),
                help="A frozen adversary no longer learns; the generator goes on against it",
            )  # fmt: skip
        st.button("Stop", on_click=run.stop, help="End this run; it is kept in the list of runs")
