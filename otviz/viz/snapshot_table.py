"""Snapshots at equal steps in columns, one row per method, losses on the right (Choi et al. 2024, Fig. 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from otviz.runs.snapshots import Curve, Scene, Snapshot
from otviz.viz.style import ADVERSARY, GENERATED, TARGET, plain

POINTS = 400  # of target and of generator per panel, since a page has about thirty panels
CELL = 170  # pixels


@dataclass(frozen=True)
class Row:
    """A method: title, verdict, scene, snapshots and losses."""

    title: str
    verdict: str
    scene: Scene
    snapshots: Sequence[Snapshot]
    curve: Curve


def snapshot_table(rows: Sequence[Row], columns: int = 4, points: int = POINTS) -> go.Figure:
    """Draw the table; columns are equally spaced up to the last step that all methods have reached.

    Args:
        rows: at least one, each with a snapshot.
        columns: snapshots per method, at least 1.
        points: number of points of target and of generator per panel.

    Raises ValueError without rows, or for fewer columns.
    """
    if not rows or columns < 1:
        raise ValueError(f"a table needs a row and a column; got {len(rows)} rows and {columns} columns")
    last = min(row.snapshots[-1].step for row in rows)
    steps = np.linspace(0, last, columns + 1)[1:].round().astype(int)
    titles = [f"step {step}" for step in steps] + ["generator and adversary loss"]
    figure = make_subplots(
        len(rows), columns + 1, column_widths=[1.0] * columns + [1.5], column_titles=titles,
        horizontal_spacing=0.012, vertical_spacing=0.14 / len(rows),
    )  # fmt: skip
    for at, row in enumerate(rows, start=1):
        for column, step in enumerate(steps, start=1):
            _picture(figure, row, int(step), at, column, points)
        _losses(figure, row, at, columns + 1)
        words = "<br>".join(filter(None, [f"<b>{row.title}</b>", row.verdict, row.scene.unit]))
        figure.update_yaxes(title_text=words, row=at, col=1, title_standoff=4)
    figure.update_yaxes(title_font_size=12)
    plain(figure, height=CELL * len(rows) + 60)
    return figure.update_layout(margin={"l": 70, "r": 10, "t": 30, "b": 30})


def nearest(snapshots: Sequence[Snapshot], step: int) -> Snapshot:
    """The snapshot nearest to a step."""
    return min(snapshots, key=lambda snapshot: abs(snapshot.step - step))


def _picture(figure: go.Figure, row: Row, step: int, at: int, column: int, points: int) -> None:
    shown = nearest(row.snapshots, step)
    for name, cloud, marker in (
        ("target", row.scene.target, {"color": TARGET, "symbol": "square", "size": 2.5, "opacity": 0.6}),
        ("generated", shown.generated, {"color": GENERATED, "size": 3, "opacity": 0.8}),
    ):
        some = cloud[:points]
        figure.add_scatter(
            x=some[:, 0], y=some[:, 1], mode="markers", name=name, marker=marker, hoverinfo="skip", row=at, col=column
        )
    x_low, x_high, y_low, y_high = row.scene.box
    bare: dict[str, Any] = {
        "showticklabels": False,
        "showgrid": False,
        "zeroline": False,
        "mirror": True,
        "showline": True,
    }
    if row.scene.unit and column == 1:  # points of a file have arbitrary positions
        inside = {
            "ticklabelposition": "inside",
            "nticks": 4,
            "tickfont_size": 9,
            "exponentformat": "none",
            "tickangle": 0,
        }
        bare |= {"showticklabels": True, **inside}
    figure.update_xaxes(range=[x_low, x_high], constrain="domain", **bare, row=at, col=column)
    axis = figure.get_subplot(at, column).xaxis.plotly_name.replace("xaxis", "x")
    figure.update_yaxes(range=[y_low, y_high], scaleanchor=axis, constrain="domain", **bare, row=at, col=column)
    text = f"at {shown.step}" if shown.step != step else ""
    figure.add_annotation(
        x=x_low, y=y_low, text=text, showarrow=False, xanchor="left", yanchor="bottom", font_size=9, row=at, col=column
    )


def _losses(figure: go.Figure, row: Row, at: int, column: int) -> None:
    for name, values, colour, dash in (
        ("generator", row.curve.generator, GENERATED, "solid"),
        ("adversary", row.curve.adversary, ADVERSARY, "dash"),
    ):
        if np.isfinite(values).any():
            figure.add_scatter(
                x=row.curve.step, y=values, name=f"{name} loss", line={"color": colour, "dash": dash, "width": 1.3},
                row=at, col=column,
            )  # fmt: skip
    figure.update_yaxes(side="right", row=at, col=column)
