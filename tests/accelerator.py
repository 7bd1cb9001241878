"""A make-believe accelerator: torch's `meta` device, whose tensors have shapes and no numbers.

A mode sees every operation. It fails one that mixes devices, which some operations on meta tensors let pass, and one that
would make Python wait for a real device: to look at a number, or a copy that is not asynchronous.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

READING = ("_local_scalar_dense", "equal", "is_nonzero", "nonzero", "masked_select", "_unique2", "unique_consecutive")
COPYING = ("_to_copy", "copy_", "_copy_from")


class Waits(TorchDispatchMode):
    """Counts operations that make Python wait for the device of the given type, by name."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if _name(func) in READING and any(tensor.device.type == self.kind for tensor in _tensors(args, kwargs)):
            self.counts[_name(func)] += 1
        return func(*args, **kwargs)


class Accelerator(TorchDispatchMode):
    """Refuses mixed devices and waits. Attributes: operations: how many were asked of the device."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        given = list(_tensors(args, kwargs))
        there = [tensor for tensor in given if tensor.is_meta]
        if _name(func) in READING and there:
            raise AssertionError(f"{func} waits for the device")
        if _name(func) in COPYING:
            self._check_copy(func, given, kwargs, args)
        elif there and any(not tensor.is_meta and tensor.ndim for tensor in given):
            raise AssertionError(
                f"{func} mixes devices: {[(tensor.device.type, tuple(tensor.shape)) for tensor in given]}"
            )
        if "generator" in kwargs and kwargs["generator"].device.type == "meta":
            kwargs["generator"] = None
        found = func(*args, **kwargs)
        self.operations += any(tensor.is_meta for tensor in _tensors(found))
        return found

    def _check_copy(self, func: Any, given: list[Tensor], kwargs: dict[str, Any], args: Any) -> None:
        target = kwargs.get("device") if _name(func) == "_to_copy" else given[0].device
        source = given[-1].device
        asynchronous = kwargs.get("non_blocking", False) or (len(args) > 2 and args[2])
        if target is not None and torch.device(target).type != source.type and not asynchronous:
            raise AssertionError(f"{func} copies from {source} to {target} and waits for it")


class _FromPython(TorchFunctionMode):
    """Refuses tensors made of Python's numbers on the device: torch copies them there and waits."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if func in (torch.tensor, torch.as_tensor, Tensor.new_tensor) and found.is_meta:
            raise AssertionError(f"{func.__name__} copies Python's numbers to the device and waits for it")
        return found


@contextmanager
def accelerated() -> Iterator[Accelerator]:
    """Both modes."""
    with _FromPython(), Accelerator() as mode:
        yield mode


class Generator(torch.Generator):
    """As torch's, which refuses the meta device; operations there draw nothing."""

    def __new__(cls, device: Any = "cpu") -> Generator:
        made = super().__new__(cls, "cpu")
        made.kind = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return self.kind


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """As `streams.sent`, to this device as asynchronously as to CUDA."""
    return tensor.to(device, non_blocking=True)


def _name(func: Any) -> str:
    return str(func._schema.name).removeprefix("aten::")


def _tensors(*values: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor))
