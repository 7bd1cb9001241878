"""Back to how it was: all settings to their defaults, the last change undone, and the link to how it is now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages._ui import settling
from pages._ui.copying import copy_link
from pages._ui.links import Link

if TYPE_CHECKING:
    from otviz.runs.recorded import Recorded
    from otviz.runs.run import Run

PICKED = ("target", "source", "method", "target.file", "source.file", "target.strokes", "source.strokes")
"""Keys of the address that a reset leaves as they are: what was picked, uploaded or drawn."""


def row(link: Link, place: DeltaGenerator, run: Run | Recorded | None, picked: Sequence[str] = PICKED) -> None:
    """Draw the buttons, once the page is published.

    Args:
        place: where they stand.
        run: what the page shows; it goes on where a reset can reach it.
        picked: keys that a reset leaves.
    """
    with place, st.container(horizontal=True, gap="small", vertical_alignment="center", key="history"):
        reset = st.button(
            "Reset", type="tertiary", icon=":material/restart_alt:", disabled=not link.changed(picked),
            help="All settings of this data and method back to their defaults",
        )  # fmt: skip
        undo = st.button(
            "Undo", type="tertiary", icon=":material/undo:", disabled=not link.past, help="Take back the last change"
        )
        copy_link(f"{link.page}:copy")
    if reset:
        kept = {key: text for key, text in link.said.items() if key in (*picked, "run")}
        link.go(kept if link.lesson is None else {**link.lesson.settings, **{k: kept[k] for k in kept if k == "run"}})
    if undo and link.past:
        values = link.back()
        settling.bring_back(run, values.get("run", ""))
        link.go(values, remember=False)
