"""Runs in step, and branches of runs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from otviz.data.distributions import named as distribution
from otviz.methods import named
from otviz.runs import scheduling
from otviz.runs.branches import branch, fork
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.run import Run
from otviz.runs.run_history import StateBuffer
from otviz.runs.saved.run_store import Store
from otviz.runs.scheduling import AHEAD, TURN, Lockstep, Slots, Standing
from otviz.training.compare import MOST
from otviz.training.driver import LossHistory
from tests.waiting import PATIENCE, at_one_moment, until

SMALL = {"hidden": 8, "layers": 1, "batch_size": 8}


def config(name: str = "uotm-sd", steps: int = 1_000_000, **knobs: Any) -> RunConfig:
    method = named(name)(**{**SMALL, **knobs})
    return RunConfig(method, distribution("ring")(), steps=steps, device="cpu")


@pytest.fixture
def registry(tmp_path: Any) -> Iterator[Registry]:
    made = Registry(Store(tmp_path))
    yield made
    made.close()


def steps_of(runs: list[Run]) -> list[int]:
    return at_one_moment(lambda: [run.live.training.step for run in runs])


# Taking turns


def test_the_run_furthest_behind_comes_first() -> None:
    lockstep, a, b, c = Lockstep(), object(), object(), object()
    for who, step in ((a, 5), (b, 3), (c, 4)):
        lockstep.join(who, step)
    assert not lockstep.turn(a, 5, 0)
    assert lockstep.turn(b, 3, 0) == 3 + TURN
    assert not lockstep.turn(c, 4, 0), "only one may train at once"
    assert not lockstep.turn(b, 3 + TURN, 0), "c is further behind now"
    assert lockstep.turn(c, 4, 0)
    lockstep.leave(c)
    lockstep.leave(a)
    assert lockstep.turn(b, 3 + TURN, 0), "nobody is left to wait for"


def test_lanes_train_at_once_and_none_gets_far_ahead() -> None:
    lockstep, a, b, c = Lockstep(), object(), object(), object()
    for who, lane in ((a, 0), (b, 1), (c, 1)):
        lockstep.join(who, 0, lane)
    assert lockstep.turn(a, 0, 0)
    assert lockstep.turn(b, 0, 0), "another lane"
    assert not lockstep.turn(c, 0, 0), "its lane is taken"
    assert lockstep.turn(a, AHEAD, 0)
    assert not lockstep.turn(a, AHEAD + 1, 0), "c has not begun"
    assert not lockstep.turn(b, TURN, 0)
    assert lockstep.turn(c, 0, 0)
    assert not lockstep.turn(c, AHEAD + 1, 0)
    assert lockstep.turn(b, TURN, 0)


def test_a_group_holds_one_place_until_its_last_member_leaves() -> None:
    slots, group = Slots(1), object()
    a, b, other = object(), object(), object()
    assert slots.acquire(a, 0, group)
    assert not slots.acquire(other, 0)
    assert slots.acquire(b, 0, group)
    slots.release(a)
    assert not slots.acquire(other, 0)
    assert slots.acquire(a, 0, group), "a member that paused comes back to the group's place"
    slots.release(a)
    slots.release(b)
    assert slots.acquire(other, 0)


# Runs in step


def test_runs_of_unequal_cost_stay_in_step(registry: Registry) -> None:
    slow = config("uotm", batch_size=512, adversary_updates=3, hidden=64)
    runs = registry.submit_together([config("uotm"), slow, config("sinkhorn")])
    until(lambda: all(run.step > 0 for run in runs))
    seen: list[int] = []

    def watched() -> bool:
        steps = steps_of(runs)
        seen.append(max(steps) - min(steps))
        return len(seen) >= 40 and min(steps) > TURN

    until(watched)
    assert max(seen) <= TURN


def test_a_member_that_fails_pauses_or_stops_holds_nobody_up(registry: Registry) -> None:
    # a step size of .1 on raw scores of 1e4 gives no numbers soon; the others go on
    failing = config("otm", lr=0.1, adversary_lr=0.1, tau=100.0, penalty="none")
    runs = registry.submit_together([failing, config("uotm"), config("uotm-kl"), config("gan")])
    until(lambda: all(run.step > 0 for run in runs[1:]))
    runs[2].pause()
    runs[3].stop()
    until(lambda: runs[2].status == "paused" and runs[3].status == "stopped")
    before, resting = runs[1].step, runs[2].live.training.step
    until(lambda: runs[1].step > before + 5 * TURN)
    assert runs[2].live.training.step == resting
    runs[2].resume()
    until(lambda: runs[2].live.training.step >= runs[1].live.training.step - 2 * TURN)


def test_all_are_done_at_the_same_step(registry: Registry) -> None:
    runs = registry.submit_together([config("uotm", 120), config("otm", 120)])
    assert all(run.wait(PATIENCE) for run in runs)
    assert [(run.status, run.step) for run in runs] == [("done", 120)] * 2


def test_groups_and_single_runs_take_turns_and_members_stay_in_step(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "SHARE_SECONDS", 0.05)
    groups = [registry.submit_together([config(), config("otm")]) for _ in range(3)]
    runs = [registry.submit(config()), *(run for group in groups for run in group)]
    until(lambda: all(run.step > 0 for run in runs))
    assert {run.standing.others for run in runs} == {3}
    before = [run.step for run in runs]
    until(lambda: all(run.step > step + 5 * TURN for run, step in zip(runs, before, strict=True)))
    for group in groups:
        steps = steps_of(group)
        assert max(steps) - min(steps) <= TURN


def test_a_slot_goes_round_and_a_group_gives_it_up_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "SHARE_SECONDS", 0.0)
    slots, group = Slots(1), object()
    a, b, other = object(), object(), object()
    assert slots.acquire(a, 0, group)
    assert slots.acquire(b, 0, group)
    assert slots.keeps(a, group), "nobody else waits"
    assert not slots.acquire(other, 0)
    assert slots.standing(other) == Standing(1, 0.0, 1)
    assert not slots.keeps(a, group)
    assert not slots.keeps(b, group)
    assert not slots.acquire(b, 0, group)
    assert slots.acquire(other, 0)
    assert not slots.keeps(other)
    assert slots.acquire(b, 0, group)
    assert slots.keeps(a, group) is not slots.acquire(other, 0)


def test_a_run_that_is_stuck_does_not_hold_a_slot_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "SHARE_SECONDS", 0.0)
    slots = Slots(1)
    stuck, other = object(), object()
    assert slots.acquire(stuck, 0)
    assert not slots.acquire(other, 0)
    monkeypatch.setattr(scheduling, "STUCK_SECONDS", 0.0)
    assert slots.acquire(other, 0)
    assert not slots.keeps(stuck), "it queues again once it goes on"


@pytest.mark.parametrize("number", [0, MOST + 1])
def test_too_many_or_none_together_are_refused(registry: Registry, number: int) -> None:
    with pytest.raises(ValueError, match=f"1 to {MOST} runs can train side by side; got {number}"):
        registry.submit_together([config()] * number)


# What is kept


def test_states_are_kept_in_equal_parts_of_the_run_and_the_newest_always() -> None:
    states = StateBuffer(1000)
    for step in range(0, 1001, 7):
        states.add(step, ({}, str(step)))
    assert states.saved_steps[0] == 0
    assert states.saved_steps[-1] == 994
    gaps = np.diff(states.saved_steps[:-1])
    assert len(gaps) == 19
    assert set(gaps) <= {49, 56}  # the first look after each 50 steps
    assert states.at(994)[1] == "994"
    with pytest.raises(ValueError, match=r"the weights of step 3 were not kept.*choose one of 0, 56"):
        states.at(3)


def test_losses_are_whole_however_they_came() -> None:
    losses = LossHistory(np.ones((2, 2), np.float32))
    for n in range(1, 4):
        losses.add(np.full((n, 2), n, np.float32))
        assert len(losses.all()) == 2 + n * (n + 1) // 2
    np.testing.assert_array_equal(losses.all()[:, 0], [1, 1, 1, 2, 2, 3, 3, 3])


# Branches


def test_a_branch_with_nothing_changed_repeats_the_run(registry: Registry) -> None:
    whole = registry.submit(config(steps=400))
    assert whole.wait(PATIENCE)
    step = whole.saved_steps[len(whole.saved_steps) // 2]
    again = registry.submit(branch(whole, step))
    assert again.wait(PATIENCE)
    np.testing.assert_array_equal(again.losses(), whole.losses())
    np.testing.assert_array_equal(again.snapshots[-1].generated, whole.snapshots[-1].generated)
    assert again.origin == f"branched from {whole.id} at step {step}"
    assert registry.stored.read(again.id).origin == again.origin


def test_one_knob_changed_parts_the_branch_from_the_run(registry: Registry) -> None:
    whole = registry.submit(config(steps=300))
    assert whole.wait(PATIENCE)
    step = whole.saved_steps[2]
    changed = branch(whole, step, dataclasses.replace(whole.config.method, tau=9.0))
    other = registry.submit(changed)
    assert other.wait(PATIENCE)
    np.testing.assert_array_equal(other.losses()[:step], whole.losses()[:step])
    assert not np.allclose(other.losses()[step:], whole.losses()[step:])
    assert other.config.method.tau == 9.0


def test_a_fork_goes_on_frozen_and_unfrozen_side_by_side(registry: Registry) -> None:
    run = registry.submit(config("gan"))
    until(lambda: run.step > 10)
    sides = fork(run)
    frozen, free = registry.submit_together(sides)
    assert sides[0].restored is not None
    start = sides[0].restored.tensors
    until(lambda: min(steps_of_ready([frozen, free]), default=0) > len(sides[0].restored.losses))
    assert (frozen.frozen, free.frozen) == (True, False)
    weights, learned = frozen.live.training.state()[0], free.live.training.state()[0]
    adversary = [name for name in start if name.startswith("adversary.")]
    assert adversary
    assert all((weights[name] == start[name]).all() for name in adversary)
    assert not all((learned[name] == start[name]).all() for name in adversary)
    assert run.status == "running", "the run itself goes on as it was"


def test_a_fork_is_not_disturbed_by_looks_meanwhile(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    run = registry.submit(config("gan"))
    until(lambda: run.step > 10)
    real = run.state

    def slow(step: int | None = None) -> object:
        state, before = real(step), run.step
        until(lambda: run.step > before + 5)
        return state

    monkeypatch.setattr(run, "state", slow)
    sides = fork(run)
    assert len({json.loads(side.restored.text)["step"] for side in sides if side.restored}) == 1


def steps_of_ready(runs: list[Run]) -> list[int]:
    return [run.step if run.scene is not None else 0 for run in runs]


def test_what_cannot_be_branched_says_why(registry: Registry) -> None:
    run = registry.submit(config("sinkhorn", steps=60))
    assert run.wait(PATIENCE)
    with pytest.raises(ValueError, match="all 60 steps are done"):
        branch(run)
    with pytest.raises(ValueError, match="has no adversary to freeze"):
        branch(run, 0, frozen=True)
    with pytest.raises(ValueError, match="do not fit these knobs"):
        branch(run, 0, dataclasses.replace(run.config.method, hidden=16))
    with pytest.raises(ValueError, match="were not kept"):
        branch(run, 59)
    registry._runs.clear()
    from otviz.runs.saved.saved_run import SavedRun

    stored = SavedRun.read(registry.stored, run.id)
    assert stored.saved_steps == (60,)
    with pytest.raises(ValueError, match="a run of an earlier session has only its last ones"):
        branch(stored, 0)
    assert stored.training_copy().step == 60


def test_a_still_training_does_not_move(registry: Registry) -> None:
    run = registry.submit(config())
    with pytest.raises(ValueError, match="has not begun"):
        Run("fresh", config()).training_copy()
    until(lambda: run.step > 0)
    still = run.training_copy()
    before = {name: value.clone() for name, value in still.generator.state_dict().items()}
    step = still.step
    until(lambda: run.step > step)
    assert still.step == step
    assert all((value == before[name]).all() for name, value in still.generator.state_dict().items())
    moved = run.training_copy().generator.state_dict()
    assert not all((moved[name] == value).all() for name, value in before.items())
