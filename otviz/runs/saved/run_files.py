"""Exports of a run as files for other programs."""

from __future__ import annotations

import io
import json
import math

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import save as save_tensors

from otviz.data.datasets import to_rows
from otviz.data.datasets.sheets import png, sheet
from otviz.runs.config import RunConfig
from otviz.runs.snapshots import Scene, Snapshot
from otviz.training.loop import Training

PIXELS = 1024  # approximate width of a PNG


def weights(training: Training) -> bytes:
    """Weights of the generator as safetensors. It works in data units; the metadata `units` says how to convert them."""
    tensors = {name: value.detach().cpu().clone() for name, value in training.eval_generator.state_dict().items()}
    units = training.target.units
    data: bytes = save_tensors(tensors, metadata={"units": json.dumps(units.record())} if units.word else None)
    return data


def config_json(config: RunConfig) -> str:
    """The config as indented JSON."""
    return json.dumps(config.record(), indent=1)


def samples_csv(snapshot: Snapshot) -> str:
    """The generated points of a snapshot as CSV with columns x, y, in the units of the target's file."""
    out = io.StringIO()
    # Points of a file may be far from 0 compared with their spread.
    digits = "%.15g" if snapshot.generated.dtype == np.float64 else "%.6g"
    np.savetxt(out, snapshot.generated, fmt=digits, delimiter=",", header="x,y", comments="")
    return out.getvalue()


def history_csv(losses: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> str:
    """Losses (n, 2) as CSV with columns step, generator_loss, adversary_loss (nan without adversary).

    Nine digits represent float32 exactly.
    """
    lines = ["step,generator_loss,adversary_loss"]
    lines += [f"{step},{one:.9g},{two:.9g}" for step, (one, two) in enumerate(losses.tolist(), start=1)]
    return "\n".join(lines) + "\n"


def samples_png(scene: Scene, snapshot: Snapshot) -> bytes:
    """The generated images of a snapshot on one sheet, enlarged by an integer factor, as PNG."""
    pixels = _pixels(scene, snapshot.generated)
    columns = math.isqrt(len(pixels) - 1) + 1
    channels, height, width = pixels.shape[1:]
    picture = sheet(to_rows(pixels), (channels, height, width), columns)
    times = max(1, PIXELS // picture.shape[1])
    return png(picture.repeat(times, 0).repeat(times, 1))


def samples_npz(scene: Scene, snapshot: Snapshot) -> bytes:
    """Generated, raw (without averaged weights, if there are any) and real images (n, C, H, W), uint8, and the step, as NPZ."""
    arrays = {"generated": _pixels(scene, snapshot.generated), "real": _pixels(scene, scene.target)}
    if snapshot.raw is not None:
        arrays["raw"] = _pixels(scene, snapshot.raw)
    out = io.BytesIO()
    np.savez_compressed(out, step=np.array(snapshot.step), **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def _pixels(scene: Scene, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return images.reshape(-1, *scene.shape)
