"""Pictures of samples: images as addresses, clusters by examples or by where they lie, and the plane as PNG for the report."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otviz.evaluation.diagnosis import Cluster, Diagnosis, Samples, Side

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EXAMPLES = 8
"""Example images of a lost cluster; others show one half as many."""

MOST_NAMED = 3
"""Columns by which a cluster of points is described."""

MOST_LABELS = 20
"""Of more clusters only the lost ones are named in the picture."""

_MOST_DRAWN = 4000


def strip(samples: Samples, places: Sequence[int] | NDArray[np.int64], gap: int = 1) -> str:
    """Images side by side, as the address of a PNG.

    Args:
        samples: images.
        places: of those to show.
        gap: pixels between two.
    """
    from PIL import Image

    images = samples.values[np.asarray(places, int)]
    count, _, height, width = images.shape
    sheet = np.zeros((height, count * (width + gap) - gap, 4), np.uint8)  # transparent between images
    for at, image in enumerate(images):
        cell = sheet[:, at * (width + gap) : at * (width + gap) + width]
        cell[..., :3], cell[..., 3] = image.transpose(1, 2, 0), 255
    return _address(Image.fromarray(sheet))


def _address(image: object) -> str:
    out = io.BytesIO()
    image.save(out, format="PNG")  # type: ignore[attr-defined]
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def examples(diagnosis: Diagnosis, real: Samples) -> dict[int, str]:
    """For images: real ones of each cluster, of a lost one the missing ones first; empty for points."""
    if not real.are_images:
        return {}
    side, found = diagnosis.real, {}
    for at, cluster in enumerate(diagnosis.clusters):
        inside = np.flatnonzero(side.cluster == at)
        count = EXAMPLES if cluster.lost else EXAMPLES // 2
        ordered = inside[np.argsort(~side.alone[inside], kind="stable")] if cluster.lost else inside
        chosen = [cluster.example, *(int(place) for place in side.index[ordered] if place != cluster.example)]
        found[at] = strip(real, chosen[:count])
    return found


def places(diagnosis: Diagnosis, real: Samples) -> dict[int, str]:
    """For points: the columns that tell each cluster from the rest, with its means; empty for images."""
    if real.are_images:
        return {}
    used = np.asarray(real.values, float)[diagnosis.real.index]
    names = real.columns or tuple(f"column {at + 1}" for at in range(used.shape[1]))
    middle, spread = used.mean(0), np.maximum(used.std(0), 1e-300)
    found = {}
    for at in range(len(diagnosis.clusters)):
        inside = used[diagnosis.real.cluster == at]
        if len(inside):
            mean = inside.mean(0)
            telling = np.argsort(-np.abs(mean - middle) / spread, kind="stable")[:MOST_NAMED]
            told = (f"{names[k]} = {_rounded(float(mean[k]), float(spread[k]))}" for k in sorted(telling))
            found[at] = "around " + ", ".join(told)
    return found


def _rounded(value: float, spread: float) -> str:
    """A mean with the digits that matter: to a hundredth of the spread of its column."""
    digits = math.floor(math.log10(spread)) - 2
    return f"{round(value, -digits) + 0.0:.6g}".replace("-", "−")  # + 0.0 turns -0.0 into 0.0


def plane(diagnosis: Diagnosis, size: tuple[int, int] = (1100, 760)) -> bytes:
    """Both sides in the plane as PNG on white; what is missing and what is too much stands out.

    Args:
        diagnosis: to draw.
        size: in pixels.
    """
    from matplotlib.figure import Figure

    from otviz.viz import style

    figure = Figure((size[0] / 100, size[1] / 100), dpi=100, facecolor="white")
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.96))
    axes.set_axis_off()
    if diagnosis.plane.startswith("columns"):
        axes.set_aspect("equal", adjustable="datalim")
    rng = np.random.default_rng(0)
    sides = ((diagnosis.real, style.TARGET, "s", "#0b4f7d"), (diagnosis.generated, style.GENERATED, "o", "#8a3200"))
    for side, colour, mark, edge in sides:
        shown = rng.permutation(len(side.plane))[:_MOST_DRAWN]
        x, y = side.plane[:, 0], side.plane[:, 1]
        axes.scatter(x[shown], y[shown], s=9, c=colour, marker=mark, alpha=0.35, linewidths=0)
        loud = shown[loudness(side.alone[shown], side.left[shown]) > 0]
        sizes = 14 + 34 * side.left[loud]
        axes.scatter(x[loud], y[loud], s=sizes, c=colour, marker=mark, edgecolors=edge, linewidths=0.8)
    copies = diagnosis.generated.plane[diagnosis.generated.copies]
    axes.scatter(copies[:, 0], copies[:, 1], s=46, facecolors="none", edgecolors="#9a3fb8", linewidths=1.4)
    _write_names(axes, diagnosis)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _write_names(axes: Axes, diagnosis: Diagnosis) -> None:
    for at, (x, y) in label_places(diagnosis.real, diagnosis.clusters).items():
        cluster = diagnosis.clusters[at]
        face, ink = ("#b3261e", "white") if cluster.lost else ("white", "#1d2733")
        box = {"boxstyle": "round,pad=0.3", "facecolor": face, "edgecolor": "none", "alpha": 0.9}
        words = f"{cluster.name}: lost" if cluster.lost else cluster.name
        axes.text(x, y, words, ha="center", va="center", fontsize=11, bbox=box, color=ink)


def label_places(real: Side, clusters: Sequence[Cluster]) -> dict[int, tuple[float, float]]:
    """Where the names of clusters are written: above those that lie together, else in their middle; none if they are too many.

    Args:
        real: the real samples.
        clusters: of them.
    """
    found = {}
    tall = float(np.ptp(real.plane[:, 1])) or 1.0
    for at, cluster in enumerate(clusters):
        inside = real.plane[real.cluster == at]
        if len(inside) and (cluster.lost or len(clusters) <= MOST_LABELS):
            x, y = np.median(inside, axis=0).tolist()
            top = float(np.quantile(inside[:, 1], 0.99))
            found[at] = (x, top + 0.03 * tall if top - y < 0.14 * tall else y)
    return found


def loudness(alone: NDArray[np.bool_], left: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much a sample stands out in the picture, in [0, 1]: it has nothing near, or much of its mass finds no place.

    Args:
        alone: whether it is a hole or a stray, (k,).
        left: share of its mass that is not transported, (k,).
    """
    return np.where(alone, np.maximum(left, 0.35), np.where(left >= 0.5, left, 0.0))
