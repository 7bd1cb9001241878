"""Runs as one HTML file that plays without a server and without internet access.

It contains the player of the pages (`otviz.player.browser`) and snapshots in the format of `otviz.player.wire`, as base64.
All texts are escaped, and a content security policy forbids loading and sending anything.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from otviz.core import __version__
from otviz.core.numbers import whole
from otviz.core.params import Knobs
from otviz.data.units import unit_of
from otviz.player import browser, wire
from otviz.player.wire.run_panel import POINTS, panel_of
from otviz.runs.reproduce import run_record
from otviz.runs.run_view import ENDED, RunView
from otviz.runs.snapshots import Snapshot
from otviz.viz.exports.run_tables import Runs
from otviz.viz.exports.scripts import describe_record, script

BYTES = 3_000_000
"""Limit for snapshots in a report, before base64 makes them a third larger; if necessary there are fewer per run."""
HEAD = 700  # approximate bytes of a snapshot's metadata
FEWEST = 8  # smallest number of snapshots of a run

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
_MOUNT = """{
const host = document.getElementById("player").attachShadow({ mode: "open" });
host.append(make("style", "", {}, document.getElementById("player-style").textContent));
const packed = atob(document.getElementById("snapshots").textContent.trim());
const show = (data) => mount({ data, parentElement: host, setTriggerValue: () => {} });
show(Uint8Array.from(packed, (sign) => sign.charCodeAt(0)));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(null));
}"""
_MEASURED = {
    "modes_covered": "Modes covered (each holds at least a quarter of its expected share)",
    "high_quality": "High quality (share of samples within 3 std of a mode)",
    "mode_mixture": "Mode mixture (share of samples between neighbouring modes)",
    "w2": "Wasserstein-2 distance to the target (data units)",
    "frechet": "Squared Fréchet distance of features (this project's classifier, not FID)",
    "precision": "Precision",
    "recall": "Recall",
    "classes_effective": "Effective classes",
    "diversity": "Diversity (mean variance of a coordinate; blind to lost modes)",
}
"""Labels of metrics, in the order of the table."""
_OF = {
    "modes_covered": "modes_total", "w2": "w2_floor", "frechet": "frechet_floor", "precision": "precision_floor",
    "recall": "recall_floor", "classes_effective": "classes_total", "diversity": "diversity_target",
}  # fmt: skip
"""Reference of a metric: the total, or the value of real samples."""
_SIZES = dict.fromkeys(("w2", "precision", "recall"), "w2_samples")


def report(runs: Runs) -> bytes:
    """The content of the file. Raises ValueError for runs that have not started."""
    late = [label for label, run in runs.items() if run.scene is None or not run.snapshots]
    if late:
        raise ValueError(f"{late[0]} has not begun, so there is nothing to report yet; wait for its first step")
    snapshots = {label: _thinned(run, len(runs)) for label, run in runs.items()}
    title = " · ".join(f"{label} on {run.config.target.title}" for label, run in runs.items())
    if len(runs) > 1:
        title = f"{len(runs)} runs on {' and '.join(dict.fromkeys(run.config.target.title for run in runs.values()))}"
    parts = [
        f"<h1>{escape(title)}</h1>", _settings(runs), '<div id="player"></div>', _how_to_read(runs, snapshots),
        _measurements(runs), _losses(runs), _program(runs),
    ]  # fmt: skip
    return _file(title, "\n".join(parts), _snapshots(runs, snapshots)).encode()


def _file(title: str, body: str, snapshots: bytes) -> str:
    style = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="otviz {escape(__version__)}">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
<script type="text/plain" id="player-style">
{browser.style("player")}</script>
<script type="application/octet-stream" id="snapshots">
{base64.b64encode(snapshots).decode()}
</script>
<script type="module">
{browser.module("player")}
{_MOUNT}</script>
</body>
</html>
"""


