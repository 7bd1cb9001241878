"""The last look at runs on points as a picture that does not move: SVG, which scales, and PNG."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from otviz.core.numbers import whole
from otviz.runs.snapshots import Box, Samples, Scene, Snapshot
from otviz.viz.exports.run_tables import Runs
from otviz.viz.style import GENERATED, TARGET

CELL, HEAD, GAP = 480, 44, 16  # pixels: a side of a picture, the words over it, between pictures
RADIUS = 2.6
INK, PAPER, EDGE = "#1d2733", "#ffffff", "#c4cad1"
FEWER = 500  # points of each when there are several pictures
CIVIDIS = ("00224e", "123570", "3b496c", "575d6d", "707173", "8a8678", "a59c74", "c3b369", "e1cc55", "fee838")
FAINT = 0.45  # the heat map is behind the points

Mark = tuple[str, float, float]
"""Role ("target" or "generated"), x, y in pixels from the upper left corner of the picture."""


@dataclass(frozen=True)
class Panel:
    """One picture: words over it, and what it shows."""

    title: str
    scene: Scene
    look: Snapshot
    points: int

    @property
    def words(self) -> str:
        """What stands under the title."""
        meter = self.look.meter
        parts = [f"step {whole(self.look.step)} of {whole(self.scene.steps)}"]
        if "modes_total" in meter:
            parts.append(f"{meter['modes_covered']} of {meter['modes_total']} modes, {meter['samples']} samples")
        if "w2" in meter:
            unit = f" {meter['unit']}" if "unit" in meter else ""
            parts.append(f"W2 {meter['w2']:.3g}{unit} (floor {meter['w2_floor']:.3g})")
        return " · ".join(parts)

    @property
    def edges(self) -> str:
        """The part of the plane that is shown, for points of a file; the others lie round the origin."""
        x_low, x_high, y_low, y_high = (f"{edge:.{_digits(self.scene.box)}f}" for edge in self.scene.box)
        return f"x {x_low} to {x_high}, y {y_low} to {y_high} {self.scene.unit}" if self.scene.unit else ""

    def marks(self) -> Iterator[Mark]:
        """Target first, so that what is generated lies over it; points outside the box are left out."""
        for role, cloud in (("target", self.scene.target), ("generated", self.look.generated)):
            for x, y in _places(cloud[: self.points], self.scene.box):
                yield role, x, y


class Still:
    """A picture of looks at runs on points, a panel each, by their titles. A notebook shows it by itself."""

    def __init__(self, looks: Mapping[str, tuple[Scene, Snapshot]]) -> None:
        points = FEWER if len(looks) > 1 else 1000
        self._panels = [Panel(title, *look, points) for title, look in looks.items()]
        self._columns = math.isqrt(len(looks) - 1) + 1

    @classmethod
    def of(cls, runs: Runs) -> Still:
        """The picture of their last looks. Raises ValueError for runs that have not begun or have images."""
        looks = {}
        for title, run in runs.items():
            if run.scene is None or not run.snapshots or run.config.target.kind != "points":
                raise ValueError(f"{title} has no picture of points: it has not begun, or it trains on images")
            looks[title] = (run.scene, run.snapshots[-1])
        return cls(looks)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        rows = -(-len(self._panels) // self._columns)
        return self._columns * (CELL + GAP) + GAP, rows * (CELL + HEAD + GAP) + GAP

    def svg(self) -> bytes:
        """As SVG."""
        width, height = self.size
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'font-family="system-ui, sans-serif">',
            f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
        ]
        for (left, top), panel in zip(self._corners(), self._panels, strict=True):
            parts.append(f'<g transform="translate({left} {top})">{_svg(panel)}</g>')
        return "\n".join([*parts, "</svg>\n"]).encode()

    def png(self, scale: int = 2) -> bytes:
        """As PNG of `scale` pixels for each."""
        from PIL import Image

        fine = 2 * scale  # drawn twice as large, so that edges become smooth
        width, height = self.size
        image = Image.new("RGB", (width * fine, height * fine), PAPER)
        for (left, top), panel in zip(self._corners(), self._panels, strict=True):
            _paint(image, panel, left, top, fine)
        out = io.BytesIO()
        image.resize((width * scale, height * scale), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
        return out.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png(1)

    def _corners(self) -> Iterator[tuple[int, int]]:
        """Of the words over each picture."""
        for at in range(len(self._panels)):
            row, column = divmod(at, self._columns)
            yield GAP + column * (CELL + GAP), GAP + row * (CELL + HEAD + GAP)


def _places(points: Samples, box: Box) -> list[list[float]]:
    low, high = np.array(box[::2]), np.array(box[1::2])
    share = (points - low) / (high - low)
    inside = share[((share >= 0) & (share <= 1)).all(1)]
    return np.column_stack([inside[:, 0] * CELL, (1 - inside[:, 1]) * CELL]).tolist()  # type: ignore[no-any-return]


def _digits(box: Box) -> int:
    """Decimals that tell a thousandth of the box."""
    return max(0, 3 - math.floor(math.log10(box[1] - box[0])))


def _heat(values: Samples) -> NDArray[np.uint8]:
    """Colours (g, g, 3) of a heat map, its first row at the top, faint on white."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    share = np.nan_to_num((values[::-1] - low) / (high - low or 1.0))
    stops = np.array([[int(code[at : at + 2], 16) for at in (0, 2, 4)] for code in CIVIDIS], dtype=float)
    colours = np.stack([np.interp(share * (len(stops) - 1), range(len(stops)), stops[:, at]) for at in range(3)], -1)
    return (255 + FAINT * (colours - 255)).round().astype(np.uint8)


