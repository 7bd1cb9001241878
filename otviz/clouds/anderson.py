"""Anderson acceleration of a fixed-point iteration (Anderson 1965; Walker and Ni 2011).

Sinkhorn's sweep is nearly linear near its fixed point, and few of its modes are slow: mass that must cross a gap between
clusters. From the last few sweeps Anderson's step removes what these share, without a rate that has to be guessed.
"""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

MEMORY = 15
"""Sweeps that are remembered."""


class Anderson:
    """Steps towards the fixed point of a map G of vectors (m,).

    Args:
        weights: of the inner product in which G is nearly symmetric, shape (m,), > 0.
    """

    def __init__(self, weights: Tensor) -> None:
        self._scale = weights.sqrt()
        self._last: tuple[Tensor, Tensor] | None = None
        self._moves: deque[Tensor] = deque(maxlen=MEMORY)
        self._images: deque[Tensor] = deque(maxlen=MEMORY)

    def forget(self) -> None:
        """Begin anew, as after a step that led away."""
        self._last = None
        self._moves.clear()
        self._images.clear()

    def next(self, at: Tensor, image: Tensor) -> Tensor:
        """The next vector to try, shape (m,).

        Args:
            at: the last vector, shape (m,).
            image: G(at), shape (m,).
        """
        if self._last is not None:
            self._moves.append((at - self._last[0]) * self._scale)
            self._images.append((image - self._last[1]) * self._scale)
        self._last = at, image
        if not self._moves:
            return image
        moves, images = torch.stack(tuple(self._moves), 1), torch.stack(tuple(self._images), 1)
        shares = _solved(images - moves, (image - at) * self._scale)
        return image - (images @ shares) / self._scale


def _solved(columns: Tensor, wanted: Tensor) -> Tensor:
    """Least squares, without directions that rounding has made up."""
    found: Tensor = torch.linalg.lstsq(columns, wanted[:, None], rcond=1e-10, driver="gelsd").solution[:, 0]
    return found
