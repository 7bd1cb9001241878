"""What player, board and pad have in common: JavaScript and CSS of their own behind a shared part, and one way in.

A component called `player` is made of `shared.js`, `player.js` and every `player_*.js`, joined to one ES module, and of
`shared.css` and `player.css`. It gets bytes: u32 (little endian) length of the options, the options as JSON, the body.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_FOLDER = Path(__file__).parent


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
    head = json.dumps(options).encode()
    listening: dict[str, Any] = {f"on_{trigger}_change": _ignore}
    return _registered(name)(key=key, data=struct.pack("<I", len(head)) + head + body, **listening)[trigger]


def module(name: str) -> str:
    """The JavaScript of a component: one ES module."""
    return _joined("shared.js", f"{name}.js", *sorted(path.name for path in _FOLDER.glob(f"{name}_*.js")))


@cache
def _registered(name: str) -> ComponentRenderer:
    """Registered once per process; mounting repeats the registration for a runtime that lacks it."""
    return st.components.v2.component(f"otviz_{name}", js=module(name), css=_joined("shared.css", f"{name}.css"))


def _joined(*files: str) -> str:
    return "\n".join((_FOLDER / file).read_text(encoding="utf-8") for file in files)


def _ignore() -> None:
    """The trigger's value is read from the result."""
