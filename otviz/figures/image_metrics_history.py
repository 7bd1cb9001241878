"""What was measured of a run on images, over its steps: losses, scores and classes, each with its floor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from otviz.figures.style import ADVERSARY, GENERATED, GUIDE, TARGET, plain
from otviz.runs.snapshots import Curve, Meter, Scene, Snapshot

WHERE = {
    "losses": (1, 1),
    "frechet": (1, 2),
    "neighbours": (1, 3),
    "effective": (2, 1),
    "shares": (2, 2),
    "diversity": (2, 3),
}


def image_metrics_history(scene: Scene, snapshots: Sequence[Snapshot], curve: Curve) -> go.Figure:
    """Six panels; those of scores that nothing could give are left empty.

    Args:
        scene, snapshots: of the run.
        curve: its losses.
    """
    measured = measurements(snapshots)
    judged = any("frechet" in meter for meter in measured)
    titles = (
        "Losses",
        "Frechet distance",
        "Precision and recall",
        "Effective classes",
        "Share of each class",
        "Diversity of pixels",
    )
    if not judged:
        titles = (titles[0], titles[5], "Brightness", "", "", "")
    figure = make_subplots(
        2 if judged else 1,
        3,
        subplot_titles=titles[: 6 if judged else 3],
        vertical_spacing=0.16,
        horizontal_spacing=0.06,
    )
    _losses(figure, scene, curve)
    if judged:
        _scores(figure, measured)
        _classes(figure, scene, measured)
    for name, at in (("diversity", (2, 3) if judged else (1, 2)), ("brightness", None if judged else (1, 3))):
        if at is not None:
            _line(figure, measured, name, at, GENERATED, name)
            _level(figure, measured, f"{name}_target", at)
    figure.update_xaxes(rangemode="tozero")
    return plain(figure, height=520 if judged else 300)


def measurements(snapshots: Sequence[Snapshot]) -> list[Meter]:
    """Each measurement once, in order."""
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


def _scores(figure: go.Figure, measured: Sequence[Meter]) -> None:
    at = WHERE["frechet"]
    _line(figure, measured, "frechet", at, GENERATED, "Frechet distance")
    _level(figure, measured, "frechet_floor", at)
    figure.update_yaxes(type="log", row=at[0], col=at[1])
    at = WHERE["neighbours"]
    _line(figure, measured, "recall", at, GENERATED, "recall")
    _line(figure, measured, "precision", at, TARGET, "precision", dash="dash")
    for name in ("recall", "precision"):
        _level(figure, measured, f"{name}_floor", at)
        last = measured[-1]
        figure.add_annotation(
            x=last["measured_at"],
            y=last[name],
            text=name,
            showarrow=False,
            xanchor="right",
            yshift=10,
            row=at[0],
            col=at[1],
        )
    figure.update_yaxes(range=[0, 1.02], row=at[0], col=at[1])


def _classes(figure: go.Figure, scene: Scene, measured: Sequence[Meter]) -> None:
    at, last = WHERE["effective"], measured[-1]
    _line(figure, measured, "classes_effective", at, GENERATED, "effective classes")
    _level(figure, measured, "classes_total", at)
    figure.update_yaxes(range=[0, last["classes_total"] * 1.05], row=at[0], col=at[1])
    at, names = WHERE["shares"], [str(name) for name in scene.classes]
    outline = {"color": "rgba(0,0,0,0)", "line": {"color": GUIDE, "width": 1.5}}
    figure.add_bar(x=names, y=last["true_class_shares"], name="real images", marker=outline, row=at[0], col=at[1])
    figure.add_bar(x=names, y=last["class_shares"], name="generated", marker={"color": GENERATED}, row=at[0], col=at[1])
    figure.update_xaxes(type="category", row=at[0], col=at[1])
    figure.update_yaxes(tickformat=".0%", row=at[0], col=at[1])


def _line(
    figure: go.Figure,
    measured: Sequence[Meter],
    key: str,
    at: tuple[int, int],
    colour: str,
    name: str,
    dash: str = "solid",
) -> None:
    points = [(meter["measured_at"], meter[key]) for meter in measured if key in meter]
    look: dict[str, Any] = {
        "line": {"color": colour, "width": 1.8, "dash": dash},
        "marker": {"size": 5, "color": colour},
    }
    figure.add_scatter(
        x=[step for step, _ in points], y=[value for _, value in points], name=name, mode="lines+markers",
        row=at[0], col=at[1], **look,
    )  # fmt: skip


def _level(figure: go.Figure, measured: Sequence[Meter], key: str, at: tuple[int, int]) -> None:
    """What real images reach, as a line that stays."""
    known = [meter[key] for meter in measured if key in meter]
    if known:
        figure.add_hline(y=known[-1], line={"color": GUIDE, "dash": "dot", "width": 1.5}, row=at[0], col=at[1])
