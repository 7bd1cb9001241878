"""Files that are read for a diagnosis, and one sentence for each that cannot be."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from benchmarks.diagnosis import ring
from otviz.evaluation.diagnosis import Samples, diagnose, judged
from otviz.evaluation.diagnosis.opening import open_samples


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((40, 3))
    frame = pd.DataFrame(points, columns=["a", "b", "c"])
    return frame.assign(id=range(40), label=["cat", "dog"] * 20), points


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_of_coordinates_and_classes_are_found(table, tmp_path, suffix):
    frame, points = table
    path = tmp_path / f"cats.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    found = open_samples(str(path))
    assert found.columns == ("a", "b", "c")
    assert found.values == pytest.approx(points)
    assert found.classes == ("cat", "dog")
    assert found.labels.tolist() == [0, 1] * 20
    assert any("not coordinates unless chosen: id" in note for note in found.notes)
    chosen = open_samples(str(path), columns=("c", "id"), label="none")
    assert chosen.columns == ("c", "id")
    assert chosen.labels is None
    assert open_samples(str(path), like=Samples(points[:, :2], columns=("c", "a"))).columns == ("c", "a")


def test_rows_without_a_number_are_left_out_and_keep_their_place(table, tmp_path):
    frame, points = table
    frame.loc[[3, 7], "b"] = np.nan
    frame.to_csv(tmp_path / "gaps.csv", index=False)
    found = open_samples(str(tmp_path / "gaps.csv"))
    assert found.values == pytest.approx(np.delete(points, [3, 7], axis=0))
    assert found.row(3) == 4
    assert any("left out" in note for note in found.notes)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.linspace(0, 1, 20 * 64).reshape(20, 8, 8), "[0, 1]"),
        (np.linspace(-1, 1, 20 * 64).reshape(20, 1, 8, 8), "[-1, 1]"),
        (np.linspace(0, 255, 20 * 192).reshape(20, 8, 8, 3), "[0, 255]"),
    ],
)
def test_arrays_of_images_are_read_in_any_range_and_order_of_axes(array, expected, tmp_path):
    np.savez(tmp_path / "images.npz", images=array.astype(np.float32), labels=np.arange(20) % 2)
    found = open_samples(str(tmp_path / "images.npz"))
    assert found.values.dtype == np.uint8
    assert (found.values.min(), found.values.max()) == (0, 255)
    assert found.values.shape == (20, 3 if array.ndim == 4 and array.shape[-1] == 3 else 1, 8, 8)
    assert any(expected in note for note in found.notes)
    assert found.labels.tolist() == [0, 1] * 10
    small = open_samples(str(tmp_path / "images.npz"), like=Samples(np.zeros((2, 3, 4, 4), np.uint8)))
    assert small.values.shape == (20, 3, 4, 4)


def test_images_from_another_range_cannot_be_guessed(tmp_path):
    np.save(tmp_path / "wild.npy", np.linspace(-500, 900, 20 * 64).reshape(20, 8, 8))
    with pytest.raises(ValueError, match=r"wild.npy must have pixels in .* they range from -500 to 900"):
        open_samples(str(tmp_path / "wild.npy"))


GOOD = ring(np.random.default_rng(0), 60)
GAP = np.where(np.arange(120).reshape(60, 2) == 9, np.nan, GOOD)
IMAGES = np.zeros((60, 1, 8, 8), np.uint8)


@pytest.mark.parametrize(
    ("real", "generated", "message"),
    [
        (GOOD, GOOD[:5], "samples must have at least 12 samples, twice as many as neighbours are compared; got 5"),
        (GOOD[:5], GOOD, "real must have at least 12 samples"),
        (GOOD, np.pad(GOOD, ((0, 0), (0, 1))), "both sides must have equally many columns; real has 2, samples 3"),
        (GOOD, GOOD[:, :1], "samples must have two columns or more"),
        (GOOD, GAP, "samples has 1 rows with numbers that are missing or infinite, the first is row 5: remove them"),
        (np.ones((60, 2)), GOOD, "real has the same numbers in every row: give samples that differ"),
        (GOOD, IMAGES, "both sides must be points, or both images; real has points, samples images"),
        (IMAGES, IMAGES.repeat(3, axis=1), "both sides must have images of one size and colour; real has 1 x 8 x 8"),
        (IMAGES, IMAGES, "real has the same pixels in every image: give samples that differ"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_sentence(real, generated, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        diagnose(Samples(real, "real"), Samples(generated, "samples"))


def test_few_distinct_values_with_duplicates_everywhere_are_judged():
    rng = np.random.default_rng(0)
    real, fresh = rng.integers(0, 3, (2, 500, 2)).astype(float)
    assert judged(Samples(real), Samples(fresh)).kind == "covers"
    assert judged(Samples(real), Samples(fresh[fresh[:, 0] > 0])).kind == "collapsed"
    assert judged(Samples(real), Samples(np.zeros((500, 2)))).kind == "collapsed"


def test_many_rows_are_drawn_and_it_is_said(monkeypatch):
    monkeypatch.setattr("otviz.evaluation.diagnosis.diagnosing.MOST", 300)
    rng = np.random.default_rng(1)
    found = judged(Samples(ring(rng, 5000), "real"), Samples(ring(rng, 200), "few"))
    assert any("Of 5,000 samples of real, 300 were drawn at random." in note for note in found.notes)
    assert found.totals == (5000, 200)
    assert len(found.real.index) == 300


def test_classes_of_the_file_are_the_clusters():
    rng = np.random.default_rng(2)
    labels = rng.integers(2, size=400)
    real = Samples(rng.standard_normal((400, 2)) + 6 * labels[:, None], labels=labels, classes=("low", "high"))
    found = judged(real, Samples(rng.standard_normal((300, 2)) + 6))
    assert [(cluster.name, cluster.lost) for cluster in found.clusters] == [("low", True), ("high", False)]
    assert "low" in found.why
