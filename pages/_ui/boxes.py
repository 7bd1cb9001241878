"""Boxes: where controls stand that most do not need. What is in them is drawn once they are open.

Whenever a part of a page is drawn, the browser draws all its widgets again, whether one sees them or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages._ui.links import Link


@contextmanager
def section(link: Link, title: str, *, prefix: str = "", scope: str = "", expanded: bool = False) -> Iterator[None]:
    """An expander; in a lesson, which has few controls, they stand in the open.

    Args:
        prefix: what their keys begin with; a lesson that shows one of them shows the title too.
        scope: tells apart sections of one title and prefix.
    """
    if link.lesson is not None:
        with st.container(gap="small"):
            if prefix and any(key.startswith(prefix) for key in link.lesson.shown):
                st.caption(title)
            yield
        return
    place, key = st.container(), f"{link.page}:open:{scope}:{prefix}{title}"
    box = st.expander(title, expanded=expanded, key=key, on_change="rerun")
    with box, nullcontext() if box.open else link.folded(place):
        yield


def menu(link: Link, key: str, label: str, fill: Callable[[], None], *, width: Any = "content") -> None:
    """A button that opens what `fill` draws, which is drawn only then; in a lesson only if it shows `key`.

    It closes when what was chosen in it shows the page anew.
    """
    if link.shows(key):
        box = st.popover(label, width=width, key=f"{link.page}:menu:{key}:{link.reads}", on_change="rerun")
        if box.open:
            with box:
                fill()


def side_by_side(link: Link, *keys: str) -> list[DeltaGenerator]:
    """A place for each control with these keys, in a row; one that a lesson does not show takes no room in it."""
    shown = [key for key in keys if link.shows(key)]
    columns = iter(st.columns(len(shown), gap="small")) if shown else iter(())
    return [next(columns) if key in shown else st.container() for key in keys]
