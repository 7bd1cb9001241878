"""Worker processes answer, report errors, are replaced, and end with their parent."""

from __future__ import annotations

import io
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil
import pytest

from otviz.core.container import Plain
from otviz.core.files import ROOT
from otviz.core.workers.forking import ForkServer
from otviz.core.workers.pipe import read, write
from otviz.core.workers.worker import Worker, WorkerEnded
from otviz.experiments.jobs.worker_pool import ProcessPool
from tests.waiting import PATIENCE, until

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


def test_it_has_the_settings_of_the_moment_and_one_thread_for_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTVIZ_HOME", "/set/after/the/first/worker")
    made = Worker(MODULE, 0, "try again")
    ((plain, _),) = made.ask({"do": "tell"})
    assert (plain["home"], plain["threads"], plain["pid"]) == ("/set/after/the/first/worker", "1", made._process.pid)
    made.end()


def test_a_busy_one_gives_signs_of_life(worker: Worker) -> None:
    list(worker.ask({"do": "count", "to": 1}))
    heard: set[float] = set()
    busy = threading.Thread(target=lambda: list(worker.ask({"do": "compute", "seconds": 3.5})))
    busy.start()
    until(lambda: heard.add(worker._heard_at) or len(heard) > 2)
    assert busy.is_alive(), "it is still computing"
    busy.join()


@pytest.mark.slow
def test_a_stopped_one_is_hung_until_it_goes_on_or_is_ended(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otviz.core.workers.worker.SILENT", 3.0)
    list(worker.ask({"do": "count", "to": 1}))
    worker._process.send_signal(signal.SIGSTOP)
    until(lambda: worker.hung)
    worker._process.send_signal(signal.SIGCONT)
    until(lambda: not worker.hung)
    assert len(list(worker.ask({"do": "count", "to": 2}))) == 2
    worker._process.send_signal(signal.SIGSTOP)
    threading.Timer(0.5, worker.end, ["it did not answer"]).start()
    with pytest.raises(WorkerEnded, match=r"^it did not answer; try again$"):
        list(worker.ask({"do": "count", "to": 1}))
    until(lambda: worker.over and not worker.hung)


PARENT = """
import sys, time
from otviz.core.workers import processes
from otviz.core.workers.worker import Worker
processes.SHARED = ()
workers = [Worker("tests.worker_cases", 0, "") for _ in range(2)]
pids = [next(worker.ask({"do": "tell"}))[0]["pid"] for worker in workers]
print(*pids, processes.fork_server().pid, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_none_outlives_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=ROOT, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for pid in pids:
                os.kill(pid, number)  # as a terminal or a service does, to all at once
        os.kill(pids[0], signal.SIGSTOP)  # it will not see that its input has ended
        assert all(map(lives, pids))
        parent.kill()
    until(lambda: not any(map(lives, pids)))


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_a_killed_fork_server_is_replaced_and_its_workers_go_on(worker: Worker) -> None:
    list(worker.ask({"do": "count", "to": 1}))
    server = ForkServer({**os.environ, "OMP_NUM_THREADS": "1"}, ())
    first = server.fork(MODULE, 0)
    until(lambda: first.pid)
    assert server.pid is not None
    before = server.pid
    os.kill(before, signal.SIGKILL)
    until(lambda: server.pid is None)
    second = server.fork(MODULE, 0)
    until(lambda: second.pid)
    assert server.pid != before
    for made in (first, second):
        write(made.stdin, {"do": "count", "to": 1}, {})
        found = [read(made.stdout), read(made.stdout)]
        assert any(message and message[0].get("outcome") == 0 for message in found)  # the other is a sign of life
        made.kill()
        until(lambda made=made: made.pid is not None and not lives(made.pid))


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
