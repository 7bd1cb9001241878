"""Generated rows as one picture: images side by side, and the PNG of it."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from otviz.data.datasets.rows import Rows, Shape, to_pixels

GAP = 1  # pixels between images, before enlargement
PAPER = 255  # of the gaps and of places without an image

Sheet = NDArray[np.uint8]


def sheet(rows: Rows, shape: Shape, columns: int) -> Sheet:
    """Images side by side, row by row.

    Args:
        rows: images as rows, (n, C*H*W), in [-1, 1]; what lies outside counts as the nearer end.
        shape: (C, H, W) with C = 1 (grey) or 3 (RGB).
        columns: images beside each other, at least 1.

    Returns:
        RGB, shape (r*H + r - 1, columns*W + columns - 1, 3), uint8, where r = ceil(n / columns); white between.

    Raises:
        ValueError: no image, no column, other channels, or rows of another length.
    """
    if len(rows) < 1 or columns < 1:
        raise ValueError(f"a sheet needs at least 1 image and 1 column; got {len(rows)} and {columns}")
    channels, height, width = shape
    if channels not in (1, 3):
        raise ValueError(f"images must have 1 channel (grey) or 3 (RGB); got {channels}")
    pixels = to_pixels(rows, shape).transpose(0, 2, 3, 1)
    lines = -(-len(pixels) // columns)
    # Every image brings the gap to its right and below it; those at the end are cut off.
    cells = np.full((lines * columns, height + GAP, width + GAP, 3), PAPER, np.uint8)
    cells[: len(pixels), :height, :width] = pixels
    grid = cells.reshape(lines, columns, height + GAP, width + GAP, 3).transpose(0, 2, 1, 3, 4)
    whole: Sheet = grid.reshape(lines * (height + GAP), columns * (width + GAP), 3)[:-GAP, :-GAP]
    return np.ascontiguousarray(whole)


def png(array: Sheet, scale: int = 1) -> bytes:
    """A sheet (H, W, 3), uint8, as a PNG in which each pixel is a square of `scale` x `scale`. Raises ValueError."""
    from PIL import Image

    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or scale < 1:
        raise ValueError(
            f"a PNG needs (H, W, 3) bytes and a scale of at least 1; got {array.shape}, {array.dtype}, {scale}"
        )
    file = io.BytesIO()
    Image.fromarray(array.repeat(scale, axis=0).repeat(scale, axis=1)).save(file, "PNG")
    return file.getvalue()
