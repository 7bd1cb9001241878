"""Changes during a run are stored, and a repetition with all changes gives the same numbers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otviz.data.distributions import named as distribution
from otviz.methods import named
from otviz.runs.branches import branch, fork
from otviz.runs.change_log import Change, ChangeLog, Replay
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.reproduce import RunRecord, agreement, differences, repeat, run_record
from otviz.runs.run import Run
from otviz.runs.saved.run_store import Store
from otviz.runs.saved.saved_run import SavedRun
from otviz.training.loop import train
from tests.waiting import PATIENCE


def config(method: str = "uotm", steps: int = 90, **knobs: Any) -> RunConfig:
    settings = {"batch_size": 16, "hidden": 8, "layers": 2, **knobs}
    return RunConfig(named(method)(**settings), distribution("ring")(), steps=steps, seed=4, device="cpu")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


@pytest.fixture
def started(store: Store) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(what: RunConfig, **more: Any) -> Run:
        run = Run(f"run-{len(runs)}", what, save=store.save, **more)
        run.do_steps(30)
        runs.append(run.start())
        return paused(run)

    yield start
    for run in runs:
        run.stop()
        run.wait(PATIENCE)


def paused(run: Run) -> Run:
    end = time.monotonic() + PATIENCE
    while run.status != "paused":
        assert time.monotonic() < end, run.status
        time.sleep(0.01)
    return run


def more(run: Run, steps: int) -> Run:
    at = run.step
    run.do_steps(steps)
    end = time.monotonic() + PATIENCE
    while run.step < at + steps or run.status != "paused":
        assert time.monotonic() < end, run.status
        time.sleep(0.01)
    return run


def ended(run: Run) -> Run:
    run.stop()
    assert run.wait(PATIENCE)
    return run


def again(kept: RunRecord) -> RunRecord:
    """By way of JSON, as notebooks and scripts have it."""
    return RunRecord.from_record(json.loads(json.dumps(kept.record())))


def test_a_run_steered_midway_is_repeated_to_the_last_digit(started: Callable[..., Run], store: Store) -> None:
    run = started(config())
    run.retune(tau=0.3, lr=5e-4)
    more(run, 7)
    run.freeze()
    more(run, 10)
    run.freeze(False)
    run.retune(tau=0.01)
    ended(more(run, 11))
    first, *others = run.change_log.describe()
    assert first.startswith("after step 30: ")
    assert set(first.partition(": ")[2].split(", ")) == {"lr 0.001 -> 0.0005", "tau 0.05 -> 0.3"}
    assert others == ["after step 37: potential frozen", "after step 47: tau 0.3 -> 0.01, potential learns"]
    for kept in (run_record(run), run_record(SavedRun.read(store, run.id))):
        found = repeat(again(kept))
        assert differences(kept, found.numbers) == {}
        assert np.array_equal(found.losses, run.losses(), equal_nan=True)
        assert np.array_equal(found.snapshot.generated, run.snapshots[-1].generated)
    assert "agrees: all" in agreement(kept, found.numbers)


def test_without_its_changes_it_ends_otherwise(started: Callable[..., Run]) -> None:
    run = started(config())
    run.retune(tau=0.3)
    kept = run_record(ended(more(run, 20)))
    bare = RunRecord(ChangeLog(kept.change_log.began), kept.numbers, kept.spread, {"torch": "0.1"})
    found = repeat(bare).numbers
    assert found["generator_loss"] != kept.numbers["generator_loss"]
    said = agreement(bare, found)
    assert said.startswith("differs in ")
    assert "torch 0.1, here" in said
    assert "generator_loss" in said


def test_branches_and_forks_are_repeated_from_the_beginning(started: Callable[..., Run], store: Store) -> None:
    run = started(config())
    run.retune(tau=0.3)
    more(run, 5)
    made = branch(run, method=named("uotm")(batch_size=32, hidden=8, layers=2, tau=0.02))
    other = ended(more(started(made.config, restored=made.restored, origin=made.origin), 8))
    assert other.change_log.describe()[-1].startswith("after step 35: a branch begins")
    frozen = fork(run)[0]
    third = ended(started(frozen.config, restored=frozen.restored))
    for one in (other, third):
        kept = run_record(SavedRun.read(store, one.id))
        assert differences(kept, repeat(again(kept)).numbers) == {}


def test_a_run_that_was_resumed_is_repeated(started: Callable[..., Run], store: Store) -> None:
    first = started(config())
    first.retune(tau=0.3)
    ended(first)  # before the change was ever used
    registry = Registry(store)
    run = registry.resume(first.id)
    assert run.wait(PATIENCE)
    kept = run_record(SavedRun.read(store, run.id))
    assert kept.numbers["step"] == 90
    assert kept.change_log.method.as_dict()["tau"] == 0.3
    assert differences(kept, repeat(kept).numbers) == {}
    registry.close()


def test_what_was_measured_earlier_is_measured_there(started: Callable[..., Run]) -> None:
    run = ended(more(started(config()), 3))  # within two seconds W2 is not measured again
    assert run.meter["measured_at"] < run.step
    kept = run_record(run)
    assert differences(kept, repeat(kept).numbers) == {}


def test_a_replay_without_changes_is_the_training_loop() -> None:
    """`Replay` against `train`."""
    plain = config(steps=12)
    steps = list(train(plain.method, plain.target, plain.source, steps=12, seed=4))
    losses, bad = Replay(ChangeLog(plain)).advance(12)
    assert bad is None
    assert losses[:, 0].tolist() == [float(step.generator_loss) for step in steps]


def test_two_changes_between_the_same_steps_are_one() -> None:
    past = (
        ChangeLog(config())
        .with_change(Change(3, frozen=True))
        .with_change(Change(3, named("uotm")(tau=0.2)))
        .with_change(Change(9, frozen=False))
    )
    assert past.changes == (Change(3, named("uotm")(tau=0.2), True), Change(9, frozen=False))
    assert past.until(3).changes == past.changes[:1]
    assert ChangeLog.from_record(json.loads(json.dumps(past.record()))) == past


@pytest.mark.parametrize("damage", [{"began": {}}, {"changes": [{}]}, {"changes": 3}, {"changes": [{"step": "x"}]}])
def test_a_damaged_past_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^(began|changes(\.0)?(\.step)?) in the history of the run must be"):
        ChangeLog.from_record({**ChangeLog(config()).record(), **damage})


def test_a_run_saved_before_changes_were_kept_says_so(started: Callable[..., Run], store: Store) -> None:
    run = ended(started(config()))
    (store.path(run.id) / "past.json").unlink()
    kept = run_record(SavedRun.read(store, run.id))
    assert not kept.change_log.known
    assert "did not record changes" in agreement(kept, {**kept.numbers, "w2": 0.0})


def test_nothing_to_repeat_before_the_first_look() -> None:
    with pytest.raises(ValueError, match="has not begun"):
        run_record(Run("x", config()))
