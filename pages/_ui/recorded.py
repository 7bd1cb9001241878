"""Recorded runs on a page: what plays before anything is trained, each panel marked as recorded."""

from __future__ import annotations

from otviz import recordings
from pages._ui.player import player


def show(name: str, *, key: str, height: int = 740, columns: int | None = None) -> bool:
    """Play a recording, over and over; False, and nothing is drawn, if there is none of this name.

    Args:
        name: of the recording, such as "compare-table-1" or "lesson-why-gans-collapse" (`otviz.recordings`).
        key: of the player: under the key of the live picture, that one takes its place when training begins.
        height: see `player`.
        columns: see `player`.
    """
    try:
        body = recordings.read(name)
    except ValueError:
        return False
    player(body, key=key, loop=True, height=height, columns=columns)
    return True
