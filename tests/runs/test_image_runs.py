"""Runs on images: snapshots without side effects, saving, resuming, branching and verdicts; on the digits, with small networks."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from otviz.data.datasets import datasets, to_rows
from otviz.data.datasets import named as image_set
from otviz.evaluation import features
from otviz.methods import methods, named
from otviz.networks import Networks
from otviz.runs import image_probe, run_history, scheduling, snapshots
from otviz.runs.branches import branch
from otviz.runs.config import RunConfig
from otviz.runs.hosts.host_pool import HostPool
from otviz.runs.image_probe import ImageProbe, probe_of
from otviz.runs.registry import Registry
from otviz.runs.run import Run
from otviz.runs.run_history import StateBuffer
from otviz.runs.run_verdict import image_verdict, table, verdict_on
from otviz.runs.saved import run_files
from otviz.runs.saved.run_store import Store, read_checkpoint, save_run
from otviz.runs.saved.saved_run import SavedRun
from otviz.runs.snapshots import FEWEST_IMAGES, FRAME_BYTES, MOST_IMAGES, preview_of, sheet_size
from otviz.runs.training_handle import LocalTraining
from tests.waiting import PATIENCE

DIGITS = image_set("digits")()
SMALL = Networks(width=8, adversary_width=4)


def config(name: str = "uotm", steps: int = 12, networks: Networks = SMALL, **knobs: Any) -> RunConfig:
    method = named(name)(**{"batch_size": 8, "noise_dim": 3, **knobs})
    return RunConfig(method, DIGITS, steps=steps, seed=3, device="cpu", networks=networks)


def done(run: Run) -> Run:
    assert run.wait(PATIENCE)
    assert run.status == "done", run.message
    return run


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_probe, "JUDGED", 60)


@pytest.fixture
def unjudged() -> Iterator[None]:
    """No set has a classifier."""

    def none(images: object) -> object:
        raise ValueError("Digits 8 x 8 has no classifier yet to score its images: train it")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_probe, "reference", none)
        yield


@pytest.fixture
def finished(tmp_path: Path) -> tuple[Store, Run]:
    store = Store(tmp_path / "runs")
    return store, done(Run("images-one", config(ema=0.9), save=store.save).start())


# Looking


def test_a_run_on_images_shows_the_same_sheet_at_every_step(finished: tuple[Store, Run]) -> None:
    _, run = finished
    scene, first, last = run.scene, run.snapshots[0], run.snapshots[-1]
    assert scene is not None
    assert (scene.shape, scene.classes, last.step) == ((1, 8, 8), tuple("0123456789"), 12)
    for images in (scene.target, scene.source, first.generated, last.generated, last.raw):
        assert images is not None
        assert (images.shape, images.dtype) == ((64, 64), np.uint8)
    assert np.isin(scene.target, DIGITS.split("train").pixels).all()
    assert last.potential is last.arrows is last.manifold is None
    training = run.training_copy()
    again = ImageProbe(training, run.config.seed).take_snapshot(0, 0.0, (0.0, 0.0))
    np.testing.assert_array_equal(again.generated, last.generated)
    assert again.raw is not None
    assert not np.array_equal(again.raw, again.generated), "averaged weights lag behind"


def test_weights_that_are_not_averaged_are_shown_once(finished: tuple[Store, Run]) -> None:
    probe = probe_of(config(ema=0.0).begin(), 0)
    assert probe.take_snapshot(0, 0.0, (0.0, 0.0)).raw is None


def test_a_generator_that_does_not_see_x_shows_no_source() -> None:
    networks = Networks(generator="cnn", adversary="cnn", width=4, adversary_width=4, from_source=False)
    assert len(probe_of(config("ot-gan", networks=networks).begin(), 0).scene.source) == 0


@pytest.mark.parametrize("name", ["uotm", "ot-gan", "sinkhorn"])
def test_looking_leaves_the_training_as_it_is(name: str) -> None:
    networks = Networks(generator="cnn", width=4, adversary_width=4)  # has batch norm, whose averages must not move
    watched, alone = (config(name, networks=networks, ema=0.9).begin() for _ in range(2))
    probe = ImageProbe(watched, 3)
    for _ in range(3):
        probe.take_snapshot(0, 100.0, (0.0, 0.0))
        probe.samples(5, 1)
        watched.advance()
        alone.advance()
    (tensors, text), (others, other) = watched.state(), alone.state()
    assert text == other
    assert all(torch.equal(tensors[key], others[key]) for key in others)


def test_the_sinkhorn_generator_has_a_noise_floor() -> None:
    floor = probe_of(config("sinkhorn", batch_size=64, blur=1.0).begin(), 0).scene.loss_floor
    assert floor is not None
    assert floor[0] > 0
    assert probe_of(config("uotm").begin(), 0).scene.loss_floor is None


@pytest.mark.parametrize("side", [8, 16, 28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_is_a_square_of_few_bytes(side: int, channels: int) -> None:
    count = sheet_size(channels * side * side)
    assert FEWEST_IMAGES <= count <= MOST_IMAGES
    assert round(count**0.5) ** 2 == count
    assert count == FEWEST_IMAGES or 2 * count * channels * side * side <= FRAME_BYTES


def test_the_preview_is_of_real_images() -> None:
    scene = preview_of(DIGITS, None)
    assert scene.target.shape == (64, 64)
    assert scene.shape == (1, 8, 8)


# Measuring


def test_what_is_measured_is_what_the_reference_says(finished: tuple[Store, Run]) -> None:
    judge = features.reference(DIGITS)
    _, run = finished
    meter = run.meter
    assert (meter["measured_at"], meter["samples"], meter["classes_total"]) == (12, 60, 10)
    assert meter["frechet_floor"] == judge.floor(60).frechet < meter["frechet"]
    assert sum(meter["class_shares"]) == pytest.approx(1)
    assert sum(meter["true_class_shares"]) == pytest.approx(1)
    assert json.loads(json.dumps(meter)) == meter
    assert run.scene is not None
    assert "classifier-digits" in run.scene.judge


def test_without_a_classifier_there_are_pixels_and_a_sentence(unjudged: None) -> None:
    probe = ImageProbe(config(steps=1).begin(), 0)
    probe.training.advance()
    meter = probe.take_snapshot(0, 0.0, (0.0, 0.0)).meter
    assert "has no classifier yet" in probe.scene.judge
    assert "frechet" not in meter
    rows = to_rows(DIGITS.split("train").pixels)
    # 60 draws of 1541 images: the mean of their pixels is known to 0.03, their variance to a tenth
    assert meter["brightness_target"] == pytest.approx(float(rows.mean()), abs=0.06)
    assert meter["diversity_target"] == pytest.approx(float(rows.var(0).mean()), rel=0.2)


def test_measuring_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = ImageProbe(config(steps=100).begin(), 0)
    measured = [probe.take_snapshot(0, seconds, (0.0, 0.0)).meter.get("measured_at") for seconds in (0.0, 1.9)]
    assert measured == [None, None]
    assert probe.take_snapshot(0, 2.0, (0.0, 0.0)).meter["measured_at"] == 0
    probe.training.advance()
    assert probe.take_snapshot(0, 4.9, (0.0, 0.0)).meter["measured_at"] == 0
    assert probe.take_snapshot(0, 1000.0, (0.0, 0.0)).meter["measured_at"] == 1


# Keeping


def test_a_stored_run_comes_back_whole(finished: tuple[Store, Run]) -> None:
    store, run = finished
    back = SavedRun.read(store, run.id)
    assert back.config == run.config
    assert run.scene is not None
    for name in ("title", "box", "shape", "classes", "judge", "loss_floor", "steps"):
        assert getattr(back.scene, name) == getattr(run.scene, name), name
    np.testing.assert_array_equal(back.scene.target, run.scene.target)
    for ours, theirs in zip(run.snapshots, back.snapshots, strict=True):
        np.testing.assert_array_equal(theirs.generated, ours.generated)
        np.testing.assert_array_equal(theirs.raw, ours.raw)  # type: ignore[arg-type]
        assert theirs.meter == ours.meter
    assert table([back], ["one"]).loc[0, "step"] == 12


def test_what_was_interrupted_goes_on_exactly(tmp_path: Path) -> None:
    """A save in mid-run is what a killed process leaves behind."""
    whole = done(Run("whole", config(steps=20, ema=0.9)).start())
    live = LocalTraining(config(steps=20, ema=0.9))
    losses, _ = live.advance(9)
    stopped = Run("part", config(steps=20, ema=0.9))
    stopped.scene = live.scene
    looked = live.take_snapshot(0, 0.5, (0.0, 0.0))
    assert looked is not None
    assert looked[1] is not None
    stopped._history.snapshots = (looked[0],)
    stopped._history.losses.add(losses)
    stopped._history.states.add(9, looked[1])
    save_run(stopped, tmp_path / "part")
    _, restored = read_checkpoint(tmp_path / "part")
    resumed = done(Run("part", config(steps=20, ema=0.9), restored=restored).start())
    np.testing.assert_array_equal(resumed.losses(), whole.losses())
    np.testing.assert_array_equal(resumed.snapshots[-1].generated, whole.snapshots[-1].generated)
    ours, theirs = resumed.state()[0], whole.state()[0]
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_large_states_are_taken_less_often_and_a_pause_still_saves_the_last_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_history, "SMALL", 10.0)
    monkeypatch.setattr(run_history, "EVERY", math.inf)  # however slow it is, none is due meanwhile,
    monkeypatch.setattr(scheduling, "SAVE_SECONDS", math.inf)  # nor a save, which takes one too
    store = Store(tmp_path / "runs")
    run = Run("large-states", config(steps=100_000), save=store.save).start()
    while run.step < 40:
        run.watch()
    assert len(run.saved_steps) < len(run.snapshots)
    run.pause()
    summary = store.path(run.id) / "summary.json"  # there since the first step
    while run.status != "paused" or json.loads(summary.read_text(encoding="utf-8"))["step"] < run.step:
        assert not run.wait(0.02)
    assert run.saved_steps[-1] == run.step == json.loads(run.state()[1])["step"]
    assert read_checkpoint(store.path(run.id))[1].losses.shape == (run.step, 2)
    run.stop()
    assert run.wait(PATIENCE)


def test_few_large_states_are_kept() -> None:
    states, state = StateBuffer(1000), ({"weights": torch.zeros(5_000_000)}, "")
    for step in range(0, 1001, 10):
        states.add(step, state)
    assert 2 <= len(states.saved_steps) <= 5
    assert states.nbytes <= 5 * 20_000_000


def test_snapshots_of_images_are_bounded_by_their_bytes(finished: tuple[Store, Run]) -> None:
    _, run = finished
    large, many = run.snapshots[-1], ()
    for sequence in range(1000):
        many = snapshots.thinned((*many, replace(large, sequence=sequence)), 100_000)  # type: ignore[assignment]
        assert len(many) * 100_000 <= snapshots.ROOM
    assert (many[0].sequence, many[-1].sequence) == (0, 999)  # type: ignore[attr-defined]


def test_ended_runs_are_forgotten_when_they_take_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    first, second = (done(registry.submit(config(steps=2))) for _ in range(2))
    assert registry.find(first.id) is first
    monkeypatch.setattr("otviz.runs.registry.ROOM", 1.5 * first.nbytes)
    done(registry.submit(config(steps=2)))
    assert registry.find(first.id) is None
    assert registry.find(second.id) is not None
    registry.close()


def test_a_branch_goes_on_from_images(tmp_path: Path) -> None:
    registry = Registry(Store(tmp_path / "runs"))
    run = done(registry.submit(config(steps=30)))
    step = [kept for kept in run.saved_steps if kept < run.step][
        -1
    ]  # a quick machine keeps only the first and the last
    again = done(registry.submit(branch(run, step)))
    np.testing.assert_array_equal(again.losses(), run.losses())
    assert done(registry.submit(branch(run, step, frozen=True))).frozen
    registry.close()


def test_a_host_trains_images_alike() -> None:
    hosts = HostPool(1)
    here, hosted = done(Run("here", config()).start()), done(Run("hosted", config(), hosts=hosts).start())
    np.testing.assert_array_equal(hosted.losses(), here.losses())
    assert here.scene is not None
    assert hosted.scene is not None
    assert (hosted.scene.shape, hosted.scene.classes, hosted.scene.judge) == (
        here.scene.shape, here.scene.classes, here.scene.judge,
    )  # fmt: skip
    np.testing.assert_array_equal(hosted.snapshots[-1].generated, here.snapshots[-1].generated)
    hosts.close()


# Judging and carrying away

SHARES = {
    "class_shares": [0.1] * 10, "true_class_shares": [0.1] * 10, "classes_total": 10, "samples": 1000, "recall_floor": 0.88,
    "roughness_target": 0.3,
}  # fmt: skip


@pytest.mark.parametrize(
    ("effective", "recall", "roughness", "step", "word"),
    [
        (9.7, 0.81, 0.3, 3000, ""),
        (9.0, 0.75, 0.3, 3000, ""),  # one digit is missing: no collapse
        (2.9, 0.40, 0.3, 3000, "collapsed: 2.9 of 10 classes left"),
        (8.0, 0.13, 0.2, 3000, "collapsed: recall 0.13"),
        (1.0, 0.00, 0.3, 300, ""),  # every run begins so
        (4.4, 0.00, 0.8, 3000, ""),  # noise
    ],
)
def test_only_a_collapse_is_called_by_its_name(
    effective: float, recall: float, roughness: float, step: int, word: str
) -> None:
    meter = {**SHARES, "classes_effective": effective, "recall": recall, "roughness": roughness}
    found = image_verdict(meter, step, 3000, usual=3000)
    assert found.word == word
    assert found.kind == ("collapsed" if word else "not judged")
    assert image_verdict(meter, 1000, 1000, usual=3000).word == "", "too few steps to have learned anything"


def test_noise_is_rougher_than_images_and_an_average_smoother() -> None:
    real = DIGITS.sample(500, np.random.default_rng(0))
    noise = np.random.default_rng(1).uniform(-1, 1, real.shape).astype(np.float32)
    even = image_probe.roughness(noise, DIGITS.shape)
    assert even == pytest.approx(4 / 3, rel=0.02)  # two uniform numbers in [-1, 1] differ by 2/3 in the mean square
    assert image_probe.roughness(real, DIGITS.shape) < even
    assert image_probe.roughness((real + real[::-1]) / 2, DIGITS.shape) < image_probe.roughness(real, DIGITS.shape)


def test_no_run_on_images_is_too_young_to_be_judged(unjudged: None) -> None:
    run = done(Run("young", config()).start())
    assert verdict_on(run).word == ""
    assert image_verdict({}, 0, 10, 10).kind == "not judged"


def test_sheets_and_arrays_can_be_carried_away(finished: tuple[Store, Run]) -> None:
    _, run = finished
    assert run.scene is not None
    last = run.snapshots[-1]
    picture = np.asarray(Image.open(io.BytesIO(run_files.samples_png(run.scene, last))))
    times = picture.shape[0] // (8 * 8 + 7)
    assert picture.shape == (71 * times, 71 * times, 3)
    np.testing.assert_array_equal(picture[: 8 * times : times, : 8 * times : times, 0], last.generated[0].reshape(8, 8))
    with np.load(io.BytesIO(run_files.samples_npz(run.scene, last)), allow_pickle=False) as arrays:
        assert arrays["generated"].shape == arrays["real"].shape == arrays["raw"].shape == (64, 1, 8, 8)
        assert int(arrays["step"]) == 12


@pytest.mark.parametrize("name", methods())
def test_every_method_can_be_watched(name: str) -> None:
    run = done(Run(f"any-{name}", config(name, steps=2)).start())
    assert run.snapshots[-1].generated.shape == (64, 64)


def test_every_set_that_is_here_has_a_preview() -> None:
    for cls in datasets().values():
        if cls.needs_file:
            continue
        try:
            scene = preview_of(cls(), None)
        except ValueError:  # not on this computer
            continue
        assert scene.target.shape == (sheet_size(cls().dim), cls().dim)
