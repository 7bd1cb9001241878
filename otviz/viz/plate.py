"""A plate for print: an SVG in millimetres, made of panels of points, lines and images. Neither a browser nor a font is needed.

Vectors have no resolution to choose, and any reader of documents shows them; images within are PNGs, one pixel a pixel.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otviz.data.datasets.sheets import png, sheet

INK, PALE = "#1b1f24", "#8A8F98"
SMALL, BODY, HEADING = 2.3, 2.8, 3.4  # heights of letters, mm
_FONT = "font-family='Helvetica, Arial, sans-serif'"

Box = tuple[float, float, float, float]
Values = NDArray[Any]


@dataclass(frozen=True)
class Panel:
    """A rectangle of a plate that shows part of the plane.

    Attributes:
        x, y, wide, high: its place on the plate, mm from the upper left corner.
        box: (x_low, x_high, y_low, y_high) that it shows, in units of the data.
    """

    x: float
    y: float
    wide: float
    high: float
    box: Box = (0.0, 1.0, 0.0, 1.0)

    def at(self, x: Values, y: Values) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Places on the plate of points of the data."""
        low, high, bottom, top = self.box
        across = self.x + self.wide * (np.asarray(x, np.float64) - low) / (high - low)
        down = self.y + self.high * (top - np.asarray(y, np.float64)) / (top - bottom)
        return across, down


