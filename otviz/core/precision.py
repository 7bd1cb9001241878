"""Use of float64, which some devices lack, such as Apple's GPUs."""

from __future__ import annotations

import torch
from torch import Tensor

LACKING = frozenset({"mps"})
"""Types of devices without float64."""


def has_float64(device: torch.device) -> bool:
    """Whether tensors on this device may be float64."""
    return device.type not in LACKING


def widened(tensor: Tensor) -> Tensor:
    """The tensor in float64, on its device, or on the CPU if the device lacks float64."""
    return tensor.double() if has_float64(tensor.device) else tensor.cpu().double()


def widest(tensor: Tensor) -> Tensor:
    """The tensor on its device, in float64 if available, or else in float32."""
    return tensor.double() if has_float64(tensor.device) else tensor.float()
