"""MNIST at 8 x 8 pixels, resized with a bilinear filter as wide as a new pixel, as in the report on OT-GAN."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from otviz.data.datasets import places
from otviz.data.datasets.image_set import Images, ImageSet, Split
from otviz.data.datasets.mnist import Mnist
from otviz.data.datasets.rows import Shape

SIDE = 8
BLOCK = 5000  # images resized at a time, so that what lies between takes little memory


@dataclass(frozen=True)
class Mnist8(ImageSet):
    """Handwritten digits small enough to train on within a minute; made from MNIST, then kept."""

    name: ClassVar[str] = "mnist8"
    title: ClassVar[str] = "MNIST 8 x 8"
    licence: ClassVar[str] = Mnist.licence
    class_names: ClassVar[tuple[str, ...]] = Mnist.class_names

    @property
    def shape(self) -> Shape:
        return (1, SIDE, SIDE)

    @property
    def counts(self) -> tuple[int, int]:
        return Mnist.sizes

    def stamp(self) -> Hashable:
        return places.roots()

    def read(self, which: Split) -> Images:
        kept = _kept(places.kept_folder() / self.name / f"{which}.npz", which)
        if kept is not None:
            return kept
        # Not through `split`, which would hold the large images for as long as the process lives.
        large = Mnist().read(which)
        small = Images(resized(large.pixels, SIDE), large.labels)
        _keep(self.name, which, small)
        return small


def resized(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Square images (N, C, S, S) made smaller, (N, C, side, side), uint8: bilinear with antialias."""
    weights = _triangles(pixels.shape[-1], side)
    small = np.empty((*pixels.shape[:2], side, side), np.uint8)
    for first in range(0, len(pixels), BLOCK):
        block = pixels[first : first + BLOCK].astype(np.float32)
        small[first : first + BLOCK] = np.rint(weights @ (block @ weights.T))
    return small


def _triangles(old: int, new: int) -> NDArray[np.float32]:
    """What share each of `old` pixels has in each of `new` ones, shape (new, old), rows sum to 1.

    A triangle of half-width old / new old pixels around the centre of the new one, cut off at the edge.
    """
    step = old / new
    centres = (np.arange(new) + 0.5) * step
    distance = np.abs(np.arange(old) + 0.5 - centres[:, None]) / step
    shares = np.maximum(1 - distance, 0)
    weights: NDArray[np.float32] = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights


def _keep(folder: str, which: Split, images: Images) -> None:
    file = io.BytesIO()
    np.savez(file, pixels=images.pixels, labels=images.labels.astype(np.uint8), source=np.array(Mnist.sums[which]))
    with contextlib.suppress(OSError):  # a folder that cannot be written costs half a second at the next start
        places.keep(folder, f"{which}.npz", file.getvalue())


def _kept(path: Path, which: Split) -> Images | None:
    """What `_keep` wrote, or None if there is nothing, or nothing that fits: it is then made again."""
    count = Mnist.sizes[0] if which == "train" else Mnist.sizes[1]
    try:
        with np.load(path, allow_pickle=False) as file:
            pixels, labels, source = file["pixels"], file["labels"], file["source"]
    except Exception:  # a damaged file makes NumPy raise errors of many kinds, and any means the same here
        return None
    fits = pixels.shape == (count, 1, SIDE, SIDE) and pixels.dtype == np.uint8 and labels.shape == (count,)
    if not fits or tuple(source.tolist()) != tuple(Mnist.sums[which]):
        return None
    return Images(pixels, labels.astype(np.int64))
