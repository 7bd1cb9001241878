"""Worker processes answer, report errors, are replaced, and end with their parent."""

from __future__ import annotations

import io
import math
import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from otviz.core.container import Plain
from otviz.core.workers.worker import Worker, WorkerEnded, read, write
from otviz.experiments.jobs.worker_pool import ProcessPool
from tests.waiting import PATIENCE

MODULE = "tests.worker_cases"


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker(MODULE, 3, "try again")
    yield made
    made.end()


def test_answers_come_in_order_and_an_error_ends_only_its_request(worker: Worker) -> None:
    found = [plain for plain, _ in worker.ask({"do": "count", "to": 3})]
    assert [plain["outcome"] for plain in found] == [0, 1, 2]
    assert found[0]["nice"] == os.nice(0) + 3
    assert list(worker.ask({"do": "count", "to": 0})) == [({}, {})]
    with pytest.raises(ValueError, match="KeyError: 'sing'"):
        list(worker.ask({"do": "sing"}))
    with pytest.raises(ValueError, match="must be of a type in"):
        list(worker.ask({"do": "double"}, {"x": np.zeros(2, complex)}))
    ((plain, arrays),) = worker.ask({"do": "double"}, {"x": np.arange(3.0), "y": np.ones((2, 1), bool)})
    assert math.isnan(plain["nan"])
    np.testing.assert_array_equal(arrays["x"], [0, 2, 4])
    assert arrays["y"].tolist() == [[True], [True]]


def test_one_that_is_killed_says_so_once_and_for_all(worker: Worker) -> None:
    for _ in range(2):
        with pytest.raises(WorkerEnded, match=r"ended unexpectedly \(exit code -9, perhaps out of memory\); try again"):
            list(worker.ask({"do": "die"}))
    assert worker.over


def test_it_ends_with_its_input_whatever_it_does(worker: Worker) -> None:
    list(worker.ask({"do": "count", "to": 1}))
    assert worker._process.stdin is not None
    write(worker._process.stdin, {"do": "sleep"}, {})
    worker._process.stdin.close()
    assert worker._process.wait(PATIENCE) == 0


def pool(tasks: list[Plain], kept: list[Any]) -> ProcessPool[Plain]:
    return ProcessPool(tasks, dict, lambda task, answer: kept.append(answer["outcome"]), 1, MODULE)


def test_a_pool_replaces_a_process_that_was_killed() -> None:
    kept: list[Any] = []
    tasks = [
        {"do": "count", "to": 1},
        {"do": "die"},
        {"do": "count", "to": 2},
        {"do": "sing"},
        {"do": "count", "to": 3},
    ]
    some = pool(tasks, kept)
    assert some.wait(PATIENCE)
    assert kept == [0, 0, 1, 0, 1, 2]
    assert "sing" in some.error


def test_a_pool_does_not_go_on_when_processes_end_before_they_do_anything() -> None:
    kept: list[Any] = []
    some = pool([{"do": "die"}, {"do": "count", "to": 1}], kept)
    assert some.wait(PATIENCE)
    assert kept == []
    assert "ended unexpectedly" in some.error


def test_a_pool_stops_at_once_and_without_a_complaint() -> None:
    kept: list[Any] = []
    some = pool([{"do": "count", "to": 1}, {"do": "sleep"}], kept)
    end = time.monotonic() + PATIENCE
    while not kept and time.monotonic() < end:
        time.sleep(0.02)
    began = time.monotonic()
    some.stop()
    assert some.wait(PATIENCE)
    assert time.monotonic() - began < 1
    assert (kept, some.error) == ([0], "")


def test_messages_go_there_and_back_and_end_where_they_are_cut() -> None:
    out = io.BytesIO()
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3).T, "c": np.array(2.5), "b": np.array([], np.int64)}
    write(out, {"x": float("inf"), "y": [1, None], "z": "ä"}, arrays)
    out.seek(0)
    plain, found = read(out) or ({}, {})
    assert plain == {"x": float("inf"), "y": [1, None], "z": "ä"}
    np.testing.assert_array_equal(found["a"], arrays["a"])
    assert (found["b"].shape, found["c"].shape) == ((0,), ())
    found["a"] += 1  # a training writes into the arrays it was sent
    assert read(out) is None
    assert read(io.BytesIO(out.getvalue()[:-1])) is None
