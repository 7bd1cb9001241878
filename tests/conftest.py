"""What all tests share: one thread for torch, and which of them keep to one process when they run in two."""

from __future__ import annotations

import os

import pytest

# Servers, trainings and browsers of the tests need the other cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser at a time: two would starve each other, so all its tests are one group; each other file is one too."""
    for item in items:
        group = "browser" if item.get_closest_marker("browser") else item.nodeid.split("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
