"""What a card says, read without torch: of what, trained how, how good. It may come from a stranger."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otviz.datasets.rows import Shape
from otviz.files import CHECKPOINTS

KIND = "images"
MOST_CARD = 200_000  # bytes of a card that is read
LARGEST = 256  # pixels on a side of an image
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,79}")


@dataclass(frozen=True)
class Card:
    """The card of an image model, checked as far as it goes without its networks.

    Attributes:
        name: of its folder.
        record: all that the card says, as plain values; `RunConfig.from_record` reads the config in it.
        shape: (C, H, W) of its images.
    """

    name: str
    record: Mapping[str, Any]
    shape: Shape

    @property
    def title(self) -> str:
        """What the model is, in a few words."""
        return str(self.record.get("title", self.name))

    @property
    def claims(self) -> tuple[str, ...]:
        """What it was trained to show, each with its paper."""
        found = self.record.get("claims")
        return tuple(str(claim)[:200] for claim in found[:20]) if isinstance(found, list) else ()

    @property
    def method(self) -> str:
        """Name of its method."""
        return str(self.record["method"]["name"])

    @property
    def target(self) -> str:
        """Name of the set of images it was trained on."""
        return str(self.record["target"]["name"])

    @property
    def by_class(self) -> bool:
        """Whether it can be asked for images of a class."""
        return bool(self.record["networks"].get("by_class", False))

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Its scores with the samples behind them, and `floor`, those of real images; empty where it has none."""
        found = self.record.get("metrics")
        return found if isinstance(found, Mapping) else {}


def cards(folder: Path = CHECKPOINTS) -> dict[str, dict[str, Any]]:
    """The cards of every checkpoint under a folder, by name: of points, images and classifiers."""
    return {path.parent.name: json.loads(path.read_text()) for path in sorted(folder.glob("*/card.json"))}


def image_cards(folder: Path = CHECKPOINTS) -> dict[str, Card]:
    """The cards of the image models under a folder, by name; one that cannot be read is left out."""
    found = {}
    for path in sorted(folder.glob("*/card.json")):
        try:
            found[path.parent.name] = read_card(path.read_bytes(), path.parent.name)
        except (OSError, ValueError):
            continue  # a card of points or of a classifier, or a damaged one, which `load` would refuse, too
    return found


def read_card(data: bytes, name: str) -> Card:
    """The card in these bytes. Raises ValueError, in one sentence, for anything that is not the card of an image model."""
    if len(data) > MOST_CARD:
        raise ValueError(f"card.json must have at most {MOST_CARD:,} bytes; it has {len(data):,}")
    try:
        record = json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:  # bytes that are no text are a ValueError, too
        raise ValueError(f"card.json is not valid JSON ({' '.join(str(error).split())[:80]})") from error
    if not isinstance(record, dict) or record.get("kind") != KIND:
        raise ValueError(f'card.json is not the card of an image model: its "kind" is not "{KIND}"')
    for part in ("method", "target", "networks"):
        if not isinstance(record.get(part), dict):
            raise ValueError(f"card.json lacks its {part}")
    if not re.fullmatch(r"[0-9a-f]{64}", str(record.get("sha256"))):
        raise ValueError("card.json has no SHA-256 of the weights (64 hex digits)")
    return Card(name, record, _shape(record.get("shape")))


def _shape(value: Any) -> Shape:
    whole = isinstance(value, list) and len(value) == 3 and all(type(side) is int for side in value)
    if not whole or value[0] not in (1, 3) or not all(1 <= side <= LARGEST for side in value[1:]):
        raise ValueError(
            f"card.json must have a shape [channels, rows, columns] with 1 or 3 channels and at most {LARGEST} pixels "
            f"on a side; it has {str(value)[:60]}"
        )
    return value[0], value[1], value[2]


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")
