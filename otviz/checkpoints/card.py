"""Cards: what a model is, how it was trained and how good it is. Reading one needs no torch; its source may be untrusted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otviz.core.files import CHECKPOINTS
from otviz.core.records import checked, fields, flag, listed, number, parsed, read, text, whole
from otviz.data.datasets.rows import Shape

KIND = "images"
MOST_CARD = 200_000  # bytes
LARGEST = 256  # pixels per side of an image
SCORES = ("frechet", "precision", "recall", "density", "coverage", "classes_effective", "as_asked")
"""Scores that are shown together with those of real images."""
NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,79}")


@dataclass(frozen=True)
class Card:
    """The card of an image model, checked as far as possible without building its networks.

    Attributes:
        name: of its folder.
        record: the whole card as plain values, including the record of a `RunConfig`.
        shape: (C, H, W) of its images.
    """

    name: str
    record: Mapping[str, Any]
    shape: Shape

    @property
    def title(self) -> str:
        """A short title of the model."""
        return str(self.record.get("title", self.name))

    @property
    def claims(self) -> tuple[str, ...]:
        """The claims that it demonstrates, each with its paper."""
        found = self.record.get("claims")
        return tuple(str(claim)[:200] for claim in found[:20]) if isinstance(found, list) else ()

    @property
    def method(self) -> str:
        """Name of its method."""
        return str(self.record["method"]["name"])

    @property
    def target(self) -> str:
        """Name of the image set it was trained on."""
        return str(self.record["target"]["name"])

    @property
    def by_class(self) -> bool:
        """Whether it is conditional on classes."""
        return bool(self.record["networks"].get("by_class", False))

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Its scores, the number of samples, and `floor`, the scores of real images; empty if there are none."""
        found = self.record.get("metrics")
        return found if isinstance(found, Mapping) else {}


def cards(folder: Path = CHECKPOINTS) -> dict[str, dict[str, Any]]:
    """The cards of all checkpoints in a folder, by name: of points, images and classifiers; of a damaged one, why as its title."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*/card.json")):
        name = path.parent.name
        try:
            record = read(path, _TITLED)
            found[name] = dict(_checked(record, name).record) if _of_images(record) else record
        except ValueError as error:
            found[name] = {"title": f"damaged: {error}"}
    return found


def image_cards(folder: Path = CHECKPOINTS) -> dict[str, Card]:
    """The valid cards of image models in a folder, by name."""
    return read_cards(folder)[0]


def read_cards(folder: Path = CHECKPOINTS) -> tuple[dict[str, Card], dict[str, str]]:
    """The valid cards of image models in a folder, and error messages for damaged cards, both by name."""
    found: dict[str, Card] = {}
    damaged: dict[str, str] = {}
    for path in sorted(folder.glob("*/card.json")):
        name = path.parent.name
        try:
            record = _parsed(path.read_bytes())
            if _of_images(record):
                found[name] = _checked(record, name)
        except OSError as error:
            damaged[name] = f"card.json cannot be read ({error.strerror or error})"
        except ValueError as error:
            damaged[name] = str(error)
    return found, damaged


def read_card(data: bytes, name: str) -> Card:
    """Parse a card. Raises ValueError if it is not the valid card of an image model."""
    return _checked(_parsed(data), name)


def _parsed(data: bytes) -> Any:
    return parsed(data, "card.json", MOST_CARD)


def _of_images(record: Any) -> bool:
    """Whether it may be the card of an image model, rather than one of points or of a classifier."""
    return not isinstance(record, dict) or (
        record.get("kind") != "classifier" and ("kind" in record or "networks" in record)
    )


def _checked(record: Any, name: str) -> Card:
    if not isinstance(record, dict) or record.get("kind") != KIND:
        raise ValueError(f'card.json is not the card of an image model: its "kind" is not "{KIND}"')
    for part in ("method", "target", "networks"):
        if not isinstance(record.get(part), dict):
            raise ValueError(f"card.json lacks its {part}")
    if not re.fullmatch(r"[0-9a-f]{64}", str(record.get("sha256"))):
        raise ValueError("card.json has no SHA-256 of the weights (64 hex digits)")
    shape = _shape(record.get("shape"))
    checked(record, CARD, "card.json")
    metrics = record.get("metrics", {})
    lost = [key for key in SCORES if key in metrics and key not in metrics["floor"]]
    if lost:
        raise ValueError(
            f"card.json has {lost[0]} in metrics, but not in metrics.floor, where that of real images belongs"
        )
    if metrics and len(metrics["class_shares"]) != len(metrics["true_class_shares"]):
        raise ValueError("card.json must have as many class_shares as true_class_shares in metrics")
    return Card(name, record, shape)


def _metrics(value: Any) -> None:
    """Valid scores, or an empty object."""
    if value != {}:
        METRICS(value)


_score = number(0, 1e9)
_measured = {f"{name}?": _score for name in SCORES}
_FLOOR = fields({**_measured, "frechet": _score, "recall": _score}, others=number())
_SHARES = listed(number(0, 1), 1000)
METRICS = fields(
    {
        **_measured, "frechet": _score, "recall": _score, "classes_effective": _score, "samples": whole(1),
        "class_shares": _SHARES, "true_class_shares": _SHARES, "floor": _FLOOR, "judge?": text(200), "nearest_real?": _score,
    }
)  # fmt: skip
_TITLED = fields({"title": text(200)})
_rate = number(0, 1e12)
CARD = fields(
    {
        "title?": text(200), "claims?": listed(text(500), 20), "steps": whole(1, 2_000_000), "seed?": whole(0),
        "method": fields({"name": text(80), "matching?": text(80)}), "target": fields({"name": text(80)}),
        "networks": fields({"by_class?": flag}), "metrics?": _metrics, "unjudged?": text(1000), "device?": text(80),
        "seconds?": _rate, "steps_per_second?": _rate, "images_per_second?": _rate, "licence?": text(1000),
        "command?": text(10_000),
    }
)  # fmt: skip


def _shape(value: Any) -> Shape:
    sides = isinstance(value, list) and len(value) == 3 and all(type(side) is int for side in value)
    if not sides or value[0] not in (1, 3) or not all(1 <= side <= LARGEST for side in value[1:]):
        raise ValueError(
            f"card.json must have a shape [channels, rows, columns] with 1 or 3 channels and at most {LARGEST} pixels "
            f"on a side; it has {ascii(value)[:60]}"
        )
    return value[0], value[1], value[2]
