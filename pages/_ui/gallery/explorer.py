"""Models to click into: a sheet of each, the map of its samples among real images, and what is known of the images picked."""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from otviz.core.numbers import whole
from otviz.data.datasets.rows import in_turn
from pages._ui.diagnose.picture import labels, packed
from pages._ui.gallery.gallery_settings import SampleSettings, sampled
from pages._ui.shell import channel
from pages._ui.shell.component import mount
from pages._ui.shell.links import Link

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from otviz.checkpoints.models import PublishedModel

STOPS = 12
"""Images on a path between two."""

PICKED = "picked"
"""Key in the link of the images that are picked."""


def show(link: Link, models: Sequence[PublishedModel], settings: SampleSettings, key: str) -> str:
    """Draw the models side by side; returns the name of one to open after a click on its title.

    Args:
        link: of the page; it keeps the picked images.
        models: whose images are drawn from the same latents.
        settings: of the images.
        key: of the component.
    """
    body = bytearray()
    drawn = []
    for model in models:
        sheet = _picture(sampled(model, settings), model, settings.columns(model))
        drawn.append(_head(model, settings, [len(body), len(sheet)]))
        body.extend(sheet)
    picked = _picked(link.text(PICKED), min(model["count"] for model in drawn))
    options = {
        "channel": channel.opened(key, functools.partial(_answer, models, settings)), "models": drawn, "picked": picked,
        "serial": json.dumps([[model.card.name, str(model.card.record["sha256"])[:12]] for model in models] + [settings.as_dict()]),
    }  # fmt: skip
    sent = str(mount("explorer", key=key, options=options, body=bytes(body), trigger="sent") or "")
    kind, _, value = sent.partition(":")
    if kind == "picked":
        picked = _picked(value, min(model["count"] for model in drawn))
    link.put(PICKED, ",".join(map(str, picked)))
    return value if kind == "open" else ""


def _picked(text: str, count: int) -> list[int]:
    """The picked images, at most two; those that there are not are left out."""
    if not re.fullmatch(r"\d{1,3}(,\d{1,3})?", text):
        return []
    return [at for at in map(int, text.split(",")) if at < count]


def _head(model: PublishedModel, settings: SampleSettings, place: list[int]) -> dict[str, Any]:
    columns = settings.columns(model)
    count = settings.count(model)
    return {
        "name": model.card.name, "title": model.card.title, "picture": place, "columns": columns, "count": count,
        "heads": list(model.images.class_names) if model.classes and settings.asked is None else [],
        "sides": list(model.card.shape[1:]), "sees_source": model.sees_source,
    }  # fmt: skip


def _picture(rows: Any, model: PublishedModel, columns: int) -> bytes:
    from otviz.checkpoints.image_sheets import preview
    from otviz.data.datasets.rows import to_pixels

    return preview(to_pixels(rows, model.card.shape), columns, exact=True)


def _address(pixels: NDArray[np.uint8], columns: int) -> str:
    from otviz.checkpoints.image_sheets import preview

    return "data:image/webp;base64," + base64.b64encode(preview(pixels, columns, exact=True)).decode()


def _answer(models: Sequence[PublishedModel], settings: SampleSettings, question: bytes) -> channel.Reply:
    """What the browser asks for. Raises ValueError for an invalid question."""
    try:
        asked = json.loads(question)
        model, what = models[int(asked["model"])], asked["ask"]
        count = settings.count(model)
        places = [int(at) for at in asked.get("at", [])]
        if len(places) != _ANSWERS[what][0] or not all(0 <= at < count for at in places):
            raise IndexError(what)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise ValueError('the page asks for {"model": place, "ask": what, "at": [images]}') from error
    return _ANSWERS[what][1](model, settings, asked, places)


def _map(model: PublishedModel, settings: SampleSettings, _asked: dict[str, Any], _places: list[int]) -> channel.Reply:
    """The map of a model, and where the images of its sheet lie; or why there is none."""
    from otviz.checkpoints.sample_map import real_plane, sample_map
    from otviz.data.datasets.rows import to_pixels

    try:
        plane, pair = real_plane(model.images), sample_map(model)
    except ValueError as error:
        return channel.Reply(options={"trouble": f"There is no map: {error}."})
    (real, generated), clusters = pair.sides(), pair.clusters()
    lost = [cluster.name for cluster in clusters if cluster.lost]
    holes = float(pair.holes.mean())
    n, m = pair.sizes
    options = {
        "counts": [n, m], "axes": list(plane.reference.plane.axes), "equal": False, "labels": labels(real, clusters),
        "places": plane.place(to_pixels(sampled(model, settings), model.card.shape)).round(4).tolist(),
        "holes": f"{holes:.1%}" if holes else "none", "note": f"The plane: {plane.title}. {plane.samples.name}, {m} generated.",
        "words": f"{int(pair.holes.sum())} of {n} real images have nothing generated near"
        + (f"; hardly any image is a {', '.join(lost[:6])}" if lost else "") + ".",
        "shares": [[cluster.name, cluster.real, cluster.generated] for cluster in clusters],
    }  # fmt: skip
    return channel.Reply(packed(real, generated), options)


