"""Tiles: a choice by pictures. The value stands in the session under the key of the choice, as a list's would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from pages._ui.controls import controls
from pages._ui.shell.component import mount
from pages._ui.shell.links import Link


@dataclass(frozen=True)
class Tile:
    """One thing to choose: `picture` is the text of an SVG, `line` says in a few words what it does."""

    name: str
    title: str
    picture: str
    line: str = ""


def choice(
    link: Link, key: str, tiles: Sequence[Tile], *, default: str, label: str, card: bool = False, disabled: bool = False
) -> str:
    """Draw one choice between tiles and return the name chosen; in a lesson that does not show it, the one it has set.

    Args:
        link: the page's open link.
        key: its name in the address.
        tiles: all that can be chosen.
        default: the name chosen when the address says nothing.
        label: what is chosen.
        card: only the one chosen is shown, until one opens it to choose another.
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
