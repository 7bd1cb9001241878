"""A line between two source points and its image under the generator (Fuge 2025, section 11.2)."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import torch
from plotly.subplots import make_subplots

from otviz.training.loop import Training
from otviz.viz.boxes import name_axes
from otviz.viz.style import GENERATED, SOURCE, TARGET, plain

POINTS = 25
CLOUD = 512
DRAWN = 16
"""Source points from which the two ends are chosen."""


def interpolation(training: Training, seed: int = 0) -> go.Figure:
    """Left: a line between two source points; right: its image under the generator. In the target's units.

    Args:
        training: its `eval_generator` is evaluated at z = 0 along the line, and at random z for the cloud.
        seed: draws the clouds, and the candidates whose most distant pair are the ends of the line.
    """
    rng = np.random.default_rng([seed, 17])
    ends = _far_apart(training.source.sample(DRAWN, rng))
    t = np.linspace(0, 1, POINTS, dtype=np.float32)[:, None]
    line = (1 - t) * ends[0] + t * ends[1]
    cloud, target = training.source.sample(CLOUD, rng), training.target.sample(CLOUD, rng)
    noise = torch.randn(CLOUD, training.method.noise_dim, generator=torch.Generator().manual_seed(seed))
    moved_line = _moved(training, line, torch.zeros(POINTS, training.method.noise_dim))
    moved = _moved(training, cloud, noise)
    units = training.target.units
    line, cloud, target, moved_line, moved = map(units.to_file, (line, cloud, target, moved_line, moved))
    figure = make_subplots(1, 2, subplot_titles=("Source: a line from start to end", "Its image under the generator"))
    _points(figure, cloud, "source", SOURCE, "circle-open", 1)
    _points(figure, target, "target", TARGET, "square", 2)
    _points(figure, moved, "generated", GENERATED, "circle", 2)
    for column, path in ((1, line), (2, moved_line)):
        _path(figure, path, column)
    figure.update_yaxes(scaleanchor="x", row=1, col=1)
    figure.update_yaxes(scaleanchor="x2", row=1, col=2)
    name_axes(figure, units.word)
    return plain(figure, height=440)


def _far_apart(points: np.ndarray) -> np.ndarray:
    """The most distant pair of points, (2, d)."""
    apart = ((points[:, None] - points) ** 2).sum(-1)
    return points[list(np.unravel_index(apart.argmax(), apart.shape))]


def _moved(training: Training, points: np.ndarray, noise: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        x = torch.from_numpy(points).to(training.device)
        moved: np.ndarray = training.eval_generator(x, noise.to(training.device)).cpu().numpy()
    return moved


def _points(figure: go.Figure, points: np.ndarray, name: str, colour: str, symbol: str, column: int) -> None:
    marker = {"color": colour, "symbol": symbol, "size": 5, "opacity": 0.5}
    figure.add_scatter(x=points[:, 0], y=points[:, 1], mode="markers", name=name, marker=marker, row=1, col=column)


def _path(figure: go.Figure, path: np.ndarray, column: int) -> None:
    figure.add_scatter(
        x=path[:, 0], y=path[:, 1], mode="lines+markers", name="path",
        line={"color": "#B8C0CC", "width": 2}, marker={"size": 4}, row=1, col=column,
    )  # fmt: skip
    for at, name, colour, symbol in ((0, "start", "#2CA02C", "triangle-up"), (-1, "end", "#D62728", "diamond")):
        figure.add_scatter(
            x=[path[at, 0]], y=[path[at, 1]], mode="markers", name=name,
            marker={"color": colour, "size": 13, "symbol": symbol}, row=1, col=column,
        )  # fmt: skip
