"""What the tests of image sets share: places of their own, no network, and small copies of published sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request

import pytest

from otviz.data.datasets import download, mnist
from tests.datasets.tiny_sets import data_folder, tiny_cifar10, tiny_idx, tiny_set


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's files, or reaches the network."""

    def offline(request: Request, timeout: float) -> None:
        raise URLError(OSError(-2, "Name or service not known"))

    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OTVIZ_DATA", raising=False)
    monkeypatch.setattr(download, "urlopen", offline)


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published data sets are read once for all tests; under another home they are read again."""
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
def published_or_tiny(
    published: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """As `published`, but with a small set of our own where the published one is not on this computer."""

    def folder(name: str) -> Path:
        if (data_folder() / name).is_dir():
            return published(name)
        return tiny_set(name, tmp_path / "data", monkeypatch)

    return folder


@pytest.fixture
def tiny_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for OTVIZ_DATA with 500 images in the place and format of MNIST."""
    return tiny_idx(mnist.Mnist, tmp_path / "data", monkeypatch)


@pytest.fixture
def tiny_cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """300 images in the place and format of CIFAR-10."""
    return tiny_cifar10(tmp_path / "data", monkeypatch)
