"""Exports of runs, with one name each for pages and the command line.

export = exports()["notebook"]
Path("run.ipynb").write_bytes(export.make({"UOTM": run}))
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from otviz.data.target import Kind
from otviz.runs.saved import run_files
from otviz.viz.exports.arrays import arrays_npz
from otviz.viz.exports.reports import report
from otviz.viz.exports.run_tables import Runs, losses_csv, snapshots_csv
from otviz.viz.exports.scripts import notebook, script
from otviz.viz.exports.stills import Still

__all__ = ["Export", "Runs", "exports", "exports_of"]

_POINTS: tuple[Kind, ...] = ("points",)
_IMAGES: tuple[Kind, ...] = ("images",)
_BOTH = _POINTS + _IMAGES


@dataclass(frozen=True)
class Export:
    """A kind of export.

    Attributes:
        name: on the command line.
        label: on a button.
        suffix: end of the file name.
        mime: its media type.
        make: returns the file's bytes for runs by label; raises ValueError if they have nothing to export.
        kinds: of targets, whose runs have it.
        several: whether it can contain more than one run.
    """

    name: str
    label: str
    suffix: str
    mime: str
    make: Callable[[Runs], bytes]
    kinds: tuple[Kind, ...] = _BOTH
    several: bool = True


def exports() -> dict[str, Export]:
    """All exports by name, in the order of buttons."""
    return {each.name: each for each in _ALL}


def exports_of(runs: Runs) -> list[Export]:
    """The exports available for these runs."""
    kinds = {run.config.target.kind for run in runs.values()}
    return [each for each in _ALL if (each.several or len(runs) == 1) and kinds <= set(each.kinds)]


def _samples(runs: Runs) -> bytes:
    (run,) = runs.values()
    return run_files.samples_csv(run.snapshots[-1]).encode()


def _config(runs: Runs) -> bytes:
    if len(runs) == 1:
        return run_files.config_json(next(iter(runs.values())).config).encode()
    return json.dumps({label: run.config.record() for label, run in runs.items()}, indent=1).encode()


def _weights(runs: Runs) -> bytes:
    (run,) = runs.values()
    return run_files.weights(run.training_copy())


def _sheet(runs: Runs) -> bytes:
    (run,) = runs.values()
    assert run.scene is not None
    return run_files.samples_png(run.scene, run.snapshots[-1])


def _images(runs: Runs) -> bytes:
    (run,) = runs.values()
    assert run.scene is not None
    return run_files.samples_npz(run.scene, run.snapshots[-1])


def _figure(runs: Runs) -> bytes:
    from otviz.runs.run_verdict import verdict_so_far
    from otviz.viz.snapshot_table import Row, snapshot_table
    from otviz.viz.style import as_html

    rows = [
        Row(label, verdict_so_far(run), run.scene, run.snapshots, run.curve())
        for label, run in runs.items()
        if run.scene is not None
    ]
    return as_html(snapshot_table(rows), "otviz").encode()


def _scores(runs: Runs) -> bytes:
    from otviz.viz.image_metrics_history import image_metrics_history
    from otviz.viz.style import as_html

    (run,) = runs.values()
    assert run.scene is not None
    return as_html(image_metrics_history(run.scene, run.snapshots, run.curve()), "otviz").encode()


_CSV, _HTML, _NPZ = "text/csv", "text/html", "application/octet-stream"
_ALL = (
    Export("html", "Report that plays (HTML)", "-report.html", _HTML, report),
    Export("notebook", "Notebook (ipynb)", ".ipynb", "application/x-ipynb+json", notebook),
    Export("script", "Python script", ".py", "text/x-python", script),
    Export("config", "Config (JSON)", ".json", "application/json", _config),
    Export("csv", "Measurements (CSV)", "-looks.csv", _CSV, snapshots_csv),
    Export("losses", "Losses (CSV)", "-losses.csv", _CSV, losses_csv),
    Export("samples", "Samples (CSV)", "-samples.csv", _CSV, _samples, kinds=_POINTS, several=False),
    Export("npz", "Snapshots (NPZ)", ".npz", _NPZ, arrays_npz),
    Export("images", "Samples (NPZ)", "-samples.npz", _NPZ, _images, kinds=_IMAGES, several=False),
    Export("png", "Picture (PNG)", ".png", "image/png", lambda runs: Still.of(runs).file("png"), kinds=_POINTS),
    Export("sheet", "Samples (PNG)", ".png", "image/png", _sheet, kinds=_IMAGES, several=False),
    Export("svg", "Picture (SVG)", ".svg", "image/svg+xml", lambda runs: Still.of(runs).file("svg"), kinds=_POINTS),
    Export("pdf", "Picture (PDF)", ".pdf", "application/pdf", lambda runs: Still.of(runs).file("pdf"), kinds=_POINTS),
    Export("figure", "Over steps (HTML)", "-figure.html", _HTML, _figure, kinds=_POINTS),
    Export("scores", "Scores (HTML)", "-scores.html", _HTML, _scores, kinds=_IMAGES, several=False),
    Export("weights", "Weights (safetensors)", ".safetensors", _NPZ, _weights, several=False),
)  # fmt: skip
