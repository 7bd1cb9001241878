"""Live figures in derivations: a line `{{figure: name}}` becomes the figure of that name."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import streamlit as st

from pages._ui.player import recording_view
from pages._ui.shell import frame
from pages._ui.shell.component import mount
from pages._ui.shell.links import LESSON, plain, shorten

PLAYED = {"cost-and-collapse": "why-gans-collapse"}
"""Figures that play the recorded runs of a lesson; all others are in otviz.clouds.laboratory.slider_figures."""


def show(name: str) -> None:
    """Draw the figure of that name, or an error."""
    if name in PLAYED:
        _play(PLAYED[name])
        return
    with st.spinner("Preparing the figure …"):
        book = _computed(name)
    if book is None:
        st.warning(plain(f"There is no figure {shorten(name, 60)!r}; it is left out."))
    else:
        mount("flipbook", key=f"flipbook-{name}", options=book, body=b"", trigger="turned")


@st.cache_data(show_spinner=False)
def _computed(name: str) -> dict[str, Any] | None:
    from otviz.clouds.laboratory.slider_figures import FLIPBOOKS

    make = FLIPBOOKS.get(name)
    return None if make is None else asdict(make())


def _play(lesson: str) -> None:

    recording_view.show(f"lesson-{lesson}", key=f"figure-{lesson}", height=520)
    path = next(card.path for card in frame.cards() if card.name == "compare")
    st.page_link(
        path, label="Open the lesson and train it live", icon=":material/play_circle:", query_params={LESSON: lesson}
    )
