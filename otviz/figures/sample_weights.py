"""What the potential makes of single samples: their weights in its step, and how fast it changes between them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from otviz.figures.style import GUIDE, SHADES, plain
from otviz.laboratory import SampleWeights

LARGEST = 5.0
"""Weights are coloured up to here; e^x reaches thousands, and one such sample would hide all others."""


def sample_weights(weights: SampleWeights, box: tuple[float, float, float, float] | None = None) -> go.Figure:
    """Target (left, squares) and generated points (right, discs), coloured by their weights of Eq. 9 on one scale.

    Heavy points are drawn larger, and last, so that they are seen without colour too.

    Args:
        box: (x_low, x_high, y_low, y_high) in data units; all points if None.
    """
    both = np.concatenate([weights.on_target, weights.on_generated])
    top = float(min(max(both.max(initial=1.0), 2.0), LARGEST))
    titles = ("Target: w = g₂′(−v(y))", "Generated: ŵ = g₁′(v(T) − c)")
    figure = make_subplots(1, 2, subplot_titles=titles, horizontal_spacing=0.06)
    sides = (
        (weights.target, weights.on_target, "target", "square"),
        (weights.generated, weights.on_generated, "generated", "circle"),
    )
    for column, (points, values, name, symbol) in enumerate(sides, 1):
        order = np.argsort(values)
        figure.add_scatter(
            x=points[order, 0], y=points[order, 1], customdata=values[order], mode="markers", name=name, row=1, col=column,
            marker={
                "color": values[order].clip(0, top), "coloraxis": "coloraxis", "symbol": symbol,
                "size": 4 + 5 * values[order].clip(0, top) / top, "line": {"width": 0.5, "color": GUIDE},
            },
            hovertemplate="(%{x:.2f}, %{y:.2f}): weight %{customdata:.3f}<extra>" + name + "</extra>",
        )  # fmt: skip
        anchor = "x" if column == 1 else "x2"
        figure.update_yaxes(scaleanchor=anchor, constrain="domain", row=1, col=column)
        if box is not None:
            figure.update_xaxes(range=box[:2], constrain="domain", row=1, col=column)
            figure.update_yaxes(range=box[2:], row=1, col=column)
    title = f"weight{' (≥)' if both.max(initial=0) > top else ''}"
    axis = {"colorscale": "Cividis", "cmin": 0, "cmax": top, "colorbar": {"title": {"text": title}, "thickness": 14}}
    plain(figure, height=400).update_layout(coloraxis=axis)
    if weights.constant:
        text = "Constant: with g = identity every sample weighs 1, however badly it is told apart"
        figure.update_layout(title={"text": text, "font_size": 14}, margin_t=80)
    return figure


def rates_of_change(rates: Mapping[str, ArrayLike]) -> go.Figure:
    """A box for each method: |v(y) - v(x)| / |y - x| over pairs (n,), per length, on a logarithmic axis.

    Changes of 0 have no place on it; hovering over a box tells how many pairs it stands for.
    """
    figure = go.Figure()
    for index, (name, values) in enumerate(rates.items()):
        array = np.asarray(values, dtype=np.float64)
        drawn = array[np.isfinite(array) & (array > 0)]
        figure.add_box(
            y=drawn, name=name, boxpoints=False, line={"color": SHADES[index % len(SHADES)], "width": 2},
            fillcolor="rgba(0,0,0,0)", hoverinfo="y+name", text=f"{len(drawn)} of {len(array)} pairs",
        )  # fmt: skip
    figure.update_yaxes(type="log", title_text="|v(y) − v(x)| / |y − x| (per length)", exponentformat="power", dtick=1)
    return plain(figure, height=380)
