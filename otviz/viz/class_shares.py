"""Class shares of generated and real images, which show mode collapse."""

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
    """Bars with the share of each class.

    Args:
        names: of the classes.
        real: shares among training images, summing to 1.
        generated: shares among images of each model, by title; at most four.
        samples: number of images per model.
    """
    figure = go.Figure()
    figure.add_bar(x=list(names), y=list(real), name="real images", marker={"color": TARGET, "opacity": 0.55})
    for at, (title, shares) in enumerate(generated.items()):
        mark = {"color": COLOURS[at], "pattern": {"shape": PATTERNS[at]}}
        figure.add_bar(x=list(names), y=list(shares), name=title, marker=mark)
    figure.update_yaxes(title=f"share of {whole(samples)} images", tickformat=".0%", rangemode="tozero")
    figure.update_xaxes(title="class, by the classifier of the set", type="category")
    return legend_above(plain(figure, height=340)).update_layout(bargap=0.25)
