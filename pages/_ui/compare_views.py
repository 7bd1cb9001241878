"""What stands under the panels of a comparison; only the view chosen is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages._ui import controls
from pages._ui.comparing import Chosen, labels_of
from pages._ui.links import Link

if TYPE_CHECKING:
    from otviz.runs.recorded import Recorded
    from otviz.runs.run import Run

VIEWS = {
    "meter": "Meter",
    "history": "Modes over time",
    "figure": "Figure 1",
}


def show(link: Link, runs: Sequence[Run | Recorded], chosen: Chosen) -> None:
    """Draw the view chosen."""
    view = controls.choice(link, "view", VIEWS, default="meter", label="Under the picture", in_a_row=True)
    begun = [run for run in runs if run.snapshots]
    if not begun:
        st.caption("Nothing to show yet: press Train all.")
    elif view == "meter":
        _meter(begun)
    elif view == "history":
        _history(begun)
    else:
        _figure(begun)


def _meter(runs: Sequence[Run | Recorded]) -> None:
    st.write(labels_of(runs))


def _history(runs: Sequence[Run | Recorded]) -> None:
    from otviz.figures.mode_history import mode_history
    from otviz.runs.judged import history

    named = {label: history(run.snapshots) for label, run in zip(labels_of(runs), runs, strict=True)}
    st.plotly_chart(mode_history(named), key="mode-history", width="stretch")


def _figure(runs: Sequence[Run | Recorded]) -> None:
    st.caption("")
