"""The picture of a diagnosis: what the browser draws, and what it asks for when the pointer rests on a sample."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from otviz.checkpoints.diagnoses import Found
from otviz.evaluation.diagnosis import Cluster, Diagnosis, Samples, Side
from otviz.viz import diagnosis as drawn
from otviz.viz.diagnosis import pictures
from pages._ui.shell import channel
from pages._ui.shell.component import mount

SIDES = ("real", "generated")


def show(found: Found, at: int, serial: str) -> None:
    """Draw one of the diagnoses.

    Args:
        found: all of them, and both sides.
        at: place of the one to draw.
        serial: identifies the two sides, so that a point stays chosen when a first look is refined.
    """
    diagnosis = found.timeline.diagnoses[at]
    answers = channel.opened("diagnosis", functools.partial(_answer, found, at))
    options = {
        "channel": answers, "serial": f"{serial}:{at}:{diagnosis.stage}", "sides": f"{serial}:{at}", "style": drawn.style(),
        "counts": [len(_side(diagnosis, which).index) for which in SIDES], "equal": diagnosis.plane.startswith("columns"),
        "axes": list(diagnosis.axes), "labels": labels(diagnosis.real, diagnosis.clusters), "note": f"The plane: {diagnosis.plane}.", "words": _words(diagnosis),
        "clusters": drawn.clusters(
            diagnosis, pictures.examples(diagnosis, found.real), pictures.places(diagnosis, found.real)
        ),
    }  # fmt: skip
    body = packed(diagnosis.real, diagnosis.generated)
    mount("diagnosis", key="diagnosis", options=options, body=body, trigger="outdated")


def _side(diagnosis: Diagnosis, which: str) -> Side:
    return diagnosis.real if which == "real" else diagnosis.generated


def _arrays(side: Side) -> tuple[np.ndarray[Any, Any], ...]:
    loud = np.round(255 * pictures.loudness(side.alone, side.left)).astype(np.uint8)
    return side.plane.astype("<f4"), loud, np.minimum(side.cluster, 255).astype(np.uint8), side.copies.astype(np.uint8)


def _padded(array: np.ndarray[Any, Any]) -> bytes:
    data = array.tobytes()
    return data + bytes(-len(data) % 4)


def packed(real: Side, generated: Side) -> bytes:
    """Both sides as bytes, which `readSides` in plane.js reads."""
    return b"".join(_padded(part) for side in (real, generated) for part in _arrays(side))


def labels(real: Side, clusters: Sequence[Cluster]) -> list[dict[str, Any]]:
    """Names of clusters and where to write them, the lost ones first.

    Args:
        real: the real samples.
        clusters: of them.
    """
    places = pictures.label_places(real, clusters)
    return [
        {"at": at, "name": clusters[at].name, "lost": clusters[at].lost, "place": places[at]}
        for at in drawn.order(clusters) if at in places
    ]  # fmt: skip


def _words(diagnosis: Diagnosis) -> str:
    """The picture for those who do not see it."""
    holes, strays = int(diagnosis.real.alone.sum()), int(diagnosis.generated.alone.sum())
    return (
        f"{len(diagnosis.real.index):,} real and {len(diagnosis.generated.index):,} generated samples. {holes:,} real ones have nothing "
        f"generated near, {strays:,} generated ones nothing real."
    )


def _answer(found: Found, at: int, question: bytes) -> channel.Reply:
    """What one sample is, and its nearest ones on the other side. Raises ValueError for an invalid question."""
    try:
        asked = json.loads(question)
        which, place = SIDES[int(asked["side"])], int(asked["at"])
        diagnosis = found.timeline.diagnoses[at]
        side = _side(diagnosis, which)
        if not 0 <= place < len(side.index):
            raise IndexError(place)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise ValueError('the picture asks for {"side": 0 or 1, "at": place}') from error
    return channel.Reply(options=card(found, at, which, place))


def card(found: Found, at: int, which: str, place: int) -> dict[str, Any]:
    """One sample in words and pictures.

    Args:
        found: of the page.
        at: place of the diagnosis.
        which: "real" or "generated".
        place: among the samples that were used.
    """
    diagnosis = found.timeline.diagnoses[at]
    samples = {"real": found.real, "generated": found.generated[at]}
    side, other = _side(diagnosis, which), SIDES[1 - SIDES.index(which)]
    beside = _side(diagnosis, other).index
    near = [
        {
            "at": int(np.searchsorted(beside, index)),
            "title": f"{_title(samples[other], index)}, {f'{distance:.3g} away' if distance > 1e-6 else 'the same'}",
            **_image(samples[other], index),
        }
        for index, distance in zip(side.nearest[place].tolist(), side.distances[place].tolist(), strict=True)
    ]
    index = int(side.index[place])
    title = _title(samples[which], index)
    return {
        "side": which, "other": other, "title": f"{which.capitalize()}: {title} of {samples[which].name}",
        "rows": _rows(samples[which], index), "what": _what(diagnosis, side, which, place), "near": near,
        **_image(samples[which], index),
    }  # fmt: skip


def _title(samples: Samples, index: int) -> str:
    return f"{'image' if samples.are_images else 'row'} {samples.row(index) + 1:,}"


def _image(samples: Samples, index: int) -> dict[str, str]:
    return {"image": pictures.strip(samples, [index])} if samples.are_images else {}


def _rows(samples: Samples, index: int) -> list[tuple[str, str]]:
    known = samples.labels is not None and bool(samples.classes)
    label = [("class", samples.classes[int(samples.labels[index])])] if known and samples.labels is not None else []
    if samples.are_images:
        return label
    values = np.asarray(samples.values[index], float).tolist()
    names = samples.columns or [f"column {at + 1}" for at in range(len(values))]
    return [*label, *((name, f"{value:.4g}".replace("-", "−")) for name, value in zip(names, values, strict=True))]


def _what(diagnosis: Diagnosis, side: Side, which: str, place: int) -> str:
    parts = [f"In {diagnosis.clusters[int(side.cluster[place])].name}."] if diagnosis.clusters else []
    if side.alone[place]:
        parts.append("Nothing generated is near it." if which == "real" else "Nothing real is near it.")
    if side.copies[place]:
        parts.append("It copies a real one.")
    if (left := float(side.left[place])) >= 0.005:
        what = "is missing on the other side" if which == "real" else "is too much"
        parts.append(f"{left:.0%} of its mass {what}.")
    return " ".join(parts)
