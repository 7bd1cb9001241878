"""The pad: a cloud of points drawn by mouse, finger or keyboard, kept as a short text that fits into a link."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pages._ui.shell.component import mount

MOST_OTHERS = 2000
"""Points of the other cloud that are shown for orientation: more would hide the drawing."""


def pad(
    strokes: str,
    *,
    key: str,
    label: str,
    brush: float,
    others: NDArray[np.float32] | None = None,
    height: int = 300,
    drop: str = "",
) -> str | None:
    """Mount the pad with a drawing on it, or bring another one to the pad on the page under this key.

    The text of a drawing is URL-safe base64, without padding, of its strokes: u16 (little endian) the number of
    vertices, then u8 x and u8 y for each, on the grid -4 + 8 k / 255.

    Args:
        strokes: the drawing; a text that differs from what the viewer drew last replaces it.
        key: the same key keeps the viewer's tools and what can be undone.
        label: what is drawn, as "source"; in the text alternative.
        brush: radius of the brush, a length in data units.
        others: points of the other cloud, shown faintly, shape (k, 2).
        height: side of the square in pixels; 0 for as large as the window lets it be.
        drop: CSS selector of an upload on the page, which gets a file that is dropped on the pad.

    Returns:
        The new text, once after each stroke, erasure, undo, redo and clearing; None on every other run.
    """
    shown = np.zeros((0, 2), np.float32) if others is None else np.asarray(others, np.float32)
    shown = shown[:: max(1, -(-len(shown) // MOST_OTHERS))]
    options = {"strokes": strokes, "label": label, "brush": brush, "height": height, "drop": drop}
    drawn = mount("pad", key=key, options=options, body=shown.tobytes(), trigger="drawn")
    return drawn if isinstance(drawn, str) else None
