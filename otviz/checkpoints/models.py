"""Trained generators, ready to make samples: `load("mnist8-uotm")`, then `generate(*model.latents(64))`.

`read_model` opens the folder of anything that was trained: a checkpoint of points or images, or a run. What is loaded may
come from a stranger: nothing is unpickled, the weights must fit the networks of the config and have the SHA-256 on the card;
anything else is refused with one sentence.
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

BLOCK = 250  # images made at a time
SHEET_SEED = 0
SHEET_WIDE = 464  # pixels


@dataclass(frozen=True)
class Model(ABC):
    """A trained generator.

    Attributes:
        name: of its folder.
        config: how it was trained.
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
            rng: draws x from the source.
            noise_seed: of z.
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
        """Pairs of x and z for new images.

        Args:
            n: number of pairs.
            seed: draws them.
            truncation: as for `latents.drawn`.
        """
        return spaces.drawn(n, self.images.dim, self.config.method.noise_dim, seed, truncation)

    def generate(self, x: Rows, z: Rows, labels: Labels | None = None) -> Rows:
        """Images T(x, z) as rows (n, C*H*W) in [-1, 1].

        Args:
            labels: classes to make, (n,), numbers below `classes`; one after the other if None.

        Raises:
            ValueError: latents of another length, or classes that there are not.
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
        """x and z as the network takes them, with the class appended to z for a model with classes."""
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
            seed, truncation: of their latents, as for `latents`.
            labels: as for `generate`.
        """
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
        return picture(rows.astype(np.float32), self.images.shape, self.sheet, SHEET_WIDE)

    @cached_property
    def _precise(self) -> nn.Module:
        return copy.deepcopy(self.network.body).double()


@dataclass(frozen=True)
class PublishedModel(ImageModel):
    """An image generator with its card; `load` and `of_bytes` make one.

    Attributes:
        card: its record.
    """

    card: Card


def read_model(folder: Path) -> Model:
    """The generator in the folder of a checkpoint or a run.

    Raises:
        ValueError: one sentence: it is not there, damaged, or not what its config and its card say.
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
    """How what is in a folder was trained, for use on this CPU. Raises ValueError when it is not there or damaged."""
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder.name} has no config.json, which must describe its weights")
    try:
        return _on_cpu(records.read(folder / "config.json", CONFIG))
    except ValueError as error:
        raise ValueError(f"config.json of {folder.name} cannot be used: {error}") from error


def load(name_or_folder: str | Path) -> PublishedModel:
    """The model of a shipped checkpoint, by name, or of any folder with card.json and generator.safetensors.

    Raises:
        ValueError: one sentence: it is not there, damaged, or not what its card says.
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
    """The model of an uploaded card and its weights.

    Args:
        card, weights: bytes of card.json and generator.safetensors.
        name: in messages.

    Raises:
        ValueError: one sentence, as `load`.
    """
    known = read_card(card, name)
    _check_hash(weights, known.record, name)
    config = config_of(known)
    network = generator_of(config, weights, f"the weights of {name} do not fit the networks on its card")
    assert isinstance(network, ImageGenerator)
    return PublishedModel(name, config, network, known)


def config_of(card: Card) -> RunConfig:
    """How the model of a card was trained, for use on this CPU. Raises ValueError, in one sentence, if it cannot be."""
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
    """The config in a record; a model of a GPU, or of compiled steps, makes samples here all the same."""
    return RunConfig.from_record({**record, "device": "cpu", "compile": False})
