"""The section of the robustness map without a browser: links good and bad, start, stop, go on, and the run that is picked."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import address, words
from streamlit.testing.v1 import AppTest

from otviz.data.distributions import named as distribution
from otviz.experiments.sweeps import Cell, Outcome, Sweep
from otviz.experiments.sweeps.sweep_job import SweepJournal, answers
from otviz.experiments.sweeps.sweep_parameters import rows
from otviz.runs.saved.run_store import Store
from pages._ui.compare import sweep_view
from tests.waiting import PATIENCE

RING = distribution("ring")(radius=2.0, std=0.1)  # type: ignore[call-arg]
OUTCOME = Outcome(
    "covers", "covers", "All is well.", "steady", "", 0.3, 0.25, 500, 0.9, 0.05, 8, 8, 1000, 0.1, 2.5, "sweep-uotm-1"
)
TINY = {"sweep.values": "0.05,1.0", "sweep.methods": "uotm", "sweep.seeds": "1", "sweep.steps": "4"}
LONG = {**TINY, "sweep.steps": "2000000"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    return tmp_path


def script() -> None:
    import streamlit as st

    from otviz.data.distributions import named
    from pages._ui.compare import sweep_view
    from pages._ui.shell import links

    link = links.open_link("test")
    target = None if st.session_state.get("no target") else named("ring")(radius=2.0, std=0.1)  # type: ignore[call-arg]
    sweep_view.show(link, target, named("gaussian")())
    link.publish()


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=PATIENCE)
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def asked(steps: int = 4) -> Sweep:
    return Sweep("tau", (0.05, 1.0), (rows("tau")["uotm"],), RING, seeds=(0,), steps=steps)


def test_it_opens_with_the_sweep_of_the_paper_and_a_bare_address() -> None:
    app = opened()
    assert address(app) == {}
    assert labels(app) == ["Start 48 runs"]
    assert app.multiselect[0].value == ["uotm", "uotm-sd", "uotm-sd.geometric", "otm"]
    assert app.text_input[0].value == "0.001, 0.01, 0.05, 0.2, 1, 10"


def test_a_link_says_all_of_it_and_comes_back_as_it_was() -> None:
    query = {"sweep.knob": "alpha", "sweep.methods": "uotm-kl", "sweep.values": "0.5,2.0", "sweep.seeds": "3",
             "sweep.steps": "100", "sweep.colour": "w2"}  # fmt: skip
    app = opened(**query)
    assert address(app) == query
    assert labels(app) == ["Start 6 runs"]
    assert "Part of this link" not in words(app)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"sweep.values": "0.05,much"}, "much"),
        ({"sweep.methods": "uotm,nobody"}, "nobody"),
        ({"sweep.knob": "luck"}, "luck"),
        ({"sweep.values": "0.05,-1"}, "tau must be a number from 0 to 100"),
        ({"sweep.values": "0.05,0.05"}, "values must be given only once"),
        ({"sweep.values": ",".join(map(str, range(1, 90))), "sweep.seeds": "9"}, "at most 400 runs"),
        ({"sweep.methods": ","}, "needs methods"),
    ],
)
def test_what_cannot_be_used_is_told(query: dict[str, str], sentence: str) -> None:
    app = opened(**query)
    assert sentence in words(app).replace("\\", "").replace("\u200b", "")


def test_other_knobs_have_their_own_values_and_methods() -> None:
    app = opened()
    app.selectbox[0].select("alpha").run()
    assert not app.exception
    assert app.multiselect[0].value == ["uotm"]
    assert "10" not in app.text_input[0].value
    app.selectbox[0].select("tau").run()
    assert app.text_input[0].value == "0.001, 0.01, 0.05, 0.2, 1, 10"


def test_without_a_target_it_waits() -> None:
    app = AppTest.from_function(script, default_timeout=PATIENCE)
    app.session_state["no target"] = True
    app.run()
    assert not app.exception
    assert "once the settings of target and source are valid" in words(app)
    assert labels(app) == []


class Here:
    """Plays cells in this process; tests/test_robustness.py has real ones."""

    def __init__(self, *_: object) -> None:
        pass

    def ask(self, task: dict[str, Any]) -> Iterator[Any]:
        yield from answers(task, {})

    def end(self) -> None:
        pass


def test_it_is_started_filled_in_and_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otviz.experiments.jobs.worker_pool.Worker", Here)
    app = opened(**TINY)
    app.button[0].click().run()
    assert not app.exception
    assert labels(app) == ["Stop the sweep"]
    assert app.multiselect[0].disabled
    end = time.monotonic() + PATIENCE
    while labels(app) and time.monotonic() < end:
        time.sleep(0.1)
        app.run()
        assert not app.exception
    assert labels(app) == []
    assert len(SweepJournal(asked()).outcomes()) == 2
    assert not app.error
    assert len(app.get("plotly_chart")) == 2


def test_stopped_half_way_it_keeps_what_is_done_and_goes_on() -> None:
    sweep = asked(2_000_000)
    SweepJournal(sweep).save(next(sweep.cells()), OUTCOME)
    app = opened(**LONG)
    assert labels(app) == ["Continue: 1 of 2 runs left"]
    assert "1 of 2 runs are done" in words(app)
    app.button[0].click().run()
    assert labels(app) == ["Stop the sweep"]
    app.button[0].click().run()
    end = time.monotonic() + PATIENCE
    while labels(app) == ["Stop the sweep"] and time.monotonic() < end:
        time.sleep(0.2)
        app.run()
    assert labels(app) == ["Continue: 1 of 2 runs left"]
    assert not app.error


def test_a_mark_or_a_cell_that_was_clicked_names_its_run() -> None:
    def event(*data: object) -> dict[str, object]:
        return {"selection": {"points": [{"customdata": each} for each in data]}}

    assert sweep_view.picked(event("sweep-uotm-1")) == "sweep-uotm-1"
    assert sweep_view.picked(event(["sweep-uotm-1"])) == "sweep-uotm-1"
    assert sweep_view.picked(event([2, 0.1], "sweep-uotm-2")) == "sweep-uotm-2"  # the first is a mean over seeds
    assert sweep_view.picked(event()) == sweep_view.picked({"selection": {"points": [{}]}}) == ""


def test_the_run_that_was_picked_can_be_played(app: AppTest) -> None:
    """Its link leads to the Train page, which shows the stored run with its settings."""
    from otviz.experiments.sweeps.train_cells import train_cells
    from pages._ui.controls import point_setup

    sweep = asked()
    config = sweep.config(next(sweep.cells()), "cpu")
    (found,) = train_cells([config], Store())
    app.switch_page("pages/2_train.py")
    for key, text in point_setup.address(config, found.run_id).items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    assert "done after 4 of 4 steps" in words(app)
    assert address(app)["run"] == found.run_id


def test_only_runs_of_the_sweep_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    offered: list[dict[str, str]] = []
    monkeypatch.setattr(sweep_view.st, "page_link", lambda *_, query_params, **__: offered.append(query_params))
    monkeypatch.setattr(sweep_view.st, "markdown", lambda *_: None)
    outcomes: dict[Cell, Outcome] = {
        cell: dataclasses.replace(OUTCOME, run_id=f"sweep-uotm-{cell.value:g}") for cell in asked().cells()
    }
    for name in ("sweep-uotm-1", "", "another"):
        sweep_view.offer(asked(), outcomes, name)
    assert [each["run"] for each in offered] == ["sweep-uotm-1"]
    assert offered[0]["tau"] == "1.0"
