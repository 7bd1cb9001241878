"""The training loop: streams of data, exact continuation, averages, devices."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch.utils._python_dispatch import TorchDispatchMode

from otviz.core import precision
from otviz.data.distributions import named as distribution
from otviz.methods import Method, methods, named
from otviz.ot.costs import squared_euclidean
from otviz.training.loop import Step, Training, device_named, start, train
from otviz.training.streams import Stream

CPU = torch.device("cpu")
SMALL = {"hidden": 16, "layers": 2, "batch_size": 24}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def method(name: str, **knobs: object) -> Method:
    return named(name)(**{**SMALL, **knobs})


def numbers(step: Step) -> list[float]:
    return [float("nan") if loss is None else loss.item() for loss in (step.generator_loss, step.adversary_loss)]


# Streams


@pytest.mark.parametrize("rows", [1, 7, 512, 4096, 5000])
def test_a_stream_is_the_distributions_own_draw(rows: int) -> None:
    stream = Stream(distribution("ring")(), rows, 5, CPU)
    size = rows * max(1, 4096 // rows)
    rng = np.random.default_rng(5)
    expected = np.concatenate([distribution("ring")().sample(size, rng) for _ in range(2)])
    batches = [stream.next() for _ in range(2 * size // rows)]
    assert all(batch.shape == (rows, 2) for batch in batches)
    assert np.array_equal(torch.cat(batches).numpy(), expected), "every point once, in order"


@pytest.mark.parametrize("before", [0, 1, 3, 4, 5, 8, 9])
def test_a_stream_goes_on_where_its_state_was_taken(before: int) -> None:
    rows = 1024  # four batches per chunk, so that 4 and 8 are on its edge
    stream = Stream(distribution("ring")(), rows, 0, CPU)
    for _ in range(before):
        stream.next()
    state = json.loads(json.dumps(stream.state()))
    expected = [stream.next() for _ in range(6)]
    other = Stream(distribution("ring")(), rows, 99, CPU)
    other.next()
    other.restore(state)
    again = json.loads(json.dumps(other.state()))
    assert again == state
    assert all(torch.equal(other.next(), batch) for batch in expected)


# Continuation


CONTINUED = [("uotm-sd", {"ema": 0.9}), ("ot-gan", {}), ("sinkhorn", {}), ("wgan-gp", {}), ("dan-s", {"ema": 0.5})]


@pytest.mark.parametrize(("name", "knobs"), CONTINUED, ids=lambda value: value if isinstance(value, str) else "")
@pytest.mark.parametrize("at", [0, 1, 30, 85])  # after 85 steps the first chunk is just used up
def test_restored_training_goes_on_to_the_bit(name: str, knobs: dict[str, float], at: int) -> None:
    def begun(seed: int) -> Training:
        return start(method(name, **knobs), distribution("ring")(), steps=120, seed=seed)

    whole = begun(1)
    for _ in range(at):
        whole.advance()
    tensors, text = whole.state()
    expected = [numbers(whole.advance()) for _ in range(30)]
    resumed = begun(2)  # other weights and draws, all to be replaced
    resumed.advance()
    resumed.restore(load(save(tensors, metadata={"rest": text})), json.dumps(json.loads(text)))
    assert resumed.step == at
    found = [numbers(resumed.advance()) for _ in range(30)]
    assert np.array_equal(found, expected, equal_nan=True)
    for part in ("generator", "eval_generator"):
        pairs = zip(getattr(whole, part).parameters(), getattr(resumed, part).parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def test_freezing_survives_continuation() -> None:
    training = start(method("otm"), distribution("ring")(), steps=9)
    training.advance()
    training.frozen = True
    other = start(method("otm"), distribution("ring")(), steps=9)
    other.restore(*training.state())
    assert other.frozen


def test_state_of_other_networks_is_refused() -> None:
    state = start(method("otm"), distribution("ring")(), steps=9).state()
    for other in (method("otm", hidden=17), method("sinkhorn", ema=0.5)):
        with pytest.raises(ValueError, match="does not fit this run"):
            start(other, distribution("ring")(), steps=9).restore(*state)


# What the loop promises


def test_steps_are_numbered_from_one_and_default_to_the_method() -> None:
    assert [step.number for step in train(method("otm"), distribution("ring")(), steps=4)] == [1, 2, 3, 4]
    assert start(method("otm"), distribution("ring")()).steps == named("otm").default_steps


def test_losses_are_detached() -> None:
    (step,) = train(method("otm"), distribution("ring")(), steps=1)
    assert not step.generator_loss.requires_grad
    assert not step.adversary_loss.requires_grad


def test_two_trainings_in_step_do_not_disturb_each_other() -> None:
    def one(seed: int):
        return train(method("uotm"), distribution("ring")(), steps=8, seed=seed)

    together = [(numbers(a), numbers(b)) for a, b in zip(one(0), one(1), strict=True)]
    alone = list(zip(map(numbers, one(0)), map(numbers, one(1)), strict=True))
    assert together == alone


def test_retuned_step_sizes_are_used() -> None:
    training = start(method("otm"), distribution("ring")(), steps=9)
    training.advance()
    training.retune(dataclasses.replace(training.method, lr=1e-6, adversary_lr=1e-6))
    before = [weight.detach().clone() for weight in training.generator.parameters()]
    training.advance()
    # Adam's step is at most a few lr
    pairs = zip(before, training.generator.parameters(), strict=True)
    assert 0 < max((a - b).abs().max().item() for a, b in pairs) < 1e-5


def test_retuned_tau_changes_the_loss() -> None:
    losses = []
    for tau in (0.05, 5.0):
        training = start(method("otm"), distribution("ring")(), steps=9)
        training.advance()
        training.retune(dataclasses.replace(training.method, tau=tau))
        losses.append(numbers(training.advance())[0])
    assert losses[1] > losses[0] + 1


def test_the_shown_generator_is_the_running_average() -> None:
    training = start(method("otm", ema=0.2), distribution("ring")(), steps=9)
    mean = [weight.detach().clone() for weight in training.generator.parameters()]
    for kept in (1 / 10, 2 / 11, 0.2, 0.2):  # little at first, never more than ema
        training.advance()
        mean = [kept * a + (1 - kept) * b.detach() for a, b in zip(mean, training.generator.parameters(), strict=True)]
    for expected, shown in zip(mean, training.eval_generator.parameters(), strict=True):
        assert torch.allclose(expected, shown, atol=1e-6)
    assert any(not torch.equal(a, b) for a, b in zip(mean, training.generator.parameters(), strict=True))


def test_without_average_the_generator_is_shown() -> None:
    training = start(method("otm"), distribution("ring")(), steps=9)
    assert training.eval_generator is training.generator


def test_progress_is_the_clock_of_the_schedule() -> None:
    training = start(method("uotm-sd", schedule="linear", schedule_until=1.0), distribution("ring")(), steps=4)
    seen = [training.method.scalars(training.progress)["alpha"]]
    for _ in range(4):
        training.advance()
        seen.append(training.method.scalars(training.progress)["alpha"])
    assert seen == pytest.approx([0.2, 1.4, 2.6, 3.8, 5.0])


def test_a_seed_beyond_which_nothing_else_is_drawn() -> None:
    """The adversary's presence must not change the data: sources and targets come from streams of their own."""
    batches = [
        start(method(name, noise_dim=0), distribution("ring")(), steps=1, seed=3).batch()
        for name in ("otm", "sinkhorn")
    ]
    assert torch.equal(batches[0].target, batches[1].target)
    assert torch.equal(batches[0].source, batches[1].source)


