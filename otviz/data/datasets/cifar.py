"""CIFAR-10: 32 x 32 colour images of ten classes, in the binary version of its authors.

A record is one byte of label and 3072 bytes of pixels, the red, the green and the blue plane row by row.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, get_args

import numpy as np

from otviz.data.datasets import places
from otviz.data.datasets.download import RemoteFile
from otviz.data.datasets.image_set import Images, Split
from otviz.data.datasets.published import Published, Sums
from otviz.data.datasets.rows import Shape

ARCHIVE = RemoteFile(
    "cifar-10-binary.tar.gz",
    170_052_171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
)


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
    remote: ClassVar[tuple[RemoteFile, ...]] = (ARCHIVE,)
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

    def unpack(self, place: Path) -> None:
        archive = place / ARCHIVE.name
        wanted = {f"{self.folder}/{name}": name for which in get_args(Split) for name in self.files(which)}
        size = self.sizes[1] * (1 + self.dim)  # of each file
        try:
            with tarfile.open(archive) as members:
                for member in members:
                    data = members.extractfile(member) if member.name in wanted and member.size == size else None
                    if data is not None:
                        places.keep(self.folder, wanted[member.name], data.read())
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise ValueError(f"{archive.name} cannot be unpacked ({error})") from error
        archive.unlink()
