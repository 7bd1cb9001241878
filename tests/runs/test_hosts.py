"""Trainings in processes of their own: the same numbers, and what becomes of runs when a process ends."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from otviz.core.workers.processes import fork_server
from otviz.data.distributions import named as distribution
from otviz.methods import named
from otviz.runs.branches import fork
from otviz.runs.change_log import RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.hosts import messages
from otviz.runs.hosts.host_pool import Host, HostPool, RemoteTraining
from otviz.runs.registry import Registry
from otviz.runs.saved.run_store import Store
from otviz.runs.scheduling import AHEAD, TURN
from otviz.runs.training_handle import LocalTraining
from tests.waiting import PATIENCE, at_one_moment, until

SMALL = {"hidden": 8, "layers": 1, "batch_size": 8}
NAN = (float("nan"), float("nan"))


def config(name: str = "uotm-sd", steps: int = 1_000_000, device: str = "cpu", **knobs: Any) -> RunConfig:
    return RunConfig(named(name)(**{**SMALL, **knobs}), distribution("ring")(), steps=steps, device=device)


@pytest.fixture(autouse=True, scope="module")
def _small() -> None:
    """The probe as it is: that of a host cannot be made smaller from here, and both must draw the same."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def hosts() -> Iterator[HostPool]:
    made = HostPool(2)
    yield made
    made.close()


@pytest.fixture
def registry(hosts: HostPool, tmp_path: Path) -> Iterator[Registry]:
    made = Registry(Store(tmp_path), hosts=hosts)
    yield made
    made.close()


@pytest.mark.parametrize("name", ["sinkhorn", "ot-gan", "uotm-sd", "gan"])
def test_a_host_trains_the_same_numbers(hosts: HostPool, name: str) -> None:
    _, host = hosts.acquire()
    here, there = LocalTraining(config(name, 100)), RemoteTraining(host, config(name, 100))
    np.testing.assert_array_equal(here.scene.target, there.scene.target)
    assert dataclasses.replace(here.scene, target=None, source=None, centres=None) == dataclasses.replace(
        there.scene, target=None, source=None, centres=None
    )
    for live in (here, there):
        live.advance(7)
        live.retune(named(name)(**{**SMALL, "lr": 3e-4}))
        live.freeze(here.training.adversary is not None)
    np.testing.assert_array_equal(here.advance(5)[0], there.advance(5)[0])
    (mine, state), (other, other_state) = (each.take_snapshot(3, 1.5, NAN, rests=True) for each in (here, there))
    np.testing.assert_array_equal(mine.generated, other.generated)
    np.testing.assert_array_equal(mine.manifold, other.manifold)
    assert {**mine.meter, "w2": 0, "w2_floor": 0} == {**other.meter, "w2": 0, "w2_floor": 0}
    assert state[1] == other_state[1]
    assert all((value == other_state[0][key]).all() for key, value in state[0].items())
    assert (there.step, there.frozen) == (12, here.frozen)
    np.testing.assert_array_equal(here.samples(9, 4), there.samples(9, 4))

    resumed = RemoteTraining(host, config(name, 100), RunCheckpoint((), messages.NO_LOSSES, *state))
    assert (resumed.step, resumed.frozen) == (12, here.frozen)
    resumed.retune(named(name)(**{**SMALL, "lr": 3e-4}))
    np.testing.assert_array_equal(here.advance(5)[0], resumed.advance(5)[0])
    there.restore(state)
    assert there.step == 12
    assert np.isfinite(there.advance(5)[0]).any()
    for live in (there, resumed):
        live.close()
    hosts.release(host)


def test_a_fault_is_a_sentence_and_the_host_goes_on(hosts: HostPool) -> None:
    _, host = hosts.acquire()
    with pytest.raises(ValueError, match="device mps is not present"):
        RemoteTraining(host, config(device="mps"))
    other = config("uotm", hidden=16)
    state = LocalTraining(other).take_snapshot(0, 0.0, NAN)
    assert state is not None
    with pytest.raises(ValueError, match="does not fit this run"):
        RemoteTraining(host, config("uotm"), RunCheckpoint((), messages.NO_LOSSES, *state[1]))
    assert len(RemoteTraining(host, config("uotm")).advance(3)[0]) == 3
    hosts.release(host)


