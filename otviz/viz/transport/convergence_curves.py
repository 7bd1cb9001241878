"""Marginal error over the iterations of three Sinkhorn solvers."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from otviz.clouds.studies.convergence import SOLVERS, Step
from otviz.viz.style import DASHES, MARKS, SHADES, legend_above, plain

LEAST = 1e-16
"""Smallest error drawn: rounding of float64."""


def convergence(steps: Sequence[Step], blur: float) -> go.Figure:
    """Error over the number of iterations, both axes logarithmic; the title shows blur (in data units)."""
    figure = go.Figure()
    for (solver, name), colour, dash, mark in zip(SOLVERS.items(), SHADES, DASHES, MARKS, strict=False):
        own = [step for step in steps if step.solver == solver]
        figure.add_scatter(
            x=[step.iteration for step in own],
            y=[max(step.error, LEAST) for step in own],
            customdata=[step.epsilon for step in own],
            name=name,
            mode="lines+markers" if len(own) < 40 else "lines",
            line={"color": colour, "dash": dash, "width": 2},
            marker={"symbol": mark, "size": 6},
            hovertemplate="iteration %{x}: %{y:.2g}, at ε = %{customdata:.2g}<extra>" + name + "</extra>",
        )
    figure.update_xaxes(type="log", title_text="iterations (one update of each potential)", dtick=1)
    figure.update_yaxes(
        type="log", title_text=f"mass in wrong columns at blur {blur:.3g}", exponentformat="power", dtick=2
    )
    return legend_above(plain(figure, height=400))
