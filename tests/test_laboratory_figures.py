"""Figures of the laboratory show their data, on any background, distinguishable without colour."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from otviz.clouds.laboratory import Curves, Exactness, SampleWeights
from otviz.viz.mode_history import mode_history
from otviz.viz.transport.conjugate_curves import conjugates
from otviz.viz.transport.exactness_map import map_beside_plan
from otviz.viz.transport.sample_weights import LARGEST, rates_of_change, sample_weights

X = np.linspace(-4, 4, 81)
FAMILY = [Curves(X, alpha * np.expm1(X / alpha), np.exp(X / alpha), alpha, "KL") for alpha in (0.5, 1.0, 5.0)]
POINTS = np.float32([[0, 0], [1, 0], [0, 1]])
WEIGHTS = SampleWeights(POINTS, POINTS + 1, np.float32([0.2, 1.8, 1.0]), np.float32([1, 0.5, 1.5]), False)
HISTORIES = {
    name: [(step, {"modes_covered": count, "modes_total": 8, "samples": 1000}) for step, count in enumerate(counts)]
    for name, counts in {"UOTM": (0, 8, 8), "OTM": (0, 8, 8), "WGAN": (0, 4, 2)}.items()
}
FIGURES = {
    "conjugates": lambda: conjugates(FAMILY, {1: "UOTM"}),
    "sample_weights": lambda: sample_weights(WEIGHTS, (-2, 2, -2, 2)),
    "mode_history": lambda: mode_history(HISTORIES),
    "rates_of_change": lambda: rates_of_change({"UOTM": [0.1, 0.2, 0.3], "WGAN": [1.0, 20.0, 0.0]}),
}


@pytest.mark.parametrize("name", FIGURES)
def test_background_is_the_page_s_and_lines_differ_in_grey(name):
    figure = FIGURES[name]()
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    lines = [t for t in figure.data if t.type == "scatter" and "lines" in t.mode and t.xaxis in (None, "x")]
    looks = [(trace.line.dash, trace.marker.symbol) for trace in lines]
    assert len(set(looks)) == len(looks)
    assert figure.to_json()


class TestConjugates:
    def test_curves_slopes_and_the_identity(self):
        figure = FIGURES["conjugates"]()
        left = [t for t in figure.data if t.xaxis == "x" and t.mode == "lines"]
        right = [t for t in figure.data if t.xaxis == "x2" and t.mode == "lines"]
        for trace, other, curve in zip(left, right, FAMILY, strict=False):
            np.testing.assert_allclose(trace.y, curve.value)
            np.testing.assert_allclose(other.y, curve.slope)
            assert trace.name == f"α = {curve.alpha:g}" + (" (UOTM)" if curve is FAMILY[1] else "")
        assert tuple(left[-1].x) == tuple(left[-1].y)  # the identity
        assert tuple(right[-1].y) == (1, 1)

    def test_a_dot_for_the_run(self):
        dots = [t for t in FIGURES["conjugates"]().data if t.name == "UOTM"]
        assert [t.y[0] for t in dots] == pytest.approx([math.e - 1, math.e], rel=1e-3)
        assert not [t for t in conjugates(FAMILY).data if t.name == "UOTM"]

    def test_several_functions_are_named(self):
        family = [FAMILY[1], dataclasses.replace(FAMILY[1], title="Softplus")]
        names = [t.name for t in conjugates(family).data if t.xaxis == "x"]
        assert names == ["KL, α = 1", "Softplus, α = 1", "identity (α → ∞)"]

    def test_a_steep_function_does_not_flatten_the_rest(self):
        figure = FIGURES["conjugates"]()
        assert figure.layout.yaxis.range[1] <= 6
        assert figure.layout.yaxis2.range[1] <= 5
        assert conjugates([]).to_json()


class TestSampleWeights:
    def test_target_left_generated_right_on_one_scale(self):
        figure = FIGURES["sample_weights"]()
        target, generated = figure.data
        assert (target.marker.symbol, generated.marker.symbol) == ("square", "circle")
        assert target.marker.coloraxis == generated.marker.coloraxis == "coloraxis"
        assert figure.layout.coloraxis.colorscale[0][1] == "#00224e"  # cividis
        assert list(target.customdata) == pytest.approx([0.2, 1.0, 1.8])  # the heaviest last, on top
        assert list(target.x) == [0, 0, 1]
        assert (np.diff(target.marker.size) > 0).all()
        ends = figure.layout.coloraxis.cmin, figure.layout.coloraxis.cmax
        assert sum(ends) == pytest.approx(2)  # as far below 1 as above
        assert ends[1] == pytest.approx(1.8, abs=0.01)
        assert tuple(figure.layout.xaxis.range) == (-2, 2)

    def test_huge_weights_stop_at_the_end_of_the_scale_and_it_says_so(self):
        figure = sample_weights(dataclasses.replace(WEIGHTS, on_target=np.float32([1, 2981, 2981])))
        assert figure.layout.coloraxis.cmax == LARGEST
        assert "≥" in figure.layout.coloraxis.colorbar.title.text
        assert figure.data[0].customdata[-1] == 2981
        assert max(figure.data[0].marker.size) <= 9

    def test_one_odd_sample_does_not_flatten_the_scale(self):
        points, values = np.zeros((200, 2), np.float32), np.full(200, 1.05, np.float32)
        values[0] = 0.0
        figure = sample_weights(SampleWeights(points, points, values, values, False))
        assert figure.layout.coloraxis.cmin == pytest.approx(0.9)
        assert figure.layout.coloraxis.colorbar.title.text == "weight ≤"

    def test_constant_weights_are_told(self):
        ones = np.ones(3, np.float32)
        figure = sample_weights(dataclasses.replace(WEIGHTS, on_target=ones, on_generated=ones, constant=True))
        assert "every sample weighs 1" in figure.layout.title.text
        assert FIGURES["sample_weights"]().layout.title.text is None


class TestModeHistory:
    def test_counts_are_drawn_apart_and_told_exactly(self):
        figure = FIGURES["mode_history"]()
        uotm, otm, wgan = figure.data
        assert [row[0] for row in wgan.customdata] == [0, 4, 2]
        np.testing.assert_allclose(wgan.y, [0, 4, 2], atol=0.1)
        assert uotm.y[1] != otm.y[1]
        assert "8" in figure.layout.annotations[0].text

    def test_nine_methods_differ_in_colour_dash_and_mark(self):
        figure = mode_history({f"method {at}": HISTORIES["OTM"] for at in range(9)})
        for looks in zip(*((t.line.color, t.line.dash, t.marker.symbol) for t in figure.data), strict=True):
            assert len(set(looks)) == 9

    def test_runs_of_unequal_length_over_their_share(self):
        long = {**HISTORIES, "long": [(1000, HISTORIES["WGAN"][0][1]), (4000, HISTORIES["WGAN"][1][1])]}
        assert max(max(t.x) for t in mode_history(long, share_of_run=True).data) == 1

    def test_looks_without_modes_are_left_out(self):
        figure = mode_history({"moons": [(1, {"samples": 1}), (2, {"modes_covered": None})]})
        assert not figure.data[0].x
        assert mode_history({}).to_json()


def test_boxes_hold_the_positive_rates():
    uotm, wgan = FIGURES["rates_of_change"]().data
    assert [uotm.q1[0], uotm.median[0], uotm.q3[0]] == pytest.approx([0.15, 0.2, 0.25])
    assert [uotm.lowerfence[0], uotm.upperfence[0]] == pytest.approx([0.11, 0.29])
    assert wgan.median[0] == 10.5
    assert "2 of 3 pairs" in wgan.hovertext
    assert FIGURES["rates_of_change"]().layout.yaxis.type == "log"
    assert rates_of_change({"frozen": [0.0]}).to_json()


class TestMapBesidePlan:
    FOUND = Exactness(POINTS, POINTS + 1, POINTS + 2, np.array([2, 0, 1]), 2.0, 7.5, 1.9, 0.4, 0.1, 0.5, 0.2)

    def test_both_send_the_same_points(self):
        left, right = [t for t in map_beside_plan(self.FOUND).data if t.mode == "lines"]
        for lines, ends in ((left, POINTS + 1), (right, POINTS[[2, 0, 1]] + 2)):
            path = np.stack([lines.x, lines.y], 1).reshape(3, 3, 2)
            np.testing.assert_array_equal(path[:, 0], POINTS)
            np.testing.assert_array_equal(path[:, 1], ends)
        text = [note.text for note in map_beside_plan(self.FOUND).layout.annotations]
        assert "= 2" in text[0]
        assert "= 7.5" in text[1]

    def test_points_outside_the_box_widen_it(self):
        assert tuple(map_beside_plan(self.FOUND, (-9, 9, -9, 9)).layout.xaxis.range) == (-9, 9)
        low, high = map_beside_plan(self.FOUND, (-1, 1, -1, 1)).layout.xaxis2.range
        assert low < 0
        assert high > 3
