"""The driver: every caller ends with the weights of the plain loop, however its chunks fall, and a resumed training too."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from image_model import few_judged

from otviz.checkpoints import train_checkpoint
from otviz.checkpoints.recordings import recorder
from otviz.cli import train_report
from otviz.cli.main import main
from otviz.data.datasets import named as image_set
from otviz.data.distributions.ring import Ring
from otviz.experiments import image_trajectories, trajectories
from otviz.experiments.sweeps.train_cells import train_cells
from otviz.methods import named
from otviz.networks import Networks
from otviz.runs.config import RunConfig
from otviz.runs.reproduce import repeat, run_record
from otviz.runs.run import Run
from otviz.training.driver import (
    AtSteps,
    Diverged,
    LossHistory,
    SingleTrainer,
    drive,
    every,
    loss_summary,
    mean_losses,
)
from otviz.training.loop import Training, train
from tests import waiting
from tests.forked import Forked
from tests.waiting import PATIENCE, until

STEPS = 33
POINTS = RunConfig(named("uotm")(hidden=8, layers=1, batch_size=16), Ring(), steps=STEPS, seed=5, device="cpu")
IMAGES = RunConfig(
    named("uotm")(batch_size=8, noise_dim=3), image_set("digits")(), steps=STEPS, seed=5, device="cpu",
    networks=Networks(width=8, adversary_width=4),
)  # fmt: skip


def plain(config: RunConfig) -> Training:
    """The loop and nothing else."""
    *_, last = train(config.method, config.target, training=config.begin())
    return last.training


def by_run(config: RunConfig, folder: Path) -> None:
    run = Run("x", config).start()
    assert run.wait(PATIENCE)
    assert run.status == "done"


def again(config: RunConfig, folder: Path) -> None:
    run = Run("x", config).start()
    assert run.wait(PATIENCE)
    repeat(run_record(run))


CALLERS: dict[str, tuple[RunConfig, Callable[[RunConfig, Path], object]]] = {
    "run": (POINTS, by_run),
    "run on images": (IMAGES, by_run),
    "repetition": (POINTS, again),
    "sweep": (POINTS, lambda config, folder: list(train_cells([config]))),
    "recording": (POINTS, lambda config, folder: recorder.record(config, "one", "two", frames=4)),
    "trajectory": (POINTS, lambda config, folder: trajectories.trajectory(config)),
    "image trajectory": (IMAGES, lambda config, folder: image_trajectories.image_trajectory(config)),
    "checkpoint": (IMAGES, lambda config, folder: train_checkpoint.record(config, folder)),
}


@pytest.mark.parametrize("name", CALLERS)
def test_every_caller_ends_with_the_same_weights(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few_judged(monkeypatch)
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path / "home"))  # where trajectories are kept
    config, caller = CALLERS[name]
    expected, seen = plain(config).state(), list[Training]()
    advance = Training.advance

    def watched(self: Training) -> Any:
        if self not in seen:
            seen.append(self)
        return advance(self)

    monkeypatch.setattr(Training, "advance", watched)
    caller(config, tmp_path)
    for training in seen:
        tensors, text = training.state()
        assert text == expected[1]
        assert all(torch.equal(tensors[key], value) for key, value in expected[0].items())
    assert len(seen) == (2 if name == "repetition" else 1)


def test_chunks_end_at_the_snapshots_and_losses_are_those_of_the_loop() -> None:
    losses, chunks = LossHistory(), list[int]()
    stops = [0, 1, 7, STEPS]
    trainer = SingleTrainer(POINTS.begin())
    seen = [step for step, _ in drive(trainer, AtSteps(stops, 1e-9), [losses.record, lambda c: chunks.append(c.step)])]
    assert seen == stops
    assert chunks == list(range(1, STEPS + 1)), "a chunk takes longer than a nanosecond"
    steps = train(POINTS.method, POINTS.target, training=POINTS.begin())
    expected = [[float(step.generator_loss), float(step.adversary_loss)] for step in steps]  # type: ignore[arg-type]
    assert losses.all().tolist() == expected
    assert losses.last == tuple(expected[-1])


def test_what_was_done_before_is_looked_at_at_once() -> None:
    trainer = SingleTrainer(POINTS.begin())
    trainer.advance(5)
    assert [step for step, _ in drive(trainer, AtSteps([5, 6]))] == [5, 6]


def test_a_loss_that_is_no_number_ends_it_after_the_observers_heard() -> None:
    class Breaks:
        step = 0

        def advance(self, steps: int) -> tuple[np.ndarray, int | None]:
            self.step += steps
            return np.full((steps, 2), math.nan, np.float32), self.step

    losses, saves = LossHistory(), list[int]()
    save = every(0.0, lambda: saves.append(3))
    with pytest.raises(Diverged, match="NaN or infinite at step 3; a smaller lr") as found:
        list(drive(Breaks(), AtSteps([3, 6]), [losses.record, save]))
    assert (found.value.step, len(losses.all()), saves) == (3, 3, [])
    assert [step for step, _ in drive(Breaks(), AtSteps([3, 6]), check=False)] == [3, 6]


def test_some_seconds_pass_between_two_saves() -> None:
    now, saves = [0.0], list[int]()
    trainer = SingleTrainer(POINTS.begin())

    def clock() -> float:
        now[0] += 0.5  # a chunk of one step takes half a second
        return now[0]

    save = every(2.0, lambda: saves.append(trainer.step))
    for _ in drive(trainer, AtSteps(range(1, 13)), [save], clock=clock):
        pass
    assert saves == [5, 10]


def test_losses_are_summed_up_by_their_last_quarter() -> None:
    losses = np.array(
        [[9, math.nan], [9, math.nan], [9, math.nan], [1, math.nan], [3, math.nan]] + [[5, math.nan]] * 3, np.float32
    )
    found = loss_summary(losses)
    assert found == {"generator": {"last": 5.0, "std_last_quarter": 0.0}, "adversary": None}
    assert loss_summary(losses[:5])["generator"] == {"last": 3.0, "std_last_quarter": 0.0}
    assert mean_losses(losses[:0]) == pytest.approx((math.nan, math.nan), nan_ok=True)
    assert mean_losses(losses[3:5]) == pytest.approx((2, math.nan), nan_ok=True)


# Going on

SMALL = {
    "points": ["uotm", "--hidden", "8", "--layers", "1", "--batch-size", "16"],
    "images": [
        "uotm",
        "--target",
        "digits",
        "--batch-size",
        "8",
        "--network.width",
        "8",
        "--network.adversary-width",
        "4",
    ],
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)  # as runs do: sums over two threads round otherwise


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_report, "SAMPLES", 300)


def trained(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """The report of a training, without what depends on the clock."""
    assert main(["train", *words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    return {name: value for name, value in report.items() if "second" not in name}


def same(one: Path, other: Path) -> None:
    for name in ("generator.safetensors", "state.safetensors", "history.csv"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_training_that_a_signal_ended_goes_on_to_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, whole = [*SMALL["points"], "--steps", "300"], tmp_path / "whole"
    report = trained(capsys, *words, "--out", str(whole))
    for number in (signal.SIGTERM, signal.SIGHUP):
        part, end = tmp_path / number.name, once(signal.raise_signal)
        before = signal.signal(number, signal.SIG_DFL)  # nohup and some services ignore it
        with monkeypatch.context() as patch:
            patch.setattr(train_report, "POLL", 0.001)
            patch.setattr(train_report, "_show_bar", lambda step, *_, n=number, end=end: step and end(n))
            assert main(["train", *words, "--out", str(part)]) == 128 + number
        assert signal.signal(number, before) == signal.SIG_DFL
        summary = json.loads((part / "summary.json").read_text())
        assert summary["status"] == "stopped"
        assert 0 < summary["step"] < 300
        capsys.readouterr()
        assert trained(capsys, "--resume", str(part)) == report
        same(part, whole)


def once(call: Callable[[int], None]) -> Callable[[int], None]:
    """A call that is made the first time only."""
    made: list[int] = []

    def calls(number: int) -> None:
        if not made:
            made.append(number)
            call(number)

    return calls


def test_a_training_killed_before_its_first_save_begins_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SMALL["points"], "--steps", "20"]
    whole = trained(capsys, *words, "--out", str(tmp_path / "whole"))
    for path in (tmp_path / "whole").iterdir():
        if path.name != "config.json":
            path.unlink()
    assert trained(capsys, "--resume", str(tmp_path / "whole")) == whole


def test_another_training_takes_the_place_of_the_one_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained(capsys, *SMALL["points"], "--steps", "20", "--out", str(tmp_path))
    trained(capsys, *SMALL["images"], "--steps", "5", "--out", str(tmp_path))
    assert not (tmp_path / "card.json").exists()
    assert json.loads((tmp_path / "config.json").read_text())["target"]["name"] == "digits"


def test_where_nothing_was_trained_nothing_can_be_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--resume", str(tmp_path)]) == 2
    assert "there is no training to resume" in capsys.readouterr().err


OFTEN = """
import time
from otviz.checkpoints import train_checkpoint
from otviz.cli.main import main
from otviz.runs import scheduling
from otviz.training.driver import Pace
scheduling.SAVE_SECONDS = train_checkpoint.SAVE_SECONDS = 0.0
Pace.record_steps = lambda self, steps, seconds: time.sleep(0.05)
main()
"""
"""Saves after every chunk, which is one step, and rests, so that it is killed in the middle of few steps."""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("kind", "steps", "more"), [("points", 100, []), ("images", 50, []), ("images", 50, ["--card", "a claim"])]
)
def test_a_training_that_was_killed_goes_on_to_the_same_numbers(
    kind: str, steps: int, more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    few_judged(monkeypatch)
    monkeypatch.setattr(waiting, "EVERY", 50)  # what is done in this process need not look often
    words = [*SMALL[kind], "--steps", str(steps), *more]
    whole, part = tmp_path / "whole", tmp_path / "part"
    report = trained(capsys, *words, "--out", str(whole))
    saved = part / (train_checkpoint.UNFINISHED if more else "summary.json")
    with Forked(OFTEN, "train", *words, "--out", str(part)) as process:
        until(saved.is_file)
        time.sleep(random.uniform(0, 0.3))
        assert process.poll() is None, "it was to be killed in the middle"
    resumed = trained(capsys, "--resume", str(part))
    if more:
        assert resumed["sha256"] == report["sha256"]
        assert resumed["claims"] == report["claims"] == ["a claim"]
    else:
        assert resumed == report
        same(part, whole)
