"""MLPs for points in the plane: the transport map and the potential."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from otviz.networks.forward_mode import ValueAndGradient

Activation = Literal["silu", "relu"]
Init = Literal["kaiming", "xavier"]


Layers = Sequence[tuple[Tensor, Tensor]]
_VALUE: dict[str, Callable[[Tensor], Tensor]] = {"silu": F.silu, "relu": F.relu}


class MLP(nn.Module):
    """A multilayer perceptron (B, sizes[0]) -> (B, sizes[-1]).

    Args:
        sizes: width of every layer, input and output included.
        rng: CPU generator that draws the weights; the same seed gives the same network in any thread.
        activation: between layers; none after the last.
        init: "kaiming" is torch's default for linear layers; "xavier" draws normal weights and zero biases.
        input_scale: factor on the input (1/4 in OT-GAN's toy critic).
    """

    def __init__(
        self,
        sizes: Sequence[int],
        rng: torch.Generator,
        activation: Activation = "silu",
        init: Init = "kaiming",
        input_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.input_scale = input_scale
        pairs = [_draw(*pair, rng, init) for pair in itertools.pairwise(sizes)]
        self.weights = nn.ParameterList(nn.Parameter(weight) for weight, _ in pairs)
        self.biases = nn.ParameterList(nn.Parameter(bias) for _, bias in pairs)
        # A tuple of the same parameters: indexing a ParameterList costs as much as a small layer.
        self._layers = tuple(zip(self.weights, self.biases, strict=True))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> MLP:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._layers = tuple(zip(self.weights, self.biases, strict=True))  # on some devices they are new parameters
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Values at x: (B, sizes[0]) -> (B, sizes[-1])."""
        return _value(self._layers, self.activation, self.input_scale, x)

    def value_and_gradient(self, x: Tensor, others: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Value and input gradient of a network with one output, both differentiable in the weights (not in x).

        Args:
            x: points, shape (B, d).
            others: further points (C, d), evaluated in the same pass without their gradient.

        Returns:
            values (B,), or (B + C,) with others, and gradients (B, d).
        """
        points = (x if others is None else torch.cat([x, others])) * self.input_scale
        flat = [tensor for pair in self._layers for tensor in pair]
        value, gradient = ValueAndGradient.apply(points, len(x), self.activation, *flat)  # type: ignore[no-untyped-call]
        return value, gradient * self.input_scale

    def bound(self, weights: Sequence[Tensor]) -> BoundMLP:
        """The same network as a pure function of other weights, in the order of `parameters()`."""
        half = len(weights) // 2
        return BoundMLP(tuple(zip(weights[:half], weights[half:], strict=True)), self.activation, self.input_scale)


class BoundMLP:
    """An `MLP` as a pure function of given weights, for functional transforms.

    Args:
        layers: weight and bias of each layer.
        activation, input_scale: as for `MLP`.
    """

    def __init__(self, layers: Layers, activation: Activation, input_scale: float) -> None:
        self._layers = layers
        self._activation = activation
        self._input_scale = input_scale

    def __call__(self, x: Tensor) -> Tensor:
        """Values at x."""
        return _value(self._layers, self._activation, self._input_scale, x)

    def value_and_gradient(self, x: Tensor, others: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As `MLP.value_and_gradient`, in plain operations that a compiler can fuse."""
        count, slope_of = len(x), _SLOPE[self._activation]
        points = (x if others is None else torch.cat([x, others])) * self._input_scale
        tangent = self._layers[0][0].t()[:, None, :]
        h = points
        for layer, (weight, bias) in enumerate(self._layers[:-1]):
            a = F.linear(h, weight, bias)
            if layer:
                tangent = tangent @ weight.t()
            h, tangent = _VALUE[self._activation](a), slope_of(a[:count]) * tangent
        weight, bias = self._layers[-1]
        gradient = (tangent @ weight.t()).squeeze(-1).t() * self._input_scale
        return F.linear(h, weight, bias).squeeze(-1), gradient


def _value(layers: Layers, activation: Activation, input_scale: float, x: Tensor) -> Tensor:
    act = _VALUE[activation]
    h = x if input_scale == 1.0 else x * input_scale
    for weight, bias in layers[:-1]:
        h = act(F.linear(h, weight, bias))
    return F.linear(h, *layers[-1])


def _silu_slope(a: Tensor) -> Tensor:
    gate = torch.sigmoid(a)
    return gate * (1 + a * (1 - gate))


class Generator(nn.Module):
    """The transport map T(x, z): source points and auxiliary noise to points (Choi et al. 2024, Algorithm 1).

    Args:
        dim: dimension d of a point.
        noise_dim: dimension k of z; 0 for a map of x alone.
        hidden, layers: width and number of hidden layers.
        rng, activation, init: as for `MLP`.
    """

    def __init__(
        self,
        dim: int,
        noise_dim: int,
        hidden: int,
        layers: int,
        rng: torch.Generator,
        activation: Activation = "silu",
        init: Init = "kaiming",
    ) -> None:
        super().__init__()
        self.noise_dim = noise_dim
        self.net = MLP([dim + noise_dim, *[hidden] * layers, dim], rng, activation, init)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """Generated points (B, d) of source x (B, d) and noise z (B, k)."""
        generated: Tensor = self.net(torch.cat([x, z], dim=1) if self.noise_dim else x)
        return generated

    def bound(self, weights: Sequence[Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
        """The same map as a pure function of other weights, in the order of `parameters()`."""
        net = self.net.bound(weights)
        return lambda x, z: net(torch.cat([x, z], dim=1) if self.noise_dim else x)


_SLOPE: dict[str, Callable[[Tensor], Tensor]] = {"silu": _silu_slope, "relu": lambda a: (a > 0).to(a.dtype)}


def _draw(fan_in: int, fan_out: int, rng: torch.Generator, init: Init) -> tuple[Tensor, Tensor]:
    weight, bias = torch.empty(fan_out, fan_in), torch.zeros(fan_out)
    if init == "xavier":
        return nn.init.xavier_normal_(weight, generator=rng), bias
    bound = 1 / math.sqrt(fan_in)
    return weight.uniform_(-bound, bound, generator=rng), bias.uniform_(-bound, bound, generator=rng)
