"""Image networks: shapes, weights from the generator given, slopes against finite differences."""

from __future__ import annotations

import itertools
import math
from typing import get_args

import pytest
import torch
from torch import nn

from otviz.networks import ImageCritic, Networks
from otviz.networks.layers import drawn
from otviz.networks.settings import AdversaryKind, GeneratorKind

GENERATORS = [kind for kind in get_args(GeneratorKind) if kind != "auto"]
ADVERSARIES = [kind for kind in get_args(AdversaryKind) if kind != "auto"]
SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 13, 13)]  # 13: no multiple of what doubles
NARROW = {"width": 4, "adversary_width": 4}


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("kind", "shape"), itertools.product(GENERATORS, SHAPES))
@pytest.mark.parametrize("noise", [0, 5])
def test_a_generator_maps_rows_and_noise_to_rows(kind: str, shape: tuple[int, int, int], noise: int) -> None:
    dim = math.prod(shape)
    net = Networks(generator=kind, **NARROW).build_generator(shape, noise, rng())
    x, z = torch.randn(6, dim, generator=rng(1)), torch.randn(6, noise, generator=rng(2))
    rows = net(x, z)
    assert rows.shape == (6, dim)
    assert rows.is_contiguous()
    assert rows.abs().max() <= 1
    assert not torch.allclose(rows, net(x + 1, z))
    assert noise == 0 or not torch.allclose(rows, net(x, z + 1))


@pytest.mark.parametrize("kind", [kind for kind in GENERATORS if kind != "residual"])
def test_a_generator_of_noise_alone_does_not_see_x(kind: str) -> None:
    net = Networks(generator=kind, from_source=False, **NARROW).build_generator((1, 8, 8), 5, rng()).eval()
    x, z = torch.randn(6, 64), torch.randn(6, 5)
    assert torch.equal(net(x, z), net(x + 1, z))


def test_what_cannot_be_built_is_told() -> None:
    with pytest.raises(ValueError, match="from_source must be true or noise_dim at least 1"):
        Networks(from_source=False).build_generator((1, 8, 8), 0, rng())
    with pytest.raises(ValueError, match="residual generator is a map of x"):
        Networks(generator="residual", from_source=False).build_generator((1, 8, 8), 4, rng())


@pytest.mark.parametrize(("kind", "shape"), itertools.product(ADVERSARIES, SHAPES))
def test_an_adversary_makes_as_many_numbers_as_asked(kind: str, shape: tuple[int, int, int]) -> None:
    net = Networks(adversary=kind, **NARROW).build_adversary(shape, 3, rng())
    x = torch.randn(5, math.prod(shape), generator=rng(1))
    assert net(x).shape == (5, 3)
    assert torch.allclose(net(x)[2:], net(x[2:]), atol=1e-5), "each image by itself"


@pytest.mark.parametrize("kind", ADVERSARIES)
@pytest.mark.parametrize("more", [0, 3])
def test_slopes_are_finite_differences(kind: str, more: int) -> None:
    net = Networks(adversary=kind, **NARROW).build_adversary((2, 6, 6), 1, rng()).double()
    doubled = ImageCritic(net.body, (2, 6, 6))
    x = torch.randn(4, 72, generator=rng(1), dtype=torch.float64)
    others = torch.randn(more, 72, generator=rng(2), dtype=torch.float64) if more else None

    def values(at: torch.Tensor) -> torch.Tensor:
        return doubled.body(at.view(-1, 2, 6, 6)).squeeze(-1)

    value, slope = doubled.value_and_gradient(x, others)
    assert value.shape == (4 + more,)
    assert slope.shape == (4, 72)
    assert torch.allclose(value[:4].double(), values(x), atol=1e-6)
    direction = torch.randn(4, 72, generator=rng(3), dtype=torch.float64)
    step = 1e-6
    numeric = (values(x + step * direction) - values(x - step * direction)) / (2 * step)
    assert torch.allclose((slope * direction).sum(1), numeric, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("kind", ADVERSARIES)
def test_the_gradient_of_a_penalty_is_that_of_finite_differences(kind: str) -> None:
    net = Networks(adversary=kind, **NARROW).build_adversary((1, 6, 6), 1, rng()).double()
    x = torch.randn(3, 36, generator=rng(1), dtype=torch.float64)

    def penalty() -> torch.Tensor:
        return net.value_and_gradient(x)[1].square().sum(1).mean()

    weights = [weight for weight in net.parameters() if weight.ndim > 1]
    for weight, found in zip(weights, torch.autograd.grad(penalty(), weights), strict=True):
        direction = torch.randn(weight.shape, generator=rng(4), dtype=torch.float64)
        ends = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                weight.add_(step * direction)
            ends.append(penalty().item())
            with torch.no_grad():
                weight.sub_(step * direction)
        assert (found * direction).sum().item() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("kind", GENERATORS)
def test_weights_come_from_the_generator_given_alone(kind: str) -> None:
    before = torch.get_rng_state()
    one, two, three = (
        Networks(generator=kind, **NARROW).build_generator((1, 8, 8), 2, rng(seed)) for seed in (7, 7, 8)
    )
    assert torch.equal(torch.get_rng_state(), before), "torch's global generator is shared by all runs"
    pairs = list(zip(one.parameters(), two.parameters(), three.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b, _ in pairs)
    assert any(not torch.equal(a, c) for a, _, c in pairs)


@pytest.mark.parametrize("layer", [nn.Linear, nn.Conv2d, nn.ConvTranspose2d])
def test_weights_are_drawn_as_torch_draws_them(layer: type[nn.Module]) -> None:
    sizes = (64, 96) if layer is nn.Linear else (64, 96, 4)
    ours, theirs = drawn(lambda: layer(*sizes), rng()), layer(*sizes)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        # uniform laws with the same end; the largest of 96 draws is within 10 % of it, save once in 20 000
        assert a.abs().max().item() == pytest.approx(b.abs().max().item(), rel=0.1)


def test_layers_that_are_not_drawn_are_noticed() -> None:
    with pytest.raises(TypeError, match="PReLU has weights that are not drawn"):
        drawn(nn.PReLU, rng())


def test_auto_goes_by_size() -> None:
    assert Networks().kinds((1, 8, 8)) == ("mlp", "conv")
    assert Networks().kinds((3, 32, 32)) == ("dense", "conv")


@pytest.mark.parametrize("kind", ["cnn", "residual"])
def test_bfloat16_is_inside_alone(kind: str) -> None:
    full, short = (
        Networks(generator=kind, **NARROW).build_generator((1, 8, 8), 3, rng(), autocast) for autocast in (False, True)
    )
    x, z = torch.randn(4, 64), torch.randn(4, 3)
    one, two = full(x, z), short(x, z)
    assert two.dtype == torch.float32
    # bfloat16 keeps 8 bits; a handful of layers lose a few of them
    assert 0 < (one - two).abs().max().item() < 0.2
    assert all(weight.dtype == torch.float32 for weight in short.parameters())
    critics = (Networks(**NARROW).build_adversary((1, 8, 8), 1, rng(), autocast) for autocast in (False, True))
    slopes = [critic.value_and_gradient(x)[1] for critic in critics]
    assert torch.equal(*slopes), "penalties stay in float32"
