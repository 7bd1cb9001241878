"""Buttons that steer the runs of a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import streamlit as st

from otviz.runs.run_view import ENDED
from pages._ui.shell.links import Link
from pages._ui.shell.sessions import registry

if TYPE_CHECKING:
    from otviz.runs.run import Run

STOP, PAUSE, RESUME = map(methodcaller, ("stop", "pause", "resume"))
FROZEN = "Once frozen, it stops learning; the generator goes on against it"
HUNG = "Kill it. This run fails and keeps what it had learned; other runs of this process go on in a new one"


def button(link: Link, runs: Sequence[Run], label: str, command: Callable[[Run], object], **options: Any) -> None:
    """Draw a button that gives a command to runs, or to those that the page shows by then in their place.

    When a page starts another run, its buttons are still those of the old one until the script reaches them again. A press in
    that moment is meant for the new run, but it calls what the old button was drawn with.

    Args:
        link: the page's open link.
        runs: for which it is drawn.
        label: what it says.
        command: what to do with each run.
        options: of `st.button`.
    """
    st.button(label, on_click=_act, args=(link, runs, command), **options)


def _act(link: Link, drawn: Sequence[Run], command: Callable[[Run], object]) -> None:
    still = [run.id for run in drawn if run.id in link.runs]
    for run_id in still or link.runs:
        run = registry().find(run_id)
        if run is not None and run.status not in ENDED:
            command(run)


def freezing(frozen: bool) -> Callable[[Run], object]:
    """The command that freezes or unfreezes the adversary of a run that has one."""

    def command(run: Run) -> None:
        if run.has_adversary:
            run.freeze(frozen)

    return command


def show_pace(link: Link, run: Run) -> None:
    """Draw the buttons that pause a run, do single steps, and freeze its adversary."""
    if run.status == "paused":
        button(link, [run], "Resume training", RESUME, shortcut="P", type="primary")
    else:
        button(link, [run], "Pause training", PAUSE, shortcut="P", type="primary")
    button(link, [run], "1 step", methodcaller("do_steps", 1), help="Do one step, then pause")
    button(link, [run], "100 steps", methodcaller("do_steps", 100), help="Do 100 steps, then pause")
    if run.has_adversary:
        word = "Unfreeze" if run.frozen else "Freeze"
        label = f"{word} the {run.config.method.adversary_word}"
        button(link, [run], label, freezing(not run.frozen), help=FROZEN)


def show_hung(runs: Sequence[Run]) -> None:
    """If the process of one of these runs gives no sign of life, say so and offer to end it."""
    hung = [run for run in runs if run.unresponsive]
    if not hung:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="hung"):
        st.warning("The training process does not answer. Wait, or end it and go on from the last save.", width=720)
        st.button("End the process", on_click=registry().end_processes, args=([run.id for run in hung],), help=HUNG)
