"""Brightness and opacity of the pixels of an image file. Every problem is a ValueError."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otviz.core.uploads import known_as

if TYPE_CHECKING:
    from PIL import ImageFile

EXTENSIONS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
MOST_PIXELS = 50_000_000  # checked before decoding, since a file of a few kilobytes can claim any size
SIDE = 400  # largest longer side in pixels; finer detail is lost between the points
LARGEST = 1e30  # pixels with larger values or NaN are ignored
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601


class Pixels(NamedTuple):
    """The pixels of an image.

    Attributes:
        brightness, opacity: (rows, columns), in [0, 1].
        brightest: the value of brightness 1 for more than 8 bits; None for 8 bits.
    """

    brightness: NDArray[np.float32]
    opacity: NDArray[np.float32]
    brightest: float | None


def read_image(path: Path) -> Pixels:
    """Read the pixels of an image, with a longer side of at most SIDE.

    Values of more than 8 bits are divided by the largest, since sensors of 10 to 14 bits write 16-bit files.
    """
    from PIL import Image, UnidentifiedImageError

    name = known_as(path)
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            if width * height <= MOST_PIXELS:
                return _deep(image) if image.mode[0] in "IF" else _plain(image)
    except UnidentifiedImageError as error:
        raise ValueError(f"{name} cannot be read as an image; save it as PNG or JPEG") from error
    except Exception as error:  # Pillow raises many types of error for damaged files
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise ValueError(f"{name} is damaged ({reason}); save it again as PNG or JPEG") from error
    raise ValueError(
        f"{name} must have at most {MOST_PIXELS / 1e6:g} megapixels; it has {width} x {height}: make it smaller"
    )


def _plain(image: ImageFile.ImageFile) -> Pixels:
    image.draft("RGB", (SIDE, SIDE))  # lets the JPEG decoder produce a smaller image
    deep = any(";16" in str(tile) for tile in image.tile)  # Pillow only reads the upper 8 bits of each colour
    small = image.convert("RGBA")
    small.thumbnail((SIDE, SIDE))
    pixels: NDArray[np.float32] = np.asarray(small).astype(np.float32) / np.float32(255)
    brightness: NDArray[np.float32] = pixels[..., :3] @ LUMA
    top = float(pixels[..., :3].max())
    if deep and 0 < top < 1:
        return Pixels(brightness / np.float32(top), pixels[..., 3], round(top * 255) * 256.0)
    return Pixels(brightness, pixels[..., 3], None)


def _deep(image: ImageFile.ImageFile) -> Pixels:
    """Grey of 16 or 32 bits; NaN is ignored."""
    from PIL import Image as Pillow

    values: NDArray[np.float32] = np.asarray(image).astype(np.float32)
    known = np.abs(values) < LARGEST
    if not known.any():
        raise ValueError("it holds no numbers")
    low, high = min(0.0, float(values[known].min())), float(values[known].max())
    span = high - low or 1.0

    def small(array: NDArray[np.float32]) -> NDArray[np.float32]:
        resized = Pillow.fromarray(array)
        resized.thumbnail((SIDE, SIDE))
        return np.asarray(resized, np.float32).clip(0, 1)

    shown = (np.where(known, values, low) - low) / span
    return Pixels(small(shown.astype(np.float32)), small(known.astype(np.float32)), high)
