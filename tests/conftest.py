"""What all tests share: one thread for torch, a clock for runs that counts steps, and how tests are spread over processes."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.waiting import StepTimer

# Servers, trainings and browsers of the tests need the other cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
gc.disable()  # until all is imported and collected

# Runs of the tests are not compiled by themselves: it takes the cores that other tests need.
os.environ.setdefault("OTVIZ_COMPILE", "0")


@pytest.fixture(autouse=True, scope="session")
def _steps_for_seconds() -> Iterator[None]:
    """Runs in the processes of the tests look at themselves by steps: what they keep must not depend on how fast they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("otviz.runs.scheduling.LoopTimer", StepTimer)
        if "otviz.runs.run" in sys.modules:  # else it will find the new one
            patch.setattr("otviz.runs.run.LoopTimer", StepTimer)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no process waits for the other at the end: browser, slow files, pages, the rest."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def turn(item: pytest.Item) -> tuple[bool, ...]:
        return ("e2e" not in item.path.parts, item.path not in slow, "pages" not in item.path.parts)

    items.sort(key=turn)


def pytest_collection_finish() -> None:
    """What was imported and collected stays: garbage collections look at a million objects less."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """All browser tests to one process, first and one after the other; the rest file by file to whoever is free.

    Two browsers at once take three times as long as one after the other on two cores. (`--dist loadgroup` would do, but
    pytest 9.2 no longer shows xdist 3.8 the groups.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class OneBrowser(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return "browser" if file.startswith("tests/e2e/") else file

    config.option.loadscopereorder = False
    return OneBrowser(config, log)
