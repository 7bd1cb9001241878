"""The player: a canvas in the browser that shows moving runs, fed with the bytes of `otviz.player.wire`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pages._ui.shell.component import mount_asking


def player(
    update_bytes: bytes,
    *,
    key: str,
    autoplay: bool = True,
    loop: bool = False,
    height: int = 740,
    fill: int | None = None,
    columns: int | None = None,
    drop: str = "",
    keys: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    channel: str = "",
    more: Mapping[str, Any] | None = None,
) -> None:
    """Mount the player, or bring new bytes to the one already on the page under this key.

    Args:
        update_bytes: `otviz.player.wire.encode(...)`: all kept snapshots with the scene at first, later the news.
        key: the same key keeps the picture, playhead and layers of the viewer while bytes change.
        autoplay: start moving by itself (never when the viewer prefers reduced motion).
        loop: start again at the end of runs that are over.
        height: pixels that a player with one panel may take, controls included.
        fill: pixels of the window's height that a player with one panel leaves to the rest of the page; `height` is then not used.
        columns: panels in a row at most; None chooses by their number and the width of the page.
        drop: CSS selector of an upload on the page, which gets a file that is dropped on the picture.
        keys: keys of the page, and what they do, for the list of shortcuts.
        names: other words for what is "generated" and for the "generator" loss, where there is no generator.
        channel: address where the player asks for its news (`pages._ui.shell.channel`); none if it gets all it shows from here.
        more: of recorded runs: `seconds` and `rest` of their playback, and the step to `start` at; of Home the `atlas`.
    """
    options = {
        "autoplay": autoplay, "loop": loop, "height": height, "fill": fill, "columns": columns, "drop": drop, "keys": keys, "names": names,
        "channel": channel, "seconds": None, "rest": None, "start": None, **(more or {}),
    }  # fmt: skip
    mount_asking("player", key=key, options=options, body=update_bytes)


def known(question: bytes) -> dict[str, tuple[str, int]]:
    """What a player that asks its channel already has: by a run's name, the title of its scene and its last snapshot's number.

    Raises:
        ValueError: the question does not come from a player.
    """
    try:
        asked = json.loads(question)
        return {str(name): (str(title), int(last)) for name, (title, last) in asked.items()}
    except (TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("a player says which snapshots it has as {run: [title, number]}") from error
