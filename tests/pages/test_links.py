"""Links: what the address says is on screen, what is on screen is in the address, and nothing in it does harm."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from otviz.core.addresses import MAX_CHARS
from pages._ui.shell import links
from pages._ui.shell.links import plain
from tests.waiting import PATIENCE


def ring_page() -> None:
    import streamlit as st

    from otviz.data.distributions import named
    from pages._ui.controls import controls
    from pages._ui.shell import links

    link = links.open_link("ring")
    name = controls.choice(link, "target", {"ring": "Ring", "gaussian": "Gaussian"}, default="ring", label="Target")
    st.session_state["made"] = controls.knobs(link, named(name), prefix="target.")
    st.session_state["run"] = link.text("run")
    link.publish({"run": st.session_state["run"]})


def open_page(**query: str) -> AppTest:
    app = AppTest.from_function(ring_page, default_timeout=PATIENCE)
    for key, text in query.items():
        app.query_params[key] = text
    return app.run()


def address(app: AppTest) -> dict[str, Any]:
    return {key: "".join(text) for key, text in app.query_params.items()}


def test_defaults_leave_the_address_bare() -> None:
    assert address(open_page()) == {}


@pytest.mark.parametrize(
    "query",
    [
        {"target.radius": "2"},
        {"target.modes": "5", "target.weights": "1.0,2.0,3.0,4.0,5.5", "target.centre": "-1.0,0.25"},
        {"target": "gaussian", "target.std": "0.123456789"},
        {"run": "a1b2"},
    ],
    ids=lambda query: ",".join(query),
)
def test_an_address_survives_the_page(query: dict[str, str]) -> None:
    app = open_page(**query)
    assert not app.exception
    assert not app.warning
    assert address(app) == query


def test_the_values_of_the_address_are_on_screen() -> None:
    ring = open_page(**{"target.radius": "2", "target.std": "0.123"}).session_state["made"]
    assert (ring.radius, ring.std, ring.modes) == (2.0, 0.123, 8)


def test_a_moved_slider_is_in_the_address() -> None:
    app = open_page()
    app.slider[0].set_value(5).run()
    assert address(app) == {"target.modes": "5"}
    app.slider[0].set_value(8).run()
    assert address(app) == {}


def test_each_class_keeps_its_own_value_of_a_shared_name() -> None:
    app = open_page(**{"target.std": "0.5"})
    app.selectbox[0].set_value("gaussian").run()
    assert app.session_state["made"].std == 1.0
    app.selectbox[0].set_value("ring").run()
    assert app.session_state["made"].std == 0.5


def test_an_address_edited_in_place_is_read_again() -> None:
    app = open_page(**{"target.radius": "2", "target.modes": "4"})
    app.query_params.clear()
    app.query_params["target.modes"] = "3"
    app.run()
    ring = app.session_state["made"]
    assert (ring.modes, ring.radius) == (3, 3.0)


def test_a_stale_address_of_a_busy_browser_does_not_undo_a_move() -> None:
    app = open_page(**{"target.modes": "4"})
    app.slider[0].set_value(6).run()
    app.query_params["target.modes"] = "4"
    app.run()
    assert app.session_state["made"].modes == 6
    assert address(app) == {"target.modes": "6"}


def test_a_request_that_waited_for_a_long_rerun_does_not_undo_a_move(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is written early, the page is drawn for five seconds, and then comes what the browser sent before."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(links, "time", SimpleNamespace(monotonic=lambda: clock.now))
    app = open_page(**{"target.modes": "4"})
    app.slider[0].set_value(6).run()  # writes the address
    clock.now += 5
    app.run()  # ends later
    clock.now += 0.1
    app.query_params["target.modes"] = "4"
    app.run()
    assert address(app) == {"target.modes": "6"}
    clock.now += links.STALE
    app.query_params["target.modes"] = "4"
    app.run()  # after a pause: a step back
    assert address(app) == {"target.modes": "4"}


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("target.radius", "1e9", "target.radius must be a number from 0.1 to 20"),
        ("target.radius", "nan", "target.radius must be a number from 0.1 to 20"),
        ("target.modes", "2.5", "target.modes must be a whole number from 1 to 32"),
        ("target.centre", "1,2,3", "target.centre must be 2 numbers"),
        ("target", "rong", "target must be one of ring, gaussian"),
        ("target.colour", "red", "'target.colour' is no setting of this page"),
        ("target.radius", "2" * (MAX_CHARS + 1), "'target.radius' is longer than 4000 characters"),
    ],
)
def test_what_cannot_be_used_is_said_once_and_the_default_holds(key: str, text: str, sentence: str) -> None:
    app = open_page(**{key: text})
    assert not app.exception
    assert [plain(sentence) in warning.value for warning in app.warning] == [True]
    ring = app.session_state["made"]
    assert ring.changed() == {}
    assert address(app) == {}
    app.slider[0].set_value(5).run()
    assert not app.warning


def test_too_many_settings_are_refused_together() -> None:
    app = open_page(**{f"k{i}": "1" for i in range(301)})
    assert [plain("The link has 301 settings, more than 300") in warning.value for warning in app.warning] == [True]


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "![x](http://evil.example/x.png)", ":red[x] $x$ `y`", "../../etc/passwd\0", "\n# x"],
)
def test_hostile_text_is_shown_as_text(text: str) -> None:
    app = open_page(target=text)
    assert not app.exception
    shown = app.warning[0].value.partition("got")[2]
    assert not re.search(r"(?<!\\)[<!\[:`$#*_]", shown)
    assert "\n" not in shown


def test_plain_escapes_every_mark_and_breaks_addresses() -> None:
    assert plain("a*b") == r"a\*b"
    assert plain("two\nlines") == "two lines"
    assert "http\\:\\/\\/evil" not in plain("http://evil.example")


def test_a_fragment_that_draws_the_page_anew_leaves_its_settings_as_they_were_drawn() -> None:
    def script() -> None:
        import streamlit as st

        from pages._ui.shell import links

        if st.session_state.pop("as a fragment", False):
            links.keep_drawn()
            st.rerun()
        links.arrive("train")
        link = links.open_link("train")
        st.number_input("Seed", 0, 9, key="train:seed")
        link.publish()

    app = AppTest.from_function(script).run()
    app.number_input[0].set_value(3).run()
    app.number_input[0].set_value(5)  # what a browser still says that has not heard of the 3
    app.session_state["as a fragment"] = True
    assert app.run().number_input[0].value == 3
    assert app.number_input[0].set_value(5).run().number_input[0].value == 5
    assert not app.exception
