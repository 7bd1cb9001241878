"""The style of all figures: fixed colours by role, transparent backgrounds."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGET = "#56B4E9"
GENERATED = "#FF7A1A"
SOURCE = "#8A8F98"
ADVERSARY = "#CC79A7"

DIVERGENCE = "#E69F00"
ENTROPIC = "#009E73"
TRANSPORT = "#CC79A7"
"""S, OT_epsilon and <P, C> in one picture, distinguished by dashes."""

FORCE = "#F0764A"
"""Force arrows: visible on cividis, white and black."""

GUIDE = "#8A8F98"
"""Fixed lines: limits, the current value."""

SHADES = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#8A8F98", "#D55E00", "#0072B2", "#A3A500", "#9A6FE0")
DASHES = (
    "solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "12px,3px", "3px,9px", "12px,3px,3px,3px,3px,3px",
)  # fmt: skip
MARKS = ("circle", "square", "diamond", "triangle-up", "x", "triangle-down", "cross", "star", "pentagon")
"""Styles of at most nine lines: colour (Okabe and Ito, and three more), dash and mark."""


def plain(figure: go.Figure, height: int) -> go.Figure:
    """Apply the common layout; returns the same figure."""
    figure.update_layout(
        height=height,
        margin={"l": 50, "r": 20, "t": 50, "b": 40},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        separators=".\u202f",
    )
    return figure


def legend_above(figure: go.Figure) -> go.Figure:
    """Show the legend as a row above the figure; returns the same figure."""
    legend = {"orientation": "h", "yanchor": "bottom", "y": 1.02, "xanchor": "left", "x": 0}
    return figure.update_layout(showlegend=True, legend=legend)


def as_html(figure: go.Figure, name: str) -> str:
    """A page that needs no network; its toolbar saves the picture as `name`.svg at the displayed size."""
    options: dict[str, Any] = {"displaylogo": False, "toImageButtonOptions": {"format": "svg", "filename": name}}
    html: str = figure.to_html(include_plotlyjs=True, config=options)
    return html


def as_print(figure: Figure, kind: str, dpi: float | None = None, title: str = "") -> bytes:
    """A figure of matplotlib as a file for print, the same bytes every time.

    Args:
        figure: drawn without pyplot, whose state all sessions would share.
        kind: "svg" (text stays text), "pdf" or "png".
        dpi: pixels per inch of a PNG; None: the figure's own.
        title: title of the file, for screen readers.
    """
    import matplotlib

    dated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    out = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "otviz", "pdf.fonttype": 42}):
        figure.savefig(
            out, format=kind, dpi=dpi or figure.dpi, metadata={**dated, **({"Title": title} if title else {})}
        )
    return out.getvalue()


def mark_log_x(figure: go.Figure, x: float, text: str) -> None:
    """Draw a labelled vertical line on a logarithmic axis.

    Args:
        figure: changed in place.
        x: position, > 0.
        text: label above the line.
    """
    figure.add_vline(x=x, line={"color": GUIDE, "width": 2})
    # On a logarithmic axis, Plotly expects the value for a shape, but its logarithm for an annotation.
    figure.add_annotation(x=math.log10(x), y=1, yref="y domain", yanchor="bottom", showarrow=False, text=text)
