"""The script runs on its own and gives the numbers of the picture it was written for."""

from __future__ import annotations

import numpy as np
import pytest

from otviz.clouds.problem import Problem, clouds
from otviz.clouds.solve import coarse, refine
from otviz.clouds.studies.snippet import snippet
from otviz.data.distributions.gaussian import Gaussian
from otviz.data.distributions.grid import Grid
from otviz.data.distributions.points import PointsFile
from otviz.data.distributions.ring import Ring
from tests.forked import output


def test_script_gives_the_same_numbers(tmp_path):
    problem = Problem(n=60, blur=0.2, reach=4.0, seed=3)
    source, target = Gaussian(std=0.5), Ring(modes=2, weights=(1.0, 3.0))
    text = snippet(problem, source, target)
    assert "Problem(n=60, blur=0.2, reach=4.0, seed=3)" in text
    printed = dict(line.split(": ", 1) for line in output(text, cwd=tmp_path).splitlines() if ": " in line)
    x, y = clouds(problem, source, target)
    picture = coarse(problem, x.points, y.points)
    for better in refine(problem, x.points, y.points, picture):
        picture = better or picture
    for name in ("loss", "entropic_cost", "sinkhorn_divergence", "exact_cost", "mass"):
        assert float(printed[name]) == pytest.approx(getattr(picture.numbers, name), rel=1e-5), name
    with np.load(tmp_path / "transport.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["x"], x.points)
    assert len((tmp_path / "transport.csv").read_text().splitlines()) == 121


def test_defaults_are_left_out_and_one_kind_is_imported_once():
    text = snippet(Problem(), Grid(), Grid())
    assert "problem = Problem()" in text
    assert "source = Grid()" in text
    assert text.count("from otviz.data.distributions.grid import Grid") == 1
    compile(text, "snippet", "exec")


def test_a_file_is_named_with_its_quotes_escaped(tmp_path):
    path = tmp_path / "my 'points'.csv"
    path.write_text("a,b\n1,2\n3,4\n5,7\n")
    text = snippet(Problem(), Gaussian(), PointsFile(file=str(path)))
    assert f"PointsFile(file={str(path)!r})" in text
    compile(text, "snippet", "exec")
