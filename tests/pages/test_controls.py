"""Controls: every knob of every distribution has a widget that yields its default, and bad values are one sentence."""

from __future__ import annotations

import urllib.parse
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pytest
from streamlit.testing.v1 import AppTest

from otviz.core.params import Knobs, param, params_of
from otviz.data.distributions import distributions
from pages._ui.controls import controls, scales
from pages._ui.controls.widgets import shown
from tests.pages.asking import address, unfold
from tests.waiting import PATIENCE


@dataclass(frozen=True)
class Every(Knobs):
    """One knob of each kind."""

    name: ClassVar[str] = "every"
    basic: ClassVar[tuple[str, ...]] = (
        "note",
        "tau",
        "lr",
        "steps",
        "batch",
        "seed",
        "cost",
        "kind",
        "annealed",
        "reach",
    )

    tau: float = param(0.1, 0, 100, doc="Cost intensity", symbol="tau", live=True)
    lr: float = param(2e-4, 1e-6, 1.0, doc="Step size", log=True, label="Learning rate")
    steps: int = param(5000, 1, 1_000_000, doc="Steps")
    batch: int = param(256, 16, 4096, doc="Batch", log=True)
    seed: int = param(0, 0, 2**63, doc="Seed")
    cost: Literal["l1", "l2"] = param("l2", doc="Cost")
    kind: Literal["a", "b", "c", "d", "e"] = param("c", doc="Kind")
    annealed: bool = param(True, doc="Annealed")
    reach: float | None = param(None, 0.01, 100, doc="Reach", log=True)
    centre: tuple[float, float] = param((0.0, 1.5), -5, 5, doc="Centre", group="Network")
    note: str = param("", doc="Note")


def every_page(locked: bool = False) -> None:
    import streamlit as st

    from pages._ui.controls import controls
    from pages._ui.shell import links
    from tests.pages.test_controls import Every

    link = links.open_link("every")
    st.session_state["made"] = controls.knobs(link, Every, locked=locked)
    link.publish()


def one_distribution(name: str) -> None:
    import streamlit as st

    from otviz.data.distributions import named
    from pages._ui.controls import controls
    from pages._ui.shell import links

    link = links.open_link("one")
    st.session_state["made"] = controls.knobs(link, named(name), prefix="target.")
    link.publish()


def widgets(app: AppTest) -> dict[str, Any]:
    kinds = (
        app.slider,
        app.select_slider,
        app.number_input,
        app.selectbox,
        app.button_group,
        app.toggle,
        app.text_input,
    )
    return {widget.key: widget for kind in kinds for widget in kind}


@pytest.mark.parametrize("name", distributions())
def test_every_distribution_has_a_widget_per_knob_and_starts_at_its_defaults(name: str) -> None:
    app = AppTest.from_function(one_distribution, kwargs={"name": name}, default_timeout=PATIENCE).run()
    cls = distributions()[name]
    assert not app.exception
    assert {f"one:target.{name}.{knob.name}" for knob in params_of(cls)} <= set(widgets(unfold(app)))
    with suppress(ValueError):
        assert app.session_state["made"] == cls()
        return
    # A distribution that needs a file says so, once.
    assert app.session_state["made"] is None
    assert len(app.error) == 1


def test_every_kind_of_knob_starts_at_its_default() -> None:
    app = AppTest.from_function(every_page, default_timeout=PATIENCE).run()
    assert not app.exception
    assert app.session_state["made"].as_dict() == Every().as_dict()
    assert [toggle.value for toggle in app.toggle] == [True, False]
    assert app.expander[0].label == "All settings"


def test_basic_knobs_stand_first_in_their_order_and_the_others_under_their_heading() -> None:
    app = AppTest.from_function(every_page, default_timeout=PATIENCE).run()
    keys = [key for key in widgets(app) if "#" not in key and not key.endswith("?")]
    assert {key.rpartition(".")[2] for key in keys} == {*Every.basic} - {"reach"}
    assert "**Network**" not in [text.value for text in app.markdown]
    unfold(app)
    assert "every:every.centre" in widgets(app)
    assert "**Network**" in [text.value for text in app.expander[0].markdown]


def beside(app: AppTest, key: str) -> Any:
    """The number input beside a slider."""
    return app.number_input(key=f"{key}#{app.session_state[f'{key}#']}")


@pytest.mark.parametrize(("name", "typed"), [("lr", 0.00037), ("batch", 100)])
def test_a_number_can_be_typed_beside_its_slider(name: str, typed: float) -> None:
    app = AppTest.from_function(every_page, default_timeout=PATIENCE).run()
    key = f"every:every.{name}"
    beside(app, key).set_value(typed).run()
    assert not app.exception
    assert getattr(app.session_state["made"], name) == typed
    assert widgets(app)[key].value == typed
    moved = widgets(app)[key]
    moved.set_value(Every.__dataclass_fields__[name].default).run()
    assert beside(app, key).value == getattr(Every(), name) == getattr(app.session_state["made"], name)


@pytest.mark.parametrize("name", ["lr", "batch"])
def test_a_drag_is_not_undone_by_a_request_from_before_its_last_answer(name: str) -> None:
    app = AppTest.from_function(every_page, default_timeout=PATIENCE).run()
    key = f"every:every.{name}"
    drawn, slider, box = app._tree, widgets(app)[key], beside(app, key)
    first, last = (0.01, 0.1) if name == "lr" else (16, 64)
    box.set_value(box.value)
    slider.set_value(first).run()
    app._tree = drawn  # what the browser still shows, and sends, when the slider moves on
    slider.set_value(last).run()
    assert getattr(app.session_state["made"], name) == last
    assert widgets(app)[key].value == beside(app, key).value == last


