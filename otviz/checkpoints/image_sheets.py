"""Generated images as sheets, still or moving, of a given width, enlarged by an integer factor."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otviz.data.datasets.rows import Rows, Shape, to_pixels, to_rows
from otviz.data.datasets.sheets import png, sheet

FRAME_MS = 60  # about 16 frames per second
MOST_FRAMES = 400


def columns_for(n: int) -> int:
    """Number of columns for n images, so that the sheet is square or slightly wider."""
    return math.ceil(math.sqrt(n))


def picture(rows: Rows, shape: Shape, columns: int, wide: int) -> bytes:
    """A sheet of images as a PNG.

    Args:
        rows: images (n, C*H*W) in [-1, 1].
        shape: (C, H, W).
        columns: images per row.
        wide: maximal width in pixels; images are never reduced, so the sheet may be wider.
    """
    return png(_sheet(rows, shape, columns, wide))


def moving(frames: Sequence[Rows], shape: Shape, columns: int, wide: int) -> bytes:
    """Sheets as an endless animated GIF.

    Args:
        frames: the images of each sheet.
        shape, columns, wide: as for `picture`.

    Raises:
        ValueError: no frames, or more than 400.
    """
    from PIL import Image

    if not 1 <= len(frames) <= MOST_FRAMES:
        raise ValueError(f"a moving picture has 1 to {MOST_FRAMES} frames; got {len(frames)}")
    whole = [_sheet(rows, shape, columns, wide) for rows in frames]
    pictures = [Image.fromarray(one[:, :, 0] if shape[0] == 1 else one) for one in whole]
    file = io.BytesIO()
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=FRAME_MS, loop=0, optimize=False)
    return file.getvalue()


def _sheet(rows: Rows, shape: Shape, columns: int, wide: int) -> NDArray[np.uint8]:
    times = max(1, (wide // columns - 1) // shape[2])
    large = to_pixels(rows, shape).repeat(times, axis=2).repeat(times, axis=3)
    return sheet(to_rows(large), (shape[0], shape[1] * times, shape[2] * times), columns)
