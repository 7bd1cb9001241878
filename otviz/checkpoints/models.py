"""Trained generators: `model = load("mnist8-uotm")`, then `model.generate(*model.latents(64))`.

`read_model` opens the folder of any trained model: a checkpoint of points or images, or a run. Files may come from untrusted
sources, so nothing is unpickled, and the weights must fit the networks of the config and match the SHA-256 on the card.
"""

from __future__ import annotations

import copy
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from otviz.checkpoints import latents as spaces
from otviz.checkpoints.card import MOST_CARD, NAME, Card, read_card
from otviz.checkpoints.generator_weights import generator_of, read_limited
from otviz.checkpoints.image_sheets import picture
from otviz.checkpoints.latents import Latents
from otviz.core import records
from otviz.core.files import CHECKPOINTS
from otviz.data.datasets import ImageSet
from otviz.data.datasets.rows import Rows, in_turn
from otviz.networks import ImageGenerator
from otviz.networks.image_networks import with_class
from otviz.runs.config import RunConfig
from otviz.runs.saved.file_schema import CONFIG
from otviz.runs.snapshots import sheet_side

Labels = NDArray[np.int64]

BLOCK = 250  # images generated at a time
SHEET_SEED = 0
SHEET_WIDE = 464  # pixels


@dataclass(frozen=True)
class Model(ABC):
    """A trained generator.

    Attributes:
        name: of its folder.
        config: of its training.
    """

    name: str
    config: RunConfig

    @abstractmethod
    def sample(self, n: int, seed: int = 0) -> Rows:
        """n generated samples as rows (n, d): points in data units, or images in [-1, 1]."""


@dataclass(frozen=True)
class PointModel(Model):
    """A generator of points.

    Attributes:
        network: T(x, z), in evaluation mode, on the CPU.
    """

    network: nn.Module

    def sample(self, n: int, seed: int = 0) -> Rows:
        return self.generate(n, np.random.default_rng(seed), seed)

    def generate(self, n: int, rng: np.random.Generator, noise_seed: int) -> Rows:
        """Points T(x, z), shape (n, 2), in data units.

        Args:
            n: number of points.
            rng: for x.
            noise_seed: for z.
        """
        x = torch.from_numpy(self.config.source.sample(n, rng))
        z = torch.randn(n, self.config.method.noise_dim, generator=torch.Generator().manual_seed(noise_seed))
        with torch.no_grad():
            points: Rows = self.network(x, z).numpy()
        return points


@dataclass(frozen=True)
class ImageModel(Model):
    """A generator of images.

    Attributes:
        network: T(x, z), in evaluation mode, on the CPU.
    """

    network: ImageGenerator

    @property
    def images(self) -> ImageSet:
        """The image set of its training."""
        return self.config.image_set

    @property
    def classes(self) -> int:
        """Number of classes of a conditional model; 0 for other models."""
        return self.network.classes

    @property
    def sees_source(self) -> bool:
        """Whether images depend on x, rather than on z alone."""
        return self.network.from_source

    def latents(self, n: int, seed: int = 0, truncation: float | None = None) -> Latents:
        """Sample pairs of x and z.

        Args:
            n: number of pairs.
            seed: for the samples.
            truncation: in standard deviations; None for none. See `latents.drawn`.
        """
        return spaces.drawn(n, self.images.dim, self.config.method.noise_dim, seed, truncation)

    def generate(self, x: Rows, z: Rows, labels: Labels | None = None) -> Rows:
        """Images T(x, z) as rows (n, C*H*W) in [-1, 1].

        Args:
            x: source noise, shape (n, C*H*W), n >= 1.
            z: auxiliary noise, shape (n, noise_dim).
            labels: classes, shape (n,), from 0 to `classes` - 1; if None, all classes in turn.

        Raises:
            ValueError: a wrong shape, or a class out of range.
        """
        dim = self.images.dim
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
        """Inputs of the network: x and z, with the class appended to z for a conditional model."""
        source, noise = torch.from_numpy(x), torch.from_numpy(z)
        if labels is not None and not (labels.shape == (len(x),) and ((labels >= 0) & (labels < self.classes)).all()):
            raise ValueError(f"classes must be {len(x)} numbers from 0 to {self.classes - 1}; got {labels[:5]}")
        if not self.classes:
            return source, noise
        asked = in_turn(len(x), self.classes) if labels is None else labels
        return source, with_class(noise, torch.from_numpy(asked), self.classes)

    def sample(self, n: int, seed: int = 0, truncation: float | None = None, labels: Labels | None = None) -> Rows:
        """Images as rows (n, C*H*W) in [-1, 1].

        Args:
            n: number of images.
            seed, truncation: as for `latents`.
            labels: as for `generate`.
        """
        return self.generate(*self.latents(n, seed, truncation), labels)

    @property
    def sheet(self) -> int:
        """Images per side of samples.png: one column per class for conditional models, otherwise 8."""
        return sheet_side(self.classes)

    def samples_png(self) -> bytes:
        """A sheet of images from fixed latents as PNG, with the same bytes on every CPU.

        Computed in double precision, so that rounding, which differs between CPUs, does not change 8-bit pixels.
        """
        x, z = (part.double() for part in self._inputs(*self.latents(self.sheet**2, SHEET_SEED)))
        with torch.inference_mode():
            images: Tensor = torch.tanh(self._precise(torch.cat([x, z], dim=1) if self.sees_source else z))
        rows = images.flatten(1).numpy()
        return picture(rows.astype(np.float32), self.images.shape, self.sheet, SHEET_WIDE)

    @cached_property
    def _precise(self) -> nn.Module:
        return copy.deepcopy(self.network.body).double()


