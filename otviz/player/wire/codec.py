"""Encodes and decodes whole messages and files: containers of panels (see `otviz.core.container`)."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from otviz.core import container
from otviz.player.wire.blobs import Blobs, Source
from otviz.player.wire.panels import panel_in, panel_out
from otviz.player.wire.updates import PanelUpdate

VERSIONS = (1, 2)
"""Without and with images, so that older readers can still read messages without images."""


def encode(panels: Sequence[PanelUpdate], *, margin: float = 0.25, grain: int = 1) -> bytes:
    """Encode panels for the player, or for a file if all panels have a scene.

    Args:
        panels: in the order in which they are shown.
        margin: beyond the box within which positions are kept, as a share of its width and height.
        grain: positions are rounded to multiples of it on their grid of 65535 steps. 32 makes files smaller and is not visible
            below 1000 pixels.

    Raises:
        ValueError: a panel has an unknown status or an empty box.
    """
    blobs = Blobs(margin, grain)
    header = {"margin": margin, "panels": [panel_out(panel, blobs) for panel in panels]}
    return container.join(header, blobs.parts, VERSIONS[any(len(panel.shape) > 1 for panel in panels)])


def pick(data: bytes, places: Sequence[int]) -> bytes:
    """The message with only the panels at these indices, in this order. Raises ValueError for bytes of another format."""
    header, blobs, version = container.split(data, VERSIONS)
    begins = [min(entry["at"] for entry in _entries(panel)) for panel in header["panels"]] + [len(blobs)]
    panels, parts, size = list[Any](), list[memoryview](), 0
    for place in places:  # the blobs of each panel are contiguous, in the order of panels
        panels.append(copy.deepcopy(header["panels"][place]))
        for entry in _entries(panels[-1]):
            entry["at"] += size - begins[place]
        parts.append(blobs[begins[place] : begins[place + 1]])
        size += len(parts[-1])
    return container.join({**header, "panels": panels}, parts, version)


def decode(data: bytes) -> list[PanelUpdate]:
    """The inverse of `encode`, up to rounding; points outside the margin become nan.

    Raises:
        ValueError: the bytes are of another format or version, or damaged.
    """
    header, blobs, _ = container.split(data, VERSIONS)
    try:
        source = Source(blobs, float(header["margin"]))
        return [panel_in(panel, source) for panel in header["panels"]]
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError, ValueError) as error:
        raise ValueError(f"timeline is damaged: {type(error).__name__}: {error}") from error


def _entries(part: Any) -> Iterator[dict[str, Any]]:
    """All entries of blobs in a part of the header, at any depth."""
    if isinstance(part, dict) and "at" in part:
        yield part
    elif isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from _entries(inner)
