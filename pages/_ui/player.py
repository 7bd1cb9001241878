"""The player: a canvas in the browser that shows moving runs, fed with the bytes of `otviz.wire`."""

from __future__ import annotations

from collections.abc import Mapping

from pages._ui.component import mount


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
    options = {"autoplay": autoplay, "loop": loop, "height": height, "columns": columns, "names": names}
    return bool(mount("player", key=key, options=options, body=update_bytes, trigger="resend"))
