"""The look that all figures share: roles keep their colour everywhere, backgrounds are the page's."""

from __future__ import annotations

import plotly.graph_objects as go

TARGET = "#56B4E9"
GENERATED = "#FF7A1A"
SOURCE = "#8A8F98"
ADVERSARY = "#CC79A7"


def plain(figure: go.Figure, height: int) -> go.Figure:
    """Give a figure the common layout; returns the same figure."""
    figure.update_layout(
        height=height,
        margin={"l": 50, "r": 20, "t": 50, "b": 40},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
    )
    return figure
