"""Two opposite modes compared with all modes: the same mean variance per axis."""

from __future__ import annotations

import plotly.graph_objects as go

from otviz.evaluation.verdicts import DiversityExample
from otviz.viz.style import GENERATED, TARGET, legend_above, plain


def blind_spot(example: DiversityExample) -> go.Figure:
    """Samples of the example over the target's."""
    figure = go.Figure()
    shown = (
        (f"target, diversity {example.target_diversity:.2f}", example.target, TARGET, "square"),
        (f"two modes, diversity {example.diversity:.2f}", example.samples, GENERATED, "circle"),
    )
    for name, cloud, colour, symbol in shown:
        marker = {"color": colour, "symbol": symbol, "size": 4, "opacity": 0.7}
        figure.add_scatter(x=cloud[:, 0], y=cloud[:, 1], mode="markers", name=name, marker=marker)
    figure.update_yaxes(scaleanchor="x")
    return legend_above(plain(figure, height=340))