def _point(
    model: PublishedModel, _settings: SampleSettings, asked: dict[str, Any], _places: list[int]
) -> channel.Reply:
    """One point of the map: its image and what it is."""
    from otviz.checkpoints.sample_map import real_plane, sample_map, samples_of_map

    try:
        pair, side, at = sample_map(model), int(asked["side"]), int(asked["place"])
        found = pair.sides()[side]
        if not 0 <= at < len(found.index):
            raise IndexError(at)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise ValueError("the page asks for a point that is not on the map") from error
    samples = samples_of_map(model) if side else real_plane(model.images).samples
    clusters = pair.clusters()
    what = f"{'Generated' if side else 'Real'}, nearest to {clusters[int(found.cluster[at])].name}"
    alone = "" if not found.alone[at] else "nothing real is near" if side else "nothing generated is near"
    image = _address(samples.values[found.index[at]][None], 1)
    return channel.Reply(options={"image": image, "title": what, "what": alone, "near": []})


def _image(model: PublishedModel, settings: SampleSettings, _asked: dict[str, Any], places: list[int]) -> channel.Reply:
    """One image of the sheet: its class, and the nearest real images."""
    from otviz.checkpoints.sample_map import near_real, seen_classes
    from otviz.data.datasets.rows import to_pixels

    (at,) = places
    pixels = to_pixels(sampled(model, settings)[at : at + 1], model.card.shape)
    names, seen = model.images.class_names, seen_classes(model.images, pixels)
    options: dict[str, Any] = {"image": _address(pixels, 1), "seen": "", "near": "", "words": ""}
    if seen is not None:
        best = seen[0].argsort()[::-1][:2]
        options["seen"] = f"{names[best[0]]} ({seen[0][best[0]]:.0%})"
        options["next"] = f"{names[best[1]]} ({seen[0][best[1]]:.0%})" if seen[0][best[0]] < 0.9 else ""
    if model.classes:
        options["asked"] = names[_labels(model, settings)[at]]
    try:
        near = near_real(model.images, pixels[0])
    except ValueError as error:
        return channel.Reply(options={**options, "words": f"{str(error)[:1].upper()}{str(error)[1:]}."})
    known = [names[label] if label >= 0 and names else "" for label in near.labels.tolist()]
    options["near"] = [
        {"image": _address(pixels[None], 1), "title": f"{distance:.1f}", "class": name}
        for pixels, distance, name in zip(near.pixels, near.distances.tolist(), known, strict=True)
    ]
    options["words"] = _near_words(model, near.among, near.training)
    return channel.Reply(options=options)


def _near_words(model: PublishedModel, among: int, training: bool) -> str:
    whose = "training images" if training else "shipped real images (the training images are not on this machine)"
    usual = model.card.metrics.get("nearest_real")
    beside = f"; a test image has its nearest training image at {usual:.1f} (median)" if usual and training else ""
    return f"Nearest of {whole(among)} {whose}, with distances of pixels{beside}."


def _path(model: PublishedModel, settings: SampleSettings, _asked: dict[str, Any], places: list[int]) -> channel.Reply:
    """Images between two: x and z move, x alone, z alone; and their places on the map."""
    from otviz.checkpoints.latents import path
    from otviz.checkpoints.sample_map import real_plane
    from otviz.data.datasets.rows import to_pixels

    first, second = places
    latents = model.latents(settings.count(model), settings.seed, settings.truncation)
    arc = path(latents, first, second, STOPS)
    asked = np.full(STOPS, _labels(model, settings)[first]) if model.classes else None  # all of the first image's class
    stay = [np.repeat(side[:1], STOPS, axis=0) for side in arc]
    ways = {"x and z move": arc, "x alone": (arc.x, stay[1]), "z alone": (stay[0], arc.z)}
    if not model.sees_source:
        ways = {"z moves": arc}
    pixels = {name: to_pixels(model.generate(x, z, asked), model.card.shape) for name, (x, z) in ways.items()}
    rows = [{"name": name, "image": _address(images, STOPS)} for name, images in pixels.items()]
    try:
        places_of = real_plane(model.images).place(next(iter(pixels.values()))).round(4).tolist()
    except ValueError:
        places_of = []
    return channel.Reply(options={"rows": rows, "stops": STOPS, "places": places_of})


def _labels(model: PublishedModel, settings: SampleSettings) -> NDArray[np.int64]:
    """The class that each image of a sheet was asked for."""
    count = settings.count(model)
    found = settings.labels(model, count)
    return in_turn(count, model.classes) if found is None else np.asarray(found)


_ANSWERS = {"map": (0, _map), "point": (0, _point), "image": (1, _image), "path": (2, _path)}
"""To what the page asks: the number of images that it asks about, and the function."""
