"""Adam (Kingma and Ba 2015), and its state as named tensors, from which a run can continue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from otviz.methods import Method

EPSILON = 1e-8  # torch's default


class FusedAdam:
    """Adam by torch's fused kernel: the numbers of `torch.optim.Adam(fused=True)`, whose optimisers import Dynamo.

    That takes more than a second, when somebody waits for the first step, and 100 MB of each process.

    Attributes:
        param_groups, state: as of `torch.optim.Adam`.

    Args:
        weights: what it optimises.
        lr: learning rate.
        betas: decays of the moments.
    """

    def __init__(self, weights: Iterable[Tensor], lr: float, betas: tuple[float, float]) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": list(weights), "lr": lr, "betas": betas}]
        self.state: dict[Tensor, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for weight in self.param_groups[0]["params"]:
            weight.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update the weights that have a gradient."""
        group = self.param_groups[0]
        weights = [weight for weight in group["params"] if weight.grad is not None]
        if not weights:
            return
        states = [self.state.get(weight) or self._begun(weight) for weight in weights]
        counters = [state["step"] for state in states]
        torch._foreach_add_(counters, 1)
        torch._fused_adam_(
            weights, [weight.grad for weight in weights], [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states], [], counters, lr=group["lr"], beta1=group["betas"][0],
            beta2=group["betas"][1], weight_decay=0.0, eps=EPSILON, amsgrad=False, maximize=False,
        )  # fmt: skip

    def _begun(self, weight: Tensor) -> dict[str, Tensor]:
        zeros = [torch.zeros_like(weight, memory_format=torch.preserve_format) for _ in range(2)]
        step = torch.zeros((), device=weight.device)
        self.state[weight] = {"step": step, "exp_avg": zeros[0], "exp_avg_sq": zeros[1]}
        return self.state[weight]


Optimiser: TypeAlias = FusedAdam | torch.optim.Adam


def adam(network: nn.Module, lr: float, method: Method) -> Optimiser:
    """Adam on all weights of a network, fused where the device supports it.

    Args:
        network: what it optimises.
        lr: learning rate.
        method: gives beta1 and beta2.
    """
    betas = (method.beta1, method.beta2)
    if next(network.parameters()).device.type in ("cpu", "cuda"):
        return FusedAdam(network.parameters(), lr, betas)
    return torch.optim.Adam(network.parameters(), lr=lr, betas=betas)


def moments(optimiser: Optimiser | None, prefix: str) -> dict[str, Tensor]:
    """Copies of the optimiser's moments on the CPU, named `adam.<prefix>.<index of the weight>.<moment>`."""
    if optimiser is None:
        return {}
    states = [(index, optimiser.state.get(weight, {})) for index, weight in enumerate(_weights(optimiser))]
    return {f"adam.{prefix}.{index}.{key}": plain(value) for index, state in states for key, value in state.items()}


def restore_moments(optimiser: Optimiser | None, prefix: str, tensors: dict[str, Tensor]) -> None:
    """Restore the moments that `moments` copied, in place where there are some: a compiled update knows them by address.

    Args:
        optimiser, prefix: as for `moments`.
        tensors: by name; those of other prefixes are ignored.

    Raises:
        KeyError, RuntimeError: they do not fit the weights.
    """
    if optimiser is None:
        return
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(f"adam.{prefix}."):
            _, _, place, key = name.split(".")
            states.setdefault(int(place), {})[key] = value
    for index, weight in enumerate(_weights(optimiser)):
        held, found = optimiser.state.setdefault(weight, {}), states.get(index, {})
        for key in held.keys() | found.keys():
            if not found:
                held[key].zero_()
            elif key in held:
                held[key].copy_(found[key])
            else:  # fused kernels expect moments in the memory layout of their weight
                value, on_device = found[key], found[key].ndim or isinstance(optimiser, FusedAdam)
                device = weight.device if on_device else value.device  # plain kernels count steps on the CPU
                held[key] = torch.empty_like(weight if value.ndim else value, requires_grad=False, device=device)
                held[key].copy_(value)
        if not held:
            del optimiser.state[weight]


def _weights(optimiser: Optimiser) -> list[Tensor]:
    return [weight for group in optimiser.param_groups for weight in group["params"]]


def plain(value: Tensor) -> Tensor:
    """A contiguous copy on the CPU."""
    return value.detach().cpu().clone(memory_format=torch.contiguous_format)
