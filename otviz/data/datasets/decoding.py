"""Decode an image file to a small square of pixels. Every problem is a ValueError."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Colour = Literal["grey", "rgb"]

EXTENSIONS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
LARGEST = 1e30  # largest value of a pixel
MOST_PIXELS = 50_000_000  # checked before decoding, since a file of a few kilobytes can claim any size


def read_picture(data: bytes, size: int, colour: Colour) -> NDArray[np.uint8] | NDArray[np.float32]:
    """The central square of an image, resized, shape (C, size, size), C = 1 for grey and 3 for rgb.

    Of an animation the first frame is used; transparency becomes white. Grey of more than 8 bits is returned as float32 in
    the file's values: `as_bytes` finds the value of white from all images of a data set.

    Args:
        data: content of an image file in one of FORMATS.
        size: side of the result, in pixels.
        colour: colour mode of the result.

    Raises:
        ValueError: not an image, damaged, or more than MOST_PIXELS.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(data), formats=FORMATS) as image,
        ):
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise ValueError(f"{width} x {height} pixels are more than {MOST_PIXELS / 1e6:g} megapixels")
            image.draft("RGB", (2 * size, 2 * size))  # lets the JPEG decoder produce a smaller image
            upright = ImageOps.exif_transpose(image)
            deep = upright.mode[0] in "IF"
            small = ImageOps.fit(_deep(upright) if deep else _plain(upright), (size, size), Image.Resampling.BILINEAR)
            if deep:
                return np.broadcast_to(np.asarray(small, np.float32), (1 if colour == "grey" else 3, size, size))
            pixels = np.asarray(small.convert("L" if colour == "grey" else "RGB"))
    except UnidentifiedImageError as error:  # its message contains an object's address
        raise ValueError(f"it is not an image in one of the formats {', '.join(FORMATS)}") from error
    except Exception as error:  # Pillow raises many types of error for damaged files
        raise ValueError(str(error)[:100] or type(error).__name__) from error
    return pixels.reshape(size, size, -1).transpose(2, 0, 1)


def as_bytes(
    pictures: Sequence[NDArray[np.uint8] | NDArray[np.float32]],
) -> tuple[NDArray[np.uint8], float | None]:
    """Images of a data set, (N, C, H, W), with 0 black and 255 white, and the value taken as white.

    Images of more than 8 bits are divided by the largest value in any of them, since sensors of 10 to 14 bits write 16-bit
    files. Without such images the value is None.
    """
    deep = [picture for picture in pictures if picture.dtype != np.uint8]
    if not deep:
        return np.stack(pictures).astype(np.uint8, copy=False), None
    low = min(0.0, *(float(picture.min()) for picture in deep))
    high = max(float(picture.max()) for picture in deep)
    span = high - low or 1.0
    levelled = [
        picture if picture.dtype == np.uint8 else np.rint((picture - low) * (255 / span)) for picture in pictures
    ]
    return np.stack([picture.astype(np.uint8, copy=False) for picture in levelled]), high


def _deep(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, unscaled, with NaN as 0. Pillow's own conversion clips at 255."""
    from PIL import Image

    values = np.asarray(image).astype(np.float32)
    return Image.fromarray(np.where(np.abs(values) < LARGEST, values, 0).astype(np.float32))


def _plain(image: Image.Image) -> Image.Image:
    """The image as RGB or 8-bit grey, with transparency on white."""
    from PIL import Image

    if image.has_transparency_data:
        opaque = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", opaque.size, "white"), opaque).convert("RGB")
    return image if image.mode == "L" else image.convert("RGB")
