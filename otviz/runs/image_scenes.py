"""The scene of a run on images: how many are shown, and the real ones beside them. Needs no torch."""

from __future__ import annotations

import math

import numpy as np

from otviz.data.datasets import ImageSet, to_pixels
from otviz.data.datasets.rows import in_turn
from otviz.data.target import Source, Target
from otviz.runs.snapshots import Samples, Scene, preview

MOST = 64
MOST_COLUMNS = 12
FEWEST = 9
FRAME_BYTES = 200_000  # of one look, if there are two sheets of it

BOX = (-1.0, 1.0, -1.0, 1.0)


def sheet_side(classes: int = 0) -> int:
    """Images along a side of a sheet: as many as there are classes to ask for, so that each has a column, else 8."""
    return classes if 1 < classes <= MOST_COLUMNS else math.isqrt(MOST)


def sheet_size(dim: int, classes: int = 0) -> int:
    """How many images of `dim` numbers a run shows: a square number, fewer of large images."""
    side = math.isqrt(FRAME_BYTES // (2 * dim))
    return int(min(max(side, math.isqrt(FEWEST)), sheet_side(classes)) ** 2)


def real_images(images: ImageSet, seed: int, classes: int = 0) -> Samples:
    """As many training images as a run shows, drawn with `seed`, shape (n, C*H*W), uint8. Raises ValueError as `split`.

    Where a generator is told classes, they come in the order in which it is asked for them.
    """
    pixels, labels = images.split("train")
    rng, count = np.random.default_rng([seed, 7]), sheet_size(images.dim, classes)
    if classes:
        chosen = np.array([rng.choice(np.flatnonzero(labels == wanted)) for wanted in in_turn(count, classes)])
    else:
        chosen = rng.choice(len(pixels), count, len(pixels) < MOST)
    shown: Samples = pixels[chosen].reshape(len(chosen), -1)
    return shown


def as_images(rows: Samples, shape: tuple[int, int, int]) -> Samples:
    """Rows (n, C*H*W) in [-1, 1] as bytes of the same shape."""
    return to_pixels(rows, shape).reshape(len(rows), -1)


def preview_of(target: Target, source: Source | None, seed: int = 0) -> Scene:
    """The scene of a run that has not begun: its target, and its source if it has points. Raises ValueError as `split`."""
    if not isinstance(target, ImageSet):
        assert source is not None
        return preview(target, source, seed)
    real = real_images(target, seed)
    return Scene(
        title=target.title, box=BOX, target=real, source=real[:0], centres=None, adversary="", steps=0,
        loss_floor=None, shape=target.shape, classes=target.class_names,
    )  # fmt: skip
