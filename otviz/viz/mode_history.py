"""Modes covered over the run, for several methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from otviz.viz.style import DASHES, GUIDE, MARKS, SHADES, legend_above, plain

History = Sequence[tuple[int, Mapping[str, Any]]]


def mode_history(methods: Mapping[str, History], share_of_run: bool = False) -> go.Figure:
    """A stepped line for each method, by title; snapshots without modes are left out.

    Args:
        methods: (step, metrics) of the snapshots of each, metrics as in `Snapshot.meter`.
        share_of_run: use the share of the run so far as x axis, for runs of unequal length.
    """
    figure = go.Figure()
    total = 0
    for index, (name, history) in enumerate(methods.items()):
        counted = [(step, meter) for step, meter in history if meter.get("modes_covered") is not None]
        last = max((step for step, _ in counted), default=1) if share_of_run else 1
        total = max([total, *(int(meter["modes_total"]) for _, meter in counted)])
        # A small vertical shift keeps lines of equal counts visible.
        shift = 0.04 * (index - (len(methods) - 1) / 2)
        colour = SHADES[index % len(SHADES)]
        figure.add_scatter(
            x=[step / last for step, _ in counted], y=[meter["modes_covered"] + shift for _, meter in counted], name=name,
            customdata=[[meter["modes_covered"], meter.get("samples", 0)] for _, meter in counted], mode="lines+markers",
            line={"color": colour, "dash": DASHES[index % len(DASHES)], "width": 2, "shape": "hv"},
            marker={"symbol": MARKS[index % len(MARKS)], "color": colour, "size": 6, "maxdisplayed": 12},
            hovertemplate="%{x}: %{customdata[0]} modes of %{customdata[1]} samples<extra>" + name + "</extra>",
        )  # fmt: skip
    if total:
        line = {"color": GUIDE, "dash": "longdashdot", "width": 1}
        figure.add_hline(y=total, line=line, annotation_text=f"all {total}", annotation_position="top right")
    figure.update_xaxes(title_text="share of the run" if share_of_run else "step", rangemode="tozero")
    ticks = {"tick0": 0, "dtick": max(1, total // 8)}
    figure.update_yaxes(title_text="modes covered", range=[-0.3, max(total, 1) + 0.7], **ticks)
    return legend_above(plain(figure, height=360))
