"""What player, board and pad have in common: JavaScript and CSS of their own behind a shared part, and one way in.

`otviz.player.browser` says what a component is made of. The player lies there, for reports have it too; board and pad lie here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from otviz.player import browser

_UI = Path(__file__).resolve().parents[1]


def mount(name: str, *, key: str, options: Mapping[str, Any], body: bytes, trigger: str) -> Any:
    """Mount a component, or bring a message to the one already on the page under this key.

    Args:
        name: of its files.
        key: the same key keeps the element and its state while messages come.
        options: what JSON can hold.
        body: bytes behind the options.
        trigger: the name under which the viewer sends something back.

    Returns:
        What the viewer sent, once; None on every other run.
    """
    listening: dict[str, Any] = {f"on_{trigger}_change": _ignore}
    return _registered(name)(key=key, data=browser.message(options, body), **listening)[trigger]


@st.fragment
def mount_asking(name: str, *, key: str, options: Mapping[str, Any], body: bytes = b"") -> None:
    """Mount a component that has a channel, and draw the whole page again whenever it finds the page out of date.

    It says so in a fragment: a request for the whole page would break off the run that a click has just begun.
    """
    if mount(name, key=key, options=options, body=body, trigger="outdated"):
        st.rerun()


def module(name: str) -> str:
    """The JavaScript of a component: one ES module."""
    return browser.module(name, _folder(name))


@cache
def _registered(name: str) -> ComponentRenderer:
    """Registered once per process; mounting repeats the registration for a runtime that lacks it."""
    return st.components.v2.component(f"otviz_{name}", js=module(name), css=browser.style(name, _folder(name)))


def _folder(name: str) -> Path:
    return next((path.parent for path in _UI.rglob(f"{name}.js")), browser.FOLDER)


def _ignore() -> None:
    """The trigger's value is read from the result."""
