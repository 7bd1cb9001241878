"""The basis of player, board and pad: mounting components with their own JavaScript and CSS and a shared part.

`otviz.player.browser` defines the format of a component. The player is there because reports use it too; board and pad are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from otviz.player import browser
from pages._ui.shell.links import keep_drawn

ON_A_PLANE = ("diagnosis", "explorer")
"""Components that draw real and generated samples on a plane."""

_UI = Path(__file__).resolve().parents[1]


def mount(name: str, *, key: str, options: Mapping[str, Any], body: bytes, trigger: str) -> Any:
    """Mount a component, or send a message to the one with this key.

    Args:
        name: name of its files.
        key: the same key preserves the element and its state between messages.
        options: JSON-compatible values.
        body: bytes after the options.
        trigger: name of the value that the viewer sends back.

    Returns:
        what the viewer sent, once; otherwise None.
    """
    listening: dict[str, Any] = {f"on_{trigger}_change": _ignore}
    return _registered(name)(key=key, data=browser.message(options, body), **listening)[trigger]


@st.fragment
def mount_asking(name: str, *, key: str, options: Mapping[str, Any], body: bytes = b"") -> None:
    """Mount a component with a channel, and rerun the whole page whenever it reports that the page is out of date.

    The report is a fragment rerun, since a request for the whole page would cancel a rerun that a click has just started.
    """
    if mount(name, key=key, options=options, body=body, trigger="outdated"):
        keep_drawn()
        st.rerun()


def module(name: str) -> str:
    """The JavaScript of a component, as an ES module."""
    return browser.module(name, _folder(name), [_UI / "shell" / "plane.js"] if name in ON_A_PLANE else [])


@cache
def _registered(name: str) -> ComponentRenderer:
    """Register the component once per process; mounting registers it again in a runtime that lacks it."""
    return st.components.v2.component(f"otviz_{name}", js=module(name), css=browser.style(name, _folder(name)))


def _folder(name: str) -> Path:
    return next((path.parent for path in _UI.rglob(f"{name}.js")), browser.FOLDER)


def _ignore() -> None:
    """Do nothing: the trigger's value is read from the result."""
