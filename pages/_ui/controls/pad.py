"""The pad: a point cloud drawn by mouse, finger or keyboard, stored as a short text that fits into a link."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pages._ui.shell.component import mount

MOST_OTHERS = 2000
"""Most points of the other cloud; more would hide the drawing."""


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
    """Mount the pad with a drawing, or update the pad with this key.

    The text of a drawing is URL-safe base64, without padding, of its strokes: u16 (little endian) the number of
    vertices, then u8 x and u8 y for each, on the grid -4 + 8 k / 255.

    Args:
        strokes: the drawing; if it differs from the viewer's last one, it replaces that.
        key: the same key preserves the viewer's tools and undo history.
        label: name of the drawing, as "source", in the text alternative.
        brush: radius of the brush, a length in data units.
        others: points of the other cloud, drawn faintly, shape (k, 2).
        height: side of the square in pixels; 0: as large as the window allows.
        drop: CSS selector of the uploader that receives files dropped on the pad.

    Returns:
        the new text after a stroke, erasure, undo, redo or clearing; otherwise None.
    """
    shown = np.zeros((0, 2), np.float32) if others is None else np.asarray(others, np.float32)
    shown = shown[:: max(1, -(-len(shown) // MOST_OTHERS))]
    options = {"strokes": strokes, "label": label, "brush": brush, "height": height, "drop": drop}
    drawn = mount("pad", key=key, options=options, body=shown.tobytes(), trigger="drawn")
    return drawn if isinstance(drawn, str) else None
