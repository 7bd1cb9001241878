"""Converts panels, scenes and snapshots to entries of the header, and back."""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict
from typing import Any

import numpy as np

from otviz.evaluation.verdicts import Judgement, Kind
from otviz.player.wire.blobs import Blobs, Source, not_visible
from otviz.player.wire.stages import ROLES, Stage
from otviz.player.wire.updates import STATUSES, Box, PanelUpdate, RealPoints
from otviz.runs.snapshots import Curve, Samples, Scene, Snapshot


def _number(value: float | None) -> float | None:
    """Round to six digits, more than a screen shows; None for NaN, which JSON lacks."""
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def _loss(value: float | None) -> float:
    return math.nan if value is None else float(value)


def panel_out(panel: PanelUpdate, blobs: Blobs) -> dict[str, Any]:
    """The header entry of a panel, whose arrays are added to `blobs`. Raises ValueError for an unknown status or empty box."""
    if panel.status not in STATUSES:
        raise ValueError(f"status must be one of {', '.join(STATUSES)}; got {panel.status!r}")
    if not (panel.box[0] < panel.box[1] and panel.box[2] < panel.box[3]):
        raise ValueError(f"box must be (x_low, x_high, y_low, y_high), low < high; got {panel.box}")
    curve, rules = panel.curve, list(dict.fromkeys(word.rule for word in panel.words))
    shape = {"shape": [int(n) for n in panel.shape]} if len(panel.shape) > 1 else {}
    plane = {} if panel.plane is None else {"plane": asdict(panel.plane)}
    return (
        shape
        | plane
        | {
            "run": panel.run,
            "box": [float(edge) for edge in panel.box],
            "status": panel.status,
            "message": panel.message,
            "rate": _number(panel.steps_per_second) or 0.0,
            "verdict": panel.verdict,
            "verdict_kind": panel.verdict_kind,
            "verdict_text": panel.verdict_text,
            "verdict_step": int(panel.verdict_step),
            "unstable": panel.unstable,
            "left": panel.left,
            "marks": [[int(step), words] for step, words in panel.marks],
            "stages": [asdict(stage) for stage in panel.stages],
            "rules": rules,
            "scene": None if panel.scene is None else _scene_out(panel.scene, blobs),
            "frames": [
                _frame_out(snapshot, panel, blobs) | ({} if word is None else _word_out(word, rules))
                for snapshot, word in itertools.zip_longest(panel.snapshots, panel.words)
            ],
            "curve": {
                "step": blobs.put(np.asarray(curve.step).astype("<u4")),
                "generator": blobs.put(np.asarray(curve.generator).astype("<f4")),
                "adversary": blobs.put(np.asarray(curve.adversary).astype("<f4")),
            },
        }
    )


def panel_in(entry: dict[str, Any], source: Source) -> PanelUpdate:
    """The inverse of `panel_out`. Raises ValueError for an unknown status or role."""
    x_low, x_high, y_low, y_high = (float(edge) for edge in entry["box"])
    box, curve = (x_low, x_high, y_low, y_high), entry["curve"]
    shape = tuple(int(n) for n in entry.get("shape", (2,)))
    if entry["status"] not in STATUSES:
        raise ValueError(f"status {entry['status']!r}")
    return PanelUpdate(
        run=str(entry["run"]),
        box=box,
        scene=None if entry["scene"] is None else _scene_in(entry["scene"], box, shape, source),
        snapshots=[_frame_in(frame, box, shape, source) for frame in entry["frames"]],
        words=[_word_in(frame, entry["rules"]) for frame in entry["frames"] if "word" in frame],
        curve=Curve(
            source.take(curve["step"], "u4").astype(np.int64),
            source.take(curve["generator"], "f4"),
            source.take(curve["adversary"], "f4"),
        ),
        status=entry["status"],
        message=str(entry["message"]),
        steps_per_second=float(entry["rate"]),
        # Absent in timelines recorded before there were verdicts.
        verdict=str(entry.get("verdict", "")),
        verdict_kind=str(entry.get("verdict_kind", "")),
        verdict_text=str(entry.get("verdict_text", "")),
        verdict_step=int(entry.get("verdict_step", 0)),
        unstable=str(entry.get("unstable", "")),
        left=str(entry.get("left", "")),
        marks=[(int(step), str(words)) for step, words in entry.get("marks", ())],
        stages=[_stage_in(stage) for stage in entry.get("stages", ())],
        shape=shape,
        plane=_plane_in(entry.get("plane")),
    )


def _plane_in(entry: dict[str, Any] | None) -> RealPoints | None:
    if entry is None:
        return None
    names = [(str(name), float(x), float(y)) for name, x, y in entry["names"]]
    return RealPoints([float(value) for value in entry["places"]], names, str(entry["title"]))


def _stage_in(entry: dict[str, Any]) -> Stage:
    if entry["role"] not in ROLES:
        raise ValueError(f"role {entry['role']!r}")
    return Stage(entry["role"], str(entry["words"]), str(entry["text"]))


