"""Files hold the picture: read back by csv and numpy alone."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from otviz.distributions.gaussian import Gaussian
from otviz.distributions.ring import Ring
from otviz.transport.export import COLUMNS, arrays_npz, points_csv
from otviz.transport.problem import Problem, clouds
from otviz.transport.solve import coarse


@pytest.fixture(scope="module", params=["sinkhorn", "energy"])
def picture(request):
    problem = Problem(n=60, loss=request.param)
    return coarse(problem, *clouds(problem, Gaussian(), Ring()))


def test_points(picture):
    rows = list(csv.DictReader(io.StringIO(points_csv(picture).decode())))
    assert tuple(rows[0]) == COLUMNS
    assert [row["side"] for row in rows] == ["source"] * 60 + ["target"] * 60
    source = rows[:60]
    for names, values in ((("x", "y"), picture.x), (("force_x", "force_y"), picture.force)):
        np.testing.assert_array_equal(np.float32([[row[name] for name in names] for row in source]), values)
    np.testing.assert_array_equal(np.float32([[row["x"], row["y"]] for row in rows[60:]]), picture.y)
    assert rows[60]["force_x"] == rows[60]["map_x"] == ""
    if picture.plan is None:
        assert source[0]["map_x"] == source[0]["mass"] == ""
    else:
        np.testing.assert_array_equal(np.float32([[row["map_x"], row["map_y"]] for row in source]), picture.plan.map)
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
