"""The Train page without a browser: links good and bad, many runs at once, stored runs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from asking import address, press_as_drawn, unfold, words
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from otviz import methods
from otviz.data.distributions import named
from otviz.runs import scheduling
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.run import Run
from pages._ui.player import live_view, run_controls
from pages._ui.shell import leases
from pages._ui.shell.links import plain
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.usefixtures("registry")

PAGE = Path(__file__).resolve().parents[2] / "pages" / "2_train.py"


def config(steps: int = 100_000, **knobs: object) -> RunConfig:
    method = methods.named("uotm-sd")(batch_size=8, **knobs)
    return RunConfig(method, named("ring")(radius=2.0), named("gaussian")(), steps=steps)


def open_page(app: AppTest, **query: str) -> AppTest:
    app.switch_page("pages/2_train.py")
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


BAD = {
    "method": ("uotm-xd", "method must be one of"),
    "tau": ("1e9", "tau must be a number from 0 to"),
    "target": ("circle", "target must be one of"),
    "target.radius": ("abc", "target.radius must be a number from 0.1 to 20"),
    "steps": ("0", "steps must be a whole number from 1 to"),
}


@pytest.mark.parametrize(
    "bad",
    [
        BAD,
        {"run": ("../../etc/passwd", "a run id has 3 to 80 characters from a-z, 0-9 and -")},
        {"run": ("unknown", "there is no saved run 'unknown'")},
    ],
    ids=["settings", "path", "unknown"],
)
def test_what_a_link_cannot_mean_is_said_once(app: AppTest, bad: dict[str, tuple[str, str]]) -> None:
    open_page(app, **{key: text for key, (text, _) in bad.items()})
    (warning,) = app.warning
    assert [warning.value.count(plain(sentence)) for _, sentence in bad.values()] == [1] * len(bad)
    assert address(app) == {}
    assert not app.button[0].disabled
    assert app.button[0].label == "Train"


def test_a_link_cannot_name_a_file_of_the_server(app: AppTest) -> None:
    open_page(app, target="points", **{"target.file": "/etc/passwd"})
    assert "passwd" not in words(app)
    assert app.button[0].disabled


def test_twenty_runs_at_once_wait_their_turn(app: AppTest, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "SHARE_SECONDS", math.inf)
    runs = [registry.submit(config()) for _ in range(20)]
    end = time.monotonic() + PATIENCE
    while sum(run.status == "running" for run in runs) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    open_page(app, run=runs[-1].id, view="runs")
    assert runs[-1].status == "queued"
    assert "Waiting for its first turn" in words(app)
    assert list(app.dataframe[0].value["status"]).count("queued") == 18
    for run in runs:
        run.stop()


def test_a_hung_process_is_said_and_can_be_ended(
    page: AppTest, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = registry.submit(config())
    until(lambda: run.step > 0)
    page.query_params["run"] = run.id
    assert "does not answer" not in words(page.run())
    before = live_view.state([run])
    monkeypatch.setattr(Run, "unresponsive", True)
    assert live_view.state([run]) != before, "the player asks for a rerun of the page"
    assert "The training process does not answer" in words(page.run())
    ended: list[str] = []
    monkeypatch.setattr(Registry, "end_processes", lambda self, run_ids: ended.extend(run_ids))
    named_button(page, "End the process").click().run()
    assert ended == [run.id]
    run.stop()


def test_a_link_with_a_run_alone_brings_its_settings(app: AppTest, registry: Registry) -> None:
    run = registry.submit(config(tau=0.3))
    open_page(app, run=run.id)
    assert address(app) == {"run": run.id, "tau": "0.3", "batch_size": "8", "steps": "100000", "target.radius": "2"}
    run.stop()


def test_a_knob_moved_elsewhere_moves_here_and_one_moved_here_reaches_the_run(app: AppTest, registry: Registry) -> None:
    run = registry.submit(config())
    open_page(app, run=run.id)
    run.retune(tau=0.3)
    app.run()
    assert address(app)["tau"] == "0.3"
    tau = next(slider for slider in app.select_slider if slider.label == "Transport cost τ")
    tau.set_value(0.1).run()
    assert run.config.method.as_dict()["tau"] == 0.1
    assert address(app)["tau"] == "0.1"
    run.stop()


@pytest.mark.parametrize(("moved", "value"), [("Transport cost τ", 0.1), ("Steps", 77)])
def test_what_is_moved_while_a_run_begins_reaches_it_or_starts_it_again(
    alone: None, registry: Registry, monkeypatch: pytest.MonkeyPatch, moved: str, value: float
) -> None:
    """The page has been drawn with Train, and not yet with the run."""
    app = AppTest.from_file(str(Path(__file__).resolve().parents[2] / "pages" / "2_train.py"), default_timeout=PATIENCE)
    app.query_params["method"] = "uotm"
    app.run()
    with monkeypatch.context() as patch:
        patch.setattr(run_controls, "st", SimpleNamespace(**{**vars(run_controls.st), "rerun": run_controls.st.stop}))
        next(button for button in app.button if button.label == "Train").click().run()
    widgets = (*app.select_slider, *app.number_input)
    next(widget for widget in widgets if widget.label == moved).set_value(value).run()
    assert not app.exception
    run = registry.runs()[0]
    assert len(registry.runs()) == (1 if moved != "Steps" else 2)
    assert address(app)["run"] == run.id
    if moved == "Steps":
        assert (run.config.steps, address(app)["steps"]) == (77, "77")
    else:
        assert (run.config.method.as_dict()["tau"], address(app)["tau"]) == (0.1, "0.1")
    for each in registry.runs():
        each.stop()


@pytest.fixture
def page(alone: None) -> AppTest:
    """The page without the app around it, whose navigation would swallow every click; not run yet."""
    return AppTest.from_file(
        str(Path(__file__).resolve().parents[2] / "pages" / "2_train.py"), default_timeout=PATIENCE
    )


def named_button(app: AppTest, label: str) -> Button:
    return next(button for button in app.button if button.label == label)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("train:target", "moons", "Restarted: Two moons."),
        ("train:method", "uotm", "Restarted: UOTM, Steps 5000."),
        ("train:uotm-sd.plan.seed", 3, "Restarted: Seed 3."),
    ],
)
def test_what_cannot_change_in_a_run_starts_it_again_and_undo_goes_on_with_the_old_one(
    page: AppTest, registry: Registry, key: str, value: object, said: str
) -> None:
    first = registry.submit(RunConfig(methods.named("uotm-sd")(), named("ring")(), named("gaussian")(), steps=6000))
    page.query_params["run"] = first.id
    page.run()
    before = address(page)
    end = time.monotonic() + PATIENCE
    while not first.step:
        assert time.monotonic() < end
        time.sleep(0.01)
    page.session_state[key] = value
    page.run()
    assert not page.exception
    second = registry.runs()[0]
    assert second.id != first.id
    assert address(page)["run"] == second.id
    assert said in words(page)
    assert first.wait(PATIENCE)
    assert first.status == "stopped"
    named_button(page, "Undo").click().run()
    assert not page.exception
    assert address(page) == before
    assert second.wait(PATIENCE)
    assert registry.find(first.id).status in ("running", "queued")
    assert said not in words(page)
    for each in registry.runs():
        each.stop()


@pytest.mark.parametrize(
    ("label", "done"),
    [
        ("Stop", lambda run: run.status == "stopped"),
        ("Pause training", lambda run: run.status == "paused"),
        ("Freeze the potential", lambda run: run.frozen),
    ],
)
def test_a_press_while_the_page_is_drawn_for_another_run_is_meant_for_that_one(
    page: AppTest, registry: Registry, monkeypatch: pytest.MonkeyPatch, label: str, done: Callable[[Run], bool]
) -> None:
    first = registry.submit(config())
    page.query_params["run"] = first.id
    page.run()
    button = named_button(page, label)
    page.session_state["train:uotm-sd.plan.seed"] = 3
    with monkeypatch.context() as patch:
        patch.setattr(run_controls, "show_controls", lambda *_: run_controls.st.stop())  # so far the script has come
        page.run()
    assert first.wait(PATIENCE)
    second = registry.runs()[0]
    assert second.id != first.id
    press_as_drawn(page, button)
    until(lambda: done(second))
    second.stop()


def test_a_run_that_others_watch_goes_on_when_one_of_them_changes_its_settings(
    app: AppTest, registry: Registry
) -> None:
    run = registry.submit(config())
    registry.acquire(run.id, "another browser")
    open_page(app, run=run.id)
    app.session_state["train:target"] = "moons"
    app.run()
    assert len(registry.runs()) == 2
    assert not run.wait(0.1)
    for each in registry.runs():
        each.stop()


def test_undo_takes_back_one_change_after_the_other_and_reset_all_of_them(page: AppTest) -> None:
    page.query_params["tau"], page.query_params["seed"] = "0.3", "2"
    page.run()
    assert named_button(page, "Undo").disabled, "nothing was changed here"
    page.select_slider(key="train:uotm-sd.tau").set_value(0.1).run()
    page.session_state["train:target"] = "moons"
    page.run()
    unfold(page)
    size = "train:uotm-sd.batch_size"
    page.number_input(key=f"{size}#{page.session_state[f'{size}#']}").set_value(100).run()
    assert address(page) == {"tau": "0.1", "seed": "2", "target": "moons", "batch_size": "100"}
    named_button(page, "Reset").click().run()
    assert address(page) == {"target": "moons"}
    assert named_button(page, "Reset").disabled
    for left in (
        {"tau": "0.1", "seed": "2", "target": "moons", "batch_size": "100"},
        {"tau": "0.1", "seed": "2", "target": "moons"},
        {"tau": "0.1", "seed": "2"},
        {"tau": "0.3", "seed": "2"},
    ):
        named_button(page, "Undo").click().run()
        assert address(page) == left
    assert named_button(page, "Undo").disabled


def test_while_a_setting_is_bad_the_page_says_so_and_does_not_invite_to_train(app: AppTest) -> None:
    open_page(app, target="points")
    assert named_button(app, "Train").disabled
    assert "These settings cannot be trained yet: choose or draw data that can be used" in words(app)
    assert run_controls.INVITATION not in words(app)
    app.session_state["train:target"] = "ring"
    app.run()
    assert run_controls.INVITATION in words(app)
    assert "These settings cannot be trained" not in words(app)


def test_the_settings_that_matter_most_stand_first(app: AppTest) -> None:
    open_page(app)
    shown = [slider.label for slider in app.select_slider]
    assert shown == ["Transport cost τ", "α at the start", "α at the end"]
    headings = ["**Objective**", "**Optimiser**", "**Network**", "**Run**"]
    assert [text.value for text in unfold(app).markdown if text.value in headings] == headings


def test_a_stored_run_is_shown_with_everything(app: AppTest, registry: Registry) -> None:
    run = registry.submit(config(steps=30, tau=0.3))
    assert run.wait(PATIENCE)
    registry.close()
    leases.registry.clear()  # as after a restart of the server
    open_page(app, run=run.id, view="diagnostics")
    assert "done after 30 of 30 steps" in words(app)
    assert address(app)["tau"] == "0.3"
    assert "As of step 30" in words(app)
    view = app.segmented_control(key="train:view")
    for name in ("latent", "download", "runs"):
        view.set_value(name).run()
        assert not app.exception
    labels = [button.label for button in app.button]  # that they work, only a browser shows
    assert labels == ["Train", "Reset", "Undo", "Diagnose", "Draw", "How to read this", "Open", "Delete for good"]
    assert list(app.dataframe[0].value["id"]) == [run.id]
    assert named_button(app, "Open").disabled, "it is open"


@pytest.mark.parametrize("restarted", [False, True])
def test_a_run_whose_process_was_killed_goes_on(
    restarted: bool, page: AppTest, registry: Registry, run_whose_process_dies: Callable[[RunConfig], Run]
) -> None:
    run = run_whose_process_dies(config(steps=40))
    assert run.status == "failed"
    if restarted:
        registry.close()
        leases.registry.clear()
    page.query_params["run"] = run.id
    page.run()
    assert "This run failed" in page.error[0].value
    named_button(page, "Go on with this run").click().run()
    assert not page.exception
    again = leases.registry().find(run.id)
    assert again is not None
    assert again.wait(PATIENCE)
    assert (again.status, again.step) == ("done", 40)


def test_how_to_read_the_picture_is_said_below_it(app: AppTest) -> None:
    open_page(app)
    button = next(button for button in app.button if button.label == "How to read this")
    assert "Orange discs" not in words(app)
    button.click().run()
    assert "Orange discs" in words(app)
    next(button for button in app.button if button.label == "How to read this").click().run()
    assert "Orange discs" not in words(app)


def test_downloads_lead_with_report_and_notebook(app: AppTest, registry: Registry) -> None:
    run = registry.submit(config(steps=20))
    assert run.wait(PATIENCE)
    open_page(app, run=run.id, view="download")
    (more,) = (box for box in app.expander if box.label == "More formats")
    folded = [button.proto.label for button in more.get("download_button")]
    assert len(folded) > 5
    labels = [button.proto.label for button in app.get("download_button")]
    assert [label for label in labels if label not in folded] == ["Report that plays (HTML)", "Notebook (ipynb)"]


def test_draw_begins_with_an_empty_pad_and_nothing_to_train_on(alone: None) -> None:
    app = AppTest.from_file(str(PAGE), default_timeout=PATIENCE)
    app.query_params["tau"] = "0.3"
    app.run()
    next(button for button in app.button if button.label == "Draw").click().run()
    assert not app.exception
    assert address(app) == {"tau": "0.3", "target": "drawing"}
    assert "Draw the target below" in words(app)
    assert app.button[0].disabled
    app.query_params["target.strokes"] = "AgBAQMDA"
    app.run()
    assert not app.button[0].disabled
    assert "Draw the target below" not in words(app)
