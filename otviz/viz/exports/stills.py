"""The last snapshots of runs on points as a still picture: SVG, PDF or PNG."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from otviz.core.numbers import whole
from otviz.runs.snapshots import Box, Samples, Scene, Snapshot
from otviz.viz.exports.run_tables import Runs
from otviz.viz.style import GENERATED, TARGET, as_print

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL, HEAD, GAP = 480, 44, 16  # px: side of a panel, height of its title, gap between panels
DPI = 100
LETTER = 72 / DPI  # points per pixel
SHOWN, FEWER = 1000, 500  # points of each cloud; fewer with several panels
INK, EDGE = "#1d2733", "#c4cad1"
FAINT = 0.45  # the potential is behind the points


class Still:
    """A picture of snapshots of runs on points, with a panel per run, by title. Notebooks display it."""

    def __init__(self, looks: Mapping[str, tuple[Scene, Snapshot]]) -> None:
        from matplotlib.figure import Figure

        columns = math.isqrt(len(looks) - 1) + 1
        wide = columns * (CELL + GAP) + GAP
        high = -(-len(looks) // columns) * (CELL + HEAD + GAP) + GAP
        self.figure = Figure((wide / DPI, high / DPI), DPI)
        for at, (title, (scene, look)) in enumerate(looks.items()):
            row, column = divmod(at, columns)
            left, top = GAP + column * (CELL + GAP), GAP + row * (CELL + HEAD + GAP)
            place = (left / wide, 1 - (top + HEAD + CELL) / high, CELL / wide, CELL / high)
            axes = self.figure.add_axes(place, xlim=scene.box[:2], ylim=scene.box[2:], xticks=(), yticks=())
            _draw(axes, scene, look, SHOWN if len(looks) == 1 else FEWER)
            for text, below, size, weight in ((title, 15, 15, "bold"), (_measured(scene, look), 34, 12, "normal")):
                self.figure.text(
                    left / wide, 1 - (top + below) / high, text,
                    fontsize=size * LETTER, fontweight=weight, color=INK, parse_math=False,
                )  # fmt: skip

    @classmethod
    def of(cls, runs: Runs) -> Still:
        """The picture of the runs' last snapshots. Raises ValueError for runs without snapshots or on images."""
        looks = {}
        for title, run in runs.items():
            if run.scene is None or not run.snapshots or run.config.target.kind != "points":
                raise ValueError(f"{title} has no picture of points: it has not begun, or it trains on images")
            looks[title] = (run.scene, run.snapshots[-1])
        return cls(looks)

    def file(self, kind: str) -> bytes:
        """The picture as "svg", "pdf" or "png" (at double resolution)."""
        return as_print(self.figure, kind, dpi=2 * DPI)

    def _repr_png_(self) -> bytes:
        return as_print(self.figure, "png")


def _draw(axes: Axes, scene: Scene, look: Snapshot, points: int) -> None:
    """Draw the potential, the target, and the generated points on top."""
    axes.spines[:].set_color(EDGE)
    if look.potential is not None:
        axes.imshow(
            look.potential, "cividis", extent=scene.box, origin="lower", aspect="auto", alpha=FAINT, interpolation="bilinear"
        )  # fmt: skip
    target, generated = (_inside(cloud[:points], scene.box).T for cloud in (scene.target, look.generated))
    size = 5.2 * LETTER
    axes.plot(*target, "s", color=TARGET, markersize=size, markeredgecolor="none", alpha=0.85, gid="target")
    axes.plot(
        *generated, "o", color=GENERATED, markersize=size, markeredgecolor="#00000080", markeredgewidth=0.4, gid="generated"
    )  # fmt: skip
    if scene.unit:
        axes.text(
            0.012, 0.015, _edges(scene), transform=axes.transAxes, fontsize=11 * LETTER, color=INK, parse_math=False
        )


def _measured(scene: Scene, look: Snapshot) -> str:
    meter = look.meter
    parts = [f"step {whole(look.step)} of {whole(scene.steps)}"]
    if "modes_total" in meter:
        parts.append(f"{meter['modes_covered']} of {meter['modes_total']} modes, {meter['samples']} samples")
    if "w2" in meter:
        unit = f" {meter['unit']}" if "unit" in meter else ""
        parts.append(f"W2 {meter['w2']:.3g}{unit} (floor {meter['w2_floor']:.3g})")
    return " · ".join(parts)


def _edges(scene: Scene) -> str:
    """The limits of a panel in words, to a thousandth of its width, since points of a file may be anywhere."""
    digits = max(0, 3 - math.floor(math.log10(scene.box[1] - scene.box[0])))
    x_low, x_high, y_low, y_high = (f"{edge:.{digits}f}" for edge in scene.box)
    return f"x {x_low} to {x_high}, y {y_low} to {y_high} {scene.unit}"


def _inside(points: Samples, box: Box) -> Samples:
    x, y = points[:, 0], points[:, 1]
    return points[(x >= box[0]) & (x <= box[1]) & (y >= box[2]) & (y <= box[3])]
