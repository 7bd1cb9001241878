"""Adam, and its moments as tensors by name, so that a run can continue from them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from otviz.methods import Method


def adam(network: nn.Module, lr: float, method: Method) -> torch.optim.Adam:
    """Adam with the method's betas on all weights of a network, fused where the device can."""
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    return torch.optim.Adam(network.parameters(), lr=lr, betas=(method.beta1, method.beta2), fused=fused)


def moments(optimiser: torch.optim.Optimizer | None, prefix: str) -> dict[str, Tensor]:
    """Copies of its moments on the CPU, named `adam.<prefix>.<index of the weight>.<moment>`."""
    if optimiser is None:
        return {}
    found = {}
    for index, kept in optimiser.state_dict()["state"].items():
        for key, value in kept.items():
            found[f"adam.{prefix}.{index}.{key}"] = plain(value)
    return found


def restore_moments(optimiser: torch.optim.Optimizer | None, prefix: str, tensors: dict[str, Tensor]) -> None:
    """Put back what `moments` copied."""
    if optimiser is None:
        return
    kept: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(f"adam.{prefix}."):
            _, _, index, key = name.split(".")
            kept.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": kept, "param_groups": optimiser.state_dict()["param_groups"]})
    for weight, own in optimiser.state.items():
        for key, value in own.items():
            # Torch takes over a tensor as it is, and Adam counts steps in place: two branches of one state need copies.
            # Fused kernels take moments to lie in memory as their weight does.
            alike = value.shape == weight.shape
            own[key] = torch.empty_like(weight, requires_grad=False).copy_(value) if alike else value.clone()


def plain(value: Tensor) -> Tensor:
    """A copy on the CPU, row by row in memory."""
    return value.detach().cpu().clone(memory_format=torch.contiguous_format)
