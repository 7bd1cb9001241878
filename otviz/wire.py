"""Snapshots as bytes: what the player is fed, and a recorded run in a file (`timeline.bin`).

Layout, little endian: b"OTVZ", u16 version, u16 zero, u32 length of the header, header (JSON, UTF-8), then blobs,
each on a multiple of 4 bytes. The header says of each blob where it starts in the blob area and its shape.

    positions  u16 pairs on a grid over the box and a margin around it; 65535 marks a point beyond the margin
    potential  u8, `low` + value / 255 * (`high` - `low`)
    arrows     i8 pairs, value / 127 * `scale`
    curves     u32 steps, f32 losses (nan where there is none)

A message may repeat frames: the reader merges them by run and sequence number.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otviz.runs.snapshots import Array, Curve, Scene, Snapshot

MAGIC = b"OTVZ"
VERSION = 1
STATUSES = ("ready", "queued", "running", "paused", "done", "failed", "stopped")

Box = tuple[float, float, float, float]
_PREFIX = struct.Struct("<4sHHI")
_OUTSIDE = 65535
_NO_CURVE = Curve(np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.float32))


@dataclass(frozen=True)
class PanelUpdate:
    """What one panel of the player is told about its run.

    Attributes:
        run: the run's id; a new id in the same place empties the panel.
        box: `Scene.box` of the run, needed with or without the scene.
        scene: sent while the viewer has not got it, afterwards None.
        snapshots: new ones, and some sent before in case a message was lost.
        curve: losses so far; an empty curve leaves the one on screen.
        status: one of STATUSES, the state of training, not of playback; "ready" is a run that nobody has started.
        message: what went wrong, in a sentence, or "".
        steps_per_second: speed of training now, 0 when it rests.
        verdict: a word on the run, as "collapsed: 3 of 8" (`otviz.verdicts`), or "" before there is one.
        verdict_kind: the word without numbers, one of `otviz.verdicts.Kind`, or "".
        verdict_text: the numbers and the rule behind the word, in sentences, or "".
    """

    run: str
    box: Box
    scene: Scene | None = None
    snapshots: Sequence[Snapshot] = ()
    curve: Curve = _NO_CURVE
    status: str = "running"
    message: str = ""
    steps_per_second: float = 0.0
    verdict: str = ""
    verdict_kind: str = ""
    verdict_text: str = ""


def thin(snapshots: Sequence[Snapshot], limit: int) -> list[Snapshot]:
    """At most `limit` snapshots, evenly spaced, with the first and the last."""
    if limit < 2:
        raise ValueError(f"limit must be >= 2 (the first and the last snapshot); got {limit}")
    if len(snapshots) <= limit:
        return list(snapshots)
    return [snapshots[i] for i in np.linspace(0, len(snapshots) - 1, limit).round().astype(int)]


def news(snapshots: Sequence[Snapshot], last_sent: int, overlap: int = 8) -> list[Snapshot]:
    """Snapshots after sequence number `last_sent`, and the `overlap` before them in case a message was lost."""
    first_new = next((i for i, s in enumerate(snapshots) if s.sequence > last_sent), len(snapshots))
    return list(snapshots[max(0, first_new - overlap) :])


def encode(panels: Sequence[PanelUpdate], *, margin: float = 0.25) -> bytes:
    """Bytes for the player, or for a file when every panel has its scene.

    Args:
        panels: in the order in which they are shown.
        margin: how far beyond the box positions are kept, as a share of its width and height.
    """
    blobs = _Blobs(margin)
    header = {"margin": margin, "panels": [_panel_out(panel, blobs) for panel in panels]}
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return _PREFIX.pack(MAGIC, VERSION, 0, len(text)) + text + b"".join(blobs.parts)


def decode(data: bytes) -> list[PanelUpdate]:
    """The inverse of `encode`, up to its rounding; points beyond the margin come back as nan.

    Raises:
        ValueError: not bytes of this format, cut short, damaged or of another version.
    """
    if len(data) < _PREFIX.size or data[:4] != MAGIC:
        raise ValueError("not a timeline: it does not start with OTVZ")
    _, version, _, length = _PREFIX.unpack_from(data)
    if version != VERSION:
        raise ValueError(f"timeline version must be {VERSION}; got {version}: record it again with this otviz")
    start = _PREFIX.size + length
    if start > len(data):
        raise ValueError(f"timeline is cut short: the header needs {length} bytes; got {len(data) - _PREFIX.size}")
    try:
        header = json.loads(data[_PREFIX.size : start])
        source = _Source(data[start:], float(header["margin"]))
        return [_panel_in(panel, source) for panel in header["panels"]]
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, ValueError) as error:
        raise ValueError(f"timeline is damaged: {type(error).__name__}: {error}") from error


class _Blobs:
    """Collects blobs; each `put` returns the header entry that finds it again."""

    def __init__(self, margin: float) -> None:
        self.margin = margin
        self.parts: list[bytes] = []
        self._size = 0

    def put(self, values: NDArray[Any], **more: float) -> dict[str, Any]:
        raw = values.tobytes()
        raw += b"\0" * (-len(raw) % 4)
        entry = {"at": self._size, "shape": list(values.shape), **more}
        self.parts.append(raw)
        self._size += len(raw)
        return entry

    def positions(self, points: Array | None, box: Box) -> dict[str, Any] | None:
        return None if points is None else self.put(_to_grid(points, _with_margin(box, self.margin)))

    def potential(self, values: Array | None) -> dict[str, Any] | None:
        if values is None:
            return None
        finite = values[np.isfinite(values)].astype(np.float64)
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        share = (np.nan_to_num(values.astype(np.float64), nan=low) - low) / (high - low or 1.0)
        return self.put((np.clip(share, 0, 1) * 255).round().astype("u1"), low=low, high=high)

    def arrows(self, values: Array | None) -> dict[str, Any] | None:
        if values is None:
            return None
        finite = np.where(np.isfinite(values), values, 0).astype(np.float64)
        scale = float(np.abs(finite).max(initial=0.0))
        return self.put((finite / (scale or 1.0) * 127).round().astype("i1"), scale=scale)


class _Source:
    """Reads blobs back, each within the bytes that came."""

    def __init__(self, data: bytes, margin: float) -> None:
        self.data = data
        self.margin = margin

    def take(self, entry: dict[str, Any], kind: str) -> NDArray[Any]:
        shape = tuple(int(n) for n in entry["shape"])
        at, count = int(entry["at"]), math.prod(shape)
        if at < 0 or min(shape, default=0) < 0:
            raise ValueError(f"blob at {at} of shape {shape}")
        return np.frombuffer(self.data, kind, count, at).reshape(shape) if count else np.empty(shape, kind)

    def positions(self, entry: dict[str, Any], box: Box) -> Array:
        return _from_grid(self.take(entry, "<u2"), _with_margin(box, self.margin))

    def maybe_positions(self, entry: dict[str, Any] | None, box: Box) -> Array | None:
        return None if entry is None else self.positions(entry, box)

    def potential(self, entry: dict[str, Any] | None) -> Array | None:
        if entry is None:
            return None
        low, high = float(entry["low"]), float(entry["high"])
        return (low + self.take(entry, "u1") / 255.0 * (high - low)).astype(np.float32)

    def arrows(self, entry: dict[str, Any] | None) -> Array | None:
        return None if entry is None else (self.take(entry, "i1") / 127.0 * float(entry["scale"])).astype(np.float32)


def _with_margin(box: Box, margin: float) -> Box:
    x_low, x_high, y_low, y_high = box
    across, up = margin * (x_high - x_low), margin * (y_high - y_low)
    return x_low - across, x_high + across, y_low - up, y_high + up


def _to_grid(points: Array, box: Box) -> NDArray[np.uint16]:
    low, size = np.array([box[0], box[2]]), np.array([box[1] - box[0], box[3] - box[2]])
    share = (points.astype(np.float64) - low) / size
    inside = np.all((share >= 0) & (share <= 1), axis=-1, keepdims=True)
    return np.where(inside, np.where(inside, share, 0) * (_OUTSIDE - 1), _OUTSIDE).round().astype("<u2")


def _from_grid(grid: NDArray[np.uint16], box: Box) -> Array:
    low, size = np.array([box[0], box[2]]), np.array([box[1] - box[0], box[3] - box[2]])
    return np.where(grid == _OUTSIDE, np.nan, low + grid / (_OUTSIDE - 1) * size).astype(np.float32)


def _not_visible(points: Array, box: Box) -> int:
    x, y = points[..., 0], points[..., 1]
    return int(np.size(x) - np.count_nonzero((x >= box[0]) & (x <= box[1]) & (y >= box[2]) & (y <= box[3])))


def _number(value: float | None) -> float | None:
    """Six digits are more than a screen shows; JSON has no nan."""
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def _loss(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _panel_out(panel: PanelUpdate, blobs: _Blobs) -> dict[str, Any]:
    if panel.status not in STATUSES:
        raise ValueError(f"status must be one of {', '.join(STATUSES)}; got {panel.status!r}")
    if not (panel.box[0] < panel.box[1] and panel.box[2] < panel.box[3]):
        raise ValueError(f"box must be (x_low, x_high, y_low, y_high), low < high; got {panel.box}")
    curve = panel.curve
    return {
        "run": panel.run,
        "box": [float(edge) for edge in panel.box],
        "status": panel.status,
        "message": panel.message,
        "rate": _number(panel.steps_per_second) or 0.0,
        "verdict": panel.verdict,
        "verdict_kind": panel.verdict_kind,
        "verdict_text": panel.verdict_text,
        "scene": None if panel.scene is None else _scene_out(panel.scene, blobs),
        "frames": [_frame_out(snapshot, panel.box, blobs) for snapshot in panel.snapshots],
        "curve": {
            "step": blobs.put(np.asarray(curve.step).astype("<u4")),
            "generator": blobs.put(np.asarray(curve.generator).astype("<f4")),
            "adversary": blobs.put(np.asarray(curve.adversary).astype("<f4")),
        },
    }


def _panel_in(entry: dict[str, Any], source: _Source) -> PanelUpdate:
    x_low, x_high, y_low, y_high = (float(edge) for edge in entry["box"])
    box, curve = (x_low, x_high, y_low, y_high), entry["curve"]
    if entry["status"] not in STATUSES:
        raise ValueError(f"status {entry['status']!r}")
    return PanelUpdate(
        run=str(entry["run"]),
        box=box,
        scene=None if entry["scene"] is None else _scene_in(entry["scene"], box, source),
        snapshots=[_frame_in(frame, box, source) for frame in entry["frames"]],
        curve=Curve(
            source.take(curve["step"], "<u4").astype(np.int64),
            source.take(curve["generator"], "<f4"),
            source.take(curve["adversary"], "<f4"),
        ),
        status=entry["status"],
        message=str(entry["message"]),
        steps_per_second=float(entry["rate"]),
        # Absent in timelines recorded before there were verdicts.
        verdict=str(entry.get("verdict", "")),
        verdict_kind=str(entry.get("verdict_kind", "")),
        verdict_text=str(entry.get("verdict_text", "")),
    )


def _scene_out(scene: Scene, blobs: _Blobs) -> dict[str, Any]:
    return {
        "title": scene.title,
        "adversary": scene.adversary,
        "steps": int(scene.steps),
        "loss_floor": None if scene.loss_floor is None else [_number(value) for value in scene.loss_floor],
        "target": blobs.positions(scene.target, scene.box),
        "source": blobs.positions(scene.source, scene.box),
        "centres": blobs.positions(scene.centres, scene.box),
    }


def _scene_in(entry: dict[str, Any], box: Box, source: _Source) -> Scene:
    floor = entry["loss_floor"]
    return Scene(
        title=str(entry["title"]),
        box=box,
        target=source.positions(entry["target"], box),
        source=source.positions(entry["source"], box),
        centres=source.maybe_positions(entry["centres"], box),
        adversary=str(entry["adversary"]),
        steps=int(entry["steps"]),
        loss_floor=None if floor is None else (_loss(floor[0]), _loss(floor[1])),
    )


def _frame_out(snapshot: Snapshot, box: Box, blobs: _Blobs) -> dict[str, Any]:
    return {
        "sequence": int(snapshot.sequence),
        "step": int(snapshot.step),
        "progress": _number(snapshot.progress) or 0.0,
        "seconds": _number(snapshot.seconds) or 0.0,
        "generator_loss": _number(snapshot.generator_loss),
        "adversary_loss": _number(snapshot.adversary_loss),
        "alpha": _number(snapshot.alpha),
        "meter": _meter_out(snapshot.meter),
        "outside": _not_visible(snapshot.generated, box),
        "generated": blobs.positions(snapshot.generated, box),
        "potential": blobs.potential(snapshot.potential),
        "arrows": blobs.arrows(snapshot.arrows),
        "manifold": blobs.positions(snapshot.manifold, box),
    }


def _frame_in(entry: dict[str, Any], box: Box, source: _Source) -> Snapshot:
    alpha = entry["alpha"]
    return Snapshot(
        sequence=int(entry["sequence"]),
        step=int(entry["step"]),
        progress=float(entry["progress"]),
        seconds=float(entry["seconds"]),
        generated=source.positions(entry["generated"], box),
        potential=source.potential(entry["potential"]),
        arrows=source.arrows(entry["arrows"]),
        manifold=source.maybe_positions(entry["manifold"], box),
        generator_loss=_loss(entry["generator_loss"]),
        adversary_loss=_loss(entry["adversary_loss"]),
        alpha=None if alpha is None else float(alpha),
        meter={
            str(key): [_loss(share) for share in value] if isinstance(value, list) else _loss(value)
            for key, value in entry["meter"].items()
        },
    )


def _meter_out(meter: dict[str, float | list[float]]) -> dict[str, Any]:
    """Numbers that are not finite are left out: what was not measured is not shown."""
    lists = {key: [_number(share) or 0.0 for share in value] for key, value in meter.items() if isinstance(value, list)}
    numbers = {key: _number(value) for key, value in meter.items() if not isinstance(value, list)}
    return lists | {key: value for key, value in numbers.items() if value is not None}
