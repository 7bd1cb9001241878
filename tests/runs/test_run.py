"""Runs: status, commands, failures. Small networks, real threads."""

from __future__ import annotations

import dataclasses
import errno
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from otviz.data.distributions import named as distribution
from otviz.methods import named
from otviz.methods.unified import UOTM
from otviz.player.wire.run_panel import panel_of
from otviz.runs import scheduling
from otviz.runs.change_log import RunCheckpoint
from otviz.runs.config import RunConfig
from otviz.runs.run import Run
from otviz.runs.scheduling import Slots, Standing
from otviz.runs.snapshots import KEPT, thinned
from tests.waiting import PATIENCE, until

LONG = 1_000_000
Start = Callable[..., Run]


def config(steps: int = LONG, name: str = "uotm-sd", **knobs: Any) -> RunConfig:
    method = named(name)(**{"hidden": 8, "layers": 1, "batch_size": 8, **knobs})
    return RunConfig(method, distribution("ring")(), steps=steps, device="cpu")


@pytest.fixture
def begin() -> Iterator[Start]:
    """Make and start runs that are stopped when the test is over."""
    runs: list[Run] = []

    def start(wanted: RunConfig | None = None, **options: Any) -> Run:
        runs.append(Run(f"run-{len(runs)}", wanted or config(), **options))
        return runs[-1].start()

    yield start
    for run in runs:
        run.stop()
    assert all(run.wait(PATIENCE) for run in runs)


def reaches(run: Run, status: str) -> None:
    until(lambda: run.status == status)


# Status and commands


def test_a_run_is_queued_then_runs_and_is_done(begin: Start) -> None:
    assert Run("x", config()).status == "queued"
    run = begin(config(30))
    assert run.wait(PATIENCE)
    assert (run.status, run.message, run.step) == ("done", "", 30)
    assert len(run.losses()) == 30
    assert run.seconds > 0


def test_pause_resume_stop(begin: Start) -> None:
    run = begin()
    reaches(run, "running")
    run.pause()
    reaches(run, "paused")
    step = run.live.training.step
    time.sleep(0.2)
    assert run.live.training.step == step == run.step == len(run.losses())
    assert run.steps_per_second == 0
    run.resume()
    until(lambda: run.live.training.step > step)
    assert run.status == "running"
    run.stop()
    assert run.wait(PATIENCE)
    assert run.status == "stopped"
    assert run.snapshots[-1].step == run.live.training.step == len(run.losses())


def test_a_changed_knob_takes_effect_while_it_trains(begin: Start) -> None:
    run = begin()
    until(lambda: run.step > 0)
    for tau in (5.0, 6.0, 7.0):
        run.retune(tau=tau)
        until(lambda tau=tau: run.live.training.method.scalars(0)["tau"] == tau)
    assert run.status == "running"


@pytest.mark.parametrize("n", [1, 5])
def test_do_steps_does_exactly_so_many(begin: Start, n: int) -> None:
    run = begin()
    run.pause()
    reaches(run, "paused")
    before = run.live.training.step
    run.do_steps(n)
    until(lambda: run.status == "paused" and run.live.training.step > before)
    time.sleep(0.1)
    assert run.live.training.step == run.step == before + n
    assert [shot.step for shot in run.snapshots].count(before + n) == 1


def test_three_quick_single_steps_are_three_steps(begin: Start) -> None:
    run = begin()
    run.pause()
    reaches(run, "paused")
    before = run.live.training.step
    for _ in range(3):
        run.do_steps(1)
    until(lambda: run.live.training.step >= before + 3)
    time.sleep(0.1)
    assert run.live.training.step == before + 3


def test_the_last_step_ends_a_run_that_goes_step_by_step(begin: Start) -> None:
    run = begin(config(5))
    run.pause()
    run.do_steps(5)
    assert run.wait(PATIENCE)
    assert (run.status, run.step) == ("done", 5)


def test_paused_before_it_starts_it_does_nothing(begin: Start) -> None:
    run = Run("x", config())
    run.pause()
    run.start()
    reaches(run, "paused")
    assert run.live.training.step == 0
    assert len(run.snapshots) == 1, "the first picture is there at once"
    run.stop()
    assert run.wait(PATIENCE)


