"""Presets: every method has one for every set, and what a user chose wins."""

from __future__ import annotations

import itertools

import pytest

from otviz.data.datasets import datasets
from otviz.methods import methods, named
from otviz.runs.config import RunConfig
from otviz.training.presets import preset

SETS = [cls() for cls in datasets().values() if not cls.needs_file]


@pytest.mark.parametrize(
    ("name", "images"), itertools.product(methods(), SETS), ids=lambda value: getattr(value, "name", value)
)
def test_every_method_has_settings_for_every_set(name: str, images: object) -> None:
    found = preset(name, images)  # type: ignore[arg-type]
    config = RunConfig(found.applied(named(name)), images, steps=found.steps, networks=found.networks)
    assert config.networks is not None
    assert config.method.noise_dim > 0


def test_the_cost_is_as_strong_whatever_the_size() -> None:
    # images.md, measured: tau |x - y|^2 works where tau times the dimension is near 0.3
    for images in SETS:
        assert preset("uotm", images).applied(named("uotm")).tau * images.dim == pytest.approx(0.3, rel=0.01)


def test_large_images_are_penalised_every_eighth_step_alone() -> None:
    # measured for R1 on MNIST only (docs/NUMBERS.md, images-lazy-penalty): not for WGAN-GP's penalty, nor for small images
    for images in SETS:
        large = max(images.shape[1:]) > 16
        assert preset("uotm", images).applied(named("uotm")).penalty_every == (8 if large else 1)
        assert preset("wgan-gp", images).applied(named("wgan-gp")).penalty_every == 1


def test_what_a_user_chose_wins() -> None:
    method = preset("uotm", SETS[0]).applied(named("uotm"), tau=0.5, lr=1e-4)
    assert (method.tau, method.lr, method.noise_dim) == (0.5, 1e-4, 16)


def test_an_unknown_method_is_told() -> None:
    with pytest.raises(ValueError, match="method must be one of"):
        preset("nope", SETS[0])