@dataclass(frozen=True)
class PublishedModel(ImageModel):
    """An image generator with its card, as `load` and `of_bytes` return it.

    Attributes:
        card: of the model.
    """

    card: Card


def read_model(folder: Path) -> Model:
    """Read the generator in the folder of a checkpoint or a run.

    Raises:
        ValueError: it is missing or damaged, or does not match its config or card.
    """
    config, name = read_config(folder), folder.resolve().name
    try:
        weights = read_limited(folder / "generator.safetensors")
        if (folder / "card.json").is_file():
            _check_hash(weights, records.parsed(read_limited(folder / "card.json"), "card.json", MOST_CARD), name)
    except (OSError, TypeError, KeyError) as error:
        raise ValueError(f"the model in {name} cannot be read ({error})") from error
    network = generator_of(config, weights, f"the weights of {name} do not fit its config")
    return (
        ImageModel(name, config, network) if isinstance(network, ImageGenerator) else PointModel(name, config, network)
    )


def read_config(folder: Path) -> RunConfig:
    """Read the config in a folder, with the CPU as device. Raises ValueError if it is missing or damaged."""
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder.name} has no config.json, which must describe its weights")
    try:
        return _on_cpu(records.read(folder / "config.json", CONFIG))
    except ValueError as error:
        raise ValueError(f"config.json of {folder.name} cannot be used: {error}") from error


def load(name_or_folder: str | Path) -> PublishedModel:
    """Load a shipped image model by name, or one from any folder with card.json and generator.safetensors.

    Raises:
        ValueError: it is missing or damaged, or does not match its card.
    """
    asked = str(name_or_folder)
    folder = CHECKPOINTS / asked if NAME.fullmatch(asked) and (CHECKPOINTS / asked).is_dir() else Path(asked)
    try:
        card = read_limited(folder / "card.json")
        weights = read_limited(folder / "generator.safetensors")
    except OSError as error:
        missing = Path(error.filename or "card.json").name
        raise ValueError(
            f"{asked!r} is not an image model: {missing} cannot be read ({error.strerror or error}); a model is a folder with "
            "card.json and generator.safetensors"
        ) from error
    return of_bytes(card, weights, folder.resolve().name)


def of_bytes(card: bytes, weights: bytes, name: str = "own") -> PublishedModel:
    """Load an image model from the bytes of its files.

    Args:
        card, weights: contents of card.json and generator.safetensors.
        name: of the model, also in error messages.

    Raises:
        ValueError: a file is damaged, or the weights do not match the card.
    """
    known = read_card(card, name)
    _check_hash(weights, known.record, name)
    config = config_of(known)
    network = generator_of(config, weights, f"the weights of {name} do not fit the networks on its card")
    assert isinstance(network, ImageGenerator)
    return PublishedModel(name, config, network, known)


def config_of(card: Card) -> RunConfig:
    """The config on a card, with the CPU as device. Raises ValueError if it is invalid."""
    try:
        config = _on_cpu(card.record)
    except (ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"card.json of {card.name} cannot be used: {' '.join(str(error).split())[:300]}") from error
    if config.target.shape != card.shape:
        raise ValueError(f"card.json of {card.name} names a shape {list(card.shape)} that its target does not have")
    return config


def _check_hash(weights: bytes, card: Mapping[str, Any], name: str) -> None:
    found, wanted = hashlib.sha256(weights).hexdigest(), str(card["sha256"])
    if found != wanted:
        raise ValueError(
            f"the weights of {name} are not those of its card (SHA-256 {found[:12]}… instead of {wanted[:12]}…): "
            "they are not loaded"
        )


def _on_cpu(record: Mapping[str, Any]) -> RunConfig:
    """The config in a record, for use on the CPU, wherever the model was trained."""
    return RunConfig.from_record({**record, "device": "cpu", "compile": False})
