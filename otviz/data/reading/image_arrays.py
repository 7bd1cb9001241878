"""Images stored as arrays, in NPY or NPZ, with one axis for the images and two or three for their pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otviz.core.uploads import known_as
from otviz.data.reading.array_tables import read_arrays

MOST_SIDE = 1024
LABELS = ("labels", "label", "y", "targets", "arr_1")
"""Names of arrays of classes, one for each image."""


class ImageArray(NamedTuple):
    """Images of a file, (n, C, H, W), uint8, their classes (n,) if the file has them, and notes."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    notes: tuple[str, ...]


def read_image_array(path: Path) -> ImageArray | None:
    """The images in an NPY or NPZ file; None if it holds no array with three or four axes.

    Axes are (n, H, W), (n, H, W, C) or (n, C, H, W), C = 1 or 3. Values are bytes, or real numbers of which the file's
    largest and smallest tell whether they lie in [0, 1], [-1, 1] or [0, 255].

    Raises:
        ValueError: damaged, too large, or values out of all these ranges.
    """
    name, arrays = known_as(path), read_arrays(path)
    wide = [(key, array) for key, array in arrays.items() if array.ndim in (3, 4) and array.dtype.kind in "uif"]
    if not wide:
        return None
    key, array = max(wide, key=lambda one: one[1].size)
    images = _channels_first(array, name)
    if max(images.shape[2:]) > MOST_SIDE or min(images.shape) < 1:
        raise ValueError(f"{name} must hold images of at most {MOST_SIDE} pixels a side; got shape {array.shape}")
    pixels, notes = _bytes(images, name)
    if len(wide) > 1:
        notes = (*notes, f"array {key} used; others: {', '.join(other for other, _ in wide if other != key)}")
    labels = next((arrays[label] for label in LABELS if label in arrays), None)
    fits = labels is not None and labels.shape == (len(pixels),) and labels.dtype.kind in "ui"
    return ImageArray(pixels, labels.astype(np.int64) if labels is not None and fits else None, notes)


def _channels_first(array: NDArray[Any], name: str) -> NDArray[Any]:
    if array.ndim == 3:
        return array[:, None]
    if array.shape[-1] in (1, 3) and array.shape[1] not in (1, 3):
        return array.transpose(0, 3, 1, 2)
    if array.shape[1] in (1, 3):
        return array
    if array.shape[-1] == 4:
        return array[..., :3].transpose(0, 3, 1, 2)
    raise ValueError(
        f"{name} must hold grey or RGB images, (n, H, W), (n, H, W, C) or (n, C, H, W); got shape {array.shape}"
    )


def _bytes(images: NDArray[Any], name: str) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    if images.dtype == np.uint8:
        return np.ascontiguousarray(images), ()
    low, high = float(images.min()), float(images.max())
    if not np.isfinite([low, high]).all():
        raise ValueError(f"{name} has pixels that are NaN or infinite: remove those images")
    # The generator's tanh and clipped sums may overshoot a little.
    if low >= -0.01 and high <= 1.01 and images.dtype.kind == "f":
        scaled, said = images * 255, "[0, 1]"
    elif low >= -1.01 and high <= 1.01 and images.dtype.kind == "f":
        scaled, said = (images + 1) * 127.5, "[-1, 1]"
    elif low >= 0 and high <= 255:
        scaled, said = images, "[0, 255]"
    else:
        raise ValueError(f"{name} must have pixels in [0, 1], [-1, 1] or [0, 255]; they range from {low:g} to {high:g}")
    return np.rint(scaled).clip(0, 255).astype(np.uint8), (f"pixels taken to lie in {said}",)
