"""Safe loading of generator weights: nothing is unpickled, and they must fit the networks of a config exactly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from otviz.runs.config import RunConfig

MOST_WEIGHTS = 64_000_000  # bytes; shipped weights have at most 8 MB


def generator_of(config: RunConfig, weights: bytes, fitting: str) -> nn.Module:
    """Build the generator of a config and load its weights, in evaluation mode, on the CPU.

    Args:
        config: determines the networks.
        weights: bytes in the safetensors format, in single or half precision.
        fitting: start of the error message if the weights do not fit.

    Raises:
        ValueError: the weights are too large, damaged, or do not fit the networks.
    """
    if len(weights) > MOST_WEIGHTS:
        raise ValueError(f"weights must have at most {MOST_WEIGHTS / 1e6:g} MB; these have {len(weights) / 1e6:.1f}")
    tensors = _tensors(weights)
    try:
        with _at_most(2 * sum(value.numel() for value in tensors.values()) + 1000):
            network = _fresh(config)
    except (RuntimeError, MemoryError) as error:
        raise ValueError(f"{fitting}: {' '.join(str(error).split())[:100]}") from error
    wanted: dict[str, Any] = {name: (value.shape, value.dtype) for name, value in network.state_dict().items()}
    found = {name: (value.shape, _widened(value.dtype)) for name, value in tensors.items()}
    if wanted != found:
        name = sorted(key for key in {**wanted, **found} if wanted.get(key) != found.get(key))[0]
        raise ValueError(f"{fitting}: {name[:60]} is {_said(found.get(name))} instead of {_said(wanted.get(name))}")
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False)


def read_limited(path: Path, most: int = MOST_WEIGHTS) -> bytes:
    """The bytes of a file. Raises OSError, or ValueError if there are more than `most`."""
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{path.name} must have at most {most / 1e6:g} MB")
    return data


def _fresh(config: RunConfig) -> nn.Module:
    rng = torch.Generator().manual_seed(0)
    if config.networks is None:
        return config.method.build_generator(config.target.dim, rng)
    shape, noise = config.image_set.shape, config.method.noise_dim
    return config.networks.build_generator(shape, noise, rng, classes=config.classes)


def _tensors(weights: bytes) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_tensors(weights)
    except (SafetensorError, ValueError, KeyError, RuntimeError, OverflowError) as error:
        raise ValueError(
            "generator.safetensors is not in the safetensors format (pickle files are never loaded)"
        ) from error
    for name, value in tensors.items():
        if value.is_floating_point() and not value.isfinite().all():
            raise ValueError(f"generator.safetensors holds values in {name[:60]} that are not finite")
    return tensors


def _widened(dtype: torch.dtype) -> torch.dtype:
    """The type in which weights of this type are computed with."""
    return torch.float32 if dtype == torch.float16 else dtype


def _said(kind: Any) -> str:
    return "missing" if kind is None else f"{tuple(kind[0])} {str(kind[1]).removeprefix('torch.')}"


@contextmanager
def _at_most(numbers: int) -> Iterator[None]:
    """Raise RuntimeError if this thread builds larger networks, since a card may ask for more than fits into memory."""
    here, count = threading.get_ident(), 0

    def counted(_module: nn.Module, _name: str, parameter: nn.Parameter | None) -> None:
        nonlocal count
        if threading.get_ident() == here and parameter is not None:
            count += parameter.numel()
            if count > numbers:
                raise RuntimeError("they are larger than the weights")

    handle = register_module_parameter_registration_hook(counted)
    try:
        yield
    finally:
        handle.remove()
