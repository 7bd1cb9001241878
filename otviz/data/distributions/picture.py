"""A picture as a density: dark pixels (or light, or opaque ones) get more points."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from otviz.core.params import param
from otviz.core.uploads import known_as
from otviz.data.distributions.distribution import Distribution, Points
from otviz.data.distributions.own_files import PREFIX, find_upload, identity
from otviz.data.reading.image_pixels import EXTENSIONS, read_image


@dataclass(frozen=True)
class Picture(Distribution):
    """Points drawn from the ink of an image as density. The file is read and checked when an instance is made."""

    name: ClassVar[str] = "picture"
    title: ClassVar[str] = "Your picture"
    needs_file: ClassVar[bool] = True
    extensions: ClassVar[tuple[str, ...]] = EXTENSIONS

    file: str = param("", doc=f"Path of an image ({', '.join(EXTENSIONS)}) of at most 50 megapixels, or an upload")
    ink: Literal["dark", "light"] = param("dark", doc="Which pixels get points; transparent ones never do", label="Ink")
    contrast: float = param(
        1.0, 0.2, 8, doc="Exponent of the ink: above 1, faint parts get fewer points", label="Contrast"
    )
    size: float = param(5.0, 0.1, 20, doc="Width or height of the picture, whichever is larger", unit="length")

    density: ClassVar[NDArray[np.float32]]  # set per instance; not fields, since the knobs determine them
    brightest: ClassVar[float | None]
    known: ClassVar[str]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.file:
            raise ValueError(f"choose an image ({', '.join(EXTENSIONS)}); got none")
        path = find_upload(self.file) if self.file.startswith(PREFIX) else Path(self.file)
        density, brightest = _density(*identity(path), self.ink, self.contrast)
        object.__setattr__(self, "density", density)
        object.__setattr__(self, "brightest", brightest)
        object.__setattr__(self, "known", known_as(path))

    def describe(self) -> str:
        """One sentence: size, share of pixels with ink, and the value taken as white."""
        rows, columns = self.density.shape
        scaled = "" if self.brightest is None else f"; its largest value, {self.brightest:g}, counts as white"
        return f"{self.known}: read at {columns} x {rows} pixels; {self.density.mean():.0%} of the area is ink{scaled}."

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        rows, columns = self.density.shape
        edges = np.cumsum(self.density, dtype=np.float64)
        pixel = np.searchsorted(edges, rng.random(n) * edges[-1], side="right").clip(max=rows * columns - 1)
        row, column = np.divmod(pixel, columns)
        places = np.stack([column, rows - 1 - row], axis=1) + rng.random((n, 2))  # rows count downwards
        points = (places - np.array([columns, rows]) / 2) * (self.size / max(rows, columns))
        drawn: Points = points.astype(np.float32)
        return drawn


@functools.lru_cache(maxsize=8)
def _density(
    path: Path, _changed: int, _size: int, ink: str, contrast: float
) -> tuple[NDArray[np.float32], float | None]:
    """Ink of each pixel, shape (rows, columns), in [0, 1], not all 0, and the value taken as white."""
    grey, opacity, brightest = read_image(path)
    density = ((1 - grey if ink == "dark" else grey) * opacity) ** contrast
    if not density.max() > 1 / 255:
        other = "light" if ink == "dark" else "dark"
        raise ValueError(
            f"{known_as(path)} holds no {ink} pixel, so there is nothing to draw points from: try ink {other}"
        )
    density.setflags(write=False)
    return density, brightest
