"""The plan at several epsilons side by side, from nearly uniform to nearly one-to-one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from otviz.clouds.studies.convergence import Sharpened
from otviz.viz.style import plain

TICKS = 4


def sharpening(plans: Sequence[Sharpened]) -> go.Figure:
    """Heat maps of the binned plans on one scale, linear in the square root of the mass.

    Rows are source points, columns target points, in the same order everywhere.
    """
    titles = [f"blur {plan.blur:g}<br>{_partners(plan.partners)}" for plan in plans]
    figure = make_subplots(1, len(plans), subplot_titles=titles, horizontal_spacing=0.02)
    highest = max(float(np.sqrt(plan.matrix.max())) for plan in plans)
    for column, plan in enumerate(plans, 1):
        figure.add_heatmap(
            z=np.sqrt(plan.matrix), customdata=plan.matrix, coloraxis="coloraxis", row=1, col=column,
            hovertemplate="share of mass %{customdata:.2g}<extra></extra>",
        )  # fmt: skip
        scale = {"scaleanchor": f"y{column if column > 1 else ''}", "constrain": "domain"}
        figure.update_xaxes(showticklabels=False, title_text="target", row=1, col=column, **scale)
        figure.update_yaxes(
            showticklabels=False, autorange="reversed", constrain="domain",
            title_text="source" if column == 1 else None, row=1, col=column,
        )  # fmt: skip
    ticks = np.linspace(0, highest, TICKS)
    bar = {"title": "mass", "tickvals": ticks, "ticktext": [f"{tick**2:.2g}" for tick in ticks], "thickness": 12}
    plain(figure, height=330)
    return figure.update_layout(
        coloraxis={"colorscale": "cividis", "cmin": 0, "cmax": highest, "colorbar": bar}, margin={"t": 70}
    )


def _partners(partners: float) -> str:
    return f"{partners:.3g} partners a point"
