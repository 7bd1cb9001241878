"""The player: a canvas in the browser that animates runs from the bytes of `otviz.player.wire`."""

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
    """Mount the player, or send new bytes to the player with this key.

    Args:
        update_bytes: `otviz.player.wire.encode(...)`: scene and all snapshots at first, later the new ones.
        key: the same key preserves picture, playhead and layers while bytes change.
        autoplay: start playing (never if the viewer prefers reduced motion).
        loop: start again at the end of finished runs.
        height: height of a player with one panel in px, including controls.
        fill: height of the window in px that a player with one panel leaves to the rest of the page; replaces `height`.
        columns: most panels per row; None: by number of panels and width of the page.
        drop: CSS selector of the uploader that receives files dropped on the picture.
        keys: shortcuts of the page and what they do, for the list of shortcuts.
        names: other terms for "generated" and for the "generator" loss, if there is no generator.
        channel: address for updates (`pages._ui.shell.channel`); empty if all data are in `update_bytes`.
        more: for recorded runs: `seconds` and `rest` of playback, and the `start` step; for Home the `atlas`.
    """
    options = {
        "autoplay": autoplay, "loop": loop, "height": height, "fill": fill, "columns": columns, "drop": drop, "keys": keys, "names": names,
        "channel": channel, "seconds": None, "rest": None, "start": None, **(more or {}),
    }  # fmt: skip
    mount_asking("player", key=key, options=options, body=update_bytes)


def known(question: bytes) -> dict[str, tuple[str, int]]:
    """What a polling player already has: by run name, the title of its scene and the number of its last snapshot.

    Raises:
        ValueError: invalid question.
    """
    try:
        asked = json.loads(question)
        return {str(name): (str(title), int(last)) for name, (title, last) in asked.items()}
    except (TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError("a player says which snapshots it has as {run: [title, number]}") from error
