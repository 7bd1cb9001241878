"""The Compare page without a browser: links good and bad, runs in step, forks and branches."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup

from otviz.runs import probe
from otviz.runs.registry import ABANDONED, Registry
from otviz.runs.scheduling import TURN
from otviz.training.compare import presets
from pages._ui.compare import comparison_controls
from pages._ui.compare.compare_views import VIEWS
from pages._ui.shell.links import STALE, plain
from tests.pages.asking import address, open_menu, press_as_drawn, unfold, words
from tests.waiting import PATIENCE, at_one_moment, until

FEW = {"preset": "own", "methods": "otm,uotm", "1.batch_size": "8", "2.batch_size": "8", "steps": "100000"}


@pytest.fixture(autouse=True)
def _small(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "W2_POINTS", 60)


@pytest.fixture
def app(alone: None) -> AppTest:
    return new_app()


def new_app() -> AppTest:
    return AppTest.from_file(
        str(Path(__file__).resolve().parents[2] / "pages" / "3_compare.py"), default_timeout=PATIENCE
    )


def open_page(app: AppTest, **query: str) -> AppTest:
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception
    return app


def methods_row(app: AppTest) -> ButtonGroup:
    return next(group for group in app.button_group if group.label.startswith("Methods"))


def open_method(app: AppTest, at: int) -> AppTest:
    """Choose a method in the row of their names: its knobs are drawn."""
    methods_row(app).set_value(at).run()
    return unfold(app)


def begun(app: AppTest, registry: Registry, number: int = 2) -> list:
    press(app, "Train it live")
    runs = [registry.find(name) for name in address(app)["runs"].split(",")]
    assert len(runs) == number
    until(lambda: all(run.step > 0 for run in runs))
    app.run()  # what there is to fork and branch is known by now
    return runs


@pytest.mark.parametrize("name", presets())
def test_every_preset_opens_from_its_link_and_says_what_to_look_for(app: AppTest, name: str) -> None:
    open_page(app, preset=name)
    assert presets()[name].look_for in words(app)
    kept = {} if name == "table-1" else {"preset": name}
    assert address(app) == kept
    assert len(methods_row(app).options) == len(presets()[name].methods)


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("preset", "table-9", "preset must be one of"),
        ("methods", "wgan,nonsense", "methods must be 1 to 9 of"),
        ("2.tau", "1e9", "tau must be a number from 0 to"),
        ("runs", "../../etc/passwd", "a run id has 3 to 80 characters from a-z, 0-9 and -"),
        ("runs", ",".join(f"run-{i}" for i in range(12)), "runs must name at most 9"),
    ],
)
def test_a_bad_link_is_told_in_a_sentence(app: AppTest, key: str, text: str, sentence: str) -> None:
    open_page(app, **{key: text})
    assert plain(sentence) in words(app)


def test_methods_train_in_step_and_their_knobs_act_on_them(app: AppTest, registry: Registry) -> None:
    open_page(app, **FEW)
    one, two = begun(app, registry)
    assert (one.config.method.name, two.config.method.name) == ("otm", "uotm")
    steps = at_one_moment(lambda: [one.live.training.step, two.live.training.step])
    assert abs(steps[0] - steps[1]) <= TURN
    tau = next(slider for slider in open_method(app, 1).select_slider if slider.label == "Transport cost τ")
    assert "2." in tau.key
    tau.set_value(0.1).run()
    until(lambda: two.config.method.tau == 0.1)
    assert one.config.method.tau != 0.1
    assert address(app)["2.tau"] == "0.1"


def test_all_pause_resume_freeze_and_stop(app: AppTest, registry: Registry) -> None:
    open_page(app, **FEW)
    runs = begun(app, registry)
    press(app, "Pause training")
    until(lambda: all(run.status == "paused" for run in runs))
    app.run()
    press(app, "Resume training")
    press(app, "Freeze all")
    until(lambda: all(run.frozen for run in runs))
    app.run()
    press(app, "Unfreeze all")
    until(lambda: not any(run.frozen for run in runs))
    press(app, "Stop all")
    until(lambda: all(run.status == "stopped" for run in runs))
    app.run()
    assert {"Start over", "Go on with these runs"} <= {button.label for button in app.button}


def test_a_fork_shows_each_run_frozen_and_not(app: AppTest, registry: Registry) -> None:
    open_page(app, **FEW)
    runs = begun(app, registry)
    press(open_menu(app, "fork"), "Fork")
    names = address(app)["runs"].split(",")
    assert len(names) == 4
    forks = [registry.find(name) for name in names]
    until(lambda: all(run.status == "stopped" for run in runs))
    until(lambda: all(run.scene is not None and run.step > runs[0].step for run in forks))
    assert [run.frozen for run in forks] == [True, False, True, False]
    assert [run.config.method.name for run in forks] == ["otm", "otm", "uotm", "uotm"]


def test_a_press_while_forks_are_about_to_be_drawn_is_meant_for_them(
    app: AppTest, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_page(app, **FEW)
    runs = begun(app, registry)
    open_menu(app, "fork")
    button = next(button for button in app.button if button.label == "Stop all")
    with monkeypatch.context() as patch:
        show = comparison_controls.show_controls
        patch.setattr(
            comparison_controls,
            "show_controls",
            lambda link, shown, *rest: (
                show(link, shown, *rest) if len(shown) == len(runs) else comparison_controls.st.stop()
            ),
        )
        press(app, "Fork")  # so far the script has come that draws the forks
    forks = [run for run in registry.runs() if run not in runs]
    assert len(forks) == 4
    press_as_drawn(app, button)
    until(lambda: all(run.status == "stopped" for run in forks))


def test_a_branch_gets_a_panel_of_its_own(app: AppTest, registry: Registry) -> None:
    open_page(app, **FEW)
    begun(app, registry)
    open_menu(app, "branch")
    box = next(box for box in app.text_input if box.label == "New value")
    box.set_value("nonsense").run()
    assert "must be" in words(app)
    box = next(box for box in app.text_input if box.label == "New value")
    box.set_value("0.002").run()
    press(app, "Start the branch")
    names = address(app)["runs"].split(",")
    assert len(names) == 3
    assert "branched from" in registry.find(names[2]).origin


def test_methods_are_added_and_removed_and_their_knobs_move_along(app: AppTest) -> None:
    open_page(app, **{**FEW, "2.tau": "0.3"})
    press(open_menu(app, "methods"), "Sinkhorn generator")
    assert address(app)["methods"] == "otm,uotm,sinkhorn"
    next(button for button in open_method(app, 0).button if button.key == "remove").click().run()
    assert not app.exception
    found = address(app)
    assert (found["methods"], found["1.tau"], found["1.batch_size"]) == ("uotm,sinkhorn", "0.3", "8")


def test_a_link_to_runs_brings_their_settings(app: AppTest, registry: Registry) -> None:
    open_page(app, **{**FEW, "2.tau": "0.3", "target.radius": "2"})
    begun(app, registry)
    names = address(app)["runs"]
    other = open_page(new_app(), runs=names)
    found = address(other)
    assert (found["runs"], found["methods"], found["2.tau"], found["target.radius"]) == (
        names,
        "otm,uotm",
        "0.3",
        "2",
    )


def test_every_view_is_drawn(app: AppTest, registry: Registry) -> None:
    open_page(app, **FEW)
    runs = begun(app, registry)
    for view in VIEWS:
        app.segmented_control(key="compare:view").set_value(view).run()
        assert not app.exception, view
        assert "Nothing to show yet" not in words(app), view
    for run in runs:
        run.stop()


def test_other_methods_take_the_place_of_runs_that_are_over(app: AppTest, registry: Registry) -> None:
    open_page(app, **FEW)
    runs = begun(app, registry)
    press(app, "Stop all")
    until(lambda: all(run.status == "stopped" for run in runs))
    app.run()
    next(box for box in app.selectbox if box.label == "What to compare").set_value("matching").run()
    assert not app.exception
    assert address(app) == {"preset": "matching"}
    assert "Train it live" in [button.label for button in app.button]


def test_a_link_that_says_start_begins_once(app: AppTest, registry: Registry) -> None:
    open_page(app, **FEW, start="1")
    found = address(app)
    assert "start" not in found
    runs = [registry.find(name) for name in found["runs"].split(",")]
    assert [run.config.method.name for run in runs] == ["otm", "uotm"]

    reloaded = open_page(new_app(), **found)
    assert address(reloaded)["runs"] == found["runs"]

    time.sleep(STALE)
    app.query_params.clear()  # a step back in the browser's history
    open_page(app, **FEW, start="1")
    assert "runs" not in address(app)


def test_runs_whose_tab_was_closed_say_so_and_go_on_in_step(app: AppTest, registry: Registry) -> None:
    open_page(app, **FEW)
    runs = begun(app, registry)
    for run in runs:
        run.stop(ABANDONED)
    until(lambda: all(run.status == "stopped" for run in runs))
    app.run()
    assert "Stopped because their tab was closed at step" in words(app)
    stopped = [run.step for run in runs]
    press(app, "Go on with these runs")
    again = [registry.find(run.id) for run in runs]
    until(lambda: all(run.step > step for run, step in zip(again, stopped, strict=True)))
    steps = at_one_moment(lambda: [run.live.training.step for run in again])
    assert abs(steps[0] - steps[1]) <= TURN


def test_a_recording_plays_only_with_the_settings_it_was_made_with(
    app: AppTest, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = []
    monkeypatch.setattr("otviz.checkpoints.recordings.names", lambda: ("compare-matching",))
    monkeypatch.setattr("pages._ui.player.recording_view.show", lambda name, **options: played.append(name) or True)
    open_page(app, preset="matching")
    assert played == ["compare-matching"]
    assert "recorded" in words(app)
    open_page(new_app(), preset="matching", seed="1")
    open_page(new_app(), preset="freeze")
    assert played == ["compare-matching"]