def test_only_live_knobs_can_change(begin: Start) -> None:
    run = begin()
    until(lambda: run.step > 0)
    with pytest.raises(ValueError, match=r"hidden cannot change during a run of uotm-sd; .*tau.* can"):
        run.retune(hidden=9)
    with pytest.raises(ValueError, match="tau must be a number from 0 to 100"):
        run.retune(tau=1000.0)
    with pytest.raises(ValueError, match="nonsense cannot change"):
        run.retune(nonsense=1)
    run.retune(tau=0.5, lr=2e-4)
    assert run.config.method.tau == 0.5
    until(lambda: run.live.training.method.lr == 2e-4)


def test_an_ended_run_cannot_be_retuned(begin: Start) -> None:
    run = begin(config(3))
    run.wait(PATIENCE)
    with pytest.raises(ValueError, match="has ended"):
        run.retune(lr=1e-4)
    assert run.config == config(3)


def test_freeze_and_unfreeze(begin: Start) -> None:
    run = begin()
    run.pause()
    reaches(run, "paused")
    weights = [weight.detach().clone() for weight in run.live.training.adversary.parameters()]
    before = run.step
    run.freeze()
    run.do_steps(10)
    until(lambda: run.step == before + 10 and run.status == "paused")
    assert run.frozen
    assert all(torch.equal(a, b) for a, b in zip(weights, run.live.training.adversary.parameters(), strict=True))
    run.freeze(False)
    run.do_steps(1)
    until(lambda: run.step == before + 11 and run.status == "paused")
    assert not run.frozen
    assert not all(torch.equal(a, b) for a, b in zip(weights, run.live.training.adversary.parameters(), strict=True))


def test_freeze_after_is_seen_from_outside(begin: Start) -> None:
    run = begin(config(10, freeze_after=4))
    assert run.wait(PATIENCE)
    assert run.frozen


def test_watching_makes_it_look_more_often(begin: Start) -> None:
    run = begin()
    until(lambda: run.step > 0)
    seen = run.watch()
    assert [shot.sequence for shot in seen] == [shot.sequence for shot in run.snapshots][: len(seen)]
    later = []
    until(lambda: later.extend(run.watch(later[-1].sequence if later else seen[-1].sequence)) or len(later) > 5)
    assert np.diff([shot.sequence for shot in later]).min() > 0


# Queueing


