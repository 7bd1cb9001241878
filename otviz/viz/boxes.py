"""The visible part of the plane."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from otviz.runs.snapshots import Box, Samples, square_box

HELD = 0.97
"""Share of the points of each cloud that a given box must contain."""


def box_of(given: Box | None, *clouds: Samples) -> Box:
    """The given box (x_low, x_high, y_low, y_high) if it contains nearly all points (n, 2), else a square around all points."""
    if given is not None:
        low, high = np.array(given[::2]), np.array(given[1::2])
        if all(((cloud >= low) & (cloud <= high)).all(1).mean() >= HELD for cloud in clouds):
            return given
    return square_box(*clouds)


def position(unit: str) -> str:
    """Template of a position in hover text, with the unit of the file, if any."""
    return f"(%{{x:.8~g}}, %{{y:.8~g}}) {unit}" if unit else "(%{x:.2f}, %{y:.2f})"


def name_axes(figure: go.Figure, unit: str, *places: tuple[int, int]) -> None:
    """Add the unit, if any, to the axes of a figure, and show coordinates without rounding.

    Args:
        figure: changed in place.
        unit: of lengths.
        places: (row, column) of the subplots; all if empty.
    """
    if not unit:
        return
    for row, column in places or ((None, None),):
        figure.update_xaxes(title_text=f"x ({unit})", exponentformat="none", hoverformat=".8~g", row=row, col=column)
        figure.update_yaxes(title_text=f"y ({unit})", exponentformat="none", hoverformat=".8~g", row=row, col=column)
