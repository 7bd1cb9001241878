"""A browser session holds a run once, however often the page is drawn, and lets it go when it ends."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages._ui.shell import leases
from pages._ui.shell.leases import Lease
from tests.waiting import PATIENCE


class Noted:
    """Claims that only notes what it is asked."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    def acquire(self, run_id: str, token: str) -> None:
        assert token not in self.held
        self.held[token] = run_id

    def release(self, token: str) -> None:
        del self.held[token]


def holding_page(noted: object) -> None:
    import streamlit as st

    from pages._ui.shell import leases

    leases.hold(noted, st.session_state.get("run", "a"))


def test_a_session_holds_each_run_once() -> None:
    noted = Noted()
    app = AppTest.from_function(holding_page, args=(noted,), default_timeout=PATIENCE).run()
    assert not app.exception
    app.run()
    assert list(noted.held.values()) == ["a"]
    app.session_state["run"] = "b"
    app.run()
    assert list(noted.held.values()) == ["a", "b"]


def test_two_sessions_hold_a_run_apart() -> None:
    noted = Noted()
    first, second = Lease(noted, "a"), Lease(noted, "a")
    first.end()
    assert list(noted.held.values()) == ["a"]
    second.end()
    assert not noted.held


@pytest.mark.parametrize(
    ("asked", "memory", "cores", "count"),
    [
        ("", 1e9, 8, 0),
        ("", 2.7e9, 2, 2),
        ("", 1.2e9, 8, 1),
        ("", 64e9, 64, 4),
        ("3", 1e9, 1, 3),
        ("0", 64e9, 8, 0),
        ("x", 64e9, 1, 1),
    ],
)
def test_as_many_training_processes_are_started_as_fit(
    monkeypatch: pytest.MonkeyPatch, asked: str, memory: float, cores: int, count: int
) -> None:
    monkeypatch.setenv("OTVIZ_HOSTS", asked)
    monkeypatch.setattr("otviz.runs.hosts.total_memory", lambda: memory)
    monkeypatch.setattr("otviz.runs.hosts.cores", lambda: cores)
    assert leases.host_count() == count


def test_without_memory_for_a_process_runs_train_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTVIZ_HOSTS", raising=False)
    monkeypatch.setattr("otviz.runs.hosts.total_memory", lambda: 1e9)
    leases.hosts.cache_clear()
    assert leases.hosts() is None
    leases.hosts.cache_clear()
