"""Trained image models, ready to make images: `load("mnist8-uotm")`, then `generate(*model.latents(64))`.

What is loaded may come from a stranger: nothing is unpickled, the weights must have the SHA-256 on the card and fit the
networks it names; anything else is refused with one sentence.
"""

from __future__ import annotations

import copy
import hashlib
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from otviz.checkpoints import latents as spaces
from otviz.checkpoints.card import NAME, Card, read_card
from otviz.checkpoints.image_sheets import picture
from otviz.checkpoints.latents import Latents
from otviz.core.files import CHECKPOINTS
from otviz.data.datasets import ImageSet
from otviz.data.datasets.rows import Rows, in_turn
from otviz.networks import ImageGenerator
from otviz.networks.image_networks import with_class
from otviz.runs.config import RunConfig
from otviz.runs.image_scenes import sheet_side

Labels = NDArray[np.int64]

MOST_WEIGHTS = 64_000_000  # bytes of weights that are read; those shipped have 8 MB at most
BLOCK = 250  # images made at a time
SHEET_SEED = 0
SHEET_WIDE = 464  # pixels


@dataclass(frozen=True)
class Model:
    """An image generator with its card; `load` and `of_bytes` make one.

    Attributes:
        card: its record.
        config: how it was trained.
        network: T(x, z), in evaluation mode, on the CPU.
    """

    card: Card
    config: RunConfig
    network: ImageGenerator

    @property
    def images(self) -> ImageSet:
        """The set of images that it was trained on."""
        return self.config.image_set

    @property
    def classes(self) -> int:
        """Number of classes that can be requested; 0 for a model without classes."""
        return self.network.classes

    @property
    def sees_source(self) -> bool:
        """Whether its images depend on x, or on z alone."""
        return self.network.from_source

    def latents(self, n: int, seed: int = 0, truncation: float | None = None) -> Latents:
        """n pairs of x and z; see `latents.drawn`."""
        return spaces.drawn(n, math.prod(self.card.shape), self.config.method.noise_dim, seed, truncation)

    def generate(self, x: Rows, z: Rows, labels: Labels | None = None) -> Rows:
        """Images T(x, z) as rows (n, C*H*W) in [-1, 1].

        Args:
            labels: classes to make, (n,), numbers below `classes`; one after the other if None.

        Raises:
            ValueError: latents of another length, or classes that there are not.
        """
        dim = math.prod(self.card.shape)
        wanted = (len(x), dim), (len(x), self.config.method.noise_dim)
        if (x.shape, z.shape) != wanted or not len(x):
            raise ValueError(f"latents must have shapes {wanted[0]} and {wanted[1]}; got {x.shape} and {z.shape}")
        both, made = self._inputs(x, z, labels), []
        with torch.inference_mode():
            for first in range(0, len(x), BLOCK):
                part = slice(first, first + BLOCK)
                made.append(self.network(*(side[part] for side in both))[:, :dim].numpy())
        return np.concatenate(made)

    def _inputs(self, x: Rows, z: Rows, labels: Labels | None = None) -> tuple[Tensor, Tensor]:
        """x and z as the network takes them, with the class appended to z for a model with classes."""
        source, noise = torch.from_numpy(x), torch.from_numpy(z)
        if labels is not None and not (labels.shape == (len(x),) and ((labels >= 0) & (labels < self.classes)).all()):
            raise ValueError(f"classes must be {len(x)} numbers from 0 to {self.classes - 1}; got {labels[:5]}")
        if not self.classes:
            return source, noise
        asked = in_turn(len(x), self.classes) if labels is None else labels
        return source, with_class(noise, torch.from_numpy(asked), self.classes)

    def sample(self, n: int, seed: int = 0, truncation: float | None = None, labels: Labels | None = None) -> Rows:
        """n images as rows; `labels` as for `generate`."""
        return self.generate(*self.latents(n, seed, truncation), labels)

    @property
    def sheet(self) -> int:
        """Images along a side of samples.png: a column for each class that can be asked for, else 8."""
        return sheet_side(self.classes)

    def samples_png(self) -> bytes:
        """The picture beside the weights: images of fixed latents, the same bytes on every CPU.

        In double precision, where the last digits, which differ from CPU to CPU, cannot reach an 8-bit pixel.
        """
        x, z = (part.double() for part in self._inputs(*self.latents(self.sheet**2, SHEET_SEED)))
        with torch.inference_mode():
            images: Tensor = torch.tanh(self._precise(torch.cat([x, z], dim=1) if self.sees_source else z))
        rows = images.flatten(1).numpy()
        return picture(rows.astype(np.float32), self.card.shape, self.sheet, SHEET_WIDE)

    @cached_property
    def _precise(self) -> nn.Module:
        return copy.deepcopy(self.network.body).double()


