"""MNIST for the tests of diagnoses, where it is on this computer."""

from __future__ import annotations

import pytest

from tests.datasets.tiny_sets import data_folder


@pytest.fixture
def mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """Point OTVIZ_DATA at MNIST; skips where it is not on this computer."""
    if not (data_folder() / "mnist").is_dir():
        pytest.skip(f"no mnist in {data_folder()}: name a folder that has it in OTVIZ_DATA")
    monkeypatch.setenv("OTVIZ_DATA", str(data_folder()))
