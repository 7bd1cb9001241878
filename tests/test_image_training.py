"""Training on images: the same loop and methods as for points."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import get_args

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from otviz.data.datasets import named as image_set
from otviz.data.distributions import named as distribution
from otviz.methods import Method, methods, named
from otviz.networks import Networks
from otviz.networks.settings import AdversaryKind, GeneratorKind
from otviz.runs.config import RunConfig
from otviz.training.loop import Training, start
from otviz.training.streams import Stream, WhiteNoise, stream_of

CPU = torch.device("cpu")
DIGITS = image_set("digits")()
NARROW = {"width": 4, "adversary_width": 4}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def small(name: str, **knobs: object) -> Method:
    return named(name)(**{"batch_size": 8, "noise_dim": 3, **knobs})


def begun(method: Method, seed: int = 0, **choice: object) -> Training:
    return start(method, DIGITS, steps=20, seed=seed, networks=Networks(**{**NARROW, **choice}))


# Streams


def test_a_stream_of_images_is_the_sets_own_draw() -> None:
    stream, rng = stream_of(DIGITS, 64, 5, CPU), np.random.default_rng(5)
    found = torch.cat([stream.next() for _ in range(80)]).numpy()
    expected = np.concatenate([DIGITS.sample(size, rng) for size in (4096, 1024)])
    assert np.array_equal(found, expected), "the same images in the same order"


def test_noise_is_normal_and_its_chunks_are_bounded() -> None:
    noise = WhiteNoise((3, 64, 64))
    stream = Stream(noise, 100, 5, CPU)
    rows = stream.next()
    assert rows.shape == (100, 12288)
    assert rows.dtype == torch.float32
    assert stream._chunk.nbytes <= 2**23
    # 1.2 million numbers: their mean and variance are known to a thousandth, five of which are allowed
    assert rows.mean().item() == pytest.approx(0, abs=0.005)
    assert rows.var().item() == pytest.approx(1, abs=0.007)


@pytest.mark.parametrize("before", [0, 1, 63, 64, 65])
def test_a_stream_of_images_goes_on_where_its_state_was_taken(before: int) -> None:
    stream = stream_of(DIGITS, 64, 5, CPU)
    for _ in range(before):
        stream.next()
    state = json.loads(json.dumps(stream.state()))
    other = stream_of(DIGITS, 64, 9, CPU)
    other.restore(state)
    assert all(torch.equal(stream.next(), other.next()) for _ in range(3))


# Every method


@pytest.mark.parametrize("name", methods())
def test_every_method_trains_on_images(name: str) -> None:
    found = []
    for seed in (1, 1, 2):
        training = begun(small(name), seed)
        for _ in range(3):
            step = training.advance()
        assert step.generator_loss is not None
        found.append(step.generator_loss.item())
    assert math.isfinite(found[0])
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("name", ["uotm", "wgan-gp", "ot-gan", "gan"])
def test_every_weight_learns(name: str) -> None:
    training = begun(small(name), generator="cnn", adversary="cnn")
    assert training.adversary is not None
    networks = [training.generator, training.adversary]
    before = [[weight.detach().clone() for weight in network.parameters()] for network in networks]
    for _ in range(8):
        training.advance()
    for network, weights in zip(networks, before, strict=True):
        # a constant added to the last layer cancels in differences of means and of features
        moved = [not torch.equal(a, b) for a, b in zip(weights, network.parameters(), strict=True)][:-1]
        assert all(moved)


KINDS = [("generator", kind) for kind in get_args(GeneratorKind)] + [
    ("adversary", kind) for kind in get_args(AdversaryKind)
]


@pytest.mark.parametrize(("side", "kind"), KINDS)
@pytest.mark.parametrize("name", ["uotm", "ot-gan"])
def test_restored_training_goes_on_to_the_bit(name: str, side: str, kind: str) -> None:
    method = small(name, ema=0.9)
    whole = begun(method, 1, **{side: kind})
    for _ in range(4):
        whole.advance()
    tensors, text = whole.state()
    assert all(value.isfinite().all() for value in tensors.values())
    resumed = begun(method, 2, **{side: kind})  # other weights and draws, all to be replaced
    resumed.advance()
    resumed.restore(load(save(tensors, metadata={"rest": text})), text)
    for _ in range(7):
        one, two = whole.advance(), resumed.advance()
        assert one.generator_loss is not None
        assert two.generator_loss is not None
        assert one.generator_loss.item() == two.generator_loss.item()
    after = (whole.state()[0], resumed.state()[0])
    assert after[0].keys() == after[1].keys()
    assert all(torch.equal(after[0][name], after[1][name]) for name in after[0])


# What is shown


def test_weights_of_grey_images_lie_by_channel_too() -> None:
    """With one channel the strides of both layouts are valid, and a layer takes the layout of its results from them."""
    training = begun(small("uotm"), generator="dense")
    found = [weight for part, _ in training.parts() for weight in part.values() if weight.ndim == 4]
    assert any(weight.shape[1] == 1 for weight in found)
    for weight in found:
        assert weight.stride() == torch.empty(weight.shape, memory_format=torch.channels_last).stride()


def test_looking_changes_nothing() -> None:
    training = begun(small("ot-gan"), generator="cnn")
    training.advance()
    batch = training.batch()
    before = training.state()[0]
    images = training.generate(batch.source, batch.noise)
    assert images.shape == (16, 64)
    assert training.generator.training
    after = training.state()[0]
    assert all(torch.equal(before[name], after[name]) for name in before), "batch norm must not learn from a look"
    alone = training.generate(batch.source[:1], batch.noise[:1])
    assert torch.allclose(alone, images[:1], atol=1e-6), "an image does not depend on those beside it"


def test_the_average_carries_the_statistics_of_batch_norm() -> None:
    training = begun(small("ot-gan", ema=0.5), generator="cnn")
    for _ in range(4):
        training.advance()
    pairs = list(zip(training.eval_generator.buffers(), training.generator.buffers(), strict=True))
    assert pairs
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not training.eval_generator.training


# Step sizes


def test_cosine_lets_step_sizes_fall_and_retuning_holds() -> None:
    training = start(small("uotm", lr=1e-3), DIGITS, steps=8, networks=Networks(**NARROW), lr_decay="cosine")

    def sizes() -> list[float]:
        return [
            group["lr"]
            for adam in (training._learners.generator_optimiser, training._learners.adversary_optimiser)
            if adam is not None
            for group in adam.param_groups
        ]

    seen = []
    for _ in range(8):
        training.advance()
        seen.append(sizes())
    assert [pair[0] for pair in seen] == pytest.approx([5e-4 * (1 + math.cos(math.pi * k / 8)) for k in range(8)])
    assert all(one == two for one, two in seen)
    training.step = 4
    training.retune(dataclasses.replace(training.method, lr=4e-3))
    assert sizes() == pytest.approx([2e-3, 5e-4])
    training.advance()
    assert sizes() == pytest.approx([2e-3, 5e-4])


def test_without_decay_points_train_as_ever() -> None:
    one, two = (
        start(named("uotm")(batch_size=8, hidden=8), distribution("ring")(), steps=9, lr_decay=decay)
        for decay in ("none", "cosine")
    )
    first, second = ([training.advance() for _ in range(3)] for training in (one, two))
    assert first[0].adversary_loss == second[0].adversary_loss, "the first step is whole"
    assert first[2].generator_loss != second[2].generator_loss


# Configs


def test_a_config_of_images_comes_back() -> None:
    config = RunConfig(
        small("uotm"), DIGITS, steps=7, networks=Networks(generator="cnn", width=8), lr_decay="cosine",
        precision="bfloat16",
    )  # fmt: skip
    back = RunConfig.from_record(json.loads(json.dumps(config.record())))
    assert back == config
    assert back.source == WhiteNoise((1, 8, 8))
    assert back.target.kind == "images"
    assert config.record()["source"] == {"name": "noise"}


def test_a_config_of_images_has_networks_and_trains() -> None:
    config = RunConfig(small("uotm"), DIGITS, steps=2)
    assert config.networks == Networks()
    training = config.begin("cpu")
    state = training.advance().training.state()
    assert config.training_from(state).step == 1


def test_points_keep_to_their_records() -> None:
    config = RunConfig(named("uotm")(), distribution("ring")())
    assert config.networks is None
    assert "networks" not in config.record()


@pytest.mark.parametrize(
    ("target", "given", "said"),
    [
        (DIGITS, {"compile": True, "device": "cpu"}, "leave compile out for images"),
        (DIGITS, {"source": distribution("ring")()}, "leave the source ring out"),
        (DIGITS, {"networks": Networks(generator="residual", from_source=False)}, "a map of x"),
        (distribution("ring")(), {"networks": Networks()}, "ring has points: leave them out"),
        (distribution("ring")(), {"precision": "bfloat16"}, "ring has points: leave them out"),
        (DIGITS, {"lr_decay": "linear"}, "lr_decay must be one of none, cosine"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_told(target: object, given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RunConfig(small("uotm"), target, **given)  # type: ignore[arg-type]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_every_device_sees_the_same_images() -> None:
    one, two = (start(small("uotm"), DIGITS, steps=9, device=device, draws="cpu").batch() for device in ("cpu", "cuda"))
    assert torch.equal(one.target, two.target.cpu())
    assert torch.equal(one.source, two.source.cpu())
