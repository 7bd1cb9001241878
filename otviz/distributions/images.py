"""Brightness and opacity of the pixels of an image file. Whatever is wrong with it becomes one ValueError."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

EXTENSIONS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")
MOST_PIXELS = 50_000_000  # an image of a few kilobytes can claim any size: it is refused before it is unpacked
SIDE = 400  # pixels kept along the longer side; finer detail than that is lost between the points


def read_image(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Brightness and opacity of an image's pixels, both in [0, 1], its longer side at most SIDE."""
    from PIL import Image, UnidentifiedImageError

    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(path, formats=("PNG", "JPEG", "GIF", "BMP", "WEBP")) as image,
        ):
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise ValueError(
                    f"{path.name} must have at most {MOST_PIXELS / 1e6:g} megapixels; it has {width} x {height}: "
                    "make it smaller"
                )
            image.draft("RGB", (SIDE, SIDE))  # lets the JPEG reader unpack a smaller one
            small = image.convert("RGBA")
            small.thumbnail((SIDE, SIDE))
    except UnidentifiedImageError as error:
        raise ValueError(f"{path.name} is no image that can be read here; save it as PNG or JPEG") from error
    except (OSError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path.name} is damaged ({str(error)[:100]}); save it again as PNG or JPEG") from error
    pixels = np.asarray(small).astype(np.float32) / np.float32(255)
    grey: NDArray[np.float32] = pixels[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32)
    return grey, pixels[..., 3]
