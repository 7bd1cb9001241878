"""Files hold the picture: read back by csv and numpy alone."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from otviz.clouds.problem import Problem, clouds
from otviz.clouds.solve import coarse
from otviz.clouds.studies.solution_files import COLUMNS, arrays_npz, points_csv
from otviz.data.distributions.gaussian import Gaussian
from otviz.data.distributions.ring import Ring


@pytest.fixture(scope="module", params=["sinkhorn", "energy"])
def picture(request):
    problem = Problem(n=60, loss=request.param)
    x, y = clouds(problem, Gaussian(), Ring())
    return coarse(problem, x.points, y.points)


def test_points(picture):
    rows = list(csv.DictReader(io.StringIO(points_csv(picture).decode())))
    assert tuple(rows[0]) == COLUMNS
    assert [row["side"] for row in rows] == ["source"] * 60 + ["target"] * 60
    source = rows[:60]
    for names, values in ((("x", "y"), picture.x), (("force_x", "force_y"), picture.force)):
        np.testing.assert_allclose(np.float64([[row[name] for name in names] for row in source]), values, rtol=1e-14)
    np.testing.assert_allclose(np.float64([[row["x"], row["y"]] for row in rows[60:]]), picture.y, rtol=1e-14)
    np.testing.assert_allclose([float(row["weight"]) for row in rows], 1 / 60, rtol=1e-14)
    assert rows[60]["force_x"] == rows[60]["map_x"] == ""
    if picture.plan is None:
        assert source[0]["map_x"] == source[0]["mass"] == ""
    else:
        mapped = np.float64([[row["map_x"], row["map_y"]] for row in source])
        np.testing.assert_allclose(mapped, picture.plan.map, rtol=1e-14)
        assert float(rows[60]["mass"]) == pytest.approx(float(picture.plan.mass_y[0]), rel=1e-6)


def test_arrays(picture):
    with np.load(io.BytesIO(arrays_npz(picture)), allow_pickle=False) as arrays:
        for name in ("x", "y", "force", "potential_x", "field_y"):
            np.testing.assert_array_equal(arrays[name], getattr(picture, name))
        assert tuple(arrays["box"]) == pytest.approx(picture.box)
        assert float(arrays["numbers_loss"]) == picture.numbers.loss
        assert ("plan_matrix" in arrays) == (picture.plan is not None)
        if picture.plan is not None:
            np.testing.assert_array_equal(arrays["plan_partner"], picture.plan.partner)


def test_files_hold_masses_and_places_far_from_the_origin():
    rng = np.random.default_rng(0)
    middle, a = np.array([4e5, 5e6]), rng.dirichlet(np.ones(30))
    x, y = rng.standard_normal((30, 2)) + middle, rng.standard_normal((20, 2)) + middle
    picture = coarse(Problem(), x, y, a)
    rows = list(csv.DictReader(io.StringIO(points_csv(picture).decode())))
    np.testing.assert_allclose(
        np.float64([[row["x"], row["y"]] for row in rows]), np.concatenate([x, y]), rtol=0, atol=1e-8
    )
    np.testing.assert_allclose([float(row["weight"]) for row in rows], [*a, *np.full(20, 1 / 20)], rtol=1e-14)
    with np.load(io.BytesIO(arrays_npz(picture)), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["x"], x)
        np.testing.assert_array_equal(arrays["a"], a)
