"""Recorded runs, which play before a training; their panels are marked as recorded."""

from __future__ import annotations

from otviz.checkpoints import recordings
from pages._ui.player.player_canvas import player

SECONDS, REST = 9.0, 4.0  # duration of playback, and of the pause at its end
SHARE = 0.6  # share of the training at which playback starts, so that the results are visible within seconds


def show(name: str, *, key: str, height: int = 740, columns: int | None = None) -> bool:
    """Play a recording in a loop; returns False, and draws nothing, if there is none of this name.

    Args:
        name: name of the recording, such as "compare-table-1" or "lesson-why-gans-collapse" (`otviz.checkpoints.recordings`).
        key: key of the player; with the key of the live picture, the live run replaces the recording.
        height: see `player`.
        columns: see `player`.
    """
    try:
        body, about = recordings.read(name), recordings.about(name)
    except ValueError:
        return False
    start = SHARE * max(panel.steps for panel in about.panels)
    pace = {"seconds": SECONDS, "rest": REST, "start": start}
    player(body, key=key, loop=True, height=height, columns=columns, more=pace)
    return True