@pytest.fixture
def no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run keeps its slot until it pauses or ends."""
    monkeypatch.setattr(scheduling, "SHARE_SECONDS", math.inf)


def test_runs_take_turns_and_each_gives_the_numbers_that_it_gives_alone(
    begin: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = begin(config(steps=400))
    assert alone.wait(PATIENCE)
    monkeypatch.setattr(scheduling, "SHARE_SECONDS", 0.05)
    slots = Slots(1)
    long = [begin(slots=slots) for _ in range(3)]
    short = begin(config(steps=400), slots=slots)
    assert short.wait(PATIENCE), "runs without end do not keep it waiting"
    np.testing.assert_array_equal(short.losses(), alone.losses())
    steps = [run.step for run in long]
    until(lambda: all(run.step > step + 20 for run, step in zip(long, steps, strict=True)))
    assert {run.status for run in long} == {"running"}
    until(lambda: {run.standing.others for run in long} == {2})
    until(lambda: panel_of(long[0], long[0].scene, (), name="").left.endswith(" left, in turns with 2 others"))
    long[0].pause()
    reaches(long[0], "paused")
    assert long[0].standing == Standing()
    until(lambda: long[1].standing.others == 1)
    step = long[0].live.training.step
    long[0].do_steps(3)
    until(lambda: long[0].live.training.step == step + 3)
    long[1].stop()
    reaches(long[1], "stopped")  # whether it has its turn or not


@pytest.mark.usefixtures("no_turns")
def test_one_slot_three_runs_in_their_order(begin: Start) -> None:
    slots = Slots(1)
    first = begin(slots=slots)
    reaches(first, "running")
    second = begin(slots=slots)
    until(lambda: len(slots._queue) == 1)
    third = begin(slots=slots)
    until(lambda: len(slots._queue) == 2)
    assert (first.status, second.status, third.status) == ("running", "queued", "queued")
    assert [run.standing.place for run in (first, second, third)] == [0, 1, 2]
    first.stop()
    reaches(second, "running")
    assert third.status == "queued"
    second.stop()
    reaches(third, "running")


@pytest.mark.usefixtures("no_turns")
def test_what_is_asked_while_queued_is_done(begin: Start) -> None:
    slots = Slots(1)
    first = begin(slots=slots)
    reaches(first, "running")
    tuned, stopped, paused = (begin(slots=slots) for _ in range(3))
    tuned.retune(tau=3.0)
    tuned.freeze()
    paused.pause()
    stopped.stop()
    assert stopped.wait(PATIENCE), "a queued run need not wait for its turn to be stopped"
    assert stopped.status == "stopped"
    first.stop()
    until(lambda: tuned.step > 3)
    assert tuned.live.training.method.tau == 3.0
    assert tuned.live.training.frozen
    tuned.stop()
    reaches(paused, "paused")
    assert paused.live.training.step == 0


@pytest.mark.usefixtures("no_turns")
def test_a_paused_run_leaves_its_place_and_loses_no_command_when_it_queues_again(begin: Start) -> None:
    slots = Slots(1)
    first = begin(slots=slots)
    reaches(first, "running")
    second = begin(slots=slots)
    first.pause()
    reaches(second, "running")
    step = first.live.training.step
    first.resume()
    until(lambda: len(slots._queue) == 1)
    first.retune(tau=4.0)
    first.freeze()
    before = second.step
    until(lambda: second.step > before + 20)
    assert first.live.training.step == step
    second.stop()
    until(lambda: first.live.training.step > step)
    assert first.live.training.method.tau == 4.0
    assert first.live.training.frozen


def test_slots_are_given_in_the_order_of_asking() -> None:
    slots = Slots(2)
    a, b, c, d = object(), object(), object(), object()
    assert slots.acquire(a, 0)
    assert slots.acquire(b, 0)
    assert slots.acquire(a, 0), "asking again is harmless"
    assert not slots.acquire(c, 0)
    assert not slots.acquire(d, 0)
    slots.release(a)
    assert not slots.acquire(d, 0), "c came first"
    assert slots.acquire(c, 0)
    slots.release(d)
    slots.release(d)
    slots.release(b)
    assert slots.acquire(a, 0)


# Failures


@dataclass(frozen=True)
class Breaks(UOTM):
    """A method whose loss is no number from a step on."""

    name: ClassVar[str] = "breaks"

    def generator_loss(self, generator: Any, adversary: Any, batch: Any, s: Any) -> Tensor:
        loss = super().generator_loss(generator, adversary, batch, s)
        return loss * math.nan if s["progress"] >= 0.5 else loss

    def scalars(self, progress: float) -> dict[str, float]:
        return {**super().scalars(progress), "progress": progress}


def broken(steps: int, **knobs: Any) -> RunConfig:
    return dataclasses.replace(config(steps), method=Breaks(hidden=8, layers=1, batch_size=8, **knobs))


def test_a_loss_that_is_no_number_fails_the_run_and_keeps_what_was_good(begin: Start) -> None:
    run = begin(broken(2000))
    assert run.wait(PATIENCE)
    assert run.status == "failed"
    assert "NaN or infinite at step 1001" in run.message
    assert "smaller lr" in run.message
    assert 0 < run.step <= 1000
    last = run.snapshots[-1]
    assert np.isfinite(last.generated).all()
    assert np.isfinite(run.losses()).all()
    assert len(run.losses()) == last.step == run.live.training.step, "networks, losses and picture are of one step"
    assert all(weight.isfinite().all() for weight in run.live.training.generator.parameters())


def test_a_failure_that_a_pause_finds_stays_a_failure(begin: Start) -> None:
    run = Run("x", broken(10))
    run.pause()
    run.do_steps(8)
    run.start()
    assert run.wait(PATIENCE)
    time.sleep(0.1)
    assert run.status == "failed"


def test_weights_that_are_no_numbers_are_no_picture(begin: Start) -> None:
    run = begin()
    run.pause()
    reaches(run, "paused")
    step = run.step
    run.live.training.generator.net.biases[-1].data.fill_(math.inf)
    run.do_steps(1)
    assert run.wait(PATIENCE)
    assert run.status == "failed"
    assert run.snapshots[-1].step == run.live.training.step == step
    assert np.isfinite(run.live.samples(10, 0)).all()


def test_an_error_in_the_thread_is_a_failure_with_a_message(begin: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run = begin(dataclasses.replace(config(), device="cuda"))
    assert run.wait(PATIENCE)
    assert (run.status, run.message) == (
        "failed",
        "device cuda is not present on this machine; use auto or cpu",
    )


def test_a_full_disk_does_not_stop_the_training(begin: Start) -> None:
    full = True

    def save(run: Run) -> None:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")

    run = begin(save=save)
    reaches(run, "running")
    run.pause()
    reaches(run, "paused")
    until(lambda: run.message)
    assert "could not be saved (the disk is full; free some space)" in run.message
    step = run.live.training.step
    run.do_steps(5)
    until(lambda: run.live.training.step == step + 5)
    full = False
    run.do_steps(1)
    until(lambda: run.live.training.step == step + 6 and not run.message)


def test_whatever_saving_raises_the_run_ends_in_good_order(begin: Start) -> None:
    def save(run: Run) -> None:
        raise RuntimeError("a fault in the store")

    run = begin(config(5), save=save)
    assert run.wait(PATIENCE)
    assert run.status == "done"
    assert "a fault in the store" in run.message


# What is kept


def test_snapshots_do_not_change_afterwards(begin: Start) -> None:
    run = begin()
    until(lambda: len(run.snapshots) > 1)
    shots = run.watch()
    kept = [shot.generated.copy() for shot in shots]
    meters = [dict(shot.meter) for shot in shots]
    until(lambda: run.snapshots[-1].sequence > shots[-1].sequence)
    assert all(np.array_equal(shot.generated, before) for shot, before in zip(shots, kept, strict=True))
    assert [shot.meter for shot in shots] == meters
    with pytest.raises(dataclasses.FrozenInstanceError):
        shots[0].step = 3
    steps = [shot.step for shot in run.snapshots]
    assert np.diff(steps).min() > 0
    assert np.diff([shot.sequence for shot in run.snapshots]).min() > 0


def test_thinning_keeps_first_and_last_and_their_order() -> None:
    kept: tuple[Any, ...] = ()
    for number in range(3000):
        kept = thinned((*kept, number))
        assert len(kept) <= KEPT == 480
        assert (kept[0], kept[-1]) == (0, number)
    assert np.diff(kept).min() > 0
    assert np.diff(kept)[-KEPT // 4 :].max() == 1, "the newest are all there"


def with_losses(losses: np.ndarray) -> Run:
    return Run("x", config(), restored=RunCheckpoint((), losses.astype(np.float32), {}, '{"frozen": false}'))


@pytest.mark.parametrize("steps", [0, 1, 399, 400, 401, 1234])
def test_curve_is_the_mean_over_equal_stretches(steps: int) -> None:
    losses = np.random.default_rng(0).normal(size=(steps, 2))
    curve = with_losses(losses).curve()
    assert len(curve.step) == len(curve.generator) == len(curve.adversary) <= 400
    stretch = int(curve.step[0]) if steps else 1
    assert stretch == (1 if steps <= 400 else math.ceil(steps / 400))
    for index, last in enumerate(curve.step):
        part = losses[last - stretch : last]
        assert curve.generator[index] == pytest.approx(part[:, 0].mean(), abs=1e-5)
        assert curve.adversary[index] == pytest.approx(part[:, 1].mean(), abs=1e-5)


def test_a_method_without_adversary_has_nan_there(begin: Start) -> None:
    run = begin(config(6, "sinkhorn"))
    assert run.wait(PATIENCE)
    assert np.isnan(run.losses()[:, 1]).all()
    assert np.isfinite(run.losses()[:, 0]).all()
    assert math.isnan(run.snapshots[-1].adversary_loss)
    assert run.has_adversary is False


def test_the_probe_does_not_disturb_the_training(begin: Start) -> None:
    """Looked at often or seldom, paused or not: the numbers are those of the bare loop."""
    from otviz.training.loop import train

    wanted = config(60)
    run = Run("x", wanted)
    run.pause()
    run.start()
    for done in range(0, 60, 10):
        run.watch()
        run.do_steps(10)
        until(lambda done=done: run.step == done + 10)
    assert run.wait(PATIENCE)
    bare = [
        [step.generator_loss.item(), step.adversary_loss.item()]
        for step in train(wanted.method, wanted.target, wanted.source, steps=60, seed=0)
    ]
    assert run.losses() == pytest.approx(np.array(bare), rel=1e-5, abs=1e-6)  # threads may sum in another order


def test_meter_and_scene_say_what_the_picture_needs(begin: Start) -> None:
    run = begin(config(5))
    assert run.wait(PATIENCE)
    assert run.scene.target.shape[1] == run.scene.source.shape[1] == 2
    assert run.scene.steps == 5
    assert {"modes_covered", "modes_total", "high_quality", "w2", "w2_floor", "samples"} <= set(run.meter)
    assert run.meter["modes_total"] == 8
    assert run.snapshots[-1].alpha == pytest.approx(5.0)
    assert run.snapshots[-1].progress == 1.0
