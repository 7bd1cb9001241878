"""The button "How to read this" at every picture, with texts from explanations/reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz.content.explanations import Reading, readings
from pages._ui.controls import controls
from pages._ui.shell.links import Link

LABEL = "How to read this"
NO_PICTURE = ("about", "download", "runs")
"""Views without a picture, which need no button."""


def how(*names: str) -> None:
    """Draw the button on the right and, below it, the texts of these pictures (`page/picture`), in order."""
    found = _found(names)
    if found and _button(found):
        _show(found)


def _found(names: Sequence[str]) -> list[Reading]:
    known = readings()
    return [known[name] for name in names if name in known]


def _button(found: Sequence[Reading]) -> bool:
    """Draw the button; returns whether to show the texts. A popover would cover the picture."""
    key = f"reading-{found[-1].name}"
    state = f"{key}-open"
    shown = bool(st.session_state.get(state))

    def turn() -> None:
        st.session_state[state] = not shown

    row = st.container(horizontal=True, horizontal_alignment="right", key=key)
    icon = ":material/expand_less:" if shown else ":material/help:"
    row.button(LABEL, icon=icon, type="tertiary", key=f"{key}-button", on_click=turn)
    return shown


def _show(found: Sequence[Reading]) -> None:
    with st.container(border=True):
        for reading in found:
            st.markdown(f"**{reading.title}**\n\n{reading.text}")


def place(link: Link, view: str, key: str = "view") -> DeltaGenerator:
    """Container of a view, from which the previous view disappears at once instead of after the computation."""
    state = f"{link.page}:{key}:shown"
    before, st.session_state[state] = st.session_state.get(state, view), view
    # `st.empty` clears the previous view in the browser; a redrawn view stays visible until it is updated.
    spot = st.container if before == view else st.empty().container
    return spot(key=key, gap="small")


def choose_view(
    link: Link,
    page: str,
    views: Mapping[str, str],
    *,
    default: str,
    picture: str = "",
    label: str = "Under the picture",
    beside: Callable[[str], None] | None = None,
) -> str:
    """Draw the choice of a view, with the button on the right, and return the selected view.

    Args:
        link: the page's open link; the choice is stored as "view".
        page: page of the texts.
        views: labels by name.
        default: the view if the link has none.
        picture: the picture above the views, which the button explains first, or empty.
        label: for screen readers.
        beside: draws more controls into the row, given the selected view.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        view = controls.choice(link, "view", views, default=default, label=label, in_a_row=True)
        if beside is not None:
            beside(view)
        found = _found([f"{page}/{name}" for name in (picture, view) if name and name not in NO_PICTURE])
        shown = bool(found) and _button(found)
    if shown:
        _show(found)
    return view
