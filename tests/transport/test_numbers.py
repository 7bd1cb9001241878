"""Numbers, warnings and the board's bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from otviz.clouds.board_message import message
from otviz.clouds.problem import COSTS, LOSSES, Problem
from otviz.clouds.solution_numbers import lines, warning
from otviz.clouds.solve import coarse
from otviz.core.container import unpack


def _picture(problem, n=60):
    rng = np.random.default_rng(0)
    return coarse(problem, rng.standard_normal((n, 2)), rng.standard_normal((n, 2)) + 1)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("cost", COSTS)
def test_every_number_has_a_symbol_and_a_meaning(loss, cost):
    problem = Problem(loss=loss, cost=cost, reach=2.0)
    told = lines(problem, _picture(problem))
    assert all(line.name and line.symbol and line.value and line.meaning for line in told)
    names = [line.name for line in told]
    assert ("Mass moved" in names) == (loss in ("sinkhorn", "entropic"))
    assert ("Sinkhorn divergence" in names) == (loss == "sinkhorn")
    assert "Exact cost" not in names


def test_the_exact_cost_appears_when_it_is_known():
    problem = Problem()
    picture = _picture(problem)
    full = replace(picture, numbers=replace(picture.numbers, exact_cost=1.25))
    assert next(line.value for line in lines(problem, full) if line.symbol == "LP") == "1.25"


def test_a_large_marginal_error_is_told_with_its_mend():
    problem = Problem(blur=0.01)
    picture = _picture(problem)
    poor = replace(picture, numbers=replace(picture.numbers, marginal_error=0.034))
    assert "3.4 %" in warning(problem, poor)
    assert "raise blur (now 0.01)" in warning(problem, poor)
    assert warning(problem, replace(picture, numbers=replace(picture.numbers, marginal_error=0.001))) == ""


@pytest.mark.parametrize("loss", LOSSES)
def test_the_board_reads_the_picture(loss):
    problem = Problem(loss=loss, reach=1.0 if loss == "entropic" else None)
    picture = _picture(problem)
    header, arrays = unpack(message(problem, picture, 7))
    assert (header["serial"], header["stage"], header["finished"], header["n"]) == (7, "full", True, 60)
    assert header["has_plan"] == (picture.plan is not None) == ("matrix" in arrays)
    assert header["box"] == pytest.approx(picture.box)
    assert arrays["force"] == pytest.approx(picture.force)
    low, high = header["field_x"]["low"], header["field_x"]["high"]
    read = low + arrays["field_x"] / 255 * (high - low)
    assert read == pytest.approx(picture.field_x, abs=(high - low) / 500)
    if picture.plan is not None:
        assert np.square(arrays["matrix"] / 255) == pytest.approx(
            picture.plan.matrix / picture.plan.matrix.max(), abs=0.01
        )
        assert arrays["bin_x"].dtype == np.uint16
        assert arrays["lines_to"].tolist() == picture.plan.lines_to.tolist()
