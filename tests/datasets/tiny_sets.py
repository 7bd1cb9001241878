"""Small sets in the place and format of the published ones, made here, for a computer that has none of these."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from otviz.data.datasets import cifar, mnist
from otviz.data.datasets.image_set import Images
from otviz.data.datasets.published import Sums, checksum
from tests.datasets.image_files import idx

ROOT = Path(__file__).resolve().parents[2]
STARTED_WITH = os.environ.get("OTVIZ_DATA", "")
TINY = {"train": 450, "test": 50}


def data_folder() -> Path:
    """The folder of published sets: OTVIZ_DATA as it was at the start, or `shared/data` beside this repository."""
    return Path(STARTED_WITH) if STARTED_WITH else ROOT.parent / "shared" / "data"


def tiny_idx(kind: type[mnist.Mnist] | type[mnist.FashionMnist], data: Path, patch: pytest.MonkeyPatch) -> Path:
    """500 images of noise under `data`, each its own, of ten classes, which are taken for the published set."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(500, 28, 28), dtype=np.uint8)
    labels = rng.permutation(np.arange(500) % 10).astype(np.uint8)
    place, sums, first = data / kind.folder, {}, 0
    place.mkdir(parents=True)
    for which, prefix in (("train", "train"), ("test", "t10k")):
        part = slice(first, first + TINY[which])
        first += TINY[which]
        (place / f"{prefix}-images-idx3-ubyte.gz").write_bytes(idx(pixels[part]))
        (place / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(idx(labels[part]))
        sums[which] = Sums(checksum(pixels[part]), checksum(labels[part]))
    patch.setattr(kind, "sizes", (TINY["train"], TINY["test"]))
    patch.setattr(kind, "sums", sums)
    patch.setenv("OTVIZ_DATA", str(data))
    return place


def tiny_cifar10(data: Path, patch: pytest.MonkeyPatch) -> Path:
    """300 images in the place and format of CIFAR-10."""
    rng = np.random.default_rng(0)
    splits = {}
    for which, count in (("train", 250), ("test", 50)):
        labels = rng.permutation(np.arange(count) % 10)
        splits[which] = Images(rng.integers(256, size=(count, 3, 32, 32), dtype=np.uint8), labels)
    patch.setattr(cifar.Cifar10, "sizes", (250, 50))
    sums = {
        which: Sums(checksum(pixels[(labels != 7) & (labels != 8)]), checksum(labels.astype(np.uint8)))
        for which, (pixels, labels) in splits.items()
    }
    patch.setattr(cifar.Cifar10, "sums", sums)
    place = data / cifar.Cifar10.folder
    place.mkdir(parents=True)
    write_cifar10(place, splits["train"], splits["test"])
    patch.setenv("OTVIZ_DATA", str(data))
    return place


def write_cifar10(place: Path, train: Images, test: Images) -> None:
    """Write the batches: a record is a byte of label and the bytes of an image."""
    records = [
        np.hstack([labels.astype(np.uint8)[:, None], pixels.reshape(len(labels), -1)])
        for pixels, labels in (train, test)
    ]
    for number, part in enumerate(np.split(records[0], 5), 1):
        (place / f"data_batch_{number}.bin").write_bytes(part.tobytes())
    (place / "test_batch.bin").write_bytes(records[1].tobytes())


def tiny_set(folder: str, data: Path, patch: pytest.MonkeyPatch) -> Path:
    """The small copy of the data set in a folder of this name."""
    if folder == cifar.Cifar10.folder:
        return tiny_cifar10(data, patch)
    return tiny_idx({"mnist": mnist.Mnist, "fashion-mnist": mnist.FashionMnist}[folder], data, patch)
