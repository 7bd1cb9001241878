"""Comparisons: presets, the words that tell methods apart, the table of snapshots."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from otviz.evaluation.verdicts import notebook_diversity_example
from otviz.methods import Adversarial, named
from otviz.runs.config import RunConfig
from otviz.runs.run import Run
from otviz.runs.run_verdict import table, verdict_on
from otviz.runs.snapshots import Curve, Scene, Snapshot
from otviz.training.compare import MOST, labels, presets
from otviz.viz.blind_spot import blind_spot
from otviz.viz.snapshot_table import Row, nearest, snapshot_table
from tests.waiting import PATIENCE


@pytest.mark.parametrize("name", presets())
def test_a_preset_can_be_trained_as_it_is(name: str) -> None:
    preset = presets()[name]
    assert 2 <= len(preset.methods) <= MOST
    assert len(set(labels(preset.methods))) == len(preset.methods)
    assert preset.look_for.endswith(".")
    for method in preset.methods:
        RunConfig(method, preset.target, steps=preset.steps)


def test_table_1_is_the_papers() -> None:
    """Without cost on the left, with it on the right; identity above, softplus below (Choi et al. 2024, Table 1)."""
    preset = presets()["table-1"]
    grid = np.array([*preset.methods, None], dtype=object).reshape(2, preset.columns)[:, :2]
    assert [[method.scalars(0.5)["tau"] > 0 for method in row] for row in grid] == [[False, True]] * 2
    assert [{method.conjugates()[0] for method in row} for row in grid] == [{"identity"}, {"softplus"}]


def test_frozen_presets_freeze_within_the_run() -> None:
    preset = presets()["freeze"]
    for method in preset.methods:
        assert isinstance(method, Adversarial)
        assert 0 < method.freeze_after < preset.steps


def test_labels_say_what_differs_and_only_that() -> None:
    uotm, otm = named("uotm"), named("otm")
    assert labels([uotm(tau=0.01), otm(tau=0.01)]) == ["UOTM", "OTM"]
    assert labels([uotm(tau=0.01), uotm(tau=1.0), otm()]) == ["UOTM, τ = 0.01", "UOTM, τ = 1", "OTM"]
    assert labels([uotm(), uotm()]) == ["UOTM (1)", "UOTM (2)"]


def look(step: int, at: float) -> Snapshot:
    points = np.full((50, 2), at, np.float32)
    return Snapshot(step, step, step / 100, 0.0, points, None, None, None, 0.0, 0.0, None, {})


def row(steps: range, title: str = "UOTM") -> Row:
    scene = Scene(
        title, (-1, 1, -2, 2), np.zeros((60, 2), np.float32), np.zeros((60, 2), np.float32), None, "", 100, None
    )
    nothing = np.full(3, np.nan, np.float32)
    return Row(
        title, "covers", scene, [look(step, step / 100) for step in steps], Curve(np.arange(3), nothing, nothing)
    )


def test_columns_stand_at_equal_steps_that_all_have_reached() -> None:
    figure = snapshot_table([row(range(0, 101, 5)), row(range(0, 81, 10), "OTM")], columns=4)
    assert [note.text for note in figure.layout.annotations[:4]] == ["step 20", "step 40", "step 60", "step 80"]
    generated = [trace for trace in figure.data if trace.name == "generated"]
    assert [float(trace.x[0]) for trace in generated] == pytest.approx([0.2, 0.4, 0.6, 0.8] * 2)
    marked = [note.text for note in figure.layout.annotations if note.text and note.text.startswith("at ")]
    assert not marked, "every look was at the step of its column"


def test_a_look_at_another_step_is_marked() -> None:
    figure = snapshot_table([row(range(0, 101, 30))], columns=2)
    marked = [note.text for note in figure.layout.annotations if note.text and note.text.startswith("at ")]
    assert marked == ["at 30"]  # 45 lies half way between 30 and 60
    assert nearest([look(3, 0), look(8, 0)], 6).step == 8


@pytest.mark.parametrize(("rows", "columns"), [([], 4), ([row(range(5))], 0)])
def test_an_empty_table_is_refused(rows: list[Row], columns: int) -> None:
    with pytest.raises(ValueError, match="needs a row and a column"):
        snapshot_table(rows, columns)


def test_the_blind_spot_shows_both_diversities() -> None:
    figure = blind_spot(notebook_diversity_example())
    assert [trace.name for trace in figure.data] == [
        "target, diversity 4.56",
        "two modes, diversity 4.58",
    ]  # 4.5625 but for the noise of 1000 samples


def test_the_table_has_the_numbers_of_the_last_look() -> None:
    method = dataclasses.replace(named("uotm")(), hidden=8, batch_size=16)
    run = Run("r", RunConfig(method, presets()["tau"].target, steps=40)).start()
    assert run.wait(PATIENCE)
    shown = table([run], ["UOTM"]).iloc[0]
    meter = run.snapshots[-1].meter
    assert shown["step"] == 40
    assert shown["W2"] == meter["w2"]
    assert shown["diversity"] == pytest.approx(np.var(run.snapshots[-1].generated, axis=0).mean(), rel=1e-5)
    assert shown["of the target"] == pytest.approx(2.0**2 / 2 + 0.1**2, rel=0.03)
    assert shown["verdict"] == verdict_on(run).words


def test_a_failed_run_is_unstable_and_says_why() -> None:
    run = Run("r", RunConfig(named("uotm")(), presets()["tau"].target, steps=40))
    run.status, run._error = "failed", "the loss became NaN or infinite at step 7"
    assert (verdict_on(run).kind, verdict_on(run).stability) == ("not judged", "unstable")
    assert "step 7" in verdict_on(run).sentence
