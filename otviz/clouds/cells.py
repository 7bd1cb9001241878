"""A planar cloud along a Hilbert curve: the points in a grid cell of any size 2^-k are a run of neighbours on it.

So a cloud has cells at every scale without a tree: those of size 2^-k share the first 2k binary digits of their place on
the curve. A cell stands for its points by their mass and their centre.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

DEEPEST = 31
"""Halvings of the box at which cells are points: places on the curve have 62 bits."""

LEAST_MASS = 1e-300
"""Mass of a cell without mass, which has a logarithm and never counts."""

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Cells:
    """A cloud in cells, in the order of the curve.

    Attributes:
        points: centres of mass, shape (k, 2), float64.
        masses: shape (k,), float64.
        starts: place on the curve of the first point of each, shape (k,).
        size: side of a cell, data units; 0 if cells are points.
    """

    points: Tensor
    masses: Tensor
    starts: Indices
    size: float

    def __len__(self) -> int:
        return len(self.starts)

    def parents(self, fine: Cells) -> Indices:
        """The cell here that contains each finer cell, shape (len(fine),)."""
        return np.searchsorted(self.starts, fine.starts, side="right") - 1

    def children(self, fine: Cells, some: Indices) -> Indices:
        """The finer cells in `some` cells of these, rising.

        Args:
            fine: cells of the same cloud, none of which crosses a border of these.
            some: places of cells here, rising.
        """
        first = np.append(np.searchsorted(fine.starts, self.starts), len(fine))
        low, counts = first[some], first[some + 1] - first[some]
        return np.repeat(low - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())


@dataclass(frozen=True)
class Curve:
    """A cloud in the order of the curve.

    Attributes:
        order: index of each point in the cloud, shape (n,).
        codes: places on the curve, (n,), rising.
        points, masses: in this order, shapes (n, 2) and (n,), float64.
        span: side of the box, data units.
    """

    order: Indices
    codes: NDArray[np.int64]
    points: NDArray[np.float64]
    masses: NDArray[np.float64]
    span: float

    @classmethod
    def of(cls, points: NDArray[np.float64], masses: NDArray[np.float64] | None) -> Curve:
        """Order a cloud (n, 2) with masses (n,), uniform if None."""
        low, span = points.min(0), float(np.ptp(points, axis=0).max())
        if masses is None:
            masses = np.full(len(points), 1 / len(points))
        codes = hilbert((points - low) / (span or 1.0))
        order = np.argsort(codes, kind="stable")
        return cls(order, codes[order], points[order], np.maximum(masses[order], LEAST_MASS), span)

    def cells(self, halvings: int) -> Cells:
        """The cells of size span / 2^halvings that contain points."""
        starts = self._starts(halvings)
        masses = np.add.reduceat(self.masses, starts)
        anchors = self.points[starts]  # centres about these are accurate far from the origin, too
        places = np.cumsum(np.bincount(starts, minlength=len(self.codes))) - 1
        offsets = np.add.reduceat(self.masses[:, None] * (self.points - anchors[places]), starts, axis=0)
        centres = anchors + offsets / masses[:, None]
        size = 0.0 if halvings == DEEPEST else self.span / 2.0**halvings
        return Cells(torch.from_numpy(centres), torch.from_numpy(masses), starts, size)

    def single(self) -> Cells:
        """Every point as a cell of its own, also those at one place."""
        return Cells(torch.from_numpy(self.points), torch.from_numpy(self.masses), np.arange(len(self.codes)), 0.0)

    def halvings(self, size: float, most: int) -> int:
        """Halvings for cells of at most `size`, or finer where there are at most `most` cells; DEEPEST for single points.

        Args:
            size: side of a cell > 0, data units.
            most: number of cells that can always be afforded.
        """
        wanted = math.ceil(math.log2(self.span / size)) if self.span > size else 0
        affordable = next((k for k in range(DEEPEST) if self.count(k + 1) > most), DEEPEST)
        return self.worth(max(wanted, affordable))

    def worth(self, halvings: int) -> int:
        """These halvings, or DEEPEST where so many cells are no cheaper than points."""
        found = min(halvings, DEEPEST)
        return DEEPEST if self.count(found) > POINTS * self.count(DEEPEST) else found

    def count(self, halvings: int) -> int:
        """Number of cells."""
        return int(self._counts[halvings])

    @functools.cached_property
    def _counts(self) -> Indices:
        """Number of cells at every number of halvings: neighbours part at the first digit in which they differ."""
        differ = self.codes[1:] ^ self.codes[:-1]
        parts = np.array([np.count_nonzero(differ >> (2 * (DEEPEST - k))) for k in range(DEEPEST + 1)])
        return parts + 1

    def _starts(self, halvings: int) -> Indices:
        prefix = self.codes >> (2 * (DEEPEST - halvings))
        return np.flatnonzero(np.diff(prefix, prepend=prefix[0] - 1))


POINTS = 0.6
"""Share of the points, as a number of cells, from which on the points themselves are as cheap."""


def hilbert(places: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places on the curve, shape (n,), of places (n, 2) in the unit square."""
    side = 2.0**DEEPEST
    x, y = (np.clip(axis * side, 0, side - 1).astype(np.int64) for axis in places.T)
    codes = np.zeros(len(places), np.int64)
    for bit in range(DEEPEST - 1, -1, -1):
        size = np.int64(1) << bit
        right, up = (x & size) > 0, (y & size) > 0
        codes = (codes << 2) | ((3 * right) ^ up)
        x, y = x & (size - 1), y & (size - 1)
        turned = right & ~up
        x, y = np.where(turned, size - 1 - x, x), np.where(turned, size - 1 - y, y)
        x, y = np.where(up, x, y), np.where(up, y, x)
    return codes
