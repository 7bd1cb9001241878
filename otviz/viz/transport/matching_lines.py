"""OT-GAN's six cost matrices and matchings, matched pairs, and entropy over epsilon."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from otviz.clouds.laboratory.matchings import EPSILONS, Matching, Step, one_partner_each, order_by_angle
from otviz.runs.snapshots import Box
from otviz.viz.boxes import box_of, name_axes, position
from otviz.viz.style import DASHES, GENERATED, GUIDE, MARKS, SHADES, TARGET, legend_above, mark_log_x, plain

CELLS = 128
"""Most cells per side of a matrix; larger matrices are drawn as means of blocks."""

FAINT = -2.0
"""Colours are logarithmic, from a hundredth of the uniform plan to the whole mass of a point."""

LOOKS = {
    "X": {"color": TARGET, "symbol": "square", "size": 6},
    "X′": {"color": TARGET, "symbol": "square-open", "size": 6},
    "Y": {"color": GENERATED, "symbol": "circle", "size": 6},
    "Y′": {"color": GENERATED, "symbol": "circle-open", "size": 6},
}


def matrices(step: Step) -> go.Figure:
    """A column per pair: its cost matrix above, its matching below, as multiples of the uniform plan.

    Points of every minibatch are sorted by their angle around the mean of the data X, so that neighbours are adjacent.
    """
    centre = step.points["X"].mean(0)
    order = {name: order_by_angle(points, centre) for name, points in step.points.items()}
    titles = [f"{'−2 ' if one.weight < 0 else ''}{one.name}<br>{one.transport_cost:.3g}" for one in step.six]
    titles += [f"entropy {one.entropy:.2f}" for one in step.six]
    figure = make_subplots(2, len(step.six), subplot_titles=titles, horizontal_spacing=0.012, vertical_spacing=0.11)
    for column, one in enumerate(step.six, 1):
        index = np.ix_(order[one.rows], order[one.columns])
        of = f"{one.columns}, by angle", f"{one.rows}, by angle"
        _matrix(figure, 1, column, blocks(one.cost[index]), of, "cost %{z:.3g}", "coloraxis")
        share = blocks(one.plan[index]) * one.plan.size
        _matrix(figure, 2, column, _powers(share), of, "%{customdata:.2g} times uniform", "coloraxis2", share)
    _finish(figure, step)
    return figure


def _matrix(
    figure: go.Figure, row: int, column: int, cells: NDArray[np.float32], of: tuple[str, str], text: str, axis: str,
    custom: NDArray[np.float32] | None = None,
) -> None:  # fmt: skip
    figure.add_heatmap(
        z=cells, customdata=custom, coloraxis=axis, row=row, col=column,
        hovertemplate=f"row of {of[1]}<br>column of {of[0]}<br>{text}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(showticklabels=False, showgrid=False, constrain="domain", row=row, col=column)
    figure.update_yaxes(
        showticklabels=False, showgrid=False, autorange="reversed", constrain="domain", row=row, col=column,
        scaleanchor=figure.get_subplot(row, column).yaxis.anchor,
    )  # fmt: skip


def _finish(figure: go.Figure, step: Step) -> None:
    n = len(step.points["X"])
    top = math.log10(n)
    bar = {"thickness": 12, "len": 0.42, "yanchor": "middle", "outlinewidth": 0}
    powers = [power for power in (-2, -1, 0, 1, 2, 3) if power <= top]
    names = {-2: "1/100", -1: "1/10", 0: "uniform", 1: "× 10", 2: "× 100", 3: "× 1000"}
    ticks = {"tickvals": powers, "ticktext": [names[power] for power in powers]}
    plain(figure, height=470).update_layout(
        margin={"l": 10, "r": 10, "t": 60, "b": 10},
        coloraxis={"colorscale": "Cividis_r", "cmin": 0, "colorbar": {**bar, "y": 0.78, "title": {"text": "cost"}}},
        coloraxis2={
            "colorscale": "Cividis", "cmin": FAINT, "cmax": top,
            "colorbar": {**bar, **ticks, "y": 0.22, "title": {"text": "share"}},
        },
    )  # fmt: skip


def blocks(matrix: NDArray[np.float32], most: int = CELLS) -> NDArray[np.float32]:
    """Means over square blocks of a matrix (n, n), at most `most` per side; incomplete blocks are dropped."""
    side = math.ceil(len(matrix) / most)
    count = len(matrix) // side
    whole = matrix[: count * side, : count * side].reshape(count, side, count, side)
    means: NDArray[np.float32] = whole.mean((1, 3), dtype=np.float64).astype(np.float32)
    return means


def _powers(share: NDArray[np.float32]) -> NDArray[np.float32]:
    powers: NDArray[np.float32] = np.log10(share.clip(10**FAINT)).astype(np.float32)
    return powers


def partners(step: Step, pair: Matching, box: Box | None = None, seed: int = 0) -> go.Figure:
    """Points of both minibatches of a pair, in the units of the target's file, with a line from each to one of its partners.

    Partners are drawn with the plan's probabilities: a sharp plan always gives the same lines, a uniform one a tangle.

    Args:
        step: the six matchings.
        pair: one of them.
        box: visible part if it contains nearly all points, in the same units.
        seed: draws the partners.
    """
    left, right = step.points[pair.rows], step.points[pair.columns]
    ends = right[one_partner_each(pair.plan, seed)]
    gaps = np.full(len(left), np.nan)
    figure = go.Figure()
    figure.add_scatter(
        x=np.stack([left[:, 0], ends[:, 0], gaps], 1).ravel(), y=np.stack([left[:, 1], ends[:, 1], gaps], 1).ravel(),
        mode="lines", line={"color": GUIDE, "width": 1}, opacity=0.7, hoverinfo="skip", name="matched with",
    )  # fmt: skip
    for name, points in ((pair.rows, left), (pair.columns, right)):
        kind = "data" if name.startswith("X") else "generated"
        figure.add_scatter(
            x=points[:, 0], y=points[:, 1], mode="markers", name=f"{name} ({kind})", marker=LOOKS[name],
            hovertemplate=f"{name}: {position(step.unit)}<extra></extra>",
        )  # fmt: skip
    shown = box_of(box, left, right)
    figure.update_xaxes(range=shown[:2], constrain="domain")
    figure.update_yaxes(range=shown[2:], scaleanchor="x", constrain="domain")
    name_axes(figure, step.unit)
    return legend_above(plain(figure, height=430))


def entropy_curve(lines: Mapping[str, Sequence[tuple[float, float]]], n: int, epsilon: float | None) -> go.Figure:
    """Mean entropy of the six matchings over epsilon, a line for each feature cost.

    Args:
        lines: (epsilon, entropy) for the same minibatches, by label.
        n: points per minibatch.
        epsilon: of the run, marked; None for random matching.
    """
    figure = go.Figure()
    for index, (name, points) in enumerate(lines.items()):
        figure.add_scatter(
            x=[at for at, _ in points], y=[entropy for _, entropy in points], name=name, mode="lines+markers",
            customdata=[n**entropy for _, entropy in points],
            line={"color": SHADES[index], "dash": DASHES[index], "width": 2},
            marker={"symbol": MARKS[index], "color": SHADES[index], "size": 7},
            hovertemplate=f"ε = %{{x:.3g}}: entropy %{{y:.3f}}, %{{customdata:.0f}} of {n} partners<extra>{name}</extra>",
        )  # fmt: skip
    for height, text, place in ((1, "uniform: random matching", "top left"), (0, "permutation", "bottom right")):
        line = {"color": GUIDE, "dash": "longdashdot", "width": 1}
        figure.add_hline(y=height, line=line, annotation_text=text, annotation_position=place)
    ticks = {f"1/{round(1 / at)}" if at < 1 else f"{at:g}": at for at in (*EPSILONS, 10.0)}
    figure.update_xaxes(
        type="log", title_text="ε (units of the cost)", tickvals=list(ticks.values()), ticktext=list(ticks)
    )
    figure.update_yaxes(title_text="entropy of the matchings", range=[-0.12, 1.12])
    if epsilon is not None:
        mark_log_x(figure, epsilon, "this run")
    return legend_above(plain(figure, height=430)).update_layout(legend_y=1.08, margin_t=80)
