"""Verdicts on samples whose fault is known. `python -m benchmarks diagnose-truth` asks all of them, with 20 seeds each."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from benchmarks.diagnosis import fresh_cases, point_cases, ring
from otviz.data.datasets import named, to_pixels
from otviz.evaluation.diagnosis import Samples, diagnose, judged, over_time, stages
from otviz.evaluation.diagnosis.opening import of_set
from otviz.evaluation.diagnosis.over_time import steps_of

CASES = {case.name: case for case in (*point_cases(), *fresh_cases((300,)))}
ASKED = [
    "ring, a mode left out", "ring, half the spread", "ring, beside it", "ring, a tenth are copies",
    "16 dimensions, weights changed", "16 dimensions, twice the spread", "16 dimensions, three modes left out",
    "16 dimensions, overlapping, a mode left out", "one Gaussian, a third cut off", "fresh ring, n = 300",
    "fresh overlapping, n = 300", "fresh ring, n = 60",
]  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_the_word_is_right(name):
    case = CASES[name]
    assert judged(*case.draw(100)).kind == case.kind


@pytest.fixture
def halves():
    rng = np.random.default_rng(0)
    real = ring(rng, 2000)
    return Samples(real, "real", ("x", "y")), Samples(real[real[:, 0] > 0] + 1e-3 * rng.standard_normal(), "half")


def test_stages_refine_one_answer_and_sides_point_into_what_was_given(halves):
    real, half = halves
    found = list(stages(real, half))
    assert [one.stage for one in found] == ["first look", "judged", "complete"]
    assert {one.kind for one in found} == {"collapsed"}
    last = found[-1]
    left = real.values[last.real.index][:, 0] < 0
    assert last.number("missing") == pytest.approx(left.mean(), abs=0.07)  # beside the cut, others are near
    assert (last.real.alone == left).mean() > 0.93  # the holes are the half that is missing
    assert (last.real.plane == real.values[last.real.index]).all()
    assert last.axes == ("x", "y")
    nearest = half.values[last.real.nearest[:, 0]]
    distances = np.linalg.norm(real.values[last.real.index] - nearest, axis=1)
    assert distances == pytest.approx(last.real.distances[:, 0])
    far = real.values[last.real.index][:, 0] < -0.5
    assert last.real.left[far].mean() > 0.95
    assert last.real.left[~left].mean() < 0.05
    assert not last.generated.alone.any()


def test_a_diagnosis_is_plain_json_and_the_same_with_the_same_seed(halves):
    first, again = (json.dumps(diagnose(*halves, seed=3).record(), allow_nan=False) for _ in range(2))
    assert first == again
    assert json.loads(first)["kind"] == "collapsed"


def test_the_verdict_depends_neither_on_order_nor_on_units(halves):
    real, half = halves
    moved = [Samples(1e4 * side.values[::-1] - 1e6) for side in (real, half)]
    here, there = judged(real, half), judged(*moved)
    assert there.kind == here.kind
    assert there.number("missing") == pytest.approx(here.number("missing"), abs=1e-9)


def test_modes_lost_over_time_are_dated():
    rng = np.random.default_rng(1)
    real = Samples(ring(rng, 800))
    weights = [None, np.array([1, 1, 1, 0, 1, 1, 1, 1]) / 7, None, np.array([1, 1, 1, 0, 1, 1, 0, 1]) / 6]
    sides = [Samples(ring(rng, 400, weights=of), f"step-{10 * at}.npy") for at, of in enumerate(weights)]
    sides.append(dataclasses.replace(sides[-1], name="step-40.npy"))
    *_, last = over_time(real, sides)
    assert [one.kind for one in last.diagnoses] == ["covers", "collapsed", "covers", "collapsed", "collapsed"]
    assert [step for _, step in last.losses()] == [30, 30]  # not 10: it had come back
    assert "from 30 on" in last.sentence
    json.dumps(last.record(), allow_nan=False)


def test_steps_are_numbers_in_names_if_they_increase():
    assert steps_of(["run2/epoch-9.npy", "run2/epoch-10.npy"]) == (9, 10)
    assert steps_of(["a.npy", "b3.npy"]) == steps_of(["b3.npy", "b2.npy"]) == (1, 2)


def test_two_swapped_sides_are_asked_about():
    rng = np.random.default_rng(2)
    real = ring(rng, 600)
    copies = real[rng.integers(20, size=600)] + 1e-9 * rng.standard_normal((600, 2))
    assert any("swapped" in note for note in judged(Samples(copies), Samples(real)).notes)
    named = judged(Samples(real, "fake.npy"), Samples(ring(rng, 600), "train.npy"))
    assert any("swapped" in note for note in named.notes)
    assert not any("swapped" in note for note in judged(Samples(real), Samples(ring(rng, 600))).notes)


def test_a_constant_column_is_left_out_and_what_differs_in_it_is_said():
    rng = np.random.default_rng(3)
    real, fake = (np.pad(ring(rng, 400), ((0, 0), (0, 1)), constant_values=2.0) for _ in range(2))
    fake[:100, 2] = 3
    notes = " ".join(judged(Samples(real, columns=("x", "y", "z")), Samples(fake)).notes)
    assert "left out: z" in notes
    assert "Column z is 2 in every real row, but differs in 25% of the samples." in notes


def test_columns_of_other_units_are_scaled():
    rng = np.random.default_rng(4)
    scale = np.array([1.0, 1e5])
    real = Samples(ring(rng, 600) * scale)
    assert "divided by their standard deviations" in judged(real, Samples(ring(rng, 600) * scale)).space
    assert (
        judged(real, Samples(ring(rng, 600, weights=np.array([1, 1, 1, 0, 0, 1, 1, 1]) / 6) * scale)).kind
        == "collapsed"
    )


@pytest.mark.parametrize(("name", "kind", "gone"), [("mnist8-uotm-no-cost", "collapsed", "3"), ("mnist8-uotm", "", "")])
def test_shipped_models_of_digits_show_which_are_gone(name, kind, gone, mnist):
    from otviz.checkpoints.models import load

    real = of_set(named("mnist8")())
    few = dataclasses.replace(real, values=real.values[:3000], labels=None)
    model = load(name)
    found = judged(few, Samples(to_pixels(model.sample(1500), model.images.shape), name))
    lost = [cluster.name for cluster in found.clusters if cluster.lost]
    assert (found.kind == "collapsed") == bool(kind)
    assert (gone in lost) == bool(gone)
    assert "classifier" in found.space
    assert len(lost) >= 4 or not kind
