"""Metrics of an image run over its steps: losses, scores and classes, with their noise floors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from otviz.runs.snapshots import Curve, Meter, Scene, Snapshot
from otviz.viz.style import ADVERSARY, GENERATED, GUIDE, TARGET, plain

Place = tuple[int, int]


def image_metrics_history(scene: Scene, snapshots: Sequence[Snapshot], curve: Curve) -> go.Figure:
    """Losses, scores, classes and pixels over steps; for a data set without classifier, losses and pixels only.

    Args:
        scene, snapshots: of the run.
        curve: its losses.
    """
    measured = measurements(snapshots)
    judged = any("frechet" in meter for meter in measured)
    scores = ("Fréchet distance", "Recall, and precision (dashed)", "Effective classes", "Share of each class")
    pixels = ("Diversity of pixels",) if judged else ("Diversity of pixels", "Brightness")
    titles = ("Losses", *(scores if judged else ()), *pixels)
    figure = make_subplots(
        len(titles) // 3, 3, subplot_titles=titles, vertical_spacing=0.18, horizontal_spacing=0.06
    )  # fmt: skip
    _losses(figure, scene, curve)
    if judged:
        _scores(figure, measured, (1, 2), (1, 3))
        _classes(figure, scene, measured, (2, 1), (2, 2))
    _line(figure, measured, "diversity", (2, 3) if judged else (1, 2), GENERATED)
    if not judged:
        _line(figure, measured, "brightness", (1, 3), GENERATED)
    return plain(figure, height=520 if judged else 280)


def measurements(snapshots: Sequence[Snapshot]) -> list[Meter]:
    """The measurements without repetitions, in order."""
    found: dict[int, Meter] = {}
    for snapshot in snapshots:
        if "measured_at" in snapshot.meter:
            found[int(snapshot.meter["measured_at"])] = snapshot.meter
    return [found[step] for step in sorted(found)]


def _losses(figure: go.Figure, scene: Scene, curve: Curve) -> None:
    for values, name, colour, dash in (
        (curve.adversary, "adversary", ADVERSARY, "dash"),
        (curve.generator, "generator", GENERATED, "solid"),
    ):
        if len(values) and (values == values).any():
            line = {"color": colour, "dash": dash, "width": 1.6}
            figure.add_scatter(x=curve.step, y=values, name=f"{name} loss", line=line, row=1, col=1)
    if scene.loss_floor is not None:
        low, high = scene.loss_floor[0] - scene.loss_floor[1], scene.loss_floor[0] + scene.loss_floor[1]
        figure.add_hrect(y0=low, y1=high, fillcolor=GUIDE, opacity=0.35, line_width=0, row=1, col=1)


def _scores(figure: go.Figure, measured: Sequence[Meter], distance: Place, neighbours: Place) -> None:
    _line(figure, measured, "frechet", distance, GENERATED)
    figure.update_yaxes(type="log", dtick=1, row=distance[0], col=distance[1])
    for name, colour, dash in (("recall", GENERATED, "solid"), ("precision", TARGET, "dash")):
        _line(figure, measured, name, neighbours, colour, dash)
    figure.update_yaxes(range=[0, 1.02], row=neighbours[0], col=neighbours[1])


def _classes(figure: go.Figure, scene: Scene, measured: Sequence[Meter], over_time: Place, now: Place) -> None:
    last, names = measured[-1], list(scene.classes)
    _line(figure, measured, "classes_effective", over_time, GENERATED, level="classes_total")
    figure.update_yaxes(range=[0, last["classes_total"] * 1.05], row=over_time[0], col=over_time[1])
    outline = {"color": "rgba(0,0,0,0)", "line": {"color": GUIDE, "width": 1.5}}
    for shares, name, marker in (
        (last["true_class_shares"], "real images", outline),
        (last["class_shares"], "generated", {"color": GENERATED}),
    ):
        figure.add_bar(x=names, y=shares, name=name, marker=marker, row=now[0], col=now[1])
    figure.update_xaxes(type="category", row=now[0], col=now[1])
    figure.update_yaxes(tickformat=".0%", row=now[0], col=now[1])


def _line(
    figure: go.Figure, measured: Sequence[Meter], key: str, at: Place, colour: str, dash: str = "solid", level: str = ""
) -> None:
    """A metric over steps, and the value of real images as a dotted line (`level` of a measurement, or the usual names)."""
    points = [(meter["measured_at"], meter[key]) for meter in measured if key in meter]
    look: dict[str, Any] = {"line": {"color": colour, "width": 1.8, "dash": dash}, "marker": {"size": 5}}
    figure.add_scatter(
        x=[step for step, _ in points], y=[value for _, value in points], name=key.replace("_", " "),
        mode="lines+markers", row=at[0], col=at[1], **look,
    )  # fmt: skip
    known = [meter[name] for meter in measured for name in (level, f"{key}_floor", f"{key}_target") if name in meter]
    if known:
        figure.add_hline(y=known[-1], line={"color": GUIDE, "dash": "dot", "width": 1.5}, row=at[0], col=at[1])
