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


_VALUE: dict[str, Callable[[Tensor], Tensor]] = {"silu": F.silu, "relu": F.relu}


class MLP(nn.Module):
    """A multilayer perceptron (B, sizes[0]) -> (B, sizes[-1]).

    Args:
        sizes: width of every layer, input and output included.
        rng: CPU generator that draws the weights, so that a seed gives the same network in any thread.
        activation: between layers; none after the last.
        init: "kaiming" is torch's default for linear layers; "xavier" has normal weights and zero biases.
        input_scale: multiplies the input first (OT-GAN's toy critic uses 1/4).
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
        # The same parameters as a plain tuple: reading a ParameterList costs as much as a small layer.
        self._layers = tuple(zip(self.weights, self.biases, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        """Values at x: (B, sizes[0]) -> (B, sizes[-1])."""
        act = _VALUE[self.activation]
        h = x if self.input_scale == 1.0 else x * self.input_scale
        for weight, bias in self._layers[:-1]:
            h = act(F.linear(h, weight, bias))
        return F.linear(h, *self._layers[-1])

    def value_and_gradient(self, x: Tensor, others: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Value and input gradient of a network with one output, both differentiable in the weights (not in x).

        Args:
            x: points, shape (B, d).
            others: further points (C, d) to evaluate in the same pass, without their gradient.

        Returns:
            values (B,), or (B + C,) with others, and gradients (B, d).
        """
        points = (x if others is None else torch.cat([x, others])) * self.input_scale
        flat = [tensor for pair in self._layers for tensor in pair]
        value, gradient = ValueAndGradient.apply(points, len(x), self.activation, *flat)  # type: ignore[no-untyped-call]
        return value, gradient * self.input_scale


class Generator(nn.Module):
    """The transport map T(x, z): source points and auxiliary noise to points (papers/003, Algorithm 1).

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


def _draw(fan_in: int, fan_out: int, rng: torch.Generator, init: Init) -> tuple[Tensor, Tensor]:
    weight, bias = torch.empty(fan_out, fan_in), torch.zeros(fan_out)
    if init == "xavier":
        return nn.init.xavier_normal_(weight, generator=rng), bias
    bound = 1 / math.sqrt(fan_in)
    return weight.uniform_(-bound, bound, generator=rng), bias.uniform_(-bound, bound, generator=rng)
