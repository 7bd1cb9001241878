"""Boxes: where controls stand that most do not need. What is in them is drawn once they are open.

Whenever a part of a page is drawn, the browser draws all its widgets again, whether one sees them or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages._ui.shell.links import Link


class Section:
    """An expander that may be filled little by little; in a lesson, which has few controls, they stand in the open."""

    def __init__(self, link: Link, title: str, *, prefix: str = "", scope: str = "", expanded: bool = False) -> None:
        """Draw it.

        Args:
            prefix: what the keys of its controls begin with; a lesson that shows one of them shows the title too.
            scope: tells apart sections of one title and prefix.
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
        """Controls drawn meanwhile stand in it; while it is closed they are not drawn."""
        with self._box, nullcontext() if self._open else self._link.folded(self._place):
            yield


@contextmanager
def section(link: Link, title: str, *, prefix: str = "", scope: str = "", expanded: bool = False) -> Iterator[None]:
    """A `Section` that is filled at once."""
    with Section(link, title, prefix=prefix, scope=scope, expanded=expanded).filling():
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
