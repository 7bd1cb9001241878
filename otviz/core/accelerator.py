"""Devices that work ahead of Python: to look at one of their numbers is to wait until they have done all that was asked."""

from __future__ import annotations

from torch import Tensor

READ_AT_ONCE = frozenset({"cpu"})
"""Types of devices whose numbers are there as soon as an operation returns."""


def can_be_read(tensor: Tensor) -> bool:
    """Whether Python may look at numbers of this tensor, and decide by them, without waiting for a device."""
    return tensor.device.type in READ_AT_ONCE
