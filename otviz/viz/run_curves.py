"""Several runs over their steps: losses, modes and distances, with a line per run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from otviz.runs.saved.saved_run import RunCurves
from otviz.viz.style import DASHES, MARKS, SHADES, legend_above, plain

LOSSES = {"generator": "Generator loss", "adversary": "Adversary loss"}
MEASURED = {
    "modes_covered": "Modes covered", "high_quality": "High quality", "w2": "W2 to the target (data units)",
    "frechet": "Fréchet distance", "recall": "Recall",
}  # fmt: skip
ROW = 300  # pixels

Line = tuple[Sequence[float], Sequence[float]]


def run_curves(runs: Mapping[str, RunCurves]) -> go.Figure:
    """A panel for each metric that any run has, with a line per run, by label.

    Raises ValueError if no run has anything to draw.
    """
    lines = {title: {name: _losses(curves, side) for name, curves in runs.items()} for side, title in LOSSES.items()}
    units = sorted({meter.get("unit", "data units") for curves in runs.values() for _, meter in curves.history[-1:]})
    titles = {key: title.replace("data units", " or ".join(units)) for key, title in MEASURED.items()}
    lines |= {title: {name: _measured(curves, key) for name, curves in runs.items()} for key, title in titles.items()}
    shown = {title: of for title, of in lines.items() if any(len(steps) for steps, _ in of.values())}
    if not shown:
        raise ValueError("these runs have nothing to draw yet; wait for their first snapshot")
    rows = -(-len(shown) // 2)
    figure = make_subplots(
        rows, min(2, len(shown)), subplot_titles=list(shown), horizontal_spacing=0.07, vertical_spacing=0.3 / rows**1.2
    )
    for at, (title, of) in enumerate(shown.items()):
        row, column = divmod(at, 2)
        for index, (name, line) in enumerate(of.items()):
            _draw(figure, line, name, index, (row + 1, column + 1), first=at == 0, marked=title not in LOSSES.values())
        if title == MEASURED["frechet"]:
            figure.update_yaxes(type="log", row=row + 1, col=column + 1)
        elif title in LOSSES.values():
            figure.update_yaxes(range=_robust([values for _, values in of.values()]), row=row + 1, col=column + 1)
    figure.update_xaxes(rangemode="tozero")
    for column in range(1, min(2, len(shown)) + 1):
        figure.update_xaxes(title_text="step", row=rows - (column == 2 and len(shown) % 2), col=column)
    return legend_above(plain(figure, height=ROW * rows + 70)).update_layout(
        legend_y=1 + 44 / (ROW * rows), margin={"t": 90, "b": 40, "l": 50, "r": 20}
    )


def _draw(
    figure: go.Figure, line: Line, name: str, index: int, place: tuple[int, int], first: bool, marked: bool
) -> None:
    colour = SHADES[index % len(SHADES)]
    dash = DASHES[(index + index // len(SHADES)) % len(DASHES)]
    look = {"symbol": MARKS[index % len(MARKS)], "color": colour, "size": 6, "maxdisplayed": 12}
    figure.add_scatter(
        x=line[0], y=line[1], name=name, legendgroup=str(index), showlegend=first, marker=look,
        mode="lines+markers" if marked else "lines", line={"color": colour, "dash": dash, "width": 1.8},
        row=place[0], col=place[1],
    )  # fmt: skip


def _losses(curves: RunCurves, side: str) -> Line:
    steps, values = curves.curve.step, {"generator": curves.curve.generator, "adversary": curves.curve.adversary}[side]
    finite = np.isfinite(values)
    return steps[finite].tolist(), values[finite].tolist()


def _measured(curves: RunCurves, key: str) -> Line:
    """The measurements without repetitions, at their steps."""
    found: dict[int, float] = {}
    for step, meter in curves.history:
        value = meter.get(key)
        if isinstance(value, int | float) and math.isfinite(value):
            often = key in ("modes_covered", "high_quality")
            found[step if often else int(meter.get("measured_at", step))] = value
    steps = sorted(found)
    return steps, [found[step] for step in steps]


def _robust(values: Sequence[Sequence[float]]) -> list[float] | None:
    """Limits from the 1st to the 99th percentile of each line, with a margin; None without values."""
    ends = [np.quantile(line, [0.01, 0.99]) for line in values if len(line)]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    margin = 0.06 * (high - low) or 1.0
    return [float(low - margin), float(high + margin)]
