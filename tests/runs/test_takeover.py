"""A run goes on with compiled updates once they are on disk, and its history says from which step on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from otviz.core.files import home
from otviz.data.distributions import named as distribution
from otviz.experiments.sweeps.train_cells import train_cells
from otviz.methods import named
from otviz.runs import takeover
from otviz.runs.branches import branch
from otviz.runs.change_log import Change, ChangeLog
from otviz.runs.config import RunConfig
from otviz.runs.hosts.host_pool import HostPool
from otviz.runs.registry import Registry
from otviz.runs.reproduce import RunRecord, agreement, differences, repeat, run_record
from otviz.runs.run import Run
from otviz.runs.saved.run_store import Store
from otviz.runs.saved.saved_run import SavedRun
from otviz.runs.takeover import SHORTEST, Takeover
from otviz.training import ahead
from tests.waiting import PATIENCE, until


def config(steps: int = SHORTEST, method: str = "uotm") -> RunConfig:
    chosen = named(method)(batch_size=16, hidden=8, layers=1)
    return RunConfig(chosen, distribution("ring")(), steps=steps, seed=4, device="cpu")


@pytest.fixture(scope="module")
def compiled(compiled_home: Path) -> Iterator[None]:
    """Libraries for `config`, compiled as a long run lets them be compiled: by a process of their own."""
    if not ahead.can_build():
        pytest.skip("compiling needs a C++ compiler, and there is none here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTVIZ_COMPILE", "1")
        patch.setattr(takeover, "ROOM", 0.0)
        patch.setattr(takeover, "NICENESS", 0)  # other tests keep the cores busy
        one = Takeover(config(), "cpu")
        assert not one.due(trained=10, left=9)  # nearly over
        assert not one.due(trained=1, left=1000)  # its pace is not known yet
        assert not takeover._builder._left
        assert not one.due(trained=10, left=1000)
        until(lambda: one.due(trained=0, left=None), 4 * PATIENCE)
        assert not one.due(trained=10, left=1000)  # only once
        yield


def again(kept: RunRecord) -> RunRecord:
    return RunRecord.from_record(json.loads(json.dumps(kept.record())))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("compiled")
def test_a_run_that_was_taken_over_is_repeated_to_the_last_digit(tmp_path: Path) -> None:
    registry = Registry(Store(tmp_path))
    run = registry.submit(config())
    run.do_steps(50)
    until(lambda: run.status == "paused")
    (began,) = run.change_log.changes
    assert began.compiled
    assert 0 < began.step < 50
    assert run.change_log.describe() == [f"after step {began.step}: compiled steps"]
    made = branch(run)
    run.stop()
    assert run.wait(PATIENCE)
    assert made.restored is not None
    assert made.restored.change_log is not None
    assert not made.restored.change_log.compiled  # the branch is a new training
    resumed = registry.resume(run.id)
    assert resumed.wait(PATIENCE)
    plain, later = resumed.change_log.changes[1:]
    assert (plain.step, plain.compiled, later.compiled) == (50, False, True)
    other = registry.submit(made)
    assert other.wait(PATIENCE)
    for each in (resumed, other):
        kept = run_record(SavedRun.read(registry.stored, each.id))
        assert differences(kept, repeat(again(kept)).numbers) == {}
    registry.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("compiled")
def test_so_is_one_in_a_host(tmp_path: Path) -> None:
    registry = Registry(Store(tmp_path), hosts=HostPool(1))
    run = registry.submit(config())
    assert run.wait(PATIENCE)
    assert run.change_log.compiled
    found = repeat(run_record(run))
    assert np.array_equal(found.losses, run.losses())
    tensors = found.training.state()[0]
    assert all(torch.equal(tensors[name], value) for name, value in run.state()[0].items())
    registry.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("compiled")
def test_a_cell_of_a_sweep_is_taken_over_after_its_first_step(tmp_path: Path) -> None:
    store, chosen = Store(tmp_path), config(40)
    (outcome,) = train_cells([chosen], store, ["cell-1"], compiled=True)
    assert outcome.run_id == "cell-1"
    run = SavedRun.read(store, "cell-1")
    assert run.change_log == ChangeLog(chosen, (Change(1, compiled=True),))
    kept = run_record(run)
    assert differences(kept, repeat(again(kept)).numbers) == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("compiled")
def test_only_long_runs_of_compilable_methods_are_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Takeover(config(), "cpu").due(0, None)
    assert not Takeover(config(), "cuda").due(0, None)
    assert not Takeover(config(SHORTEST - 1), "cpu").due(0, None)
    assert not Takeover(config(method="sinkhorn"), "cpu").due(0, None)
    monkeypatch.setenv("OTVIZ_COMPILE", "0")
    assert not Takeover(config(), "cpu").due(0, None)


def test_a_run_goes_on_as_it_was_if_compiling_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    monkeypatch.setenv("OTVIZ_COMPILE", "1")
    monkeypatch.setattr(takeover, "_builder", takeover._Builder())
    monkeypatch.setattr(takeover, "SETTLED", -1.0)
    monkeypatch.setattr(takeover, "WORTH", -1.0)
    monkeypatch.setattr(takeover, "BUSY", -1.0)
    monkeypatch.setattr(takeover, "ROOM", 0.0)
    monkeypatch.setattr(takeover, "MODULE", "tests.worker_cases")  # which does not know what to do
    run = Run("run", config()).start()
    run.do_steps(60)
    until(lambda: run.status == "paused" and run.step >= 60)
    until(lambda: takeover._builder._left)
    with takeover._builder._turn:  # it has given up
        assert not (home() / "compiled").exists()
    run.do_steps(20)
    until(lambda: run.status == "paused" and run.step >= 80)
    run.stop()
    assert run.wait(PATIENCE)
    assert (run.status, run.message) == ("stopped", "")
    assert run.change_log.changes == ()
    assert run.config == config()


def test_many_short_runs_on_a_busy_machine_are_not_slowed_down(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[dict[str, Any]] = []

    class Compiler:
        def __init__(self, *_: object) -> None: ...

        def ask(self, request: dict[str, Any]) -> list[None]:
            begun.append(request)
            return []

        def end(self) -> None: ...

    idle = threading.Event()
    monkeypatch.setattr(takeover, "Worker", Compiler)
    monkeypatch.setattr(takeover, "ROOM", 0.0)
    monkeypatch.setattr(takeover, "can_build", lambda: True)
    monkeypatch.setattr(takeover, "free_core", lambda: idle.wait(0.01))
    wgan, uotm, otm = (named(name)() for name in ("wgan", "uotm", "otm"))

    def names() -> list[str]:
        return [each["method"]["name"] for each in begun]

    builder = takeover._Builder()
    builder.request(uotm, 2, left=70)
    builder.request(otm, 2, left=70)
    builder.request(wgan, 2, left=700)
    until(lambda: names() == ["wgan"])  # so long a run gains even so
    time.sleep(0.1)
    assert names() == ["wgan"]
    builder.request(uotm, 2, left=700)  # another run of this kind
    until(lambda: names() == ["wgan", "uotm"])
    idle.set()
    until(lambda: names() == ["wgan", "uotm", "otm"])


def test_a_repetition_says_that_compiled_steps_are_missing_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    monkeypatch.setattr(ahead, "COMPILERS", ("no-such-compiler",))
    log = ChangeLog(config()).with_change(Change(7, compiled=True))
    kept = RunRecord(log, {"step": 12, "generator_loss": 1e9}, {}, {"device": "cpu"})
    found = repeat(kept)
    assert found.training.step == 12
    assert not found.training.compile
    assert "From step 7 on its steps were compiled, and no C++ compiler is here" in agreement(kept, found.numbers)


def test_changes_at_one_step_are_merged() -> None:
    log = ChangeLog(config()).with_change(Change(3, compiled=True)).with_change(Change(3, frozen=True))
    assert log.changes == (Change(3, frozen=True, compiled=True),)
    assert log.compiled
    assert not log.with_change(Change(3, compiled=False)).compiled
    assert not log.with_change(Change(5, is_branch=True)).compiled
    assert ChangeLog.from_record(json.loads(json.dumps(log.record()))) == log
