"""What stands under the board: how to read it, and what takes longer than a moving slider allows."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from otviz.distributions import Distribution
from otviz.transport.problem import Problem
from pages._ui import controls, flowing, reading, transport_looks
from pages._ui.links import Link, plain

Look = Callable[[Problem, Distribution, Distribution], None]

LOOKS: dict[str, tuple[str, Look]] = {
    "read": ("Read", reading.show),
    "flow": ("Flow", flowing.show),
    "blur": ("Blur", transport_looks.show_blur),
    "iterations": ("Convergence", transport_looks.show_iterations),
    "libraries": ("Libraries", transport_looks.show_libraries),
    "unbalanced": ("Unbalanced", transport_looks.show_unbalanced),
    "notebook": ("Notebook", transport_looks.show_notebook),
    "download": ("Download", transport_looks.show_downloads),
}


def show(link: Link, problem: Problem, source: Distribution, target: Distribution) -> None:
    """Draw the view chosen; only that one is computed."""
    titles = {name: title for name, (title, _) in LOOKS.items()}
    view = controls.choice(link, "view", titles, default="read", label="Under the picture", in_a_row=True)
    try:
        LOOKS[view][1](problem, source, target)
    except ValueError as error:
        st.error(plain(f"{error}."))
