"""One image file as a small square of pixels. Whatever is wrong with it becomes one ValueError."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Colour = Literal["grey", "rgb"]

EXTENSIONS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
MOST_PIXELS = 50_000_000  # an image of a few kilobytes can claim any size: it is refused before it is unpacked


def read_picture(data: bytes, size: int, colour: Colour) -> NDArray[np.uint8]:
    """The square in the middle of an image, resized, shape (C, size, size), C = 1 for grey and 3 for rgb.

    Of an animation the first picture counts; what is transparent becomes white.

    Args:
        data: an image file of one of FORMATS, whatever it is called.
        size: pixels along a side of the result.
        colour: what the image is converted to.

    Raises:
        ValueError: no image, a damaged one, or one of more than MOST_PIXELS.
    """
    from PIL import Image, ImageOps

    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(data), formats=FORMATS) as image,
        ):
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise ValueError(f"{width} x {height} pixels are more than {MOST_PIXELS / 1e6:g} megapixels")
            image.draft("RGB", (2 * size, 2 * size))  # lets the JPEG reader unpack a smaller one
            upright = ImageOps.exif_transpose(image)
            small = ImageOps.fit(_plain(upright), (size, size), Image.Resampling.BILINEAR)
            pixels = np.asarray(small.convert("L" if colour == "grey" else "RGB"))
    except Exception as error:  # Pillow raises errors of many kinds on damaged files
        raise ValueError(str(error)[:100] or type(error).__name__) from error
    return pixels.reshape(size, size, -1).transpose(2, 0, 1)


def _plain(image: Image.Image) -> Image.Image:
    """The image as RGB or 8-bit grey without transparency, which is painted white."""
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits; Pillow would cut off all that is brighter than 255
        return Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        opaque = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", opaque.size, "white"), opaque).convert("RGB")
    return image if image.mode == "L" else image.convert("RGB")
