"""What all tests share: one thread for torch, a clock for runs that counts steps, and how tests are spread over processes."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import StepTimer

# Servers, trainings and browsers of the tests need the other cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
gc.disable()  # until all is imported and collected

# Runs of the tests are not compiled by themselves: it takes the cores that other tests need.
os.environ.setdefault("OTVIZ_COMPILE", "0")

COMPILING = ("tests/runs/test_takeover.py", "tests/test_compiled.py")


@pytest.fixture(autouse=True, scope="session")
def _steps_for_seconds() -> Iterator[None]:
    """Runs in the processes of the tests look at themselves by steps: what they keep must not depend on how fast they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("otviz.runs.scheduling.LoopTimer", StepTimer)
        if "otviz.runs.run" in sys.modules:  # else it will find the new one
            patch.setattr("otviz.runs.run.LoopTimer", StepTimer)
        yield


@pytest.fixture(scope="module")
def compiled_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An OTVIZ_HOME for the tests of one file; libraries compiled in it serve those of other files too."""
    folder, base = tmp_path_factory.mktemp("home"), tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "libraries"
    (folder / "compiled").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTVIZ_HOME", str(folder))
        _copy_libraries(shared, folder / "compiled")
        yield folder
    shared.mkdir(exist_ok=True)
    _copy_libraries(folder / "compiled", shared)


def _copy_libraries(source: Path, target: Path) -> None:
    for path in source.glob("*.pt2"):
        with contextlib.suppress(OSError):
            shutil.copy2(path, target)


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

    Files that compile the same libraries also go to one process, the second of which finds them.

    Two browsers at once take three times as long as one after the other on two cores. (`--dist loadgroup` would do, but
    pytest 9.2 no longer shows xdist 3.8 the groups.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class OneBrowser(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            if file in COMPILING:
                return "compiler"
            return "browser" if file.startswith("tests/e2e/") else file

    config.option.loadscopereorder = False
    return OneBrowser(config, log)
