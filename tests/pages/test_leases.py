"""A browser session holds a run once, however often the page is drawn, and lets it go when it ends."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

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
