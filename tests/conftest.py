"""What all tests share: one thread for torch, a clock for runs that counts steps, and how tests are spread over processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.waiting import StepTimer

# Servers, trainings and browsers of the tests need the other cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")


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


FIRST_BROWSER = ("train", "hosting", "compare", "runs", "images", "claims")
"""Files of tests/e2e that share one browser; those of the others take as long in another."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The browser tests as two pieces, which begin first and share a browser and a server each; the rest file by file.

    (`--dist loadgroup` would do, but pytest 9.2 no longer shows xdist 3.8 the groups.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class TwoBrowsers(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            if not file.startswith("tests/e2e/"):
                return file
            return f"browser {file.removeprefix('tests/e2e/test_').removesuffix('.py') in FIRST_BROWSER}"

    config.option.loadscopereorder = False
    return TwoBrowsers(config, log)
