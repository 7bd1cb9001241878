"""What every method promises: one test, all methods. A new file in otviz/methods is covered the moment it exists."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from otviz.core.params import params_of
from otviz.data.distributions import Distribution, distributions, named
from otviz.data.distributions.two_diracs import TwoDiracs
from otviz.methods import Adversarial, Method, methods
from otviz.training.loop import Training, start, train

METHODS = methods()
SMALL = {"hidden": 16, "layers": 2, "batch_size": 16}
OTHER_FLAGS = {"target", "source", "steps", "seed", "device", "out", "json"}

every_method = pytest.mark.parametrize("name", METHODS)


def small(name: str, **knobs: object) -> Method:
    return METHODS[name](**{**SMALL, **knobs})


def losses(method: Method, target: Distribution | None = None, steps: int = 3, **options: object) -> list[float]:
    found = []
    for step in train(method, target or named("ring")(), steps=steps, **options):
        found += [loss.item() for loss in (step.generator_loss, step.adversary_loss) if loss is not None]
    assert found
    return found


def fresh(name: str, **knobs: object) -> Training:
    return start(small(name, **knobs), named("ring")(), steps=10, seed=3)


@every_method
def test_losses_are_finite_and_follow_the_seed(name: str) -> None:
    method = small(name)
    first = losses(method, seed=1)
    assert all(math.isfinite(loss) for loss in first)
    assert losses(method, seed=1) == first
    assert losses(method, seed=2) != first


@every_method
def test_global_seed_and_other_draws_change_nothing(name: str) -> None:
    method = small(name)
    first = losses(method, seed=1)
    torch.manual_seed(123)
    np.random.seed(5)
    assert losses(method, seed=1) == first


def reached(parameters: list[nn.Parameter]) -> list[bool]:
    return [parameter.grad is not None and bool(parameter.grad.abs().sum() > 0) for parameter in parameters]


@every_method
def test_gradients_reach_every_parameter(name: str) -> None:
    training = fresh(name)
    scalars = training.method.scalars(0.5)
    adversary = training.adversary or nn.Identity()
    training.method.generator_loss(training.generator, adversary, training.batch(), scalars).backward()
    assert all(reached(list(training.generator.parameters())))
    if training.adversary is None:
        return
    training.generator.zero_grad()
    training.adversary.zero_grad()
    training.method.adversary_loss(training.generator, training.adversary, training.batch(), scalars).backward()
    by_name = dict(training.adversary.named_parameters())
    # A constant added to the last layer cancels in a difference of means (WGAN, OTM) and of features (OT-GAN).
    last = [key for key, value in by_name.items() if value.ndim == 1][-1]
    assert all(reached([value for key, value in by_name.items() if key != last]))
    assert by_name[last].grad is not None
    assert not any(reached(list(training.generator.parameters()))), "the adversary's loss must not move the generator"


@every_method
def test_says_what_it_is(name: str) -> None:
    cls = METHODS[name]
    assert cls.name == name == name.lower()
    assert cls.title
    assert cls.paper
    assert cls.__doc__
    assert "__doc__" in vars(cls), "a docstring of its own"
    assert not cls.__doc__.startswith(f"{cls.__name__}("), "the docstring that dataclasses make up"
    assert cls.default_steps > 0
    assert bool(cls.adversary_word)


@every_method
def test_knobs_are_declared(name: str) -> None:
    knobs = params_of(METHODS[name])  # raises TypeError for a field without param(...)
    assert {knob.name for knob in knobs}.isdisjoint(OTHER_FLAGS), "such a flag of the command line exists already"
    for knob in knobs:
        assert knob.doc
        assert knob.check(knob.default) == knob.default
        if knob.kind in (int, float):
            assert knob.low is not None
            assert knob.high is not None
            assert knob.low < knob.high


@every_method
def test_formula_is_latex(name: str) -> None:
    for progress in (0.0, 0.5, 1.0):
        lines = METHODS[name]().formula(progress)
        assert lines
        for line in lines:
            assert line.count("{") == line.count("}")
            assert "nan" not in line


@every_method
def test_field_is_a_finite_number_per_point(name: str) -> None:
    training = fresh(name)
    batch, points = training.batch(), torch.randn(50, 2) * 3
    adversary = training.adversary or nn.Identity()
    generated = training.generator(batch.source, batch.noise).detach()
    field = training.method.field(adversary, points.requires_grad_(), generated, batch.target)
    assert field is not None
    assert field.shape == (50,)
    assert field.isfinite().all()
    (slope,) = torch.autograd.grad(field.sum(), points)
    assert slope.isfinite().all()
    assert slope.abs().sum() > 0


@every_method
@pytest.mark.parametrize("shape", [{"layers": 1, "noise_dim": 0}, {"layers": 4, "hidden": 4, "noise_dim": 7}])
def test_any_shape_of_network_trains(name: str, shape: dict[str, int]) -> None:
    assert all(math.isfinite(loss) for loss in losses(small(name, **shape)))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table and an image."""
    folder, rng = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    np.savetxt(folder / "some.csv", rng.normal(size=(40, 2)), delimiter=",", header="x,y", comments="")
    Image.fromarray(rng.integers(0, 256, (20, 30), dtype=np.uint8)).save(folder / "some.png")
    return folder


def shaped(shape: str, files: Path) -> Distribution:
    cls = distributions()[shape]
    return cls(file=str(files / f"some{cls.extensions[0]}")) if cls.needs_file else cls()


@pytest.mark.parametrize("side", ["target", "source"])
@pytest.mark.parametrize(("shape", "name"), zip(distributions(), itertools.cycle(METHODS), strict=False))
def test_any_distribution_can_be_source_or_target(shape: str, name: str, side: str, files: Path) -> None:
    """Each distribution once, with the methods in turn."""
    ring, other = named("ring")(), shaped(shape, files)
    target, source = (other, None) if side == "target" else (ring, other)
    assert all(math.isfinite(loss) for loss in losses(small(name), target, steps=2, source=source))


@every_method
def test_points_that_repeat_can_be_source_and_target(name: str, files: Path) -> None:
    """The hardest case for a method: 40 points of a file in a batch, and two single points against them."""
    few, two = shaped("points", files), TwoDiracs(std=1e-4)
    for source, target in ((few, two), (two, few)):
        assert all(math.isfinite(loss) for loss in losses(small(name), target, steps=2, source=source))


@every_method
def test_live_knobs_can_change_during_training(name: str) -> None:
    method, training = small(name), fresh(name)
    live = [knob for knob in params_of(METHODS[name]) if knob.live]
    assert "lr" in {knob.name for knob in live}
    for knob in live:
        for value in (getattr(method, knob.name) * 1.5, knob.low or 1e-3):
            training.steps += 1
            training.retune(dataclasses.replace(method, **{knob.name: min(value, knob.high)}))
            step = training.advance()
            assert step.generator_loss is None or step.generator_loss.isfinite()


@every_method
def test_a_method_with_an_adversary_is_adversarial(name: str) -> None:
    assert (fresh(name).adversary is not None) == issubclass(METHODS[name], Adversarial)
