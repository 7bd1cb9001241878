"""Value and input gradient of an MLP in one pass, with a custom backward pass.

A penalty on |grad v|^2 differentiates v twice. In d = 2 it is cheaper, and exact, to push the d unit vectors forward
together with the values: with a = h W^T + b per layer, h' = act(a) and tangents t' = act'(a) * (t W^T). Values and
tangents share one matrix product per layer, forward and backward, and autograd sees a single node.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Activated(NamedTuple):
    """act(a), act'(a), and what is saved to compute act''(a); all the shape of a."""

    value: Tensor
    slope: Tensor
    kept: Tensor


class Activation(NamedTuple):
    """An activation with its derivatives: `apply` writes act(a) to `out`, `curvature` computes act''(a)."""

    apply: Callable[[Tensor, Tensor], Activated]
    curvature: Callable[[Activated], Tensor]


def _silu(a: Tensor, out: Tensor) -> Activated:
    gate = torch.sigmoid(a)
    value = torch.mul(a, gate, out=out)
    return Activated(value, torch.add(gate, value).addcmul_(value, gate, value=-1), gate)


def _silu_curvature(at: Activated) -> Tensor:
    inner = torch.addcmul(at.kept, at.kept, at.value, value=-1).add_(at.slope)
    return inner.addcmul_(at.kept, inner, value=-1)


def _relu(a: Tensor, out: Tensor) -> Activated:
    slope = (a > 0).to(a.dtype)
    return Activated(torch.mul(a, slope, out=out), slope, slope)


ACTIVATIONS = {
    "silu": Activation(_silu, _silu_curvature),
    "relu": Activation(_relu, lambda at: torch.zeros_like(at.slope)),
}


class ValueAndGradient(torch.autograd.Function):
    """(points (N, d), rows, activation, W1, b1, ..., WL, bL) -> values (N,), gradients (rows, d) of the first points.

    Gradients flow to the weights only, not to the points.
    """

    @staticmethod
    def forward(ctx: Any, points: Tensor, rows: int, activation: str, *weights: Tensor) -> tuple[Tensor, Tensor]:
        (count, dim), apply = points.shape, ACTIVATIONS[activation].apply
        a, pushed = torch.addmm(weights[1], points, weights[0].t()), weights[0].t()[:, None, :]
        inputs, layers = points, []
        for layer in range(0, len(weights) - 2, 2):
            if layer:
                out = inputs @ weights[layer].t()
                a, pushed = out[:count].add_(weights[layer + 1]), out[count:].view(dim, rows, -1)
            # Values and tangents share one buffer, so that one product serves both: memory bandwidth is the limit here.
            stack = a.new_empty(count + dim * rows, a.shape[1])
            at = apply(a, stack[:count])
            torch.mul(at.slope[:rows], pushed, out=stack[count:].view(dim, rows, -1))
            layers.append((inputs, pushed, at))
            inputs = stack
        last = inputs @ weights[-2].t()
        ctx.layers, ctx.weights, ctx.last, ctx.sizes, ctx.activation = layers, weights, inputs, (rows, dim), activation
        return last[:count, 0] + weights[-1], last[count:, 0].view(dim, rows).t()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_value: Tensor, to_gradient: Tensor) -> tuple[Tensor | None, ...]:
        (rows, dim), weights, count = ctx.sizes, ctx.weights, len(to_value)
        into = torch.cat([to_value, to_gradient.t().reshape(-1)])[:, None]
        found = [to_value.sum(0, keepdim=True), into.t() @ ctx.last]
        into = into * weights[-2]
        for layer in range(len(ctx.layers) - 1, -1, -1):
            inputs, pushed, at = ctx.layers[layer]
            value, tangent = into[:count].mul_(at.slope), into[count:].view(dim, rows, -1)
            curvature = ACTIVATIONS[ctx.activation].curvature(Activated(*(part[:rows] for part in at)))
            value[:rows].addcmul_((tangent * pushed).sum(0), curvature)
            tangent.mul_(at.slope[:rows])
            found.append(value.sum(0))
            if layer == 0:  # the tangents are the unit vectors, so their product is the weight itself
                found.append(torch.addmm(tangent.sum(1).t(), value.t(), inputs))
                break
            found.append(into.t() @ inputs)
            into = into @ weights[2 * layer]
        return None, None, None, *reversed(found)
