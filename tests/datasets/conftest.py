"""What the tests of image sets share: places of their own, no network, and small copies of published sets."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from image_files import idx
from numpy.typing import NDArray

from otviz.datasets import mnist, openml
from otviz.datasets.published import Sums, checksum

ROOT = Path(__file__).resolve().parents[2]
STARTED_WITH = os.environ.get("OTVIZ_DATA", "")
TINY = {"train": 450, "test": 50}


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes what is kept on this computer, or reaches the network."""

    def offline(number: int, aside: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OTVIZ_DATA", raising=False)
    monkeypatch.setattr(openml, "fetch", offline)


def data_folder() -> Path:
    """The folder of published sets: OTVIZ_DATA as it was at the start, or `shared/data` beside this repository."""
    return Path(STARTED_WITH) if STARTED_WITH else ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published sets are read once for all tests: what is kept for another home is read again."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def published(shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Point OTVIZ_DATA at the published sets and return the folder of one; skips where it is not on this computer."""

    def folder(name: str) -> Path:
        place = data_folder()
        if not (place / name).is_dir():
            pytest.skip(f"no {name} in {place}: name a folder that has it in OTVIZ_DATA")
        monkeypatch.setenv("OTVIZ_DATA", str(place))
        monkeypatch.setenv("OTVIZ_HOME", str(shared_home))
        return place / name

    return folder


@pytest.fixture
def tiny_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for OTVIZ_DATA with 500 images in the place and format of MNIST, which is taken for the published set."""
    pixels, labels = some_digits()
    place = tmp_path / "data" / "mnist"
    place.mkdir(parents=True)
    sums, first = {}, 0
    for which, prefix in (("train", "train"), ("test", "t10k")):
        part = slice(first, first + TINY[which])
        first += TINY[which]
        (place / f"{prefix}-images-idx3-ubyte.gz").write_bytes(idx(pixels[part]))
        (place / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(idx(labels[part]))
        sums[which] = Sums(checksum(pixels[part]), checksum(labels[part]))
    monkeypatch.setattr(mnist.Mnist, "sizes", (TINY["train"], TINY["test"]))
    monkeypatch.setattr(mnist.Mnist, "sums", sums)
    monkeypatch.setenv("OTVIZ_DATA", str(place.parent))
    return place


def some_digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """500 images (500, 28, 28) and labels: those of `tiny/mnist.npz` where it is there, otherwise noise."""
    file = data_folder() / "tiny" / "mnist.npz"
    if file.is_file():
        with np.load(file) as arrays:
            return arrays["images"], arrays["labels"].astype(np.uint8)
    rng = np.random.default_rng(0)
    return rng.integers(256, size=(500, 28, 28), dtype=np.uint8), rng.integers(10, size=500, dtype=np.uint8)
