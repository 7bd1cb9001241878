"""Tiles: a choice by pictures. Its value is in the session state under the key of the choice, as for a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from pages._ui.controls import controls
from pages._ui.shell.component import mount
from pages._ui.shell.links import Link


@dataclass(frozen=True)
class Tile:
    """An option: `picture` is SVG text, `line` a description of a few words."""

    name: str
    title: str
    picture: str
    line: str = ""


def choice(
    link: Link, key: str, tiles: Sequence[Tile], *, default: str, label: str, card: bool = False, disabled: bool = False
) -> str:
    """Draw a choice between tiles and return the selected name; in a lesson that hides it, the lesson's.

    Args:
        link: the page's open link.
        key: its name in the link.
        tiles: all options.
        default: the selected name if the link has none.
        label: name of the choice.
        card: show only the selected tile until it is opened.
        disabled: whether the choice is disabled.
    """
    widget = controls.seed_choice(link, key, {tile.name: tile.title for tile in tiles}, default)
    if link.shows(key):
        options = {
            "tiles": [asdict(tile) for tile in tiles], "chosen": st.session_state[widget], "label": label, "card": card,
            "disabled": disabled,
        }  # fmt: skip
        asked = mount("tiles", key=f"{widget}:tiles", options=options, body=b"", trigger="chosen")
        if not disabled and any(tile.name == asked for tile in tiles):
            st.session_state[widget] = asked
    chosen = str(st.session_state[widget])
    link.put(key, chosen, default)
    return chosen
