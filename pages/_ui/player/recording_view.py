"""Recorded runs on a page: what plays before anything is trained, each panel marked as recorded."""

from __future__ import annotations

from otviz.checkpoints import recordings
from pages._ui.player.player_canvas import player

SECONDS, REST = 9.0, 4.0  # of playback, and at its end
SHARE = 0.6  # of the training after which it begins to play: what the methods end with is seen within seconds


def show(name: str, *, key: str, height: int = 740, columns: int | None = None) -> bool:
    """Play a recording, over and over; False, and nothing is drawn, if there is none of this name.

    Args:
        name: of the recording, such as "compare-table-1" or "lesson-why-gans-collapse" (`otviz.checkpoints.recordings`).
        key: of the player: under the key of the live picture, that one takes its place when training begins.
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
