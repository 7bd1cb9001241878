"""A refinement in a thread: it ends with the full answer, when told to, and with a sentence when it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from otviz.transport import refining
from otviz.transport.problem import Problem
from otviz.transport.refining import Refinement
from otviz.transport.solve import coarse, is_complete


def clouds(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, 2)).astype("f4"), (rng.standard_normal((n, 2)) + 2).astype("f4")


def begun(n: int) -> Refinement:
    problem, (x, y) = Problem(n=n), clouds(n)
    return Refinement(problem, x, y, coarse(problem, x, y))


def test_it_ends_with_the_full_answer() -> None:
    work = begun(100)
    assert work.wait(30)
    assert is_complete(work.picture)
    assert not work.error


def test_it_can_be_stopped() -> None:
    work = begun(4000)
    assert not work.wait(0.0)
    work.stop()
    assert work.wait(20)
    assert not work.picture.finished


def test_it_ends_when_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refining, "FORGOTTEN", 0.0)
    work = begun(4000)
    assert work._over.wait(20)
    assert not work.picture.finished


def test_what_goes_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otviz.transport.memory.available", lambda: 1e6)
    problem, (x, y) = Problem(n=4000), clouds(4000)
    work = Refinement(problem, x, y, coarse(problem, x, y))
    assert work.wait(20)
    assert "n = 4000 points need" in work.error
