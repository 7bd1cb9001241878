"""Adam, and its state as named tensors, from which a run can continue."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from otviz.methods import Method


def adam(network: nn.Module, lr: float, method: Method) -> torch.optim.Adam:
    """Adam on all weights of a network, fused where the device supports it.

    Args:
        network: what it optimises.
        lr: learning rate.
        method: gives beta1 and beta2.
    """
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    return torch.optim.Adam(network.parameters(), lr=lr, betas=(method.beta1, method.beta2), fused=fused)


def moments(optimiser: torch.optim.Optimizer | None, prefix: str) -> dict[str, Tensor]:
    """Copies of the optimiser's moments on the CPU, named `adam.<prefix>.<index of the weight>.<moment>`."""
    if optimiser is None:
        return {}
    states = optimiser.state_dict()["state"].items()
    return {f"adam.{prefix}.{index}.{key}": plain(value) for index, state in states for key, value in state.items()}


def restore_moments(optimiser: torch.optim.Optimizer | None, prefix: str, tensors: dict[str, Tensor]) -> None:
    """Restore the moments that `moments` copied, in place where there are some: a compiled update knows them by address.

    Args:
        optimiser, prefix: as for `moments`.
        tensors: by name; those of other prefixes are ignored.
    """
    if optimiser is None:
        return
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(f"adam.{prefix}."):
            _, _, index, key = name.split(".")
            states.setdefault(int(index), {})[key] = value
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    if all(weight in optimiser.state for weight in weights):
        for index, weight in enumerate(weights):
            for key, held in optimiser.state[weight].items():
                if states:
                    held.copy_(states[index][key])
                else:
                    held.zero_()
        return
    optimiser.load_state_dict({"state": states, "param_groups": optimiser.state_dict()["param_groups"]})
    for weight, own in optimiser.state.items():
        for key, value in own.items():
            # `load_state_dict` keeps the tensors it is given and Adam counts steps in place, so branches of one state need
            # copies. Fused kernels expect moments in the memory layout of their weight.
            alike = value.shape == weight.shape
            own[key] = torch.empty_like(weight, requires_grad=False).copy_(value) if alike else value.clone()


def plain(value: Tensor) -> Tensor:
    """A contiguous copy on the CPU."""
    return value.detach().cpu().clone(memory_format=torch.contiguous_format)
