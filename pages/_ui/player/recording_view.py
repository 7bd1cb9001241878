"""Recorded runs, which play before a training; their panels are marked as recorded."""

from __future__ import annotations

import streamlit as st

from otviz.checkpoints import recordings
from pages._ui.player.player_canvas import player
from pages._ui.shell.links import plain

SECONDS, REST = 9.0, 4.0  # duration of playback, and of the pause at its end
SHARE = 0.6  # share of the training at which playback starts, so that the results are visible within seconds


def show(name: str, *, key: str, height: int = 740, columns: int | None = None) -> bool:
    """Play a recording in a loop; returns False if there is none of this name, or, with a warning, if it is damaged.

    Args:
        name: name of the recording, such as "compare-table-1" or "lesson-why-gans-collapse" (`otviz.checkpoints.recordings`).
        key: key of the player; with the key of the live picture, the live run replaces the recording.
        height: see `player`.
        columns: see `player`.
    """
    if name not in recordings.names():
        return False
    try:
        body, about = recordings.read(name), recordings.about(name)
    except ValueError as error:
        st.warning(plain(f"{error}."))
        return False
    start = SHARE * max(panel.steps for panel in about.panels)
    pace = {"seconds": SECONDS, "rest": REST, "start": start}
    player(body, key=key, loop=True, height=height, columns=columns, more=pace)
    return True
