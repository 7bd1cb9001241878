"""The scene of a run on images: how many are shown, and the real ones beside them. Needs no torch."""

from __future__ import annotations

import math

import numpy as np

from otviz.datasets import ImageSet, to_pixels
from otviz.distributions import Distribution
from otviz.runs.snapshots import Samples, Scene, preview

MOST = 64
FEWEST = 9
FRAME_BYTES = 200_000  # of one look, if there are two sheets of it

BOX = (-1.0, 1.0, -1.0, 1.0)


def sheet_size(dim: int) -> int:
    """How many images of `dim` numbers a run shows: a square number, fewer of large images."""
    side = math.isqrt(FRAME_BYTES // (2 * dim))
    return int(min(max(side, math.isqrt(FEWEST)), math.isqrt(MOST)) ** 2)


def real_images(images: ImageSet, seed: int) -> Samples:
    """As many training images as a run shows, drawn with `seed`, shape (n, C*H*W), uint8. Raises ValueError as `split`."""
    pixels = images.split("train").pixels
    chosen = np.random.default_rng([seed, 7]).choice(len(pixels), sheet_size(images.dim), len(pixels) < MOST)
    return pixels[chosen].reshape(len(chosen), -1)


def as_images(rows: Samples, shape: tuple[int, int, int]) -> Samples:
    """Rows (n, C*H*W) in [-1, 1] as bytes of the same shape."""
    return to_pixels(rows, shape).reshape(len(rows), -1)


def preview_of(target: Distribution | ImageSet, source: Distribution | None, seed: int = 0) -> Scene:
    """The scene of a run that has not begun: its target, and its source if it has points. Raises ValueError as `split`."""
    if not isinstance(target, ImageSet):
        assert source is not None
        return preview(target, source, seed)
    real = real_images(target, seed)
    return Scene(
        title=target.title, box=BOX, target=real, source=real[:0], centres=None, adversary="", steps=0,
        loss_floor=None, shape=target.shape, classes=target.class_names,
    )  # fmt: skip
