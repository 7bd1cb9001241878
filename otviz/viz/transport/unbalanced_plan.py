"""Mass kept by unbalanced transport: over alpha for each tau, by target point, and over reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from otviz.clouds.unbalanced import SCHEDULE, KeptMass, ReachPoint
from otviz.viz.style import (
    DASHES,
    DIVERGENCE,
    GUIDE,
    MARKS,
    SHADES,
    TARGET,
    TRANSPORT,
    legend_above,
    mark_log_x,
    plain,
)


def kept_mass(table: Sequence[KeptMass], radius: float | None = None) -> go.Figure:
    """Mass kept and mean target radius over alpha, one line per tau; `radius` is the mean radius of the target."""
    titles = ("Mass kept", "Mean radius of the mass that arrives (length)")
    figure = make_subplots(1, 2, subplot_titles=titles, horizontal_spacing=0.1)
    for tau, colour, dash, mark in zip(dict.fromkeys(k.tau for k in table), SHADES, DASHES, MARKS, strict=False):
        own = [kept for kept in table if kept.tau == tau]
        for column, values in ((1, [kept.mass for kept in own]), (2, [kept.target_radius for kept in own])):
            figure.add_scatter(
                x=[kept.alpha for kept in own], y=values, name=f"τ = {tau:g}", legendgroup=f"{tau:g}",
                showlegend=column == 1, mode="lines+markers", line={"color": colour, "dash": dash, "width": 2},
                marker={"symbol": mark, "size": 8, "color": colour}, row=1, col=column,
                hovertemplate="α = %{x:g}: %{y:.3f}<extra>τ = " + f"{tau:g}</extra>",
            )  # fmt: skip
    low, high = SCHEDULE
    figure.add_annotation(
        x=np.log10(high), ax=np.log10(low), y=0.04, ay=0.04, xref="x", axref="x", yref="y", ayref="y", showarrow=True,
        arrowhead=2, arrowwidth=2, arrowcolor=GUIDE, text="",
    )  # fmt: skip
    figure.add_annotation(
        x=0, y=0.04, xref="x", yref="y", yshift=12, showarrow=False, text=f"the schedule: α from {low:g} to {high:g}"
    )
    if radius is not None:
        line = {"color": GUIDE, "dash": "longdashdot", "width": 1}
        figure.add_hline(y=radius, line=line, annotation_text=f"target {radius:.3f}", row=1, col=2)
    figure.update_xaxes(
        type="log", title_text="α, weight of the divergences", tickvals=sorted({k.alpha for k in table})
    )
    figure.update_yaxes(range=[0, 1.05], row=1, col=1)
    legend_above(plain(figure, height=380)).update_layout(legend_y=1.1, margin_t=80)
    return figure


def kept_points(kept: KeptMass, y: NDArray[np.float32]) -> go.Figure:
    """The target points y (m, 2), with size and opacity by the share of their mass that arrives."""
    share = np.clip(kept.mass_y, 0, 1)
    figure = go.Figure()
    figure.add_scatter(
        x=y[:, 0], y=y[:, 1], mode="markers", customdata=kept.mass_y, name="target",
        marker={"color": TARGET, "symbol": "square", "size": 3 + 5 * share, "opacity": 0.2 + 0.8 * share, "line_width": 0},
        hovertemplate="gets %{customdata:.0%} of its mass<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(constrain="domain")
    figure.update_yaxes(scaleanchor="x", constrain="domain")
    title = f"τ = {kept.tau:g}, α = {kept.alpha:g}: {kept.mass:.0%} of the mass arrives"
    return plain(figure, height=380).update_layout(title={"text": title, "font_size": 14})


def reach_curve(points: Sequence[ReachPoint], reach: float | None = None) -> go.Figure:
    """Mass that arrives at outliers and at other target points, over reach; the current reach is marked."""
    figure = go.Figure()
    at = [point.reach for point in points]
    for name, values, colour, dash, mark in (
        ("outliers", [point.outliers for point in points], DIVERGENCE, "solid", "circle"),
        ("other target points", [point.others for point in points], TARGET, "dash", "square"),
        ("all", [point.mass for point in points], TRANSPORT, "dot", "diamond"),
    ):
        figure.add_scatter(
            x=at, y=values, name=name, mode="lines+markers", line={"color": colour, "dash": dash, "width": 2},
            marker={"symbol": mark, "size": 7, "color": colour},
            hovertemplate="reach %{x:.3g}: %{y:.3f}<extra>" + name + "</extra>",
        )  # fmt: skip
    if reach is not None:
        mark_log_x(figure, reach, f"reach {reach:.3g}")
    figure.update_xaxes(type="log", title_text="reach (length)", dtick=1)
    figure.update_yaxes(title_text="share of its mass that arrives", range=[0, 1.05])
    return legend_above(plain(figure, height=360)).update_layout(legend_y=1.1, margin_t=70)
