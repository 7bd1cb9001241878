"""MNIST at 8 x 8 pixels, resized with an antialiased bilinear filter, as in Vu's report."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Generator, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from otviz.data.datasets import places
from otviz.data.datasets.image_set import Images, ImageSet, Split
from otviz.data.datasets.mnist import Mnist
from otviz.data.datasets.rows import Shape

SIDE = 8
BLOCK = 5000  # images resized at a time, to limit memory


@dataclass(frozen=True)
class Mnist8(ImageSet):
    """Handwritten digits, small enough to train on within a minute; made from MNIST, then cached on disk."""

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

    def is_at_hand(self) -> bool:
        cached = places.download_folder() / self.name
        return all((cached / f"{which}.npz").is_file() for which in get_args(Split)) or Mnist().is_at_hand()

    def to_download(self) -> int:
        return 0 if self.is_at_hand() else Mnist().to_download()

    def downloaded(self) -> int:
        return Mnist().downloaded()

    def download(self) -> Generator[int, None, None]:
        return Mnist().download()

    def read(self, which: Split) -> Images:
        cached = _read_cache(places.download_folder() / self.name / f"{which}.npz", which)
        if cached is not None:
            return cached
        # Not through `split`, which would cache the large images for the life of the process.
        large = Mnist().read(which)
        small = Images(resized(large.pixels, SIDE), large.labels)
        _write_cache(self.name, which, small)
        return small


def resized(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Square images (N, C, S, S) resized to (N, C, side, side), uint8: bilinear, antialiased."""
    weights = _triangles(pixels.shape[-1], side)
    small = np.empty((*pixels.shape[:2], side, side), np.uint8)
    for first in range(0, len(pixels), BLOCK):
        block = pixels[first : first + BLOCK].astype(np.float32)
        small[first : first + BLOCK] = np.rint(weights @ (block @ weights.T))
    return small


def _triangles(old: int, new: int) -> NDArray[np.float32]:
    """Weight of each of `old` pixels in each of `new` ones, shape (new, old), rows sum to 1.

    A triangle of half-width old / new (in old pixels) around the centre of the new pixel, cut off at the edge.
    """
    step = old / new
    centres = (np.arange(new) + 0.5) * step
    distance = np.abs(np.arange(old) + 0.5 - centres[:, None]) / step
    shares = np.maximum(1 - distance, 0)
    weights: NDArray[np.float32] = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights


def _write_cache(folder: str, which: Split, images: Images) -> None:
    file = io.BytesIO()
    np.savez(file, pixels=images.pixels, labels=images.labels.astype(np.uint8), source=np.array(Mnist.sums[which]))
    with contextlib.suppress(OSError):  # without the cache, the next start takes half a second longer
        places.keep(folder, f"{which}.npz", file.getvalue())


def _read_cache(path: Path, which: Split) -> Images | None:
    """The images that `_write_cache` wrote, or None if they are missing or invalid."""
    count = Mnist.sizes[0] if which == "train" else Mnist.sizes[1]
    try:
        with np.load(path, allow_pickle=False) as file:
            pixels, labels, source = file["pixels"], file["labels"], file["source"]
    except Exception:  # NumPy raises many types of error for damaged files
        return None
    fits = pixels.shape == (count, 1, SIDE, SIDE) and pixels.dtype == np.uint8 and labels.shape == (count,)
    if not fits or tuple(source.tolist()) != tuple(Mnist.sums[which]):
        return None
    return Images(pixels, labels.astype(np.int64))