class Plate:
    """A drawing of a size in mm; `svg` is its text."""

    def __init__(self, wide: float, high: float, title: str) -> None:
        self.wide, self.high, self.title = wide, high, title
        self._parts: list[str] = []
        self._clips = 0

    def svg(self) -> str:
        """The whole file."""
        head = (
            f"<svg xmlns='http://www.w3.org/2000/svg' width='{self.wide:g}mm' height='{self.high:g}mm' "
            f"viewBox='0 0 {self.wide:g} {self.high:g}' role='img'>"
        )
        paper = f"<rect width='{self.wide:g}' height='{self.high:g}' fill='white'/>"
        return "\n".join([head, f"<title>{escape(self.title)}</title>", paper, *self._parts, "</svg>"]) + "\n"

    def write(
        self, x: float, y: float, text: str, size: float = BODY, anchor: str = "start", bold: bool = False
    ) -> None:
        """A line of text, its baseline at y; `anchor` is start, middle or end."""
        weight = " font-weight='bold'" if bold else ""
        self._parts.append(
            f"<text x='{x:g}' y='{y:g}' font-size='{size:g}' text-anchor='{anchor}' fill='{INK}' {_FONT}{weight}>"
            f"{escape(text)}</text>"
        )

    def label(self, x: float, y: float, text: str) -> None:
        """A line of text that reads upwards, its middle at (x, y)."""
        self._parts.append(
            f"<text transform='translate({x:g} {y:g}) rotate(-90)' font-size='{SMALL:g}' text-anchor='middle' "
            f"fill='{INK}' {_FONT}>{escape(text)}</text>"
        )

    def frame(self, panel: Panel) -> None:
        """A thin line round a panel."""
        self._parts.append(
            f"<rect x='{panel.x:g}' y='{panel.y:g}' width='{panel.wide:g}' height='{panel.high:g}' fill='none' "
            f"stroke='{PALE}' stroke-width='0.15'/>"
        )

    def dots(self, panel: Panel, points: Values, colour: str, size: float, square: bool = False) -> None:
        """Points (n, 2) in a panel; those outside are cut off."""
        x, y = panel.at(points[:, 0], points[:, 1])
        path = "".join(f"M{a:.2f} {b:.2f}h0" for a, b in zip(x, y, strict=True))
        cap = "square" if square else "round"
        style = f"stroke='{colour}' stroke-width='{size:g}' stroke-linecap='{cap}' stroke-opacity='0.75'"
        self._cut(panel, f"<path d='{path}' fill='none' {style}/>")

    def line(self, panel: Panel, x: Values, y: Values, colour: str, dashed: bool = False, wide: float = 0.25) -> None:
        """A line through points, interrupted where y is NaN."""
        across, down = panel.at(x, np.clip(np.asarray(y, np.float64), -1e6, 1e6))
        path, pen = [], "M"
        for a, b in zip(across, down, strict=True):
            if not math.isfinite(b):
                pen = "M"
                continue
            path.append(f"{pen}{a:.2f} {b:.2f}")
            pen = "L"
        dash = " stroke-dasharray='1 0.6'" if dashed else ""
        style = f"stroke='{colour}' stroke-width='{wide:g}' stroke-linejoin='round'{dash}"
        self._cut(panel, f"<path d='{''.join(path)}' fill='none' {style}/>")

    def ticks(self, panel: Panel, across: Sequence[float], up: Sequence[float]) -> None:
        """Numbers below and at the left of a panel."""
        for value in across:
            x = float(panel.at(np.array([value]), np.zeros(1))[0][0])
            self._tick(x, panel.y + panel.high, x, panel.y + panel.high + 0.8)
            self.write(x, panel.y + panel.high + 3.2, _short(value), SMALL, "middle")
        for value in up:
            y = float(panel.at(np.zeros(1), np.array([value]))[1][0])
            self._tick(panel.x, y, panel.x - 0.8, y)
            self.write(panel.x - 1.2, y + 0.8, _short(value), SMALL, "end")

    def images(self, panel: Panel, pixels: NDArray[np.uint8], columns: int) -> None:
        """Images (n, C, H, W) side by side, filling the width of a panel."""
        rows = (pixels.reshape(len(pixels), -1) / np.float32(127.5) - 1).astype(np.float32)
        made = sheet(rows, pixels.shape[1:], columns)
        data = base64.b64encode(png(made)).decode()
        high = panel.wide * made.shape[0] / made.shape[1]
        self._parts.append(
            f"<image x='{panel.x:g}' y='{panel.y:g}' width='{panel.wide:g}' height='{high:g}' "
            f"style='image-rendering: pixelated' href='data:image/png;base64,{data}'/>"
        )

    def key(self, x: float, y: float, entries: Sequence[tuple[str, str, bool]]) -> None:
        """What lines mean, one after the other: text, colour, and whether it is dashed."""
        for text, colour, dashed in entries:
            dash = " stroke-dasharray='1 0.6'" if dashed else ""
            self._parts.append(f"<path d='M{x:g} {y - 0.9:g}h6' stroke='{colour}' stroke-width='0.6'{dash}/>")
            self.write(x + 7, y, text, SMALL)
            x += 10 + 1.25 * len(text)

    def _tick(self, x: float, y: float, to_x: float, to_y: float) -> None:
        self._parts.append(f"<path d='M{x:.2f} {y:.2f}L{to_x:.2f} {to_y:.2f}' stroke='{PALE}' stroke-width='0.15'/>")

    def _cut(self, panel: Panel, part: str) -> None:
        """Draw nothing of it outside the panel."""
        self._clips += 1
        rect = f"<rect x='{panel.x:g}' y='{panel.y:g}' width='{panel.wide:g}' height='{panel.high:g}'/>"
        self._parts.append(
            f"<clipPath id='c{self._clips}'>{rect}</clipPath><g clip-path='url(#c{self._clips})'>{part}</g>"
        )


def round_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` round numbers from low to high, at equal steps of 1, 2 or 5 times a power of ten."""
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return []
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    while (high - low) / step > most:
        step *= 2.5 if f"{step:e}"[0] == "2" else 2.0
    first = math.ceil(low / step - 1e-9)
    return [round(count * step, 12) for count in range(first, math.floor(high / step + 1e-9) + 1)]


def _short(value: float) -> str:
    return f"{value:,.6g}".replace("-", "−").replace(",", "\u2009")
