"""Conditional generators: pairs of an image and its class as in Salimans et al. 2018, Algorithm 2."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from image_model import few_judged
from safetensors.torch import load, save

from otviz.checkpoints import models
from otviz.checkpoints.train_checkpoint import record
from otviz.data.datasets import named as image_set
from otviz.data.datasets import to_rows
from otviz.methods import methods, named
from otviz.methods.ot_gan import OTGAN
from otviz.networks import Networks
from otviz.networks.image_networks import with_class
from otviz.networks.settings import AdversaryKind, GeneratorKind
from otviz.runs.config import RunConfig
from otviz.runs.image_probe import ImageProbe
from otviz.runs.snapshots import real_images
from otviz.training.loop import Training, start

DIGITS = image_set("digits")()
PAIRS = [name for name, cls in methods().items() if cls.pairs]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def config(name: str = "ot-gan", steps: int = 20, **knobs: object) -> RunConfig:
    method = named(name)(**{"batch_size": 8, "noise_dim": 3, **knobs})
    networks = Networks(generator="cnn", adversary="cnn", width=4, adversary_width=4, from_source=False, by_class=True)
    return RunConfig(method, DIGITS, steps=steps, device="cpu", networks=networks)


def test_the_class_stands_behind_the_row() -> None:
    rows = with_class(torch.full((2, 3), 7.0), torch.tensor([1, 0]), 2)
    assert rows.tolist() == [[7, 7, 7, 0, 1], [7, 7, 7, 1, 0]]


@pytest.mark.parametrize("kind", [kind for kind in get_args(GeneratorKind) if kind != "auto"])
def test_a_generator_makes_pairs_of_an_image_and_the_class_asked_for(kind: str) -> None:
    networks = Networks(generator=kind, width=4, by_class=True)
    net = networks.build_generator((1, 8, 8), 3, torch.Generator().manual_seed(0), classes=10).eval()
    x, z = torch.randn(4, 64), torch.randn(4, 3)
    one, two = (with_class(z, torch.full((4,), label), 10) for label in (2, 5))
    pairs = net(x, one)
    assert pairs.shape == (4, 74)
    assert torch.equal(pairs[:, 64:], one[:, 3:])
    assert not torch.allclose(pairs[:, :64], net(x, two)[:, :64]), "the image depends on the class"


@pytest.mark.parametrize("kind", [kind for kind in get_args(AdversaryKind) if kind != "auto"])
def test_a_critic_compares_pairs(kind: str) -> None:
    networks = Networks(adversary=kind, adversary_width=4, by_class=True)
    net = networks.build_adversary((1, 8, 8), 5, torch.Generator().manual_seed(0), classes=10)
    images = torch.randn(4, 64)
    one, two = (net(with_class(images, torch.full((4,), label), 10)) for label in (2, 5))
    assert one.shape == (4, 5)
    assert not torch.allclose(one, two), "the same image is another pair under another class"


def test_without_classes_networks_are_as_they_were() -> None:
    for classes in (0, 10):
        networks = Networks(generator="cnn", width=4)
        assert networks.build_generator((1, 8, 8), 3, torch.Generator(), classes=classes).classes == 0


def test_a_batch_has_true_pairs_and_asks_for_classes_as_often_as_they_occur() -> None:
    training = config(batch_size=1000).begin()
    batch = training.batch()
    assert batch.target.shape == (2000, 74)
    assert batch.noise.shape == (2000, 13)
    pixels, labels = DIGITS.split("train")
    known = {image.tobytes(): int(label) for image, label in zip(pixels, labels, strict=True)}
    found = np.rint((batch.target[:, :64].numpy() + 1) * 127.5).astype(np.uint8)
    assert [known[row.tobytes()] for row in found] == batch.target[:, 64:].argmax(1).tolist()
    asked = batch.noise[:, 3:]
    assert (asked.sum(1) == 1).all()
    # 2000 draws: a share of a tenth is known to .0067, of which five are allowed
    assert np.abs(asked.mean(0).numpy() - np.bincount(labels) / len(labels)).max() < 0.034
    assert not torch.equal(asked, batch.target[:, 64:]), "those asked for are drawn independently"


@pytest.mark.parametrize("name", PAIRS)
def test_methods_of_pairs_train_and_every_weight_learns(name: str) -> None:
    training = config(name).begin()
    assert training.adversary is not None
    networks = [training.generator, training.adversary]
    before = [[weight.detach().clone() for weight in network.parameters()] for network in networks]
    losses = [training.advance() for _ in range(8)]
    assert losses[-1].generator_loss is not None
    assert math.isfinite(losses[-1].generator_loss.item())
    for network, weights in zip(networks, before, strict=True):
        # a constant added to the last layer cancels in differences of features
        assert all([not torch.equal(a, b) for a, b in zip(weights, network.parameters(), strict=True)][:-1])


def test_the_distance_of_pairs_sees_wrong_classes() -> None:
    """Real images with classes shuffled are far from real pairs, though their images are the same: by hand, with fixed pairs."""
    method = OTGAN(batch_size=200, cost="squared-l2", epsilon=0.05, iterations=50)
    training = config().begin()
    pixels, classes = DIGITS.split("train")
    drawn = np.random.default_rng(0).integers(len(pixels), size=800)
    images, labels = torch.from_numpy(to_rows(pixels[drawn])) / 8, torch.from_numpy(classes[drawn])
    pairs = with_class(images, labels, 10)
    right = with_class(images[400:], labels[400:], 10)
    wrong = with_class(images[400:], (labels[400:] + 1) % 10, 10)
    batch = training.batch()._replace(target=pairs[:400])
    loss = {
        name: float(method.generator_loss(lambda x, z, made=made: made, lambda seen: seen, batch, method.scalars(0)))  # type: ignore[misc]
        for name, made in {"right": right, "wrong": wrong}.items()
    }
    assert loss["wrong"] > loss["right"] + 0.3


def test_classes_come_in_turn_or_as_asked() -> None:
    training = config().begin()
    x, z = torch.zeros(20, 64), torch.randn(1, 3).expand(20, -1)
    images = training.generate(x, z)
    assert images.shape == (20, 64)
    assert torch.allclose(images[:10], images[10:], atol=1e-6), "the same noise and, ten places on, the same class"
    assert not torch.allclose(images[0], images[1])
    threes = training.generate(x, z, torch.full((20,), 3))
    assert torch.allclose(threes, images[3].expand(20, -1), atol=1e-6)


def test_a_probe_has_a_column_for_each_class() -> None:
    training = config().begin()
    probe = ImageProbe(training, 0)
    shown = probe.take_snapshot(0, 0.0, (0.0, 0.0)).generated
    assert shown.shape == (100, 64)
    labels = {image.tobytes(): int(label) for image, label in zip(*DIGITS.split("train"), strict=True)}
    assert [labels[row.tobytes()] for row in probe.scene.target] == list(range(10)) * 10
    assert real_images(DIGITS, 0).shape == (64, 64), "without classes, as before"


def test_a_probe_measures_whether_images_are_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    training = config().begin()
    probe = ImageProbe(training, 0)
    by_class = {label: DIGITS.split("train").pixels[DIGITS.split("train").labels == label] for label in range(10)}

    def real(x: torch.Tensor, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        rows = [by_class[int(label)][at % 100].reshape(-1) for at, label in enumerate(labels)]
        return torch.from_numpy(np.stack(rows).astype(np.float32) / 127.5 - 1)

    monkeypatch.setattr(training, "generate", lambda x, z, labels=None: real(x, z, labels))
    training.step = training.steps
    probe._measure(100.0)
    assert probe._meter["as_asked"] > 0.95  # what the classifier itself reaches on training images


def test_restored_it_goes_on_to_the_bit() -> None:
    one, two = config(ema=0.5).begin(), config(ema=0.5).begin()
    for _ in range(5):
        one.advance()
    tensors, text = one.state()
    two.restore(load(save(tensors)), text)
    for _ in range(4):
        assert one.advance().generator_loss == two.advance().generator_loss
    first, second = one.state()[0], two.state()[0]
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("name", [name for name in methods() if name not in PAIRS])
def test_methods_that_compare_x_with_its_image_refuse(name: str) -> None:
    for make in (
        lambda: RunConfig(named(name)(), DIGITS, networks=Networks(by_class=True)),
        lambda: start(named(name)(), DIGITS, networks=Networks(by_class=True)),
    ):
        with pytest.raises(ValueError, match=r"by_class (must be|to) false"):
            make()


def test_images_without_classes_refuse(tmp_path: Path) -> None:
    from PIL import Image

    for at in range(20):
        Image.fromarray(np.full((8, 8), at, np.uint8)).save(tmp_path / f"{at}.png")
    own = image_set("folder")(file=str(tmp_path), size=8)
    with pytest.raises(ValueError, match="these images have no classes"):
        RunConfig(named("ot-gan")(), own, networks=Networks(by_class=True))


def test_a_config_comes_back_and_older_ones_are_read() -> None:
    asked = config()
    assert asked.classes == 10
    said = json.loads(json.dumps(asked.record()))
    assert RunConfig.from_record(said) == asked
    del said["networks"]["by_class"]
    assert RunConfig.from_record(said).classes == 0


def test_a_checkpoint_is_asked_for_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few_judged(monkeypatch)
    card = record(config(steps=6), tmp_path)
    assert card["networks"]["by_class"]
    assert card["samples"]["columns"] == 10
    assert 0 <= card["metrics"]["as_asked"] <= 1
    assert card["metrics"]["floor"]["as_asked"] > 0.9
    model = models.load(tmp_path)
    assert model.classes == 10
    assert model.samples_png() == (tmp_path / "samples.png").read_bytes()
    x, z = model.latents(10, 1)
    same = np.repeat(z[:1], 10, axis=0)
    in_turn = model.generate(x, same)
    for label in range(10):
        alone = model.generate(x[:1], same[:1], np.array([label]))
        assert alone[0] == pytest.approx(in_turn[label], abs=1e-5)
    for labels in (np.arange(10) + 1, np.arange(9), -np.ones(10, np.int64)):
        with pytest.raises(ValueError, match="classes must be 10 numbers from 0 to 9"):
            model.generate(x, z, labels)


def test_a_plain_model_cannot_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few_judged(monkeypatch)
    asked = config()
    plain = RunConfig(asked.method, DIGITS, steps=2, device="cpu", networks=Networks(generator="cnn", width=4))
    record(plain, tmp_path)
    model = models.load(tmp_path)
    assert model.classes == 0
    assert "as_asked" not in model.card.metrics
    with pytest.raises(ValueError, match="classes must be"):
        model.sample(2, labels=np.zeros(2, np.int64))


@pytest.mark.parametrize(("rank", "size"), itertools.product((0, 1), (2,)))
def test_processes_share_the_classes_asked_for(rank: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from otviz.core.distributed import World
    from otviz.training import loop

    whole: Training = config().begin()
    monkeypatch.setattr(loop, "world", lambda: World(rank, size))
    part = config().begin()
    rows = slice(rank * 8, rank * 8 + 8)
    one, two = whole.batch(), part.batch()
    assert torch.equal(one.noise[rows], two.noise)
    assert torch.equal(one.target[rows], two.target)