def test_runs_in_hosts_stay_in_step_fork_and_are_kept(registry: Registry) -> None:
    runs = registry.submit_together([config("uotm"), config("gan"), config("sinkhorn")])
    assert {run._lease.lane for run in runs} == {0, 1}
    until(lambda: min(run.step for run in runs) > 200)
    now = at_one_moment(lambda: [run.live.step for run in runs])
    assert max(now) - min(now) <= AHEAD + 2 * TURN
    for run in runs:
        run.pause()
    until(lambda: all(run.status == "paused" for run in runs))
    steps = [run.step for run in runs]
    assert [len(run.losses()) for run in runs] == steps
    frozen, free = registry.submit_together(fork(runs[1]))
    until(lambda: min(frozen.step, free.step) > steps[1] + 10)
    assert (frozen.frozen, free.frozen) == (True, False)
    for run in (frozen, free, *runs):
        run.stop()
        assert run.wait(PATIENCE)
    stored = registry.stored.read(frozen.id)
    assert (stored.status, stored.step) == ("stopped", frozen.step)
    again = registry.resume(free.id)
    until(lambda: again.step > free.step)
    again.stop()
    assert again.wait(PATIENCE)


@pytest.mark.slow
def test_a_run_whose_process_dies_says_so_and_can_be_resumed(registry: Registry) -> None:
    run = registry.submit(config())
    until(lambda: run.step > 10)
    run.pause()
    until(lambda: run.status == "paused")
    assert run._lease.host is not None
    run._lease.host._process.send_signal(signal.SIGKILL)
    run._lease.host._process.wait()
    run.resume()
    assert run.wait(PATIENCE)
    assert run.status == "failed"
    assert (
        "ended unexpectedly (exit code -9, perhaps out of memory); go on with the run from its last save" in run.message
    )
    again = registry.resume(run.id)
    until(lambda: again.step > run.step)
    again.stop()
    assert again.wait(PATIENCE)


@pytest.mark.slow
def test_a_signal_to_all_saves_first_and_a_host_ends_with_its_input(registry: Registry) -> None:
    run = registry.submit(config())
    until(lambda: run.step > 0)
    assert run._lease.host is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        run._lease.host._process.send_signal(number)  # a terminal or a service sends them to every process of the app
    registry.close()
    assert run.status == "stopped"
    assert registry.stored.read(run.id).step == run.step
    with pytest.raises(ValueError, match="server is ending"):
        registry.submit(config())

    orphan = Host()
    assert orphan._process.stdin is not None
    orphan._process.stdin.close()
    assert orphan._process.wait(PATIENCE) == 0


@pytest.mark.slow
def test_a_stopped_process_is_noticed_and_ended_and_its_run_goes_on(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otviz.core.workers.worker.SILENT", 3.0)
    run, other, beside = (registry.submit(config(name)) for name in ("uotm-sd", "uotm", "gan"))
    until(lambda: min(run.step, other.step, beside.step) > 10)
    assert beside._lease.host is run._lease.host
    assert run._lease.host is not None
    run._lease.host._process.send_signal(signal.SIGSTOP)
    until(lambda: run.unresponsive)
    assert not other.unresponsive
    before = other.step
    until(lambda: other.step > before)
    third = registry.submit(config("otm"))
    assert third._lease.host is other._lease.host, "a hung process gets no further run"
    step = run.step
    registry.end_processes([run.id])
    assert run.wait(PATIENCE)
    assert (run.status, run.unresponsive) == ("failed", False)
    assert run.message == "the training process did not answer and was ended; go on with the run from its last save"
    saved = registry.find(beside.id)
    assert saved is not beside, "it goes on in another process"
    until(lambda: saved.step > beside.step)
    again = registry.resume(run.id)
    until(lambda: again.step > step)
    for each in (again, other, third, saved):
        each.stop()
        assert each.wait(PATIENCE)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
def test_hosts_share_what_was_imported_by_a_process_of_one_thread(hosts: HostPool) -> None:
    _, host = hosts.acquire()
    RemoteTraining(host, config("uotm")).advance(1)
    server = fork_server()
    assert server is not None
    assert len(os.listdir(f"/proc/{server.pid}/task")) == 1, "a thread may hold a lock that no worker could release"
    rollup = Path(f"/proc/{host._process.pid}/smaps_rollup").read_text(encoding="utf-8")
    kb = {line.split()[0]: int(line.split()[1]) for line in rollup.splitlines()[1:]}
    assert kb["Private_Dirty:"] < kb["Rss:"] / 3
    hosts.release(host)
