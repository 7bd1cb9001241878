"""A trained map beside the exact plan, for the same source points."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from otviz.clouds.laboratory import Exactness
from otviz.runs.snapshots import Box
from otviz.viz.boxes import box_of, name_axes, position
from otviz.viz.style import GENERATED, GUIDE, SOURCE, TARGET, plain

LINES = 150
"""Most lines in a panel; more would hide each other."""


def map_beside_plan(found: Exactness, box: Box | None = None) -> go.Figure:
    """Left x to T(x), right x to its partner in the exact plan, for the same source points.

    Args:
        found: the comparison.
        box: visible part if it contains nearly all points, in the units of `found`.
    """
    square = f" {found.unit}²" if found.unit else ""
    titles = (
        f"The map: mean |x − T|² = {found.map_cost:.3g}{square}",
        f"The exact plan: mean |x − y|² = W2² = {found.exact_cost:.3g}{square}",
    )
    shown = box_of(box, found.source, found.generated, found.target)
    figure = make_subplots(1, 2, subplot_titles=titles, horizontal_spacing=0.06)
    sides = (
        (found.generated, found.generated, "T(x)", {"color": GENERATED, "symbol": "circle", "size": 5}),
        (found.target[found.partner], found.target, "y", {"color": TARGET, "symbol": "square", "size": 5}),
    )
    for column, (ends, points, name, look) in enumerate(sides, 1):
        _lines(figure, found.source[:LINES], ends[:LINES], column)
        ring = {"color": SOURCE, "symbol": "circle-open", "size": 5}
        for cloud, label, marker in ((found.source[:LINES], "x", ring), (points, name, look)):
            figure.add_scatter(
                x=cloud[:, 0], y=cloud[:, 1], mode="markers", name=label, marker=marker, row=1, col=column,
                hovertemplate=f"{label}: {position(found.unit)}<extra></extra>",
            )  # fmt: skip
        figure.update_yaxes(scaleanchor="x" if column == 1 else "x2", constrain="domain", row=1, col=column)
        figure.update_xaxes(range=shown[:2], constrain="domain", row=1, col=column)
        figure.update_yaxes(range=shown[2:], row=1, col=column)
    name_axes(figure, found.unit)
    return plain(figure, height=430)


def _lines(figure: go.Figure, starts: NDArray[Any], ends: NDArray[Any], column: int) -> None:
    gaps = np.full((len(starts), 2), np.nan, starts.dtype)
    path = np.stack([starts, ends, gaps], 1).reshape(-1, 2)
    figure.add_scatter(
        x=path[:, 0], y=path[:, 1], mode="lines", line={"color": GUIDE, "width": 1}, opacity=0.7, hoverinfo="skip",
        name="sent to", row=1, col=column,
    )  # fmt: skip
