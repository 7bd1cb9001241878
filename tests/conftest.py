"""How the suite is spread: a browser's tests after one another in one process, all others file by file in a second.

Asked for a part of the tests, pytest runs them here, in one process.
"""

from __future__ import annotations

import os

import pytest

PROCESSES = 2
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two processes with a thread for each core would hold each other up


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two for the whole suite, none for a part of it."""
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.option.collectonly:
        config.option.dist = "no"
        return 0
    return PROCESSES


def pytest_itemcollected(item: pytest.Item) -> None:
    """Put it into its group, before xdist reads that."""
    group = "browser" if item.get_closest_marker("browser") else str(item.path)
    item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests in a browser take longest, so they begin first."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)