def test_numbers_are_written_in_one_way() -> None:
    values = (0.1, 5.0, 1e-6, 2e6, 0.0015, 100.0, 0.0, (0.0, -1.5), 3)
    assert [shown(value) for value in values] == [
        "0.1",
        "5",
        "0.000001",
        "2000000",
        "0.0015",
        "100",
        "0",
        "0, -1.5",
        "3",
    ]
    assert shown(1e-7) == "1e-7"
    assert float(shown(1 / 3)) == 1 / 3


def test_a_bad_value_is_told_by_the_name_on_screen() -> None:
    sentence = controls._sentence(ValueError("lr must be a number"), Every)
    assert sentence == "Learning rate must be a number"
    assert controls._sentence(ValueError("points.csv has no rows"), Every).startswith("points")


def test_every_kind_of_knob_comes_from_the_link_and_goes_back_to_it() -> None:
    text = (
        "tau=0.05 lr=0.00031 steps=77 batch=100 seed=5 cost=l1 kind=e annealed=False reach=0.7 centre=1.0,-2.5 note=ab"
    )
    query = dict(part.split("=") for part in text.split())
    app = AppTest.from_function(every_page, default_timeout=PATIENCE)
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    assert app.session_state["made"].as_dict() == Every.parse(query).as_dict()
    assert {key: "".join(text) for key, text in app.query_params.items()} == query


def test_an_optional_number_is_switched_on_and_off() -> None:
    app = AppTest.from_function(every_page, default_timeout=PATIENCE).run()
    app.toggle(key="every:every.reach?").set_value(True).run()
    assert app.session_state["made"].reach == pytest.approx(1.0)
    app.select_slider(key="every:every.reach").set_value(5.0).run()
    assert app.session_state["made"].reach == 5.0
    app.toggle(key="every:every.reach?").set_value(False).run()
    assert app.session_state["made"].reach is None


def test_a_bad_value_is_one_sentence_and_no_instance() -> None:
    app = AppTest.from_function(every_page, default_timeout=PATIENCE).run()
    unfold(app).text_input(key="every:every.centre").set_value("1, two").run()
    assert not app.exception
    assert app.session_state["made"] is None
    assert len(app.error) == 1
    assert app.error[0].value.startswith("Centre must be")


def test_a_rule_between_knobs_is_one_sentence_too() -> None:
    app = AppTest.from_function(one_distribution, kwargs={"name": "ring"}, default_timeout=PATIENCE).run()
    unfold(app).text_input(key="one:target.ring.weights").set_value("1, 2").run()
    assert not app.exception
    assert len(app.error) == 1
    assert app.error[0].value.startswith("Weights of the modes must be 8 numbers")


def test_locked_leaves_only_live_knobs_free() -> None:
    app = AppTest.from_function(every_page, kwargs={"locked": True}, default_timeout=PATIENCE).run()
    free = {key for key, widget in widgets(app).items() if not widget.disabled}
    assert free == {"every:every.tau"}


@pytest.mark.parametrize("name", ["lr", "batch"])
def test_log_stops_are_sorted_in_range_and_hold_the_default(name: str) -> None:
    knob = next(knob for knob in params_of(Every) if knob.name == name)
    stops = scales.log_stops(knob, (knob.default,))
    assert stops == sorted(set(stops))
    assert knob.default in stops
    assert (stops[0], stops[-1]) == (knob.low, knob.high)


@pytest.mark.parametrize(("low", "high", "default"), [(0.1, 20, 3.0), (0, 1, 0.5), (-5, 5, 0.25), (0.001, 1, 0.1)])
def test_the_step_of_a_slider_reaches_its_default(low: float, high: float, default: float) -> None:
    count = (default - low) / scales.step(low, high, default)
    assert count == pytest.approx(round(count))


def folded_page() -> None:
    import streamlit as st

    from pages._ui.controls import boxes, controls
    from pages._ui.shell import links
    from tests.pages.test_controls import Every

    link = links.open_link("every")
    with boxes.section(link, "More"):
        st.session_state["made"] = controls.knobs(link, Every)
    link.publish()


def test_a_closed_section_draws_nothing_and_its_values_are_in_force() -> None:
    app = AppTest.from_function(folded_page, default_timeout=PATIENCE)
    app.query_params["tau"] = "0.05"
    app.run()
    assert not widgets(app)
    assert app.session_state["made"].tau == 0.05
    widgets(unfold(app))["every:every.tau"].set_value(1.0).run()
    app.session_state["every:open::More"] = False
    app.run()
    assert not widgets(app)
    assert app.session_state["made"].tau == 1.0
    assert address(app)["tau"] == "1"


def test_what_is_wrong_in_a_closed_section_is_said_outside_of_it() -> None:
    app = AppTest.from_function(folded_page, default_timeout=PATIENCE).run()
    unfold(app).text_input(key="every:every.centre").set_value("1, two").run()
    app.session_state["every:open::More"] = False
    app.run()
    assert not widgets(app)
    assert not app.expander[0].error
    assert app.error[0].value.startswith("Centre must be")


def test_the_help_of_a_knob_leads_to_its_word(app: AppTest) -> None:
    page = AppTest.from_function(every_page, default_timeout=PATIENCE).run()
    assert "[Glossary](" not in widgets(page)["every:every.note"].help, "the glossary has no such word"
    told = next(text.proto.help for text in page.markdown if text.value == "Tau")
    leads = told.partition("[Glossary](")[2].partition(")")[0]
    app.switch_page(f"pages/7_{leads.partition('?')[0]}.py")
    for name, value in urllib.parse.parse_qsl(leads.partition("?")[2]):
        app.query_params[name] = value
    assert "Weight of the cost" in " ".join(each.value for each in app.run().markdown)
