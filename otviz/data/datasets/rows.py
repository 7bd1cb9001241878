"""Conversion between pixels and the rows that methods train on: byte p is p / 127.5 - 1 in [-1, 1]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HALF = np.float32(127.5)

Rows = NDArray[np.float32]
Shape = tuple[int, int, int]


def in_turn(n: int, classes: int) -> NDArray[np.int64]:
    """Classes 0, 1, 2 ... repeated, n in all: in a sheet with one column per class, each column has one class."""
    return np.arange(n, dtype=np.int64) % classes


def to_rows(pixels: NDArray[np.uint8]) -> Rows:
    """Images (n, C, H, W), uint8, as rows (n, C*H*W), float32 in [-1, 1], in the order channel, row, column."""
    rows: Rows = pixels.reshape(len(pixels), -1).astype(np.float32)
    rows /= HALF  # in place, since this runs at every step
    rows -= 1
    return rows


def to_pixels(rows: Rows, shape: Shape) -> NDArray[np.uint8]:
    """Rows (n, C*H*W) as images (n, C, H, W), uint8: the inverse of `to_rows`.

    Values are clipped to [-1, 1] and NaN becomes mid-grey, so that a diverged generator still has an image.

    Raises:
        ValueError: the rows have another length than an image of that shape.
    """
    rows = np.asarray(rows, np.float32)
    if rows.ndim != 2 or rows.shape[1] != shape[0] * shape[1] * shape[2]:
        raise ValueError(f"rows must have shape (n, {' * '.join(map(str, shape))}); got {rows.shape}")
    finite = np.nan_to_num(rows, nan=0.0, posinf=1.0, neginf=-1.0).clip(-1, 1)
    pixels: NDArray[np.uint8] = np.rint((finite + 1) * HALF).astype(np.uint8)
    return pixels.reshape(-1, *shape)
