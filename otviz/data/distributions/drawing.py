"""A drawing: points uniform under the strokes of a brush. It is stored as one short text that fits into a link."""

from __future__ import annotations

import base64
import binascii
import functools
import math
import struct
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from otviz.core.params import param
from otviz.data.distributions.distribution import Distribution, Points

HALF = 4.0  # the drawing fills the square [-HALF, HALF]^2
GRID = 255  # largest grid coordinate
MOST = 1000  # largest number of vertices

Stroke = NDArray[np.uint8]

HEART = (
    "MQCPn5CgkaWTq5iyn7iovLK9vbvHts-v1KXWm9SQz4XHe71xsmioX59XmE-TSJFDkECPP49AjkOMSIdPgFd3X2xoYnFYe1CFS5BJ"
    "m0ulUK9YtmK7bL13vIC4h7KMq46lj6CPnw"
)
"""A closed heart, off centre: the default drawing."""


@dataclass(frozen=True)
class Drawing(Distribution):
    """Uniform under the brush: a point along the strokes plus a point in the disc of the brush."""

    name: ClassVar[str] = "drawing"
    title: ClassVar[str] = "Your drawing"
    drawn: ClassVar[str] = "strokes"

    strokes: str = param(HEART, doc="The strokes, as the drawing pad writes them")
    brush: float = param(0.15, 0.02, 1.5, doc="Radius of the brush", unit="length", log=True, label="Brush radius")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not read_strokes(self.strokes):
            raise ValueError("strokes must hold at least one point; the drawing is empty: draw something")

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        starts, ends, edges = _segments(self.strokes, self.brush)
        segment = np.searchsorted(edges, rng.random(n), side="right")
        along = rng.random((n, 1))
        angle, radius = 2 * math.pi * rng.random(n), self.brush * np.sqrt(rng.random(n))
        points = (1 - along) * starts[segment] + along * ends[segment]
        points += np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        drawn: Points = points.astype(np.float32)
        return drawn


def read_strokes(text: str) -> list[Stroke]:
    """The strokes of a drawing, each (k, 2) uint8: x and y on the grid.

    The text is unpadded URL-safe base64 of, for each stroke, the number of vertices (u16, little endian) and two bytes per
    vertex. Raises ValueError for any other text or more than MOST vertices.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        strokes, at = [], 0
        while at < len(data):
            (count,) = struct.unpack_from("<H", data, at)
            vertices = np.frombuffer(data, np.uint8, 2 * count, at + 2)
            at += 2 + 2 * count
            strokes.append(vertices.reshape(count, 2))
    except (binascii.Error, struct.error, ValueError) as error:
        raise ValueError("strokes must be the text of a drawing pad; this one is cut short or damaged") from error
    total = sum(map(len, strokes))
    if total > MOST:
        raise ValueError(f"strokes must hold at most {MOST} vertices; got {total}: draw with fewer or longer strokes")
    return [stroke for stroke in strokes if len(stroke)]


@functools.lru_cache(maxsize=64)
def _segments(text: str, brush: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Start (k, 2) and end (k, 2) of the segments, in data units, and inner edges (k - 1,) of their cumulative weights.

    A dot weighs the area of the brush, a segment the area of its stripe.
    """
    starts, ends, ink = [], [], []
    for stroke in read_strokes(text):
        corners = -HALF + 2 * HALF / GRID * stroke.astype(np.float64)
        first, last = (corners[:-1], corners[1:]) if len(corners) > 1 else (corners, corners)
        starts.append(first)
        ends.append(last)
        stripe = 2 * brush * np.linalg.norm(last - first, axis=1)
        ink.append(stripe + math.pi * brush**2 / len(first))
    shares = np.concatenate(ink)
    return np.concatenate(starts), np.concatenate(ends), np.cumsum(shares / shares.sum())[:-1]
