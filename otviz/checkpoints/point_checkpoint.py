"""Checkpoints of points: the folder of a saved run, with a card and a picture."""

from __future__ import annotations

import hashlib
import io
import json
import platform
from pathlib import Path
from typing import Any

from otviz.core import __version__
from otviz.core.files import write_whole
from otviz.runs.run_view import RunView
from otviz.runs.snapshots import Samples, Scene

LICENCE = "generated points, no data set; MIT like the code"


def write_card(run: RunView, report: dict[str, Any], samples: Samples, folder: Path) -> None:
    """Add card.json and samples.png to the folder of a saved run.

    Args:
        run: an ended run; `folder` already holds its generator.safetensors.
        report: losses and metrics, as the command line reports them.
        samples: generated points, shape (n, 2), in the units of the scene.

    Raises:
        OSError: the folder cannot be written.
    """
    assert run.scene is not None
    weights = (folder / "generator.safetensors").read_bytes()
    card = {
        "title": f"{run.config.method.title} on {run.config.target.title}",
        **run.config.record(),
        "device": report["device"],
        "machine": platform.machine(),
        "seconds": report["seconds"],
        "losses": report["losses"],
        "metrics": report["metrics"],
        "otviz": __version__,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "licence": LICENCE,
    }
    write_whole(folder / "samples.png", picture(run.scene, samples))
    write_whole(folder / "card.json", (json.dumps(card, indent=1) + "\n").encode())


def picture(scene: Scene, samples: Samples, size: int = 480) -> bytes:
    """Target and generated points as PNG: blue squares and orange discs on white.

    Args:
        scene: contains the target points and the box to draw.
        samples: generated points, shape (n, 2), in the units of the scene.
        size: width and height in pixels.
    """
    from matplotlib.figure import Figure

    figure = Figure((size / 100, size / 100), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1), xlim=scene.box[:2], ylim=scene.box[2:])
    axes.set_axis_off()
    for points, colour, marker in ((scene.target, "#56B4E9", "s"), (samples, "#FF7A1A", "o")):
        axes.plot(points[:, 0], points[:, 1], marker, color=colour, markersize=3, markeredgewidth=0)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
