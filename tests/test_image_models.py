"""Image checkpoints: round trips, continuation after a kill, and rejection of foreign files."""

from __future__ import annotations

import hashlib
import json
import pickle
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from image_model import CLAIM, digits_config, few_judged, made
from safetensors.torch import load, save

from otviz.checkpoints import image_cards, models, train_checkpoint, training_panel
from otviz.checkpoints.card import read_card
from otviz.checkpoints.train_checkpoint import About
from otviz.checkpoints.training_panel import read_training
from otviz.training import driver

FILES = {"card.json", "config.json", "generator.safetensors", "samples.png", "snapshots.npz"}


@pytest.fixture(autouse=True)
def _few_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    few_judged(monkeypatch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("models") / "one")


def changed(folder: Path, **changes: Any) -> tuple[bytes, bytes]:
    """The files of a checkpoint, with other entries on the card."""
    card = json.loads((folder / "card.json").read_text())
    return json.dumps({**card, **changes}).encode(), (folder / "generator.safetensors").read_bytes()


def resigned(folder: Path, weights: bytes, **changes: Any) -> tuple[bytes, bytes]:
    """Other weights, with their own hash on the card."""
    return changed(folder, **changes, sha256=hashlib.sha256(weights).hexdigest())[0], weights


def test_a_training_leaves_a_whole_checkpoint(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == FILES
    card = image_cards(folder.parent)["one"]
    assert card.claims == (CLAIM,)
    assert (card.method, card.target, card.shape) == ("uotm", "digits", (1, 8, 8))
    said = card.record
    assert said["steps"] == 6
    assert said["images_per_second"] > 0
    assert said["losses"]["adversary"]["last"] is not None
    assert card.metrics["samples"] == 100
    assert card.metrics["floor"]["frechet"] < card.metrics["frechet"]
    assert sum(card.metrics["class_shares"]) == pytest.approx(1, abs=1e-5)


def test_a_model_makes_the_images_of_its_training(folder: Path) -> None:
    model = models.load(folder)
    training = digits_config().begin()
    while training.step < training.steps:
        training.advance()
    x, z = model.latents(20, seed=3)
    expected = training.generate(torch.from_numpy(x), torch.from_numpy(z)).numpy()
    assert np.abs(model.generate(x, z) - expected).max() < 1e-5
    assert model.samples_png() == (folder / "samples.png").read_bytes()
    assert (model.sample(5, 3) == model.sample(20, 3)[:5]).all() or np.allclose(
        model.sample(5, 3), model.sample(20, 3)[:5], atol=1e-6
    )


def test_a_model_says_whether_it_sees_x(tmp_path: Path, folder: Path) -> None:
    blind = models.load(made(tmp_path / "blind", "ot-gan", steps=3))
    assert not blind.sees_source
    assert models.load(folder).sees_source
    x, z = blind.latents(4)
    assert (blind.generate(x, z) == blind.generate(-x, z)).all()


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_checkpoint, "SAVE_SECONDS", 0.0)
    config = digits_config(steps=30)
    whole = train_checkpoint.record(config, tmp_path / "whole")

    def killed(done: int, steps: int, speed: float) -> None:
        if done >= 17:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_checkpoint.record(config, tmp_path / "killed", progress=killed)
    assert (tmp_path / "killed" / train_checkpoint.UNFINISHED).is_file()
    seen: list[int] = []
    again = train_checkpoint.record(config, tmp_path / "killed", progress=lambda done, *rest: seen.append(done))
    assert seen[0] > 5  # not from the beginning
    assert again["sha256"] == whole["sha256"]
    assert {path.name for path in (tmp_path / "killed").iterdir()} == FILES
    (scene, one), (other_scene, two) = (read_training(tmp_path / name) for name in ("whole", "killed"))
    assert (scene.title, scene.steps) == (other_scene.title, other_scene.steps)
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        assert (a.generated == b.generated).all()
        assert (a.generator_loss, a.adversary_loss) == pytest.approx((b.generator_loss, b.adversary_loss), nan_ok=True)
        assert (a.step, a.meter) == (b.step, b.meter)


def test_a_training_that_a_signal_ends_saves_first(tmp_path: Path) -> None:
    config = digits_config(steps=30)

    def ended(done: int, steps: int, speed: float) -> None:
        if done == 16:  # a step with a snapshot, at which progress is always told
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        train_checkpoint.record(config, tmp_path / "ended", About(claims=("one",)), ended)
    assert train_checkpoint.unfinished(tmp_path / "ended") == (config, About(claims=("one",)))
    seen: list[int] = []
    again = train_checkpoint.record(config, tmp_path / "ended", progress=lambda done, *rest: seen.append(done))
    assert seen[0] in (17, 18)  # not from the beginning
    assert again["sha256"] == train_checkpoint.record(config, tmp_path / "whole")["sha256"]


