"""Pages run in Streamlit's own test harness: no browser, no JavaScript."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.run import Run
from otviz.runs.training_handle import LocalTraining
from pages._ui.learn import glossary_view, syllabus_view
from pages._ui.shell import frame, leases
from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300


@pytest.fixture(autouse=True, scope="session")
def _scans_packages_once() -> Iterator[None]:
    """Each AppTest asks every installed package for components, which takes longer than most pages; the answer stays the same."""
    with pytest.MonkeyPatch.context() as patch:
        scan = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs of these tests train in this process, where what a test patches holds."""
    monkeypatch.setenv("OTVIZ_HOSTS", "0")
    leases.hosts.cache_clear()
    yield
    leases.hosts.cache_clear()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """The runs of the page, in a home of this test's own; they stop with it."""
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    monkeypatch.setenv("OTVIZ_GRACE", "600")
    leases.registry.clear()
    yield leases.registry()
    leases.registry().close()
    leases.registry.clear()


@pytest.fixture
def run_whose_process_dies(registry: Registry) -> Callable[[RunConfig], Run]:
    """Starts a run, whose process ends after ten steps, and waits until it has failed."""
    advance = LocalTraining.advance

    def killed(self: LocalTraining, steps: int) -> object:
        if self.step >= 10:
            raise ValueError("the process that trained this run ended")
        return advance(self, min(steps, 5))

    def started(config: RunConfig) -> Run:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LocalTraining, "advance", killed)
            run = registry.submit(config)
            assert run.wait(PATIENCE)
        return run

    return started


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page may be run without the app around it: nothing sends it there, and no other page is there to lead to."""
    monkeypatch.setattr(frame, "require", lambda: None)  # its rerun would swallow the link and every click
    monkeypatch.setattr(glossary_view, "link_to", lambda topic, label: None)
    monkeypatch.setattr(syllabus_view, "show_next", lambda link, kind, name: None)


@pytest.fixture
def app() -> AppTest:
    """The whole app, not run yet."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
