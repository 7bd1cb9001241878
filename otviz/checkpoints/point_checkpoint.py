"""The checkpoint of a run on points: what is added to the folder of a saved run."""

from __future__ import annotations

import hashlib
import io
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np

from otviz.core.version import __version__
from otviz.runs.run_view import RunView
from otviz.runs.snapshots import Samples, Scene

LICENCE = "generated points, no data set; MIT like the code"


def write_card(run: RunView, report: dict[str, Any], samples: Samples, folder: Path) -> None:
    """Add card.json and samples.png to the folder of a saved run.

    Args:
        run: an ended run; `folder` already holds its generator.safetensors.
        report: its losses and metrics, as the command line prints them.
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
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n")
    (folder / "samples.png").write_bytes(picture(run.scene, samples))


def picture(scene: Scene, samples: Samples, size: int = 480) -> bytes:
    """Target and generated points as PNG: blue squares and orange discs on white, `size` pixels wide."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (2 * size, 2 * size), "white")
    draw = ImageDraw.Draw(image)
    low, high = np.array(scene.box[::2]), np.array(scene.box[1::2])
    for points, colour, shape in ((scene.target, "#56B4E9", draw.rectangle), (samples, "#FF7A1A", draw.ellipse)):
        pixels = (points - low) / (high - low) * 2 * size
        for x, y in pixels.tolist():
            shape((x - 4, 2 * size - y - 4, x + 4, 2 * size - y + 4), fill=colour)
    out = io.BytesIO()
    image.resize((size, size), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()
