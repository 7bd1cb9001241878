"""The progress of gradient flows: loss and distance to the target over flow time."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from otviz.player.wire import PanelUpdate
from otviz.viz.style import DASHES, GUIDE, MARKS, SHADES, plain

LEAST = 1e-6


def flow_losses(panels: Sequence[PanelUpdate], step_size: float, w2_floor: float | None = None) -> go.Figure:
    """Left each loss relative to its initial value, right W2 to the target (a length), both over time.

    Args:
        panels: of the flows, with their scenes and all snapshots.
        step_size: flow time of a step.
        w2_floor: noise floor: W2 between two draws of the target of this size, or None.
    """
    figure = make_subplots(
        1, 2, subplot_titles=("Loss over its start", "W₂ to the target (length)"), horizontal_spacing=0.09
    )
    for index, panel in enumerate(panels):
        name = panel.scene.title if panel.scene is not None else panel.run
        look = {
            "name": name, "legendgroup": panel.run, "mode": "lines+markers",
            "line": {"color": SHADES[index % len(SHADES)], "dash": DASHES[index // len(SHADES) * 2 % 5], "width": 2},
            "hovertemplate": "t = %{x:.2f}: %{y:.3g}<extra>" + name + "</extra>",
        }  # fmt: skip
        mark = {"symbol": MARKS[index % len(MARKS)], "color": SHADES[index % len(SHADES)], "size": 6}
        losses = panel.curve.generator
        if len(losses):
            every = max(1, len(losses) // 12)
            shares = (losses / max(abs(float(losses[0])), LEAST)).clip(LEAST)
            figure.add_scatter(
                x=panel.curve.step[::every] * step_size, y=shares[::every], row=1, col=1, marker=mark, **look
            )
        measured = [shot for shot in panel.snapshots if "w2" in shot.meter and shot.step % 10 == 0]
        figure.add_scatter(
            x=[shot.step * step_size for shot in measured], y=[shot.meter["w2"] for shot in measured],
            showlegend=not len(losses), row=1, col=2, marker=mark, **look,
        )  # fmt: skip
    if w2_floor is not None:
        line = {"color": GUIDE, "dash": "longdashdot", "width": 1}
        figure.add_hline(y=w2_floor, line=line, annotation_text=f"two draws, {w2_floor:.2f}", row=1, col=2)
    figure.update_xaxes(title_text="time t")
    figure.update_yaxes(type="log", dtick=1, exponentformat="power", row=1, col=1)
    figure.update_yaxes(rangemode="tozero", row=1, col=2)
    plain(figure, height=430)
    return figure.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.2}, margin_b=90)
