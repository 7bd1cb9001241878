"""The picker: a sheet of images, on which clicks select start and end of a path in turn."""

from __future__ import annotations

import re

from pages._ui.shell.component import mount


def picker(png: bytes, *, key: str, count: int, columns: int, chosen: tuple[int, int]) -> tuple[int, int] | None:
    """Mount the sheet, or update the picker with this key.

    Args:
        png: the sheet, rows of `columns` images.
        key: the same key preserves whether the next click selects start or end.
        count: images on the sheet.
        columns: images per row.
        chosen: indices of the two images.

    Returns:
        the new indices after a click; otherwise None.
    """
    options = {"count": count, "columns": columns, "chosen": list(chosen)}
    picked = mount("picker", key=key, options=options, body=png, trigger="picked")
    match = re.fullmatch(r"(\d{1,4}),(\d{1,4})", picked) if isinstance(picked, str) else None
    if match is None:
        return None
    first, second = int(match[1]), int(match[2])
    return (first, second) if max(first, second) < count else None