# Devices


def test_a_missing_device_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match="cuda is not present on this machine"):
        device_named("cuda")
    assert device_named("auto") == CPU


@pytest.mark.parametrize("name", ["sinkhorn", "ot-gan", "uotm-sd"])
def test_auto_leaves_a_device_on_which_the_method_cannot_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        pytest.skip("auto takes CUDA here")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)  # present, and nothing can be computed there
    assert device_named("auto").type == "mps"
    assert start(method(name), distribution("ring")(), steps=2, device="auto").device == CPU


class _NoFloat64(TorchDispatchMode):
    """Refuses every float64 tensor, as a device without it does."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves(out):
            if isinstance(tensor, torch.Tensor) and tensor.dtype == torch.float64:
                raise TypeError(f"float64 was asked for by {func}")
        return out


@pytest.mark.parametrize("name", sorted(methods()))
def test_no_loss_asks_for_float64_on_a_device_without_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "LACKING", frozenset({"cpu"}))
    for knobs in ({}, {"p": "1"}, {"reach": 1.0}) if name == "sinkhorn" else ({},):
        training = start(method(name, **knobs), distribution("ring")(), steps=4)
        batch, scalars = training.batch(), training.method.scalars(0.0)
        adversary = training.adversary or torch.nn.Identity()
        with _NoFloat64():
            training.method.generator_loss(training.generator, adversary, batch, scalars).backward()
            if training.adversary is not None:
                training.method.adversary_loss(training.generator, adversary, batch, scalars).backward()
    with pytest.raises(TypeError, match="float64 was asked for"), _NoFloat64():
        torch.ones(2).double()


def test_many_features_are_compared_without_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "LACKING", frozenset({"cpu"}))
    x, y = torch.randn(20, 50), torch.randn(30, 50)
    expected = torch.cdist(x.double(), y.double()).square()
    with _NoFloat64():
        found = squared_euclidean(x, y)
    assert torch.allclose(found.double(), expected, rtol=1e-5, atol=1e-4)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(ValueError, match="one of auto, cuda, mps, cpu; got 'tpu'"):
        train(method("otm"), distribution("ring")(), device="tpu").__next__()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_every_device_sees_the_same_numbers() -> None:
    runs = [
        train(method("uotm"), distribution("ring")(), steps=10, seed=0, device=device, draws="cpu")
        for device in ("cpu", "cuda")
    ]
    cpu, cuda = (np.array([numbers(step) for step in run]) for run in runs)
    assert cuda == pytest.approx(cpu, rel=1e-4, abs=1e-5)


def test_interleaved_updates_do_not_depend_on_chunks() -> None:
    """The points do not depend on the batch size: a stream's first points are the distribution's first."""
    first = [Stream(distribution("moons")(), rows, 1, CPU) for rows in (64, 128)]
    points = [torch.cat(list(itertools.islice(iter(stream.next, None), 4096 // rows)))
              for stream, rows in zip(first, (64, 128), strict=True)]  # fmt: skip
    assert torch.equal(*points)
