"""Buttons that reset all settings, undo the last change, copy the link, and judge what was learned."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz.runs.run_view import RunView
from pages._ui.player import sync_settings
from pages._ui.shell import diagnose_link
from pages._ui.shell.copying import copy_link
from pages._ui.shell.links import Link

PICKED = ("target", "source", "method", "target.file", "source.file", "target.strokes", "source.strokes")
"""Keys that a reset does not change: what was selected, uploaded or drawn."""


def row(link: Link, place: DeltaGenerator, run: RunView | None, picked: Sequence[str] = PICKED) -> None:
    """Draw the buttons, after the page was published.

    Args:
        link: the page's open link.
        place: their container.
        run: the shown run; it continues if a reset only changes live knobs.
        picked: keys that a reset does not change.
    """
    key = f"{link.page}:history"
    with place, st.container(horizontal=True, gap="small", vertical_alignment="center", key="history"):
        st.button(
            "Reset", type="tertiary", icon=":material/restart_alt:", disabled=not link.changed(picked),
            help="All settings of this data and method back to their defaults", on_click=_ask, args=(key, "reset"),
        )  # fmt: skip
        st.button(
            "Undo", type="tertiary", icon=":material/undo:", disabled=not link.past, help="Take back the last change",
            on_click=_ask, args=(key, "undo"),
        )  # fmt: skip
        copy_link(f"{link.page}:copy")
        if run is not None and run.snapshots and link.lesson is None:
            diagnose_link.show(f"run:{run.id}")
    asked = st.session_state.pop(key, "")
    if asked == "reset":
        kept = {name: text for name, text in link.settings.items() if name in (*picked, "run")}
        link.go(kept if link.lesson is None else {**kept, **link.lesson.settings})
    if asked == "undo" and link.past:
        values = link.back()
        sync_settings.restore_previous_run(run, values.get("run", ""))
        link.go(values, remember=False)


def _ask(key: str, what: str) -> None:
    """Store the request of a button: the page may rerun for a run before it reaches its end."""
    st.session_state[key] = what
