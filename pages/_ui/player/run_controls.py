"""Runs of a page: found through the link, started, and controlled by buttons and knobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from otviz.core.numbers import whole
from otviz.data.target import Kind
from otviz.runs.run_view import ENDED, RunView
from pages._ui.player import steering
from pages._ui.player.live_view import seen_methods
from pages._ui.shell import leases, links
from pages._ui.shell.links import Link, plain
from pages._ui.shell.sessions import registry

if TYPE_CHECKING:
    from otviz.methods import Method
    from otviz.runs.branches import Branch
    from otviz.runs.config import RunConfig
    from otviz.runs.run import Run

PAGES: dict[Kind, str] = {"points": "Train", "images": "Images"}
_STARTED = "otviz.started"  # session key: the visit of a page that started training without a button
_BEGUN = "otviz.begun"  # session key: the last started run, until it is shown
NOTE = "otviz.note"  # session key: the last started run, and the reason if no button was pressed
INVITATION = "Press **Train** and watch the generator carry the grey rings to the blue squares."


def find(link: Link, kind: Kind = "points") -> RunView | None:
    """The run in the link: an active one, leased by this session, or a stored one; otherwise a message."""
    run_id = link.text("run")
    found = named(link, run_id, kind) if run_id else None
    link.runs = () if found is None else (found.id,)
    return found


def named(link: Link, run_id: str, kind: Kind = "points") -> RunView | None:
    """The run with this id, on images or on points: active and leased, or stored; otherwise a message."""
    run = registry().find(run_id)
    found = run or _stored(link, run_id)
    if found is not None and (other := found.config.target.kind) != kind:
        link.complain(f"run {run_id!r} trains on {other}; open it on the page {PAGES[other]}.")
        return None
    if run is not None:
        leases.hold(registry(), run_id)
        return run
    return found


def of_any_kind(link: Link, run_id: str) -> RunView | None:
    """The run with this id, on images or points: active and leased, or stored; otherwise a message."""
    run = registry().find(run_id)
    if run is None:
        return _stored(link, run_id, "Choose another")
    leases.hold(registry(), run_id)
    return run


def _stored(link: Link, run_id: str, advice: str = "Press Train to start a run with these settings") -> RunView | None:
    try:
        stored = registry().stored.read(run_id)
        return _recorded(run_id, stored.step, stored.seconds, stored.status)
    except ValueError as error:
        link.complain(f"{error}. {advice}.")
        return None


def alive(run: RunView | None) -> Run | None:
    """The run itself if it trains, waits or is paused in this process."""
    found = None if run is None else registry().find(run.id)
    return None if found is None or found.status in ENDED else found


def begin(link: Link, config: RunConfig | Branch, note: str = "") -> None:
    """Start a run with the settings on the page, and show it; `note` gives the reason if no button was pressed."""
    try:
        run = registry().submit(config)
    except ValueError as error:
        st.error(plain(str(error)))
        return
    link.runs = (run.id,)
    remember_started([run])
    st.session_state[NOTE] = (run.id, note)
    link.publish({"run": run.id})
    st.rerun()


def start_requested(link: Link) -> bool:
    """Whether the link has `start=1`. True once per visit of the page, so that going back does not start again."""
    if link.take("start") != "1":
        return False
    visit = st.session_state.get(links.VISIT)
    first: bool = st.session_state.get(_STARTED, "") != visit
    st.session_state[_STARTED] = visit
    return first


def unfinished(run: RunView | None) -> bool:
    """Whether the run ended before its last step: stopped, failed, or interrupted with the server."""
    return run is not None and run.status in ("stopped", "failed") and 0 < run.step < run.config.steps


def resume(link: Link, run_id: str) -> None:
    """Continue a stored run, and show it."""
    try:
        registry().resume(run_id)
    except ValueError as error:
        st.error(plain(str(error)))
        return
    link.publish({"run": run_id})
    st.rerun()


@st.cache_resource(max_entries=4, show_spinner=False)
def _recorded(run_id: str, _step: int, seconds: float, status: str) -> RunView:
    """A stored run, cached per saved state (identified by `seconds` of training) and status."""
    from otviz.runs.saved.saved_run import SavedRun

    return SavedRun.read(registry().stored, run_id)


def show_formula(method: Method, run: RunView | None) -> None:
    """Show the losses with the current values of scalars."""

    def lines() -> None:
        now = method if run is None else run.config.method
        for line in now.formula(0.0 if run is None else min(run.step / run.config.steps, 1.0)):
            st.latex(line, width="content")

    moving = run is not None and run.status not in ENDED and method.formula(0.0) != method.formula(1.0)
    st.fragment(lines, run_every=2.0 if moving else None)()


def show_status(run: RunView | None, invitation: str = INVITATION) -> None:
    """Show a line on the end of a run, or what to do without one."""
    with st.container(key="told"):
        if run is None:
            st.markdown(invitation)
        elif run.status == "elsewhere":
            st.markdown(elsewhere(run))
        elif run.status == "failed":
            st.error(plain(f"This run failed: {run.message}. What it had learned until then is kept."))
        else:
            what = f"{run.config.method.title} on {run.config.target.title}, seed {run.config.seed}"
            past = f"{run.status} after {whole(run.step)} of {whole(run.config.steps)} steps, {run.seconds:.0f} s of training"
            saved = (
                " It was saved before the server was restarted." if unfinished(run) and not _is_registered(run) else ""
            )
            st.markdown(plain(f"{what}: {past}.{saved}"))
            if run.message:
                st.warning(plain(run.message))


def elsewhere(run: RunView) -> str:
    """What to know of a run that another process trains."""
    saved = f"at step {whole(run.step)} of {whole(run.config.steps)}"
    return f"Another process trains this run. Shown is its last save, {saved}; the picture follows."


def _is_registered(run: RunView) -> bool:
    return registry().find(run.id) is not None


def effect_of_settings(run: Run) -> str:
    """The current effect of the settings."""
    when = "once its turn comes" if run.status == "queued" else "immediately"
    return f"Costs and learning rates act {when}. Other settings start the run again."


def show_controls(link: Link, run: Run) -> None:
    """Draw the buttons that control training (playback controls are in the player)."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="pace"):
        if run.status == "queued":
            st.markdown("Waiting for its first turn: other runs are training, and all take turns.")
        else:
            steering.show_pace(link, run)
        steering.button(link, [run], "Stop", steering.STOP, help="End this run; it is kept in the list of runs")
        if st.button("Start over", help="End this run and begin a new one with the same settings"):
            run.stop()
            begin(link, run.config)
    steering.show_hung([run])
    if run.message:
        st.warning(plain(run.message))


