"""One side of a diagnosis: points of any dimension, or images, with what is needed to show single ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of one side, as read; `diagnose` checks them and draws from many.

    Attributes:
        values: points (n, d), d >= 2, in the units of their file, or images (n, C, H, W), uint8.
        name: what messages call them, such as the name of the file.
        columns: names of the d columns of points; empty for images, or if they have none.
        labels: class of each sample, (n,), indices into `classes`; None if unknown.
        classes: names of the classes.
        rows: where each sample stands in its file, (n,), from 0; None: in order.
        total: number of rows or images in the file, of which these may be a sample; 0: these are all.
        images: name of the published set of the images, such as "mnist8", whose classifier gives features; "" if unknown.
        notes: what was decided while reading, as short sentences without a full stop.
    """

    values: NDArray[Any]
    name: str = "samples"
    columns: tuple[str, ...] = ()
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    rows: NDArray[np.int64] | None = None
    total: int = 0
    images: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def are_images(self) -> bool:
        """Whether these are images rather than points."""
        return self.values.ndim == 4

    def row(self, index: int) -> int:
        """The place of a sample in its file, from 0."""
        return int(index if self.rows is None else self.rows[index])
