"""Shares of the classes among generated images, beside those among real ones: collapse, for images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from otviz.core.numbers import whole
from otviz.viz.style import GENERATED, SHADES, TARGET, legend_above, plain

COLOURS = (GENERATED, SHADES[2], SHADES[3], SHADES[0])
PATTERNS = ("", "/", ".", "x")


def class_shares(
    names: Sequence[str], real: Sequence[float], generated: Mapping[str, Sequence[float]], samples: int
) -> go.Figure:
    """Bars of the share of each class.

    Args:
        names: of the classes.
        real: share of each among training images; sums to 1.
        generated: the same among the images of each model, by the model's title; four at most.
        samples: images judged of each.
    """
    figure = go.Figure()
    figure.add_bar(x=list(names), y=list(real), name="real images", marker={"color": TARGET, "opacity": 0.55})
    for at, (title, shares) in enumerate(generated.items()):
        mark = {"color": COLOURS[at], "pattern": {"shape": PATTERNS[at]}}
        figure.add_bar(x=list(names), y=list(shares), name=title, marker=mark)
    figure.update_yaxes(title=f"share of {whole(samples)} images", tickformat=".0%", rangemode="tozero")
    figure.update_xaxes(title="class, by the classifier of the set", type="category")
    return legend_above(plain(figure, height=340)).update_layout(bargap=0.25)
