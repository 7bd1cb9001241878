"""The 8 x 8 digits that come with scikit-learn; no download is needed."""

from __future__ import annotations

import gzip
import importlib.metadata
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from otviz.data.datasets.image_set import Images, ImageSet, Split
from otviz.data.datasets.rows import Shape

TEST_EVERY = 7  # images 6, 13, 20, ... are test images; 7 is coprime to 10, the period of the classes
BRIGHTEST = 16


@dataclass(frozen=True)
class Digits(ImageSet):
    """Handwritten digits of 43 people (Alpaydin and Kaynak 1998), 0..16 scaled to 0..255; every seventh is a test image."""

    name: ClassVar[str] = "digits"
    title: ClassVar[str] = "Digits 8 x 8"
    licence: ClassVar[str] = "CC BY 4.0 (E. Alpaydin, C. Kaynak)"
    class_names: ClassVar[tuple[str, ...]] = tuple("0123456789")

    @property
    def shape(self) -> Shape:
        return (1, 8, 8)

    @property
    def counts(self) -> tuple[int, int]:
        return (1541, 256)

    def stamp(self) -> Hashable:
        return None

    def read(self, which: Split) -> Images:
        table = _table()
        held_out = np.arange(len(table)) % TEST_EVERY == TEST_EVERY - 1
        chosen = table[held_out if which == "test" else ~held_out]
        pixels = np.rint(chosen[:, :-1] * (255 / BRIGHTEST)).astype(np.uint8)
        return Images(pixels.reshape(-1, *self.shape), chosen[:, -1].astype(np.int64))


def _table() -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """The 64 pixels and the class of each image, shape (1797, 65)."""
    # Read the file itself: importing scikit-learn for `load_digits` takes seconds, reading the file 40 ms.
    path = Path(str(importlib.metadata.distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")))
    try:
        with gzip.open(path) as file:
            return np.loadtxt(file, delimiter=",", dtype=np.int64)
    except OSError as error:
        raise ValueError(f"the digits are missing from {path.parent}: install scikit-learn again") from error
