"""A transport picture for export: point clouds, arrows, heat map and lines in one Plotly figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from otviz.clouds.solution import Picture
from otviz.viz.style import FORCE, GUIDE, SOURCE, TARGET, plain

ARROWS = 200
"""Most arrows drawn; more would be unreadable."""

MARK = 5
"""Size of a mark in pixels."""


def transport_picture(picture: Picture, *, field: bool = True, arrows: bool = True, lines: bool = False) -> go.Figure:
    """Source points as rings, target points as squares, and the selected layers.

    Args:
        picture: the solution.
        field: draw the potential as a heat map, in units of the cost.
        arrows: draw the force on at most ARROWS source points, to scale.
        lines: draw lines from these points to their barycentric projection, if there is a plan.
    """
    figure = go.Figure()
    if field:
        side = len(picture.field_x)
        figure.add_heatmap(
            z=picture.field_x, x=np.linspace(picture.box[0], picture.box[1], side),
            y=np.linspace(picture.box[2], picture.box[3], side), colorscale="cividis", name="potential",
            colorbar={"title": "potential", "thickness": 12}, hovertemplate="potential %{z:.3g}<extra></extra>",
        )  # fmt: skip
    _cloud(
        figure, picture.y, "target", {"color": TARGET, "symbol": "square", "size": _sizes(picture.b), "opacity": 0.8}
    )
    _cloud(figure, picture.x, "source", {"color": SOURCE, "symbol": "circle-open", "size": _sizes(picture.a)})
    some = np.linspace(0, len(picture.x) - 1, min(ARROWS, len(picture.x))).astype(int)
    if lines and picture.plan is not None:
        _segments(figure, picture.x[some], picture.plan.map[some], "map", {"color": GUIDE, "width": 1})
    if arrows:
        ends = picture.x[some] + picture.force[some]
        marker = {"symbol": "arrow", "angleref": "previous", "size": [0, 9, 0] * len(some), "color": FORCE}
        _segments(figure, picture.x[some], ends, "force", {"color": FORCE, "width": 1.2}, marker)
    figure.update_xaxes(range=picture.box[:2], constrain="domain")
    figure.update_yaxes(range=picture.box[2:], scaleanchor="x", constrain="domain")
    plain(figure, height=640)
    return figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.06})


def _sizes(masses: NDArray[np.float64] | None) -> NDArray[np.float64] | int:
    """Sizes of marks, (n,): the area is proportional to the mass, within limits."""
    return MARK if masses is None else (MARK * np.sqrt(masses * len(masses))).clip(MARK / 2, 3 * MARK)


def _cloud(figure: go.Figure, points: np.ndarray, name: str, marker: dict[str, Any]) -> None:
    figure.add_scatter(x=points[:, 0], y=points[:, 1], mode="markers", name=name, marker=marker)


def _segments(
    figure: go.Figure,
    starts: np.ndarray,
    ends: np.ndarray,
    name: str,
    line: dict[str, Any],
    marker: dict[str, Any] | None = None,
) -> None:
    """One trace of separate segments."""
    gaps = np.full_like(starts, np.nan)
    path = np.stack([starts, ends, gaps], axis=1).reshape(-1, 2)
    mode = "lines" if marker is None else "lines+markers"
    figure.add_scatter(x=path[:, 0], y=path[:, 1], mode=mode, name=name, line=line, marker=marker, hoverinfo="skip")
