"""Where float64 is to be had: everywhere but on devices that lack it, such as Apple's."""

from __future__ import annotations

import torch
from torch import Tensor

LACKING = frozenset({"mps"})
"""Types of devices without float64."""


def has_float64(device: torch.device) -> bool:
    """Whether tensors on this device may be float64."""
    return device.type not in LACKING


def widened(tensor: Tensor) -> Tensor:
    """The same in float64: on its device, or on the CPU where that has none."""
    return tensor.double() if has_float64(tensor.device) else tensor.cpu().double()


def widest(tensor: Tensor) -> Tensor:
    """The same on its device, in float64 if that has it, else in float32."""
    return tensor.double() if has_float64(tensor.device) else tensor.float()
