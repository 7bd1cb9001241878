"""Weights of samples in a step of the potential, and the potential's rate of change between samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from otviz.clouds.laboratory import SampleWeights
from otviz.runs.snapshots import Box
from otviz.viz.boxes import box_of, name_axes, position
from otviz.viz.style import GUIDE, SHADES, plain

LARGEST = 5.0
"""Upper limit of the colour scale: e^x reaches thousands, and one such sample would hide all others."""

NARROWEST = 0.1
"""Smallest half-width of the scale around 1, so that rounding is not visible."""

WHISKERS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles of a box and its whiskers."""

SHOWN = 0.98
"""Share of the weights covered by the scale."""


def sample_weights(
    weights: SampleWeights,
    box: Box | None = None,
    ends: tuple[float, float] | None = None,
) -> go.Figure:
    """Target (left, squares) and generated points (right, discs), coloured by weight (Choi et al. 2024, Eq. 9) on one scale.

    Heavy points are drawn larger and last, so that they are visible without colour, too. The scale is symmetric about 1 and
    covers nearly all weights; late in a run it is narrow.

    Args:
        weights: points and weights.
        box: visible part if it contains nearly all points, in the units of `weights`.
        ends: ends of the colour scale, to share it between pictures; None: from these weights.
    """
    both = np.concatenate([weights.on_target, weights.on_generated])
    low, high = scale(weights) if ends is None else ends
    view = box_of(box, weights.target, weights.generated)
    titles = ("Target: g₂′(−v(y))", "Generated: g₁′(v(T) − c)")
    figure = make_subplots(1, 2, subplot_titles=titles, horizontal_spacing=0.1)
    figure.update_annotations(font_size=13)
    sides = (
        (weights.target, weights.on_target, "target", "square"),
        (weights.generated, weights.on_generated, "generated", "circle"),
    )
    for column, (points, values, name, symbol) in enumerate(sides, 1):
        order = np.argsort(values)
        shown = values[order].clip(low, high)
        figure.add_scatter(
            x=points[order, 0], y=points[order, 1], customdata=values[order], mode="markers", name=name, row=1, col=column,
            marker={
                "color": shown, "coloraxis": "coloraxis", "symbol": symbol,
                "size": 4 + 5 * (shown - low) / (high - low), "line": {"width": 0.5, "color": GUIDE},
            },
            hovertemplate=position(weights.unit) + ": weight %{customdata:.3f}<extra>" + name + "</extra>",
        )  # fmt: skip
        anchor = "x" if column == 1 else "x2"
        figure.update_yaxes(scaleanchor=anchor, constrain="domain", row=1, col=column)
        figure.update_xaxes(range=view[:2], constrain="domain", row=1, col=column)
        figure.update_yaxes(range=view[2:], row=1, col=column)
    name_axes(figure, weights.unit)
    beyond = (" ≤" if both.min(initial=1) < low else "") + (" ≥" if both.max(initial=1) > high else "")
    bar = {"title": {"text": f"weight{beyond}"}, "thickness": 14}
    axis = {"colorscale": "Cividis", "cmin": low, "cmax": high, "colorbar": bar}
    plain(figure, height=500).update_layout(coloraxis=axis, margin={"l": 30, "t": 70})
    if weights.constant:
        text = "Constant: every sample weighs 1"
        figure.update_layout(title={"text": text, "font_size": 14, "x": 0.5, "xanchor": "center"})
    return figure


def scale(*several: SampleWeights) -> tuple[float, float]:
    """Ends of the colour scale, symmetric about 1, covering the share SHOWN of each set of weights, within [0, LARGEST]."""
    reach = NARROWEST
    for weights in several:
        values = np.concatenate([weights.on_target, weights.on_generated])
        reach = max(reach, float(np.quantile(np.abs(values - 1), SHOWN)) if len(values) else 0.0)
    return max(0.0, 1 - reach), min(1 + reach, LARGEST)


def rates_of_change(rates: Mapping[str, ArrayLike]) -> go.Figure:
    """A box plot per method: |v(y) - v(x)| / |y - x| over pairs (n,), per length, on a logarithmic axis.

    Boxes contain half and whiskers 90 % of the values, since small ones have no lower limit. Changes of 0 are left out; hover
    text shows the number of pairs.
    """
    figure = go.Figure()
    for index, (name, values) in enumerate(rates.items()):
        array = np.asarray(values, dtype=np.float64)
        drawn = array[np.isfinite(array) & (array > 0)]
        parts = np.quantile(drawn, WHISKERS) if len(drawn) else np.full(5, np.nan)
        keys = ("lowerfence", "q1", "median", "q3", "upperfence")
        figure.add_box(
            **{key: [part] for key, part in zip(keys, parts.tolist(), strict=True)}, x=[name], name=name,
            line={"color": SHADES[index % len(SHADES)], "width": 2}, fillcolor="rgba(0,0,0,0)", hoverinfo="y+name+text",
            hovertext=f"{len(drawn)} of {len(array)} pairs",
        )  # fmt: skip
    figure.update_yaxes(type="log", title_text="|v(y) − v(x)| / |y − x| (per length)", exponentformat="power", dtick=1)
    return plain(figure, height=340)
