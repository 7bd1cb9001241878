"""Buttons that act on all runs of a comparison: pace, freezing, forks and branches."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from operator import methodcaller
from typing import TYPE_CHECKING

import streamlit as st

from otviz.core.params import params_of
from otviz.runs.run_view import RunView
from pages._ui.compare import comparison_setup
from pages._ui.controls import boxes
from pages._ui.player import run_controls, steering
from pages._ui.shell.links import Link, plain
from pages._ui.shell.sessions import registry

if TYPE_CHECKING:
    from otviz.methods import Method
    from otviz.runs.config import RunConfig
    from otviz.runs.run import Run


def show_controls(link: Link, runs: Sequence[RunView], labels: Sequence[str], configs: Sequence[RunConfig]) -> None:
    """Draw the buttons for the current state of the runs."""
    living = [run for run in map(run_controls.alive, runs) if run is not None]
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="pace"):
        if living:
            _pace(link, living)
            steering.button(link, living, "Stop all", steering.STOP, help="End these runs; they are kept")
        else:
            _again(link, runs, configs)
        every = 3.0 if living else None  # the list of saved steps grows
        for key, label, fill in (
            ("fork", "Fork with a frozen critic", _fork),
            ("branch", "Branch with one change", _branch),
        ):
            drawn = functools.partial(st.fragment(fill, run_every=every), link, runs, labels)
            boxes.menu(link, key, label, drawn)
    steering.show_hung(living)


def _again(link: Link, runs: Sequence[RunView], configs: Sequence[RunConfig]) -> None:
    words = "Each continues from where it was saved, all in step"
    if any(map(run_controls.unfinished, runs)) and st.button("Go on with these runs", type="primary", help=words):
        comparison_setup.resume(runs)
    if configs and st.button(
        "Start over", help="Train all of them from the start with the settings on the left", shortcut="T"
    ):
        comparison_setup.begin(link, configs)


def _pace(link: Link, living: Sequence[Run]) -> None:
    if all(run.status == "queued" for run in living):
        st.markdown("Waiting for their first turn: other runs are training, and all take turns.")
    elif all(run.status == "paused" for run in living):
        steering.button(link, living, "Resume training", steering.RESUME, shortcut="P", type="primary")
    else:
        steering.button(link, living, "Pause training", steering.PAUSE, shortcut="P", type="primary")
    words = "Do 100 steps of each, then pause"
    steering.button(link, living, "100 steps", methodcaller("do_steps", 100), help=words)
    able = [run for run in living if run.has_adversary]
    if able:
        frozen = all(run.frozen for run in able)
        words = "A frozen critic or potential stops learning; the generator goes on against it"
        steering.button(
            link, able, "Unfreeze all" if frozen else "Freeze all", steering.freezing(not frozen), help=words
        )


def _fork(link: Link, runs: Sequence[RunView], labels: Sequence[str]) -> None:
    from otviz.methods import Adversarial
    from otviz.runs.branches import fork
    from otviz.training.compare import MOST

    able = [at for at, run in enumerate(runs) if isinstance(run.config.method, Adversarial) and run.saved_steps]
    if not able:
        st.markdown("None of these runs has a critic or potential to freeze, or none has begun.")
        return
    most = MOST // 2
    st.markdown(
        "Each run chosen continues twice from where it is now: once with its critic frozen, once with it learning. "
        "The runs shown now stop and are kept in the list of runs."
    )
    chosen = st.pills(
        "Runs", able, selection_mode="multi", default=able[:2], format_func=lambda at: labels[at], key="fork-of"
    )
    few = 1 <= len(chosen) <= most
    if not few:
        st.caption(f"Choose 1 to {most} runs; each gives two panels.")
    if st.button("Fork", type="primary", disabled=not few):
        try:
            pairs = [side for at in chosen for side in fork(runs[at])]
            _replace(link, runs, registry().submit_together(pairs))
        except ValueError as error:
            _complain(error)


def _replace(link: Link, old: Sequence[RunView], new: Sequence[Run]) -> None:
    for run in map(run_controls.alive, old):
        if run is not None:
            run.stop()
    comparison_setup.go_to(link, new)


def _branch(link: Link, runs: Sequence[RunView], labels: Sequence[str]) -> None:
    from otviz.runs.branches import branch
    from otviz.training.compare import MOST

    able = [at for at, run in enumerate(runs) if run.saved_steps]
    if not able or len(runs) >= MOST:
        st.markdown(f"There can be at most {MOST} panels." if able else "None of these runs has begun.")
        return
    st.markdown("A new run that starts from the state of another one, with one setting changed. It gets its own panel.")
    at = st.selectbox("From", able, format_func=lambda at: labels[at], key="branch-of")
    steps = runs[at].saved_steps
    widget = f"branch-step-{runs[at].id}"
    if st.session_state.get(widget) not in steps:  # saved steps change during training
        st.session_state[widget] = steps[len(steps) // 2]
    step = st.selectbox("After step", steps, key=widget)
    st.caption(f"Weights are kept at {len(steps)} steps of a run; for a run of an earlier session, only the last ones.")
    method = _one_knob(runs[at].config.method)
    if st.button("Start the branch", type="primary", disabled=method is None):
        try:
            now = step == steps[-1]  # a training run may have dropped this step
            made = registry().submit(branch(runs[at], None if now else step, method))
            comparison_setup.go_to(link, [*runs, made])
        except ValueError as error:
            _complain(error)


def _complain(error: ValueError) -> None:
    """Show an error outside the menus, which are redrawn every few seconds."""
    st.toast(plain(str(error)), icon=":material/error:", duration="long")


def _one_knob(method: Method) -> Method | None:
    knobs = [knob for knob in params_of(type(method)) if knob.kind is not bool]
    knobs.sort(key=lambda knob: (not knob.live, knob.name not in method.basic))
    names = {knob.name: knob for knob in knobs}
    name = st.selectbox("Setting", list(names))
    now = getattr(method, name)
    text = st.text_input("New value", value=names[name].write(now), key=f"branch-{method.name}-{name}", max_chars=200)
    try:
        return dataclasses.replace(method, **{name: names[name].parse(text)})
    except ValueError as error:
        st.error(plain(str(error)))
        return None