def _word_out(word: Judgement, rules: list[str]) -> dict[str, Any]:
    """The judgement of a frame. Its rule is an index, as frames share rules."""
    return {"word": word.word, "kind": word.kind, "sentence": word.sentence, "rule": rules.index(word.rule)}


def _word_in(frame: dict[str, Any], rules: list[str]) -> Judgement:
    kind: Kind = frame["kind"]
    return Judgement(kind, str(frame["word"]), str(frame["sentence"]), str(rules[frame["rule"]]))


def _scene_out(scene: Scene, blobs: Blobs) -> dict[str, Any]:
    if len(scene.shape) > 1:
        samples = {name: blobs.images(getattr(scene, name), scene.shape) for name in ("target", "source")}
        more: dict[str, Any] = {**samples, "classes": list(scene.classes), "judge": scene.judge, "centres": None}
    else:
        more = {name: blobs.positions(getattr(scene, name), scene.box) for name in ("target", "source", "centres")}
    if scene.unit:
        more["unit"] = scene.unit
    return more | {
        "title": scene.title,
        "adversary": scene.adversary,
        "steps": int(scene.steps),
        "loss_floor": None if scene.loss_floor is None else [_number(value) for value in scene.loss_floor],
    }


def _scene_in(entry: dict[str, Any], box: Box, shape: tuple[int, ...], source: Source) -> Scene:
    floor = entry["loss_floor"]
    target, start = (_samples_in(entry[name], box, shape, source) for name in ("target", "source"))
    return Scene(
        title=str(entry["title"]),
        box=box,
        target=target,
        source=start,
        centres=source.maybe_positions(entry["centres"], box),
        adversary=str(entry["adversary"]),
        steps=int(entry["steps"]),
        loss_floor=None if floor is None else (_loss(floor[0]), _loss(floor[1])),
        shape=shape,
        classes=tuple(str(name) for name in entry.get("classes", ())),
        judge=str(entry.get("judge", "")),
        unit=str(entry.get("unit", "")),
    )


def _samples_in(entry: dict[str, Any], box: Box, shape: tuple[int, ...], source: Source) -> Samples:
    return source.positions(entry, box) if len(shape) == 1 else source.images(entry)


def _frame_out(snapshot: Snapshot, panel: PanelUpdate, blobs: Blobs) -> dict[str, Any]:
    return (_images_out if len(panel.shape) > 1 else _points_out)(snapshot, panel, blobs) | {
        "sequence": int(snapshot.sequence),
        "step": int(snapshot.step),
        "progress": _number(snapshot.progress) or 0.0,
        "seconds": _number(snapshot.seconds) or 0.0,
        "generator_loss": _number(snapshot.generator_loss),
        "adversary_loss": _number(snapshot.adversary_loss),
        "alpha": _number(snapshot.alpha),
        "meter": _meter_out(snapshot.meter),
    }


def _points_out(snapshot: Snapshot, panel: PanelUpdate, blobs: Blobs) -> dict[str, Any]:
    return {
        "outside": not_visible(snapshot.generated, panel.box),
        "generated": blobs.positions(snapshot.generated, panel.box),
        "potential": blobs.potential(snapshot.potential),
        "arrows": blobs.arrows(snapshot.arrows),
        "manifold": blobs.positions(snapshot.manifold, panel.box),
    }


def _images_out(snapshot: Snapshot, panel: PanelUpdate, blobs: Blobs) -> dict[str, Any]:
    raw = blobs.images(snapshot.raw, panel.shape)
    return {"generated": blobs.images(snapshot.generated, panel.shape), "raw": raw}


def _frame_in(entry: dict[str, Any], box: Box, shape: tuple[int, ...], source: Source) -> Snapshot:
    alpha, raw = entry["alpha"], entry.get("raw")
    return Snapshot(
        sequence=int(entry["sequence"]),
        step=int(entry["step"]),
        progress=float(entry["progress"]),
        seconds=float(entry["seconds"]),
        generated=_samples_in(entry["generated"], box, shape, source),
        potential=source.potential(entry.get("potential")),
        arrows=source.arrows(entry.get("arrows")),
        manifold=source.maybe_positions(entry.get("manifold"), box),
        generator_loss=_loss(entry["generator_loss"]),
        adversary_loss=_loss(entry["adversary_loss"]),
        alpha=None if alpha is None else float(alpha),
        meter={
            str(key): [_loss(share) for share in value] if isinstance(value, list) else _loss(value)
            for key, value in entry["meter"].items()
        },
        raw=None if raw is None else source.images(raw),
    )


def _meter_out(meter: dict[str, Any]) -> dict[str, Any]:
    """Finite metrics, rounded. The unit is left out, as the scene has it."""
    lists = {key: [_number(share) or 0.0 for share in value] for key, value in meter.items() if isinstance(value, list)}
    numbers = {key: _number(value) for key, value in meter.items() if not isinstance(value, list | str)}
    return lists | {key: value for key, value in numbers.items() if value is not None}