def load(name_or_folder: str | Path) -> Model:
    """The model of a shipped checkpoint, by name, or of any folder with card.json and generator.safetensors.

    Raises:
        ValueError: one sentence: it is not there, damaged, or not what its card says.
    """
    asked = str(name_or_folder)
    folder = CHECKPOINTS / asked if NAME.fullmatch(asked) and (CHECKPOINTS / asked).is_dir() else Path(asked)
    try:
        card = _limited(folder / "card.json", MOST_WEIGHTS)
        weights = _limited(folder / "generator.safetensors", MOST_WEIGHTS)
    except OSError as error:
        missing = Path(error.filename or "card.json").name
        raise ValueError(
            f"{asked!r} is not an image model: {missing} cannot be read ({error.strerror or error}); a model is a folder with "
            "card.json and generator.safetensors"
        ) from error
    return of_bytes(card, weights, folder.resolve().name)


def of_bytes(card: bytes, weights: bytes, name: str = "own") -> Model:
    """The model of a card and its weights, as stored in a file. Raises ValueError, in one sentence, as `load`."""
    known = read_card(card, name)
    if len(weights) > MOST_WEIGHTS:
        raise ValueError(f"weights must have at most {MOST_WEIGHTS / 1e6:g} MB; these have {len(weights) / 1e6:.1f}")
    found = hashlib.sha256(weights).hexdigest()
    if found != known.record["sha256"]:
        raise ValueError(
            f"the weights of {name} are not those of its card (SHA-256 {found[:12]}… instead of "
            f"{known.record['sha256'][:12]}…): they are not loaded"
        )
    config, tensors = _config(known), _tensors(weights)
    return Model(known, config, _network(known, config, tensors))


def _config(card: Card) -> RunConfig:
    try:
        # What it was trained on decides: a model of a GPU, or of compiled steps, makes images here all the same.
        config = RunConfig.from_record({**card.record, "device": "cpu", "compile": False})
    except (ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"card.json of {card.name} cannot be used: {' '.join(str(error).split())[:300]}") from error
    if config.target.shape != card.shape:
        raise ValueError(f"card.json of {card.name} names a shape {list(card.shape)} that its target does not have")
    return config


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


def _network(card: Card, config: RunConfig, tensors: dict[str, Tensor]) -> ImageGenerator:
    assert config.networks is not None
    fitting = f"the weights of {card.name} do not fit the networks on its card"
    try:
        with _at_most(2 * sum(value.numel() for value in tensors.values()) + 1000):
            network = config.networks.build_generator(
                card.shape, config.method.noise_dim, torch.Generator().manual_seed(0), classes=config.classes
            )
    except (RuntimeError, MemoryError) as error:
        raise ValueError(f"{fitting}: {' '.join(str(error).split())[:100]}") from error
    wanted: dict[str, Any] = {name: (value.shape, value.dtype) for name, value in network.state_dict().items()}
    found = {name: (value.shape, value.dtype) for name, value in tensors.items()}
    if wanted != found:
        name = sorted(key for key in {**wanted, **found} if wanted.get(key) != found.get(key))[0]
        raise ValueError(f"{fitting}: {name[:60]} is {_said(found.get(name))} instead of {_said(wanted.get(name))}")
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False)


def _said(kind: Any) -> str:
    return "missing" if kind is None else f"{tuple(kind[0])} {str(kind[1]).removeprefix('torch.')}"


@contextmanager
def _at_most(numbers: int) -> Iterator[None]:
    """Refuse to build, in this thread, networks of more numbers: a card may ask for more than there is memory."""
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


def _limited(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{path.name} must have at most {most / 1e6:g} MB")
    return data
