"""Collapsible sections and menus, whose content is drawn only when they are open.

Streamlit redraws all widgets of a page at every run, even hidden ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages._ui.shell.links import Link


class Section:
    """An expander that can be filled in several steps; in a lesson its controls are shown without it."""

    def __init__(self, link: Link, title: str, *, prefix: str = "", scope: str = "", expanded: bool = False) -> None:
        """Draw it.

        Args:
            link: the page's open link.
            title: its label.
            prefix: prefix of its controls' keys; a lesson that shows one of them shows the title too.
            scope: distinguishes sections with equal title and prefix.
            expanded: whether it is open at first.
        """
        self._link, self._place, self._open = link, st.container(), True
        self._box: DeltaGenerator
        if link.lesson is None:
            key = f"{link.page}:open:{scope}:{prefix}{title}"
            box = st.expander(title, expanded=expanded, key=key, on_change="rerun")
            self._box, self._open = box, bool(box.open)
            return
        self._box = st.container(gap="small")
        if prefix and any(key.startswith(prefix) for key in link.lesson.show):
            self._box.caption(title)

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Draw the controls of the block into it; while it is closed they are skipped."""
        with self._box, nullcontext() if self._open else self._link.folded(self._place):
            yield


@contextmanager
def section(link: Link, title: str, *, prefix: str = "", scope: str = "", expanded: bool = False) -> Iterator[None]:
    """A `Section` that is filled in one step."""
    with Section(link, title, prefix=prefix, scope=scope, expanded=expanded).filling():
        yield


def menu(link: Link, key: str, label: str, fill: Callable[[], None], *, width: Any = "content") -> None:
    """A button that opens a popover, drawn by `fill`; in a lesson only if it shows `key`.

    It closes when a choice in it reopens the page.
    """
    if link.shows(key):
        box = st.popover(label, width=width, key=f"{link.page}:menu:{key}:{link.reads}", on_change="rerun")
        if box.open:
            with box:
                fill()