def _svg(panel: Panel) -> str:
    parts = [
        f'<text y="15" font-size="15" font-weight="600" fill="{INK}">{escape(panel.title)}</text>',
        f'<text y="34" font-size="12" fill="{INK}">{escape(panel.words)}</text>',
        f'<g transform="translate(0 {HEAD})">',
    ]
    if panel.look.potential is not None:
        from otviz.data.datasets.sheets import png

        data = base64.b64encode(png(_heat(panel.look.potential))).decode()
        parts.append(f'<image width="{CELL}" height="{CELL}" href="data:image/png;base64,{data}"/>')
    r = RADIUS
    squares = "".join(
        f"M{x - r:.1f} {y - r:.1f}h{2 * r}v{2 * r}h-{2 * r}z" for role, x, y in panel.marks() if role == "target"
    )
    parts.append(f'<path fill="{TARGET}" fill-opacity="0.85" d="{squares}"/>')
    discs = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>' for role, x, y in panel.marks() if role == "generated"
    )
    parts.append(f'<g fill="{GENERATED}" stroke="#00000080" stroke-width="0.5">{discs}</g>')
    if panel.edges:
        parts.append(f'<text x="6" y="{CELL - 7}" font-size="11" fill="{INK}">{escape(panel.edges)}</text>')
    parts.append(f'<rect width="{CELL}" height="{CELL}" fill="none" stroke="{EDGE}"/></g>')
    return "\n".join(parts)


def _paint(image: object, panel: Panel, left: int, top: int, fine: int) -> None:
    from PIL import Image, ImageDraw, ImageFont

    assert isinstance(image, Image.Image)
    draw, corner = ImageDraw.Draw(image), (left * fine, (top + HEAD) * fine)
    for text, at, size in ((panel.title, 1, 15), (panel.words, 22, 12)):
        draw.text((left * fine, (top + at) * fine), text, INK, ImageFont.load_default(size * fine))
    if panel.look.potential is not None:
        heat = Image.fromarray(_heat(panel.look.potential))
        image.paste(heat.resize((CELL * fine, CELL * fine), Image.Resampling.BILINEAR), corner)
    for role, x, y in panel.marks():
        x, y, r = corner[0] + x * fine, corner[1] + y * fine, RADIUS * fine
        if role == "target":
            draw.rectangle((x - r, y - r, x + r, y + r), TARGET)
        else:
            draw.ellipse((x - r, y - r, x + r, y + r), GENERATED, "#7f3d0d", max(fine // 2, 1))
    side = CELL * fine
    if panel.edges:
        low = corner[0] + 6 * fine, corner[1] + side - 19 * fine
        draw.text(low, panel.edges, INK, ImageFont.load_default(11 * fine))
    draw.rectangle((*corner, corner[0] + side, corner[1] + side), outline=EDGE, width=fine)
