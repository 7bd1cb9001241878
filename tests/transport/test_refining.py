"""A refinement in a thread: it ends with the full solution, when stopped, or with an error message."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from otviz.clouds.problem import Problem
from otviz.clouds.solve import Refinement, coarse, is_complete
from tests.waiting import PATIENCE


def clouds(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, 2)).astype("f4"), (rng.standard_normal((n, 2)) + 2).astype("f4")


def begun(n: int) -> Refinement:
    problem, (x, y) = Problem(n=n), clouds(n)
    return Refinement(problem, x, y, coarse(problem, x, y))


def test_it_ends_with_the_full_answer() -> None:
    work = begun(100)
    assert work.wait(PATIENCE)
    assert is_complete(work.picture)
    assert not work.error


def endless(*_: object) -> Iterator[None]:
    """As the rest of an answer that takes for ever."""
    while True:
        time.sleep(0.001)
        yield None


def test_it_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otviz.clouds.solve.refine", endless)
    work = begun(100)
    rough = work.picture
    assert not work.wait(0.0)
    work.stop()
    assert work.wait(PATIENCE)
    assert work.picture is rough


def test_it_ends_when_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otviz.clouds.solve.FORGOTTEN", 0.0)
    monkeypatch.setattr("otviz.clouds.solve.refine", endless)
    work = begun(100)
    rough = work.picture
    assert work._over.wait(PATIENCE)
    assert work.picture is rough


def test_what_goes_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otviz.core.memory.free_memory", lambda: 1e6)
    problem, (x, y) = Problem(n=4000), clouds(4000)
    work = Refinement(problem, x, y, coarse(problem, x, y))
    assert work.wait(PATIENCE)
    assert "n = 4000 points need" in work.error
