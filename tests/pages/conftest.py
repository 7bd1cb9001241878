"""Pages run in Streamlit's own test harness: no browser, no JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from otviz.runs.registry import Registry
from pages._ui import explaining, frame, learning, leases

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300


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
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page may be run without the app around it: nothing sends it there, and no other page is there to lead to."""
    monkeypatch.setattr(frame, "require", lambda: None)  # its rerun would swallow the link and every click
    monkeypatch.setattr(explaining, "link_to", lambda topic, label: None)
    monkeypatch.setattr(learning, "show_next", lambda link, kind, name: None)


@pytest.fixture
def app() -> AppTest:
    """The whole app, not run yet."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
