"""Networks against torch's own layers and autograd's double backward."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from otviz.networks import MLP, Generator


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def as_sequential(net: MLP) -> nn.Sequential:
    """The same network made of torch's layers."""
    act = {"silu": nn.SiLU, "relu": nn.ReLU}[net.activation]
    layers: list[nn.Module] = []
    for weight, bias in zip(net.weights, net.biases, strict=True):
        linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
        linear.load_state_dict({"weight": weight.detach(), "bias": bias.detach()})
        layers += [linear, act()]
    return nn.Sequential(*layers[:-1])


SIZES = [[2, 16, 1], [2, 16, 12, 1], [2, 8, 9, 10, 1], [5, 8, 8, 1]]
every_network = pytest.mark.parametrize(
    ("sizes", "activation", "scale"), list(itertools.product(SIZES, ["silu", "relu"], [1.0, 0.25]))
)


@every_network
def test_values_are_those_of_torch_layers(sizes: list[int], activation: str, scale: float) -> None:
    net = MLP(sizes, rng(), activation, input_scale=scale).double()
    x = torch.randn(20, sizes[0], dtype=torch.float64)
    assert torch.allclose(net(x), as_sequential(net)(x * scale), atol=1e-12)


def by_double_backward(net: MLP, x: Tensor, others: Tensor | None) -> tuple[Tensor, Tensor]:
    x = x.clone().requires_grad_()
    plain = as_sequential(net)
    for layer, (weight, bias) in zip(plain[::2], zip(net.weights, net.biases, strict=True), strict=True):
        del layer.weight, layer.bias
        layer.weight, layer.bias = weight, bias  # the same parameters, so that their gradients can be compared
    value = plain(x * net.input_scale).squeeze(-1)
    (gradient,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    if others is not None:
        value = torch.cat([value, plain(others * net.input_scale).squeeze(-1)])
    return value, gradient


@every_network
@pytest.mark.parametrize("more", [0, 6])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
def test_forward_mode_is_double_backward(
    sizes: list[int], activation: str, scale: float, more: int, dtype: torch.dtype, tolerance: float
) -> None:
    net = MLP(sizes, rng(1), activation, input_scale=scale).to(dtype)
    x = torch.randn(15, sizes[0], generator=rng(2), dtype=dtype)
    others = torch.randn(more, sizes[0], generator=rng(3), dtype=dtype) if more else None
    weigh = torch.randn(15 + more, generator=rng(4), dtype=dtype)
    results = []
    for find in (net.value_and_gradient, lambda x, others: by_double_backward(net, x, others)):
        value, gradient = find(x, others)
        # a loss that uses values and gradients in a way that no symmetry hides
        loss = (weigh * value.sin()).sum() + (gradient.square() * weigh[:15, None].cos()).sum()
        loss = loss + (gradient.norm(dim=1) - 1).square().mean()
        grads = torch.autograd.grad(loss, list(net.parameters()), allow_unused=True, materialize_grads=True)
        results.append((value, gradient, *grads))
    for ours, reference in zip(*results, strict=True):
        assert ours.shape == reference.shape
        assert torch.allclose(ours, reference, atol=tolerance, rtol=tolerance)


def test_weights_come_from_the_generator_alone() -> None:
    torch.manual_seed(0)
    one = MLP([2, 8, 1], rng(7))
    torch.manual_seed(1)
    two, three = MLP([2, 8, 1], rng(7)), MLP([2, 8, 1], rng(8))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.weights[0], three.weights[0])


def test_kaiming_is_torchs_default_for_linear_layers() -> None:
    ours, theirs = MLP([100, 400, 1], rng()), nn.Linear(100, 400)
    for a, b in ((ours.weights[0], theirs.weight), (ours.biases[0], theirs.bias)):
        assert a.abs().max() <= 0.1  # 1 / sqrt(100)
        # uniform with the same bound; 400 draws tell a standard deviation to 3 %, 4 of which are allowed
        assert a.std().item() == pytest.approx(b.std().item(), rel=0.12)


def test_xavier_has_normal_weights_and_no_bias() -> None:
    net = MLP([100, 300, 1], rng(), init="xavier")
    assert net.weights[0].std().item() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    assert net.weights[0].abs().max() > 3 * net.weights[0].std()  # a uniform law ends at 1.7
    assert not any(bias.any() for bias in net.biases)


def test_generator_maps_source_and_noise_to_points() -> None:
    net = Generator(2, 3, 16, 2, rng())
    x, z = torch.randn(10, 2), torch.randn(10, 3)
    assert net(x, z).shape == (10, 2)
    assert not torch.allclose(net(x, z), net(x, z + 1))
    assert len(net.net.weights) == 3  # two hidden layers and the output


def test_generator_without_noise_is_a_map_of_x_alone() -> None:
    net = Generator(2, 0, 16, 2, rng())
    x = torch.randn(10, 2)
    assert torch.equal(net(x, torch.randn(10, 0)), net(x, torch.randn(10, 4)))
