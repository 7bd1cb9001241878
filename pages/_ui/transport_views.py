"""What stands under the board: how to read it, and what takes longer than a moving slider allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import streamlit as st

from otviz.distributions import Distribution
from otviz.transport.problem import Problem
from pages._ui import controls, flowing, reading
from pages._ui.links import Link, plain

T = TypeVar("T")
Look = Callable[[Problem, Distribution, Distribution], None]

VIEWS = {
    "read": "Read",
    "flow": "Flow",
    "blur": "Blur",
    "iterations": "Convergence",
    "libraries": "Libraries",
    "unbalanced": "Unbalanced",
    "notebook": "Notebook",
    "download": "Download",
}


def show(link: Link, problem: Problem, source: Distribution, target: Distribution) -> None:
    """Draw the view chosen; only that one is computed."""
    view = controls.choice(link, "view", VIEWS, default="read", label="Under the picture", in_a_row=True)
    looks: dict[str, Look] = {
        "read": reading.show,
        "flow": flowing.show,
    }
    looks[view](problem, source, target)


def computed(name: str, of: str, steps: Callable[[], Iterator[tuple[float, T]]]) -> T:
    """The last thing that `steps` yields, with a bar while it comes; kept until `of` changes.

    Each step yields the share done and what there is so far. Whatever the user does meanwhile ends it: Streamlit leaves
    the run at the next movement of the bar.
    """
    kept: dict[str, tuple[str, Any]] = st.session_state.setdefault("otviz.computed", {})
    if name not in kept or kept[name][0] != of:
        bar = st.progress(0.0, text="Computing …")
        for share, found in steps():
            kept[name] = ("" if share < 1 else of, found)
            bar.progress(min(share, 1.0), text="Computing …")
        bar.empty()
    result: T = kept[name][1]
    return result


def refused(error: ValueError) -> None:
    """Say why something cannot be computed."""
    st.error(plain(f"{error}."))
