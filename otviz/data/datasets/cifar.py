"""CIFAR-10: 32 x 32 colour images of ten classes, in the binary version of its authors.

A record is one byte of label and 3072 bytes of pixels, the red, the green and the blue plane row by row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from otviz.data.datasets.image_set import Images, Split
from otviz.data.datasets.published import Published, Sums
from otviz.data.datasets.rows import Shape


@dataclass(frozen=True)
class Cifar10(Published):
    """Small photographs of animals and vehicles (Krizhevsky 2009)."""

    name: ClassVar[str] = "cifar10"
    title: ClassVar[str] = "CIFAR-10"
    licence: ClassVar[str] = "none stated; cite A. Krizhevsky (2009)"
    class_names: ClassVar[tuple[str, ...]] = (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    )  # fmt: skip

    folder: ClassVar[str] = "cifar-10-batches-bin"
    openml: ClassVar[int] = 40927
    image: ClassVar[Shape] = (3, 32, 32)
    sizes: ClassVar[tuple[int, int]] = (50_000, 10_000)
    sums: ClassVar[Mapping[Split, Sums]] = {
        "train": Sums(
            "6f5bec1c196605d806051167911a70656b3f33d0723fb8698a8edddee93358db",
            "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
        ),
        "test": Sums(
            "831aa499b2b8441ef75b9bf1c926eb1dc3e0b346f2157eb76d3b90cef4c1b2aa",
            "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
        ),
    }
    unchecked: ClassVar[tuple[int, ...]] = (
        7,
        8,
    )  # 97 horses and ships were compressed as JPEG in the copy that was summed

    def files(self, which: Split) -> tuple[str, ...]:
        return tuple(f"data_batch_{number}.bin" for number in range(1, 6)) if which == "train" else ("test_batch.bin",)

    def decode(self, place: Path, which: Split) -> Images:
        files = self.files(which)
        count = self.counts[which == "test"] // len(files)
        records = np.empty((len(files), count, 1 + self.dim), np.uint8)
        for file, into in zip(files, records, strict=True):
            size = (place / file).stat().st_size
            if size != into.nbytes:
                raise ValueError(f"{file} must have {into.nbytes} bytes; it has {size}")
            into[...] = np.fromfile(place / file, np.uint8).reshape(into.shape)
        flat = records.reshape(-1, 1 + self.dim)
        return Images(np.ascontiguousarray(flat[:, 1:]).reshape(-1, *self.image), flat[:, 0].astype(np.int64))

    def encode(self, train: Images, test: Images) -> Iterator[tuple[str, bytes]]:
        splits: Mapping[Split, Images] = {"train": train, "test": test}
        for which, images in splits.items():
            files = self.files(which)
            labels = images.labels.astype(np.uint8)[:, None]
            records = np.hstack([labels, images.pixels.reshape(len(labels), -1)])
            for file, part in zip(files, np.split(records, len(files)), strict=True):
                yield file, part.tobytes()
