"""Figures of a sweep: they show what is done, leave room for what is to come, and every mark knows its run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from otviz.data.distributions import named as distribution
from otviz.experiments.sweeps import Outcome, Sweep
from otviz.methods import named as method
from otviz.viz.robustness_map import MEASURES, robustness_curves, robustness_map, text_alternative

ROWS = (method("uotm")(), method("uotm-sd")(schedule="geometric"), method("otm")())  # type: ignore[call-arg]
SWEEP = Sweep("tau", (0.0, 0.001, 0.05, 10.0), ROWS, distribution("ring")(), seeds=(0, 1))
KINDS = ("covers", "collapsed: 3 of 8 modes left", "mixes modes", "unbalanced", "not judged", "not finished")


def outcome(number: int, **changes: object) -> Outcome:
    word = KINDS[number % len(KINDS)]
    made = Outcome(
        word.partition(":")[0],
        word,
        "",
        "unstable" if word == "not judged" else "steady",
        "",
        0.3 + 0.01 * number,
        0.25,
        500,
        0.5,
        0.1,
        8,
        8,
        1000,
        0.02,
        9.0,
        f"run-{number}",
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


ALL = {cell: outcome(number) for number, cell in enumerate(SWEEP.cells())}
SOME = dict(list(ALL.items())[:5])


def ids(figure) -> set[str]:
    return {name for trace in figure.data for name in trace.customdata or () if isinstance(name, str)}


@pytest.mark.parametrize("done", [ALL, SOME, {}], ids=["all", "some", "none"])
def test_every_run_that_is_done_can_be_picked_once_per_panel(done):
    for figure in (robustness_map(SWEEP, done), robustness_curves(SWEEP, done)):
        assert ids(figure) == {each.run_id for each in done.values()}
        assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
        assert figure.to_json()


def test_lines_are_means_and_bars_deviations_over_seeds():
    figure = robustness_curves(SWEEP, ALL)
    line = next(trace for trace in figure.data if trace.name == "OTM" and trace.xaxis == "x")
    for place, value in enumerate(SWEEP.values):
        seeds = [each.w2 for cell, each in ALL.items() if cell.method == ROWS[2] and cell.value == value]
        assert line.y[place] == pytest.approx(np.mean(seeds))
        assert line.error_y.array[place] == pytest.approx(abs(seeds[0] - seeds[1]) / np.sqrt(2))


def test_zero_has_a_place_on_a_logarithmic_axis():
    axis = robustness_curves(SWEEP, ALL).layout.xaxis
    assert axis.type == "log"
    assert list(axis.tickvals) == [1e-4, 1e-3, 0.05, 10]
    assert list(axis.ticktext) == ["0", "0.001", "0.05", "10"]
    assert axis.range[0] < -4 < 1 < axis.range[1]


def test_methods_differ_in_grey_and_the_floor_is_there():
    figure = robustness_curves(SWEEP, ALL)
    lines = [trace for trace in figure.data if trace.mode == "lines+markers" and trace.xaxis == "x"]
    assert len({(trace.line.dash, trace.marker.symbol) for trace in lines}) == 3
    assert figure.layout.shapes[0].y0 == pytest.approx(0.25)
    assert "500" in figure.layout.annotations[-1].text


def test_the_map_shows_verdicts_and_what_is_to_come():
    figure = robustness_map(SWEEP, SOME)
    heat, marks, blank = figure.data
    words = [word for row in heat.text for word in row if word]
    assert sorted(words) == sorted(["covers", "3 of 8 left", "mixes", "unbal.", "unstable"])
    assert len(marks.x) == 5
    assert list(blank.text) == ["…"] * (SWEEP.total - 5)
    assert sum(value is None for row in heat.z for value in row) == SWEEP.total - 5
    assert list(figure.layout.yaxis.ticktext)[2:4] == ["UOTM-SD, schedule geometric, seed 0", "UOTM-SD, schedule geometric, seed 1"]  # fmt: skip
    assert any("collapsed: 3 of 8 modes left" in text for text in marks.text)
    assert "1000 samples" in marks.text[1]
    assert "500 points" in marks.text[1]


def test_an_unstable_run_has_a_mark_beside_its_word():
    cell = next(SWEEP.cells())
    heat, marks, _ = robustness_map(SWEEP, {cell: outcome(0, stability="unstable")}).data
    assert heat.text[0][0] == "covers !"
    assert "covers</b>, unstable" in marks.text[0]


@pytest.mark.parametrize("measure", MEASURES)
def test_light_is_good_whatever_the_measure(measure):
    heat = robustness_map(SWEEP, ALL, measure).data[0]
    assert bool(heat.reversescale) == (measure != "high_quality")


def test_a_run_that_is_no_number_has_its_word_without_colour():
    cell = next(SWEEP.cells())
    broken = {cell: outcome(4, w2=None, high_quality=None, mode_mixture=None, loss_spread=None, run_id="")}
    heat, marks, blank = robustness_map(SWEEP, broken).data
    assert "unstable" in blank.text
    assert heat.z[0][0] is None
    assert "not stored" in marks.text[0]
    assert robustness_curves(SWEEP, broken).to_json()


def test_without_modes_only_distances_are_drawn():
    plain = {cell: dataclasses.replace(each, high_quality=None, mode_mixture=None) for cell, each in ALL.items()}
    titles = [axis.title.text for axis in robustness_curves(SWEEP, plain).select_yaxes()]
    assert titles == [MEASURES["w2"]]


def test_the_map_in_words():
    told = text_alternative(SWEEP, SOME)
    assert told.startswith("5 of 24 runs over tau.")
    assert "UOTM: 0 (seed 0): covers" in told
    assert "nothing yet" in text_alternative(SWEEP, {})
