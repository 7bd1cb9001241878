"""The picker: a sheet of images on which clicks choose, in turn, where a way begins and where it ends."""

from __future__ import annotations

import re

from pages._ui.shell.component import mount


def picker(png: bytes, *, key: str, count: int, columns: int, chosen: tuple[int, int]) -> tuple[int, int] | None:
    """Mount the sheet, or bring another one to the picker on the page under this key.

    Args:
        png: the sheet, rows of `columns` images.
        key: the same key keeps whose turn it is.
        count: images on the sheet.
        columns: images beside each other.
        chosen: places of the two images, counted from 0.

    Returns:
        The new places, once after each click; None on every other run.
    """
    options = {"count": count, "columns": columns, "chosen": list(chosen)}
    said = mount("picker", key=key, options=options, body=png, trigger="picked")
    match = re.fullmatch(r"(\d{1,4}),(\d{1,4})", said) if isinstance(said, str) else None
    if match is None:
        return None
    first, second = int(match[1]), int(match[2])
    return (first, second) if max(first, second) < count else None
