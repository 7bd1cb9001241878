"""The notebook's diagnostics (Fuge 2025, section 11.2): losses, diversity, samples, smoothed loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from otviz.runs.snapshots import Scene, Snapshot
from otviz.viz.boxes import name_axes
from otviz.viz.style import ADVERSARY, GENERATED, TARGET, plain


def diagnostics(scene: Scene, snapshots: Sequence[Snapshot], losses: NDArray[np.float32]) -> go.Figure:
    """Four panels, as in the notebook.

    Args:
        scene, snapshots: of the run, with at least one snapshot.
        losses: of every step, shape (n, 2): generator, adversary; nan without an update.
    """
    square = f", {scene.unit}²" if scene.unit else ""
    titles = ("Loss", f"Diversity (mean variance per axis{square})", "Samples, 1000 each", "Smoothed loss")
    figure = make_subplots(2, 2, subplot_titles=titles, vertical_spacing=0.14, horizontal_spacing=0.09)
    steps = np.arange(1, len(losses) + 1)
    every = max(1, len(losses) // 1500)
    for column, (name, dash) in enumerate((("generator", "solid"), ("adversary", "dash"))):
        values = losses[:, column]
        if np.isfinite(values).any():
            line = {"color": GENERATED if column == 0 else ADVERSARY, "dash": dash, "width": 1.5}
            figure.add_scatter(x=steps[::every], y=values[::every], name=f"{name} loss", line=line, row=1, col=1)
            smooth = smoothed(values)
            first = len(values) - len(smooth)
            figure.add_scatter(
                x=steps[first:][::every], y=smooth[::every], name=f"{name}, smoothed", line=line, row=2, col=2
            )
    _diversity(figure, scene, snapshots)
    marker = {"color": TARGET, "symbol": "square", "size": 4, "opacity": 0.6}
    figure.add_scatter(
        x=scene.target[:, 0], y=scene.target[:, 1], mode="markers", name="target", marker=marker, row=2, col=1
    )
    points = snapshots[-1].generated
    marker = {"color": GENERATED, "size": 4, "opacity": 0.7}
    figure.add_scatter(x=points[:, 0], y=points[:, 1], mode="markers", name="generated", marker=marker, row=2, col=1)
    figure.update_xaxes(title_text="step", row=1, col=1)
    figure.update_xaxes(title_text="step", row=1, col=2)
    figure.update_xaxes(title_text="step", row=2, col=2)
    figure.update_yaxes(scaleanchor="x3", row=2, col=1)
    name_axes(figure, scene.unit, (2, 1))
    return plain(figure, height=680)


def smoothed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Running mean over 1/20 of the steps, the notebook's window, without padding."""
    finite = np.nan_to_num(values, nan=float(values[np.isfinite(values)][0]) if np.isfinite(values).any() else 0.0)
    window = max(1, len(finite) // 20)
    sums = np.cumsum(np.concatenate([[0.0], finite]), dtype=np.float64)
    means: NDArray[np.float32] = ((sums[window:] - sums[:-window]) / window).astype(np.float32)
    return means


def _diversity(figure: go.Figure, scene: Scene, snapshots: Sequence[Snapshot]) -> None:
    figure.add_scatter(
        x=[snapshot.step for snapshot in snapshots],
        y=[float(snapshot.generated.var(axis=0).mean()) for snapshot in snapshots],
        name="generated", line={"color": GENERATED, "width": 1.5}, row=1, col=2,
    )  # fmt: skip
    goal = float(scene.target.var(axis=0).mean())
    text = f"target {goal:.3g}" if scene.unit else f"target {goal:.2f}"
    figure.add_hline(y=goal, line={"color": TARGET, "dash": "dot"}, row=1, col=2, annotation_text=text)
