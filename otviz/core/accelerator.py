"""Devices that work ahead of Python: to look at one of their numbers is to wait until they have done all that was asked."""

from __future__ import annotations

import torch
from torch import Tensor

READ_AT_ONCE = frozenset({"cpu"})
"""Types of devices whose numbers are there as soon as an operation returns."""


def can_be_read(tensor: Tensor) -> bool:
    """Whether Python may look at numbers of this tensor, and decide by them, without waiting for a device."""
    return tensor.device.type in READ_AT_ONCE


def prepare_images(device: torch.device, exact: bool) -> None:
    """Set how cuDNN convolves in this process: with the fastest algorithm for shapes that repeat, and in TF32 if not `exact`.

    TF32 rounds factors to 10 bits. Matrix products stay exact: costs between features are differences of large numbers.
    """
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = not exact
