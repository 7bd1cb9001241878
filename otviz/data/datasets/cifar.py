"""CIFAR-10: 32 x 32 colour images of ten classes, kept as sheets of 2000 in lossless WebP."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from otviz.data.datasets.image_set import Images, Split
from otviz.data.datasets.published import Published, Sums
from otviz.data.datasets.rows import Shape

ROWS, COLUMNS = 40, 50  # images on a sheet
SIDE = 32
SHEET = ROWS * COLUMNS
LABELS = "labels.npz"
MOST_LABEL_BYTES = 1_000_000  # of an array of labels, unpacked

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Cifar10(Published):
    """Small photographs of animals and vehicles (Krizhevsky 2009)."""

    name: ClassVar[str] = "cifar10"
    title: ClassVar[str] = "CIFAR-10"
    licence: ClassVar[str] = "none stated; cite A. Krizhevsky (2009)"
    class_names: ClassVar[tuple[str, ...]] = (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    )  # fmt: skip

    folder: ClassVar[str] = "cifar-10"
    openml: ClassVar[int] = 40927
    image: ClassVar[Shape] = (3, SIDE, SIDE)
    sizes: ClassVar[tuple[int, int]] = (50_000, 10_000)
    sums: ClassVar[Mapping[Split, Sums]] = {
        "train": Sums(
            "3d14299e7f91017e981310746f5b9f436ec52b8598aa4619dc1843a587551a21",
            "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
        ),
        "test": Sums(
            "80cb0f7648d95b2ac7756ff4706defcab927c786b939433e5d187d76f38fc831",
            "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
        ),
    }
    # These 97 ships and horses were compressed once more, as JPEG, in the copy whose sums were taken.
    unsure: ClassVar[Mapping[Split, tuple[int, ...]]] = {
        "train": (
            4298, 5949, 7066, 7237, 7248, 7630, 8006, 8831, 8968, 9415, 10336, 10408, 12762, 12834, 13546, 21493, 25728,
            26098, 26927, 27621, 28435, 28728, 29694, 29747, 30329, 31066, 31367, 31462, 31625, 31663, 32777, 33641,
            33661, 34067, 34276, 34387, 34825, 35160, 35646, 36733, 37329, 37474, 37567, 38384, 38925, 39358, 39385,
            39613, 39840, 39888, 39971, 40805, 41779, 42004, 42389, 42611, 43357, 43883, 44882, 45168, 45240, 46175,
            46435, 46538, 46624, 47393, 47597, 48081, 48124, 48333, 48821, 48836, 49321, 49429, 49631, 49830, 49857,
        ),
        "test": (
            1259, 1369, 1422, 2245, 2737, 2935, 3695, 3718, 4085, 4496, 5791, 5896, 6286, 7580, 7707, 7724, 7832, 8117,
            8551, 9254,
        ),
    }  # fmt: skip

    def files(self, which: Split) -> tuple[str, ...]:
        count = self.sizes[0] if which == "train" else self.sizes[1]
        return (*(f"{which}/{number:02}.webp" for number in range(count // SHEET)), LABELS)

    def decode(self, place: Path, which: Split) -> Images:
        sheets = [place / file for file in self.files(which)[:-1]]
        pixels = np.empty((len(sheets), SHEET, *self.image), np.uint8)
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            list(pool.map(_read_sheet, sheets, pixels))
        return Images(pixels.reshape(-1, *self.image), _read_labels(place / LABELS, which, pixels.shape[0] * SHEET))

    def encode(self, train: Images, test: Images) -> Iterator[tuple[str, bytes]]:
        splits: Mapping[Split, Images] = {"train": train, "test": test}
        for which, images in splits.items():
            for number, file in enumerate(self.files(which)[:-1]):
                yield file, _sheet(images.pixels[number * SHEET : (number + 1) * SHEET])
        labels = io.BytesIO()
        np.savez(labels, train=train.labels.astype(np.uint8), test=test.labels.astype(np.uint8))
        yield LABELS, labels.getvalue()


def _read_sheet(path: Path, into: Pixels) -> None:
    """Read a sheet's images, row by row, into an array (2000, 3, 32, 32). Raises ValueError."""
    from PIL import Image

    size = (COLUMNS * SIDE, ROWS * SIDE)
    try:
        with Image.open(path, formats=("WEBP",)) as image:
            if image.size != size or image.mode != "RGB":  # before it is unpacked
                raise ValueError(
                    f"{path.parent.name}/{path.name} must be {size[0]} x {size[1]} RGB; it is {image.size} {image.mode}"
                )
            sheet = np.asarray(image)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path.parent.name}/{path.name} is damaged ({str(error)[:100]})") from error
    grid = sheet.reshape(ROWS, SIDE, COLUMNS, SIDE, 3)
    into.reshape(ROWS, COLUMNS, 3, SIDE, SIDE)[...] = grid.transpose(0, 2, 4, 1, 3)


def _sheet(pixels: Pixels) -> bytes:
    """2000 images (2000, 3, 32, 32) as one sheet."""
    from PIL import Image

    grid = pixels.reshape(ROWS, COLUMNS, 3, SIDE, SIDE).transpose(0, 3, 1, 4, 2)
    file = io.BytesIO()
    sheet = Image.fromarray(np.ascontiguousarray(grid).reshape(ROWS * SIDE, COLUMNS * SIDE, 3))
    sheet.save(file, "WEBP", lossless=True, method=0, quality=0)
    return file.getvalue()


def _read_labels(path: Path, which: Split, count: int) -> NDArray[np.int64]:
    """The labels of a split, (count,). Raises ValueError."""
    try:
        with zipfile.ZipFile(path) as members:
            # What a small file unpacks to is asked before it is unpacked.
            if max((member.file_size for member in members.infolist()), default=0) > MOST_LABEL_BYTES:
                raise ValueError(f"an array has more than {MOST_LABEL_BYTES} bytes")
        with np.load(path, allow_pickle=False) as arrays:
            labels = arrays[which]
        if labels.shape != (count,) or labels.dtype != np.uint8:
            raise ValueError(f"{which} must be {count} bytes; it is {labels.shape} {labels.dtype}")
    except Exception as error:  # zipfile and NumPy raise many kinds on a damaged file
        raise ValueError(f"{path.name} cannot be read as labels ({str(error)[:100]})") from error
    return labels.astype(np.int64)  # type: ignore[no-any-return]
