"""The convex functions g^alpha and their derivatives, with the identity for comparison and the alpha of runs marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from otviz.clouds.laboratory import Curves
from otviz.viz.style import DASHES, GENERATED, GUIDE, MARKS, SHADES, legend_above, plain


def conjugates(family: Sequence[Curves], dots: Mapping[int, str] | None = None, at: float = 1.0) -> go.Figure:
    """Left g^alpha(x), right its derivative, the weight of a sample (Choi et al. 2024, Eq. 9); one line per function.

    Args:
        family: of one function at several alpha, or of several functions.
        dots: labels of the runs with this alpha, such as "UOTM-SD", by index into the family; drawn as dots.
        at: x of the dots.
    """
    dots = dots or {}
    titles = ("g<sup>α</sup>(x) = α g(x/α)", "slope: the weight of a sample")
    figure = make_subplots(1, 2, subplot_titles=titles, horizontal_spacing=0.09)
    several = len({curve.title for curve in family}) > 1
    for index, curve in enumerate(family):
        name = f"{curve.title}, α = {curve.alpha:.3g}" if several else f"α = {curve.alpha:.3g}"
        name += f" ({dots[index]})" if index in dots else ""
        colour, dash = SHADES[index % len(SHADES)], DASHES[(index + index // len(SHADES)) % len(DASHES)]
        for column, values in ((1, curve.value), (2, curve.slope)):
            figure.add_scatter(
                x=curve.x, y=values, name=name, legendgroup=name, showlegend=column == 1, mode="lines",
                line={"color": colour, "dash": dash, "width": 2}, row=1, col=column,
                hovertemplate="x = %{x:.2f}: %{y:.3f}<extra>" + name + "</extra>",
            )  # fmt: skip
            if index in dots:
                _dot(figure, dots[index], curve, values, at, column, MARKS[index % len(MARKS)])
    _identity(figure, family)
    figure.update_xaxes(title_text="x = v(T) − c, or −v(y)")
    return legend_above(plain(figure, height=380)).update_layout(legend_y=1.1, margin_t=90)


def _dot(figure: go.Figure, whose: str, curve: Curves, values: np.ndarray, at: float, column: int, mark: str) -> None:
    height = float(np.interp(at, curve.x, values))
    figure.add_scatter(
        x=[at], y=[height], mode="markers", name=whose, showlegend=False, row=1, col=column,
        marker={"color": GENERATED, "symbol": mark, "size": 11},
        hovertemplate=f"{whose}, α = {curve.alpha:.3g}<br>x = {at:g}: {height:.3f}<extra></extra>",
    )  # fmt: skip


def _identity(figure: go.Figure, family: Sequence[Curves]) -> None:
    """The identity and its derivative; limits of the axes follow the identity, since e^x would dominate them."""
    if not family:
        return
    low, high = float(min(c.x.min() for c in family)), float(max(c.x.max() for c in family))
    for column, heights in ((1, [low, high]), (2, [1, 1])):
        figure.add_scatter(
            x=[low, high], y=heights, name="identity (α → ∞)", legendgroup="identity", showlegend=column == 1,
            mode="lines", line={"color": GUIDE, "dash": "longdashdot", "width": 1}, hoverinfo="skip", row=1, col=column,
        )  # fmt: skip
    top = max(1.0, 1.5 * high)
    figure.update_yaxes(range=[min(low, -1.0), top], row=1, col=1)
    figure.update_yaxes(range=[-0.1, min(max(2.1, float(max(c.slope.max() for c in family))), 5.0)], row=1, col=2)