def _thinned(run: RunView, among: int) -> list[Snapshot]:
    """Snapshots of a run, evenly thinned if all of them exceed its share of the file size."""
    last = run.snapshots[-1]
    points = sum(2 * part.size for part in (last.generated, last.manifold) if part is not None)
    grids = sum(part.size for part in (last.potential, last.arrows) if part is not None)
    size = HEAD + (last.image_bytes or points + grids)
    return wire.thin(run.snapshots, max(BYTES // among // size, FEWEST))


def _snapshots(runs: Runs, snapshots: Mapping[str, Sequence[Snapshot]]) -> bytes:
    panels = []
    for label, run in runs.items():
        assert run.scene is not None
        over = run.status if run.status in ENDED else "stopped"
        one = panel_of(run, run.scene, snapshots[label], name=run.id, panels=len(runs), label=label, status=over)
        panels.append(one)
    return browser.message({"autoplay": True, "height": 740}, wire.encode(panels))


def _settings(runs: Runs) -> str:
    rows: dict[str, list[str]] = {}
    for at, run in enumerate(runs.values()):
        for name, value in _facts(run):
            rows.setdefault(name, [""] * len(runs))[at] = value
    every = _table(["", *runs] if len(runs) > 1 else [], [[name, *values] for name, values in rows.items()])
    knobs = "".join(
        f"<p><strong>{escape(label)}</strong>: {escape(_knobs(run.config.method, all_of_them=True))}</p>"
        for label, run in runs.items()
    )
    return f"{every}<details><summary>All settings of the method</summary>{knobs}</details>"


def _facts(run: RunView) -> Iterator[tuple[str, str]]:
    config, kept = run.config, run_record(run)
    yield "Method", f"{config.method.title}. {config.method.paper}"
    yield "Settings that differ from their defaults", _knobs(config.method) or "none"
    for name, side in config.sides.items():
        yield name.capitalize(), " ".join(filter(None, [f"{side.title}.", _knobs(side)]))
    if config.networks is not None:
        yield "Networks that differ from their defaults", _knobs(config.networks) or "none"
    yield "Steps", f"{whole(run.step)} of {whole(config.steps)}, {run.seconds:.0f} s of training; {run.status}"
    yield "Seed", str(config.seed)
    yield (
        "Made with",
        ", ".join([f"otviz {__version__}", *(f"{name} {value}" for name, value in run.environment.items())]),
    )
    yield "Comes from", run.origin
    yield "Note", "; ".join(filter(None, [*describe_record(kept), run.message]))


def _knobs(of: Knobs, all_of_them: bool = False) -> str:
    chosen = of.as_dict() if all_of_them else of.changed()
    return ", ".join(f"{name} {text}" for name, text in of.written(only=chosen).items())


def _how_to_read(runs: Runs, snapshots: Mapping[str, Sequence[Snapshot]]) -> str:
    fewer = [
        f"{len(snapshots[label])} of {len(run.snapshots)}"
        for label, run in runs.items()
        if len(snapshots[label]) < len(run.snapshots)
    ]
    images = any(run.config.target.kind == "images" for run in runs.values())
    parts = [
        "Space plays and pauses, arrow keys step, the slider scrubs; a click on the losses goes to a step.",
        "Each picture shows the same points of the source, carried by the generator of that step."
        if not images
        else "Each sheet shows the same x and z, through the generator of that step.",
        f"To keep this file small it holds {', '.join(fewer)} snapshots, evenly chosen." if fewer else "",
        "" if len(runs) == 1 or images else f"Of several runs, {POINTS} points each are drawn.",
    ]
    return f'<p class="small">{escape(" ".join(filter(None, parts)))}</p>'


def _measurements(runs: Runs) -> str:
    meters = [run.snapshots[-1].meter for run in runs.values()]
    units = [str(meter.get("unit", "")) for meter in meters]
    names = [name for name in _MEASURED if any(name in meter for meter in meters)]
    if not names:
        return "<h2>Measured at the end</h2><p>Nothing was measured.</p>"
    rows = [[_words(name, units), *(_measured(meter, name) for meter in meters)] for name in names]
    text = "Each with the floor or ceiling that real samples reach, where there is one, and n, the samples behind it."
    return f"<h2>Measured at the end</h2>{_table(['', *runs], rows, text, numbers=True)}"


def _words(name: str, units: Sequence[str]) -> str:
    return _MEASURED[name].replace("data units", "units of the target's file") if any(units) else _MEASURED[name]


def _measured(meter: Mapping[str, Any], name: str) -> str:
    if name not in meter:
        return "–"
    unit = f" {of}" if (of := unit_of(name, meter.get("unit", ""))) else ""
    beside, text = _OF.get(name, ""), _number(meter[name]) + unit
    if beside in meter:
        text += f" ({'real' if beside.endswith(('floor', 'target')) else 'of'} {_number(meter[beside])}{unit})"
    size = meter.get(_SIZES.get(name, "samples"), meter.get("samples"))
    at = meter.get("measured_at")
    parts = [
        text,
        f"n = {whole(size)}" if size else "",
        f"at step {whole(at)}" if name in _SIZES and at is not None else "",
    ]
    return ", ".join(filter(None, parts))


def _losses(runs: Runs) -> str:
    rows = []
    for label, run in runs.items():
        quarter = run.losses()[-max(1, len(run.losses()) // 4) :]
        floor = "–"
        if run.scene is not None and run.scene.loss_floor is not None:
            floor = f"{run.scene.loss_floor[0]:.4g} ± {run.scene.loss_floor[1]:.2g}"
        rows.append([label, *(_spread(quarter[:, side]) for side in (0, 1)), floor])
    text = "Mean and standard deviation over the last quarter of the steps; the floor is the loss of real against real samples."
    head = ["", "generator", "adversary", "noise floor"]
    return f"<h2>Losses</h2>{_table(head, rows, text, numbers=True)}"


def _spread(values: np.ndarray[Any, np.dtype[np.float32]]) -> str:
    there = values[np.isfinite(values)]
    return f"{there.mean():.4g} ± {there.std():.2g}" if len(there) else "–"


def _program(runs: Runs) -> str:
    return (
        "<h2>Repeat it</h2><p>This Python script repeats the training with every change made during it, and reports "
        f"whether the numbers agree.</p><pre><code>{escape(script(runs).decode())}</code></pre>"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", numbers: bool = False) -> str:
    """A table with row names in the first column; empty rows are left out, and equal cells of a row are merged."""
    kind = ' class="number"' if numbers else ""
    first = "".join(f"<th{kind if at else ''}>{escape(text)}</th>" for at, text in enumerate(head))
    lines = "".join(
        f"<tr><th>{escape(name)}</th>{''.join(f'<td{kind}>{escape(text)}</td>' for text in texts)}</tr>"
        if numbers or len(set(texts)) > 1
        else f'<tr><th>{escape(name)}</th><td colspan="{len(texts)}">{escape(texts[0])}</td></tr>'
        for name, *texts in rows
        if any(texts)
    )
    words = f"<caption>{escape(caption)}</caption>" if caption else ""
    top = f"<thead><tr>{first}</tr></thead>" if head else ""
    return f'<div class="wide"><table>{words}{top}<tbody>{lines}</tbody></table></div>'


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else "–"
    return f"{whole(value)}" if isinstance(value, int) else str(value)