def test_a_half_written_save_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / train_checkpoint.UNFINISHED).write_bytes(b"half a file")
    train_checkpoint.record(digits_config(steps=2), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES


def test_snapshots_show_how_a_model_came_to_be(folder: Path) -> None:
    scene, found = read_training(folder)
    assert (scene.steps, scene.shape) == (6, (1, 8, 8))
    assert [snapshot.step for snapshot in found] == [0, 1, 2, 3, 4, 5, 6]
    assert not found[0].meter
    assert found[-1].meter["samples"] == 60
    assert found[-1].meter["measured_at"] == 6
    assert np.isfinite(found[-1].meter["frechet"])
    assert np.isnan(found[0].generator_loss)
    assert np.isfinite([snapshot.adversary_loss for snapshot in found[1:]]).all()
    assert (np.diff([snapshot.seconds for snapshot in found]) >= 0).all()
    last = models.load(folder).sample(64)
    pixels = np.rint((last.clip(-1, 1) + 1) * 127.5)
    assert found[-1].generated.shape == (64, 64)
    assert np.abs(found[-1].generated - pixels).max() <= 1


def test_a_hash_that_does_not_match_is_not_loaded(folder: Path) -> None:
    card, weights = changed(folder, sha256="0" * 64)
    with pytest.raises(ValueError, match="are not those of its card"):
        models.of_bytes(card, weights)


def test_a_pickle_renamed_is_refused(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "ran"
    for data in (pickle.dumps(Path(bad).touch), b"", b"\xff" * 100, b"PK\x03\x04" + bytes(50)):
        with pytest.raises(ValueError, match="not in the safetensors format"):
            models.of_bytes(*resigned(folder, data))
    assert not bad.exists()


def test_other_weights_are_refused(folder: Path) -> None:
    tensors = load((folder / "generator.safetensors").read_bytes())
    name = next(iter(tensors))
    others = {
        "instead of": {**tensors, name: tensors[name][:-1].clone()},
        "missing instead of": {key: value for key, value in tensors.items() if key != name},
        "instead of missing": {**tensors, "more": torch.zeros(3)},
        "float64": {**tensors, name: tensors[name].double()},
        "not finite": {**tensors, name: tensors[name] * float("nan")},
    }
    for message, changes in others.items():
        with pytest.raises(ValueError, match=message):
            models.of_bytes(*resigned(folder, save(changes)))


def test_weights_in_half_precision_are_computed_with_in_single(folder: Path) -> None:
    tensors = load((folder / "generator.safetensors").read_bytes())
    halves = {name: value.half() for name, value in tensors.items()}
    model = models.of_bytes(*resigned(folder, save(halves)))
    for name, value in model.network.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, halves[name].float())


HUGE = {"generator": "dcgan", "width": 1024}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "classifier"}, "not the card of an image model"),
        ({"shape": [1, 9, 9]}, "that its target does not have"),
        ({"shape": [1, 10**9, 10**9]}, "at most 256 pixels"),
        ({"shape": [1, 8, True]}, "must have a shape"),
        ({"shape": "8x8"}, "must have a shape"),
        ({"sha256": "../../etc"}, "no SHA-256"),
        ({"steps": 10**30}, r"steps in card\.json must be a whole number from 1 to 2000000"),
        ({"seed": -1}, r"seed in card\.json must be a whole number"),
        ({"networks": {"generator": "mlp", "width": 10**12}}, "cannot be used"),
        ({"networks": HUGE}, "larger than the weights"),
        ({"networks": []}, "lacks its networks"),
        ({"networks": {"generator": "mlp", "path": "/x"}}, "cannot be used"),
        ({"method": {"name": "../uotm"}}, "method must be one of"),
        ({"method": {"name": "uotm", "tau": "1e999"}}, "cannot be used"),
        ({"target": {"name": "folder", "file": "/etc"}}, "cannot be used"),
        ({"target": {"name": "ring"}}, "data set must be one of"),
    ],
)
def test_a_hostile_card_is_refused_in_a_sentence(folder: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        models.of_bytes(*changed(folder, **changes))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"\xff\xfe", b'{"a":' * 100_000, b'{"kind": NaN}', b"1e999", b" " * 300_000]
)
def test_what_is_no_card_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"card\.json"):
        read_card(data, "bad")


def test_missing_files_are_named(tmp_path: Path, folder: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ValueError, match=r"card\.json cannot be read"):
            models.load(path)
    (tmp_path / "card.json").write_bytes((folder / "card.json").read_bytes())
    with pytest.raises(ValueError, match=r"generator\.safetensors cannot be read"):
        models.load(tmp_path)
    with pytest.raises(ValueError, match="cannot be read"):
        models.load("../checkpoints")


def test_latents_of_another_length_are_refused(folder: Path) -> None:
    model = models.load(folder)
    x, z = model.latents(3)
    with pytest.raises(ValueError, match=r"latents must have shapes \(3, 64\) and \(3, 16\)"):
        model.generate(x, z[:, :5])


@pytest.mark.parametrize("data", [b"", b"PK", pickle.dumps([1]), b"\x93NUMPY", bytes(training_panel.MOST + 1)])
def test_damaged_snapshots_are_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "snapshots.npz").write_bytes(data)
    with pytest.raises(ValueError, match=r"snapshots\.npz cannot be read") as caught:
        read_training(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ({"generated": np.zeros((7, 64, 64), np.float32)}, "not bytes"),
        ({"generated": np.zeros((6, 64, 64), np.uint8)}, "does not fit"),
        ({"more": np.zeros((7, 10_000_000), np.uint8)}, "64 unpacked"),
    ],
)
def test_snapshots_that_do_not_fit_are_refused(
    folder: Path, tmp_path: Path, spoilt: dict[str, Any], message: str
) -> None:
    with np.load(folder / "snapshots.npz") as file:
        arrays = {**file, **spoilt}
    np.savez_compressed(tmp_path / "snapshots.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        read_training(tmp_path)


def test_a_training_gone_wrong_leaves_no_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "collect_losses", lambda steps: (np.full((len(steps), 2), np.nan, np.float32), 1))
    with pytest.raises(ValueError, match="NaN or infinite at step 1"):
        train_checkpoint.record(digits_config(), tmp_path)
    assert not (tmp_path / "card.json").exists()