def remember_started(runs: Sequence[Run]) -> None:
    """Remember that this session started these runs with the settings on its page."""
    for run in runs:
        seen_methods()[run.id] = run.config.method
    st.session_state[_BEGUN] = runs[0].id


def started_by_session(run: RunView) -> bool:
    """Whether this session started the run and now shows it for the first time; knobs may have changed meanwhile."""
    return bool(st.session_state.pop(_BEGUN, "") == run.id)


def comes_from(old: RunConfig, new: RunConfig) -> bool:
    """Whether live knobs can change the old config into the new one."""
    return retunes(old, new.method) and dataclasses.replace(new, method=old.method) == old


def retunes(config: RunConfig, method: Method) -> bool:
    """Whether live knobs can change the run's method into this one."""
    if method.name != config.method.name:
        return False
    try:
        config.retuned(moved(config.method, method))
    except ValueError:
        return False
    return True


def moved(before: Method, now: Method) -> dict[str, Any]:
    """The knobs of a method that changed, by name."""
    old = before.as_dict()
    return {name: value for name, value in now.as_dict().items() if old[name] != value}


def retune(run: Run, changes: dict[str, Any]) -> None:
    """Apply changed knobs, and remember that this session changed them."""
    if not changes:
        return
    try:
        run.retune(**changes)
        seen_methods()[run.id] = run.config.method
    except ValueError as error:
        st.error(plain(str(error)))
