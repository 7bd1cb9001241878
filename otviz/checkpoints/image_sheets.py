"""Generated images as sheets: of a given width, enlarged by an integer factor, or small as they are."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray

from otviz.data.datasets.rows import Rows, Shape, to_pixels, to_rows
from otviz.data.datasets.sheets import png, sheet

MOST_PIXELS = 16_000_000  # of a picture that is read


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


def cells(data: bytes, shape: Shape, columns: int) -> NDArray[np.uint8]:
    """The images of a sheet that `picture` made, in their own size, (n, C, H, W), uint8.

    Args:
        data: the PNG.
        shape: (C, H, W) of an image.
        columns: images per row.

    Raises:
        ValueError: no such picture.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as found:
            wide, high = found.size
            if not 0 < wide * high <= MOST_PIXELS:
                raise ValueError(f"a sheet has at most {MOST_PIXELS:,} pixels")
            whole = np.asarray(found.convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise ValueError("the picture is not a PNG") from error
    channels, height, width = shape
    times = (wide + 1) // columns // width
    steps = height * times + 1, width * times + 1
    if not times or (wide + 1, (high + 1) % steps[0]) != (columns * steps[1], 0):
        raise ValueError(f"the picture has no rows of {columns} images of {width} x {height} pixels")
    padded = np.pad(whole, ((0, 1), (0, 1), (0, 0)))
    grid = padded.reshape(-1, steps[0], columns, steps[1], 3)[:, :-1:times, :, :-1:times, :channels]
    return np.ascontiguousarray(grid.transpose(0, 2, 4, 1, 3).reshape(-1, channels, height, width))


def tiled(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Images (n, C, H, W), uint8, side by side in their own size, (rows * H, columns * W, 3); black where there are none."""
    count, _, height, width = images.shape
    lines = -(-count // columns)
    grid = np.zeros((lines * columns, 3, height, width), np.uint8)
    grid[:count] = images
    whole = grid.reshape(lines, columns, 3, height, width).transpose(0, 3, 1, 4, 2).reshape(lines * height, -1, 3)
    return np.ascontiguousarray(whole)


def preview(images: NDArray[np.uint8], columns: int, exact: bool = False) -> bytes:
    """Images (n, C, H, W), uint8, side by side in their own size, as a small WebP: lossless in grey, almost so in colour.

    Args:
        images: those to show.
        columns: images per row.
        exact: lossless in colour, too.
    """
    from PIL import Image

    file, kept = io.BytesIO(), exact or images.shape[1] == 1
    # Without loss, `quality` is effort: more makes files a twelfth smaller in ten times the time.
    effort: dict[str, int] = {"quality": 20, "method": 0} if kept else {"quality": 90, "method": 2}
    Image.fromarray(tiled(images, columns)).save(file, "WEBP", lossless=kept, **effort)
    return file.getvalue()


def _sheet(rows: Rows, shape: Shape, columns: int, wide: int) -> NDArray[np.uint8]:
    times = max(1, (wide // columns - 1) // shape[2])
    large = to_pixels(rows, shape).repeat(times, axis=2).repeat(times, axis=3)
    return sheet(to_rows(large), (shape[0], shape[1] * times, shape[2] * times), columns)
