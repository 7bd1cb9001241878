"""The page Runs without a browser: filters and selection are in the link, damaged folders do no harm."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from asking import address, words
from streamlit.testing.v1 import AppTest

from otviz import methods
from otviz.data.distributions import named
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.run import Run
from pages._ui.runs import run_list, run_table
from pages._ui.shell.links import plain
from tests.waiting import PATIENCE


@pytest.fixture
def three(registry: Registry) -> list[str]:
    """Ids of three runs that are over, newest first: UOTM-SD, Sinkhorn, UOTM-SD."""
    ids = []
    for seed, name in enumerate(("uotm-sd", "sinkhorn", "uotm-sd")):
        method = methods.named(name)(batch_size=8, hidden=8, layers=2)
        run = registry.submit(RunConfig(method, named("ring")(), steps=5, seed=seed, device="cpu"))
        assert run.wait(PATIENCE)
        ids.insert(0, run.id)
    return ids


@pytest.fixture
def app(alone: None) -> AppTest:
    """The page itself."""
    return AppTest.from_file(str(Path(__file__).resolve().parents[2] / "pages" / "8_runs.py"), default_timeout=PATIENCE)


def open_page(app: AppTest, **query: str) -> AppTest:
    app.query_params.clear()
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


def listed(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["id"])


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


@pytest.fixture
def linked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(run_list.st, "page_link", lambda page, **_: found.append(page))
    return found


def test_without_runs_one_sentence_leads_to_train(app: AppTest, registry: Registry, linked: list[str]) -> None:
    open_page(app)
    assert "There are no runs yet: train one" in words(app)
    assert linked == [run_table.TRAIN]
    assert not app.dataframe


def test_all_runs_stand_in_the_table(app: AppTest, three: list[str]) -> None:
    open_page(app)
    assert listed(app) == three
    assert list(app.dataframe[0].value["seed"]) == [2, 1, 0]
    assert address(app) == {}
    assert "Fréchet" not in app.dataframe[0].value.columns, "no run has one"


def test_filters_are_in_the_link_and_come_from_it(app: AppTest, three: list[str]) -> None:
    open_page(app, method="sinkhorn")
    assert listed(app) == [three[1]]
    app.selectbox(key="runs:method").set_value("").run()
    app.text_input(key="runs:filter").set_value("SEED 2  uotm").run()
    assert listed(app) == [three[0]]
    assert address(app) == {"filter": "SEED 2  uotm"}
    app.text_input(key="runs:filter").set_value("").run()
    app.selectbox(key="runs:sort").set_value("oldest").run()
    assert listed(app) == three[::-1]
    open_page(app, filter="nothing has this")
    assert "matches these filters" in words(app)


def test_what_is_chosen_comes_from_the_link_and_is_compared(app: AppTest, three: list[str]) -> None:
    open_page(app, runs=",".join(three[:2]))
    assert address(app) == {"runs": ",".join(three[:2])}
    assert "2 runs chosen" in words(app)
    assert len(app.get("plotly_chart")) == 1
    app.text_input(key="runs:filter").set_value("sinkhorn").run()
    assert address(app)["runs"] == three[1], "what is out of sight is not chosen"
    assert "Choose 2 to 8 runs" in words(app)


def test_a_link_to_deleted_runs_says_so(app: AppTest, three: list[str]) -> None:
    open_page(app, runs=f"{three[0]},gone-for-good,../../etc")
    assert plain("2 of 3 runs are not here: gone-for-good, ../../etc") in app.warning[0].value
    assert address(app) == {"runs": three[0]}


def test_several_are_tagged_at_once_and_found_by_tag(app: AppTest, registry: Registry, three: list[str]) -> None:
    registry.tag(three[0], ["own"])
    open_page(app, runs=",".join(three[:2]))
    chosen = next(each for each in app.multiselect if each.label.startswith("Tags"))
    assert chosen.options == ["own"]
    assert chosen.value == []
    chosen.set_value(["own"]).run()
    assert {run.id: run.tags for run in registry.listed()} == {three[0]: ("own",), three[1]: ("own",), three[2]: ()}
    app.selectbox(key="runs:tag").set_value("own").run()
    assert listed(app) == three[:2]
    chosen = next(each for each in app.multiselect if each.label.startswith("Tags"))
    chosen.set_value([]).run()
    assert not any(run.tags for run in registry.listed())


def test_several_are_deleted_at_once_and_what_trains_stays(app: AppTest, registry: Registry, three: list[str]) -> None:
    alive = registry.submit(RunConfig(methods.named("uotm")(batch_size=8), named("ring")(), steps=100_000))
    open_page(app, runs=",".join([three[0], three[2], alive.id]))
    assert "Remove 2 runs from the disk for good? 1 of those chosen still train and stay." in words(app)
    press(app, "delete-runs")
    assert listed(app) == [alive.id, three[1]]
    assert not registry.stored.path(three[0]).exists()
    alive.stop()


def test_a_click_is_not_lost_when_a_run_moves_while_the_page_is_drawn(
    app: AppTest, registry: Registry, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = registry.submit(RunConfig(methods.named("uotm")(batch_size=8), named("ring")(), steps=100_000))
    listed_now, steps = Registry.listed, itertools.count()
    monkeypatch.setattr(
        Registry, "listed",
        lambda self: [replace(run, step=next(steps)) if run.id == alive.id else run for run in listed_now(self)],
    )  # fmt: skip
    open_page(app, runs=three[0])
    press(app, "delete-runs")
    assert listed(app) == [alive.id, *three[1:]]
    alive.stop()


def test_a_run_that_trains_out_of_sight_changes_nothing(app: AppTest, registry: Registry) -> None:
    alive = [
        registry.submit(RunConfig(methods.named(name)(batch_size=8), named("ring")(), steps=100_000))
        for name in ("uotm", "sinkhorn")
    ]
    open_page(app, method="sinkhorn")  # comes to its end, and does not begin again for what the filter hides
    assert listed(app) == [alive[1].id]
    for run in alive:
        run.stop()


def test_a_run_deleted_on_the_disk_is_gone_at_the_next_look(app: AppTest, registry: Registry, three: list[str]) -> None:
    registry.close()
    registry._runs.clear()  # as after a restart of the server
    open_page(app, runs=",".join(three))
    shutil.rmtree(registry.stored.path(three[1]))
    app.run()
    assert not app.exception
    assert listed(app) == [three[0], three[2]]
    assert address(app)["runs"] == f"{three[0]},{three[2]}"
    (registry.stored.path(three[2]) / "snapshots.npz").write_bytes(b"nonsense")
    run_list._stored_curves.clear()
    app.run()
    assert not app.exception
    assert "cannot be read" in app.error[0].value


def test_runs_that_failed_or_were_stopped_go_on_from_the_list(
    app: AppTest, registry: Registry, three: list[str], run_whose_process_dies: Callable[[RunConfig], Run]
) -> None:
    run = run_whose_process_dies(RunConfig(methods.named("sinkhorn")(batch_size=8), named("ring")(), steps=40))
    assert (run.status, registry.stored.read(run.id).step) == ("failed", run.step)
    open_page(app, runs=three[0])
    assert not [button for button in app.button if button.key == "go-on"], "it is done"
    open_page(app, runs=f"{three[0]},{run.id}")
    press(app, "go-on")
    again = registry.find(run.id)
    assert again is not None
    assert again is not run
    assert registry.holders(run.id) == 1
    assert again.wait(PATIENCE)
    assert (again.status, again.step) == ("done", 40)


def test_damaged_folders_are_listed_and_can_be_deleted(app: AppTest, registry: Registry, three: list[str]) -> None:
    broken = registry.stored.path("broken-run")
    broken.mkdir()
    (broken / "summary.json").write_text(json.dumps({"status": "<b>done</b>"}))
    open_page(app, runs="broken-run", status="damaged")
    assert listed(app) == ["broken-run"]
    assert app.button(key="open-run").disabled
    press(app, "delete-runs")
    assert not broken.exists()


def test_files_of_the_chosen_runs_are_offered(app: AppTest, three: list[str]) -> None:
    open_page(app, runs=",".join(three[:2]), view="download")
    assert "UOTM-SD, seed 2" in app.code[0].value
    assert "agreement" in app.code[0].value


def test_a_run_is_opened_in_its_own_page(app: AppTest, three: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(run_table.st, "switch_page", lambda page, query_params: sent.append((page, query_params)))
    open_page(app, runs=three[1])
    press(app, "open-run")
    ((page, query),) = sent
    assert page == run_table.TRAIN
    assert (query["run"], query["method"], query["seed"]) == (three[1], "sinkhorn", "1")
