"""Letters: points uniform in the ink of a word, a target that is easy to judge by eye."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otviz.core.params import param
from otviz.data.distributions.distribution import Distribution, Points

LONGEST = 12  # letters; more are too thin to tell apart at unit scale
PIXELS = 96  # height of the font in the mask


@dataclass(frozen=True)
class Letters(Distribution):
    """Uniform on the ink of one line of text, centred at the origin."""

    name: ClassVar[str] = "letters"
    title: ClassVar[str] = "Letters"

    text: str = param("OT", doc=f"Letters, digits and signs of plain ASCII, at most {LONGEST}", label="Text")
    size: float = param(5.0, 0.1, 20, doc="Width or height of the text, whichever is larger", unit="length")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.text.strip():
            raise ValueError(f"text must hold at least one letter; got {self.text!r}")
        if len(self.text) > LONGEST:
            raise ValueError(f"text must be at most {LONGEST} letters; got {len(self.text)}: shorten it")
        strange = [sign for sign in self.text if not " " <= sign <= "~"]
        if strange:
            raise ValueError(f"text must be plain ASCII letters, digits and signs; {strange[0]!r} is not allowed")

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        corners, pixel = _ink(self.text)
        points: Points = rng.random((n, 2), dtype=np.float32)
        points *= np.float32(pixel)
        points += corners[rng.integers(len(corners), size=n)]
        points *= np.float32(self.size)
        return points


@functools.lru_cache(maxsize=64)
def _ink(text: str) -> tuple[Points, float]:
    """Lower left corners (k, 2) of the inked pixels in a box around 0 with longer side 1, and the side of a pixel."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=PIXELS)
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    image = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(image).text((1 - left, 1 - top), text, fill=255, font=font)
    row, column = np.nonzero(np.asarray(image) > 127)
    corners = np.stack([column, -row - 1], axis=1).astype(np.float64)  # rows count downwards
    low, high = corners.min(axis=0), corners.max(axis=0) + 1
    side = float((high - low).max())
    ink = ((corners - (low + high) / 2) / side).astype(np.float32)
    ink.setflags(write=False)
    return ink, 1 / side
