"""The player: a canvas in the browser that shows moving runs, fed with the bytes of `otviz.wire`."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_FOLDER = Path(__file__).parent


@cache
def _component() -> ComponentRenderer:
    """Registered once per process; mounting repeats the registration for a runtime that lacks it."""
    return st.components.v2.component(
        "otviz_player",
        js=(_FOLDER / "player.js").read_text(encoding="utf-8"),
        css=(_FOLDER / "player.css").read_text(encoding="utf-8"),
    )


def player(
    update_bytes: bytes,
    *,
    key: str,
    autoplay: bool = True,
    loop: bool = False,
    height: int = 740,
    columns: int | None = None,
    names: Mapping[str, str] | None = None,
) -> bool:
    """Mount the player, or bring new bytes to the one already on the page under this key.

    Args:
        update_bytes: `otviz.wire.encode(...)`: all kept snapshots with the scene at first, later the news.
        key: the same key keeps the picture, playhead and layers of the viewer while bytes change.
        autoplay: start moving by itself (never when the viewer prefers reduced motion).
        loop: start again at the end of runs that are over.
        height: pixels that a player with one panel may take, controls included.
        columns: panels in a row at most; None chooses by their number and the width of the page.
        names: other words for what is "generated" and for the "generator" loss, where there is no generator.

    Returns:
        True when the viewer lacks a scene (it came back to the page, or a message was lost): send everything again.
    """
    options = json.dumps(
        {"autoplay": autoplay, "loop": loop, "height": height, "columns": columns, "names": names}
    ).encode()
    result = _component()(
        key=key,
        data=struct.pack("<I", len(options)) + options + update_bytes,
        on_resend_change=_ignore,
    )
    return bool(result.resend)


def _ignore() -> None:
    """The trigger's value is read from the result."""
