"""Points, images and fields as compact blobs, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otviz.core import container
from otviz.player.wire.updates import Box
from otviz.runs.snapshots import Array, Samples

_OUTSIDE = 65535


class Blobs(container.Blobs):
    """Collects blobs. Each method returns the header entry of its blob.

    Args:
        margin: beyond the box, as a share of its width and height.
        grain: positions are rounded to multiples of it on their grid.
    """

    def __init__(self, margin: float, grain: int = 1) -> None:
        super().__init__()
        self.margin = margin
        self.grain = grain

    def positions(self, points: Array | None, box: Box) -> dict[str, Any] | None:
        return None if points is None else self.put(_to_grid(points, _with_margin(box, self.margin), self.grain))

    def images(self, pixels: Samples | None, shape: tuple[int, ...]) -> dict[str, Any] | None:
        """Images (n, C*H*W), uint8."""
        return None if pixels is None else self.put(pixels.astype("u1", copy=False).reshape(-1, *shape))

    def potential(self, values: Array | None) -> dict[str, Any] | None:
        if values is None:
            return None
        finite = values[np.isfinite(values)].astype(np.float64)
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        share = (np.nan_to_num(values.astype(np.float64), nan=low) - low) / (high - low or 1.0)
        return self.put((np.clip(share, 0, 1) * 255).round().astype("u1"), low=low, high=high)

    def arrows(self, values: Array | None) -> dict[str, Any] | None:
        if values is None:
            return None
        finite = np.where(np.isfinite(values), values, 0).astype(np.float64)
        scale = float(np.abs(finite).max(initial=0.0))
        return self.put((finite / (scale or 1.0) * 127).round().astype("i1"), scale=scale)


class Source:
    """Reads blobs back, checking that each lies within the data."""

    def __init__(self, data: memoryview, margin: float) -> None:
        self.data = data
        self.margin = margin

    def take(self, entry: dict[str, Any], kind: str) -> NDArray[Any]:
        return container.take(self.data, entry, kind)

    def positions(self, entry: dict[str, Any], box: Box) -> Samples:
        return _from_grid(self.take(entry, "u2"), _with_margin(box, self.margin))

    def maybe_positions(self, entry: dict[str, Any] | None, box: Box) -> Samples | None:
        return None if entry is None else self.positions(entry, box)

    def images(self, entry: dict[str, Any]) -> Samples:
        pixels = self.take(entry, "u1")
        return pixels.reshape(len(pixels), math.prod(pixels.shape[1:]))

    def potential(self, entry: dict[str, Any] | None) -> Array | None:
        if entry is None:
            return None
        low, high = float(entry["low"]), float(entry["high"])
        return (low + self.take(entry, "u1") / 255.0 * (high - low)).astype(np.float32)

    def arrows(self, entry: dict[str, Any] | None) -> Array | None:
        return None if entry is None else (self.take(entry, "i1") / 127.0 * float(entry["scale"])).astype(np.float32)


def _with_margin(box: Box, margin: float) -> Box:
    x_low, x_high, y_low, y_high = box
    across, up = margin * (x_high - x_low), margin * (y_high - y_low)
    return x_low - across, x_high + across, y_low - up, y_high + up


def _to_grid(points: Array, box: Box, grain: int) -> NDArray[np.uint16]:
    low, size = np.array([box[0], box[2]]), np.array([box[1] - box[0], box[3] - box[2]])
    share = (points.astype(np.float64) - low) / size
    inside = np.all((share >= 0) & (share <= 1), axis=-1, keepdims=True)
    places = (np.where(inside, share, 0) * ((_OUTSIDE - 1) // grain)).round() * grain
    return np.where(inside, places, _OUTSIDE).astype("<u2")


def _from_grid(grid: NDArray[np.uint16], box: Box) -> Samples:
    low, size = np.array([box[0], box[2]]), np.array([box[1] - box[0], box[3] - box[2]])
    return np.where(grid == _OUTSIDE, np.nan, low + grid / (_OUTSIDE - 1) * size)


def not_visible(points: Array, box: Box) -> int:
    """Number of points outside the box."""
    x, y = points[..., 0], points[..., 1]
    return int(np.size(x) - np.count_nonzero((x >= box[0]) & (x <= box[1]) & (y >= box[2]) & (y <= box[3])))
