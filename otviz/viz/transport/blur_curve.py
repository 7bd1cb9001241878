"""S, OT_epsilon and <P, C> over the blur, with the limits of small and large blur."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from otviz.clouds.studies.sweeps import NOTEBOOK_SLIDER, Limits, Point
from otviz.viz.style import DIVERGENCE, ENTROPIC, GUIDE, TRANSPORT, legend_above, mark_log_x, plain


def blur_curve(
    points: Sequence[Point], limits: Limits, p: int, blur: float | None = None, *, slider: bool = True
) -> go.Figure:
    """Three curves over a logarithmic blur axis.

    Args:
        points: sorted by blur, at least one.
        limits: drawn as horizontal lines.
        p: 1 or 2, for the names of limits and unit.
        blur: current blur to mark, or None.
        slider: shade the range of the notebook's slider, which suits clouds of its scale.
    """
    figure = go.Figure()
    at = [point.blur for point in points]
    for name, values, colour, dash, mark in (
        ("S, debiased", [point.sinkhorn_divergence for point in points], DIVERGENCE, "solid", "circle"),
        ("OT_ε, not debiased", [point.entropic_cost for point in points], ENTROPIC, "dash", "square"),
        ("⟨P, C⟩, plan alone", [point.transport_cost for point in points], TRANSPORT, "dot", "diamond"),
    ):
        figure.add_scatter(
            x=at, y=values, name=name, mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 2}, marker={"symbol": mark, "size": 6, "color": colour},
            hovertemplate="blur %{x:.3g}: %{y:.5g}<extra>" + name + "</extra>",
        )  # fmt: skip
    _guides(figure, limits, p)
    if slider:
        _shade_slider(figure)
    if blur is not None:
        mark_log_x(figure, blur, f"blur {blur:.3g}")
    figure.update_xaxes(type="log", title_text="blur (length)", dtick=1, exponentformat="none", showgrid=False)
    figure.update_yaxes(title_text=f"value (length{'²' if p == 2 else ''})", rangemode="tozero")
    return legend_above(plain(figure, height=440)).update_layout(legend_y=1.08, margin_t=70)


def _shade_slider(figure: go.Figure) -> None:
    low, high = NOTEBOOK_SLIDER
    figure.add_vrect(x0=low, x1=high, fillcolor=GUIDE, opacity=0.15, line_width=0, layer="below")
    middle = math.log10(low * high) / 2  # annotations on a logarithmic axis are placed by logarithm
    figure.add_annotation(
        x=middle, y=0.3, yref="y domain", showarrow=False, text=f"the notebook's slider,<br>blur {low:g} to {high:g}"
    )


def _guides(figure: go.Figure, limits: Limits, p: int) -> None:
    limit = "half squared difference of means" if p == 2 else "half energy distance"
    for value, text, where in (
        (limits.exact_cost, "exact (linear programme)", "top left"),
        (limits.sinkhorn_divergence, f"S for blur → ∞: {limit}", "top left"),
        (limits.entropic_cost, "mean cost of all pairs", "top left"),
    ):
        line = {"color": GUIDE, "dash": "longdashdot", "width": 1}
        figure.add_hline(y=value, line=line, annotation_text=f"{text}, {value:.4g}", annotation_position=where)
