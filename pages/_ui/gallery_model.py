"""One model of the gallery, opened: its images by seed, what x and z do, walks, neighbours, classes, its training."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz.checkpoints import Card
from otviz.datasets.rows import in_turn
from otviz.params import Knobs, param
from pages._ui import continuing, controls, gallery, gallery_words, reading
from pages._ui.downloads import download
from pages._ui.links import Link, plain
from pages._ui.player import player

if TYPE_CHECKING:
    from otviz.checkpoints.models import Model

VIEWS = {
    "samples": "Samples",
    "latent": "x and z",
    "walk": "Walk",
    "between": "Between two",
    "nearest": "Nearest real",
    "classes": "By class",
    "training": "Training",
}
GRID = 8  # x and z that are crossed
WALKERS, STOPS, PART = 16, 6, 12
BETWEEN = 12
NEIGHBOURS = 10
WIDE = 680  # pixels of a square sheet on the page


@dataclass(frozen=True)
class Look(Knobs):
    """Which images are looked at."""

    name: ClassVar[str] = "look"

    seed: int = param(0, 0, 1_000_000, doc="Draws x and z")
    images: int = param(64, 1, 400, doc="How many are shown", unit="images")
    truncation: float | None = param(
        None,
        0.1,
        3.0,
        doc="Cuts the noise off at so many standard deviations: plainer images, less variety",
        unit="std",
    )
    first: int = param(0, 0, 399, doc="The picked sample where it begins")
    second: int = param(1, 0, 399, doc="The picked sample where it ends")
    asked: int | None = param(None, 0, 999, doc="The class that is asked for; none: one after the other")

    def labels(self, model: Model, n: int) -> Any:
        """Classes to ask for in n images, or None where it is not chosen or the model is not told any."""
        return None if self.asked is None or not model.classes else np.full(n, self.asked)

    def columns(self, model: Model) -> int:
        """Images beside each other: a column for each class, where all are shown."""
        from otviz.checkpoints.pictures import columns_for

        return model.classes if model.classes and self.asked is None else columns_for(self.images)


NEEDED = {"between": ("seed", "truncation", "first", "second"), "samples": ("seed", "images", "truncation"),
          "classes": ("seed", "images", "truncation")}  # fmt: skip


def show(link: Link, card: Card) -> None:
    """Draw the model: its pictures at the right, what is known of it at the left."""
    facts, pictures = st.columns([4, 9], gap="medium")
    with pictures:
        view = reading.choose_view(link, "gallery", VIEWS, default="samples", label="What to look at")
        knobs, canvas = st.container(), st.container(key="sheets", gap="small")
    with facts:
        if st.button("All models", icon=":material/arrow_back:", type="tertiary"):
            link.go({})
        gallery_words.show_title(card)
        gallery_words.show_scores([card])
        gallery_words.show_reported([card])
        gallery_words.show_card(card)
    with knobs:
        look = _look(link, card, view)
    if look is None:
        return
    with canvas:
        if view == "training":
            _training(card)
            return
        try:
            model = gallery.model(card)
        except ValueError as error:
            st.error(plain(f"{error}."))
            return
        DRAWN[view](model, look)
    with facts:
        continuing.way_to(model)
        _downloads(model, look)


def _look(link: Link, card: Card, view: str) -> Look | None:
    if view == "training":
        for name in Look().as_dict():
            link.take(name)  # they may stand in the link, but choose nothing here
        return Look()
    needed = NEEDED.get(view, ("seed", "truncation"))
    asks = card.by_class and view != "latent"
    columns = st.columns([3] * (1 + len(needed) + asks), vertical_alignment="bottom", gap="small")
    again = columns[0].button("Resample", shortcut="N", help="The next seed (N)", width="stretch")
    if asks:
        with columns.pop():
            asked = _class(link, card)
    look = chosen(link, needed, columns[1:])
    if asks and look is not None:
        look = replace(look, asked=asked)
    if again and look is not None:
        changed = {knob: str(value) for knob, value in look.as_dict().items() if value != getattr(Look(), knob)}
        link.go({**changed, "seed": str(look.seed + 1), "model": link.text("model")})
    return look


def _class(link: Link, card: Card) -> int | None:
    """Draw the choice of the class to ask for; None for all of them."""
    from otviz.datasets import named

    names = {str(at): name for at, name in enumerate(named(card.target).class_names)}
    chosen = controls.choice(link, "asked", {"": "All in turn", **names}, default="", label="Class")
    return int(chosen) if chosen else None


def chosen(link: Link, needed: Sequence[str], columns: Sequence[DeltaGenerator]) -> Look | None:
    """These knobs side by side; None while one of them is bad."""
    values: dict[str, Any] = {}
    for name, column in zip(needed, columns, strict=True):
        with column:
            found = controls.knobs(link, Look, only=(name,))
        if found is None:
            return None
        values[name] = getattr(found, name)
    return Look(**values)


def png_of(rows: Any, model: Model, columns: int, wide: int = WIDE) -> bytes:
    """A sheet of images about `wide` pixels across."""
    from otviz.checkpoints.pictures import picture

    return picture(rows, model.card.shape, columns, wide)


def _image(rows: Any, model: Model, columns: int, caption: str, wide: int = WIDE) -> None:
    st.image(png_of(rows, model, columns, wide), alt=f"{len(rows)} images made by {model.card.title}")
    st.caption(caption)


def _samples(model: Model, look: Look) -> None:
    rows = sampled(model, look)
    of = " Each column is a class that was asked for." if model.classes and look.asked is None else ""
    _image(rows, model, look.columns(model), f"{len(rows)} images of x and z drawn with seed {look.seed}.{of}")


def sampled(model: Model, look: Look) -> Any:
    """The images of a look as rows; where classes stand in columns, all rows of the sheet are full."""
    columns = look.columns(model)
    n = -(-look.images // columns) * columns if model.classes and look.asked is None else look.images
    return model.sample(n, look.seed, look.truncation, look.labels(model, n))


def _latent(model: Model, look: Look) -> None:
    from otviz.checkpoints.latents import crossed, explained

    if model.classes:
        _classes_crossed(model, look)
        return
    rows = model.generate(*crossed(model.latents(GRID, look.seed, look.truncation)))
    _image(rows, model, GRID, f"{GRID} x {GRID} images: each row has one x, each column one z.")
    shares = explained(rows, GRID)
    if not model.sees_source:
        st.markdown("This generator does not see x: it makes its images of z alone, so that all rows are equal.")
    elif shares is not None:
        st.markdown(
            f"Of the variance of the pixels, **x** explains {shares.x:.1%}, **z** {shares.z:.1%}, and only both together "
            f"{shares.both:.1%}. x is the source of the transport map, z the noise beside it that lets one x become "
            "several images."
        )


def _classes_crossed(model: Model, look: Look) -> None:
    """What the class does beside x and z: rows ask for one, columns have the same noise."""
    x, z = model.latents(GRID, look.seed, look.truncation)
    asked = np.repeat(np.arange(model.classes), GRID)
    rows = model.generate(np.tile(x, (model.classes, 1)), np.tile(z, (model.classes, 1)), asked)
    _image(rows, model, GRID, f"{model.classes} x {GRID} images: each row is a class that was asked for, each column has "
           "one x and z. What stays along a column is style: slant, width of the stroke.", 560)  # fmt: skip


def _walk(model: Model, look: Look) -> None:
    from otviz.checkpoints.latents import Latents, walk
    from otviz.checkpoints.pictures import moving

    walks = [walk(model.latents(STOPS, look.seed * WALKERS + at, look.truncation), PART) for at in range(WALKERS)]
    both = Latents(*(np.concatenate([part[side] for part in walks]) for side in (0, 1)))
    labels = np.repeat(
        in_turn(WALKERS, model.classes or 1) if look.asked is None else np.full(WALKERS, look.asked), STOPS * PART
    )
    rows = model.generate(*both, labels if model.classes else None).reshape(WALKERS, STOPS * PART, -1)
    frames = [rows[:, at] for at in range(STOPS * PART)]
    playing = st.toggle("Play", value=True, key="gallery:play", help="Off: go through it by hand")
    if playing:
        st.image(moving(frames, model.card.shape, 4, 560), alt="Sixteen images that change into others")
    else:
        at = st.slider("Place on the walk", 0, len(frames) - 1, 0, key="gallery:place")
        st.image(png_of(frames[at], model, 4, 560), alt="Sixteen images on their way")
    st.caption(
        f"{WALKERS} walks, each on arcs through {STOPS} draws of x and z and back: what changes slowly in between shows how "
        "the generator joins one kind of image to another."
    )


def _between(model: Model, look: Look) -> None:
    from otviz.checkpoints.latents import path

    most = max(look.first, look.second) + 1
    found = model.latents(most, look.seed, look.truncation)
    arc = path(found, look.first, look.second, BETWEEN)
    kind = look.first % (model.classes or 1) if look.asked is None else look.asked
    labels = np.full(BETWEEN, kind) if model.classes else None  # all of the class of the first
    only_x = model.generate(arc.x, np.repeat(arc.z[:1], BETWEEN, axis=0), labels)
    only_z = model.generate(np.repeat(arc.x[:1], BETWEEN, axis=0), arc.z, labels)
    rows = np.concatenate([model.generate(*arc, labels), only_x, only_z])
    _image(rows, model, BETWEEN, f"From sample {look.first} to sample {look.second} on an arc. Top: x and z. Middle: x alone. "
           "Bottom: z alone.", 800)  # fmt: skip
    many = max(most, 32)
    _image(model.sample(many, look.seed, look.truncation, look.labels(model, many)), model, 16, "Samples to pick from: 0 to 15 in the first "
           "row, 16 to 31 in the second.", 800)  # fmt: skip


def _nearest(model: Model, look: Look) -> None:
    from otviz.datasets import to_pixels, to_rows
    from otviz.image_metrics import nearest_images

    rows = model.sample(NEIGHBOURS, look.seed, look.truncation, look.labels(model, NEIGHBOURS))
    try:
        training = model.images.split("train")
    except ValueError as error:
        st.warning(plain(f"{error}."))
        return
    found = nearest_images(to_pixels(rows, model.card.shape), training.pixels)
    both = np.concatenate([rows, to_rows(training.pixels[found.places])])
    names = model.images.class_names
    said = [f"{distance:.2f}" + (f" ({names[training.labels[place]]})" if names else "")
            for place, distance in zip(found.places, found.distances, strict=True)]  # fmt: skip
    _image(both, model, NEIGHBOURS, "Top: made by the model. Below each: the nearest of "
           f"{len(training.labels):,} training images, by pixels.", 800)  # fmt: skip
    st.caption(plain("Distances (pixels from -1 to 1): " + ", ".join(said)))
    real = model.card.metrics.get("nearest_real")
    if real is not None:
        st.caption(
            f"A test image is {real:.2f} away from its nearest training image (median): much nearer would hint at a copy."
        )


def _classes(model: Model, look: Look) -> None:
    from otviz.classifier import classifier_for
    from otviz.datasets import to_pixels
    from otviz.features import see
    from otviz.figures.class_shares import class_shares

    rows = sampled(model, look)
    try:
        seen = see(to_pixels(rows, model.card.shape), classifier_for(model.images)).probabilities
    except ValueError as error:
        st.warning(plain(f"{error}."))
        return
    order = np.lexsort((-seen.max(1), seen.argmax(1)))
    _image(rows[order], model, 16, f"{len(rows)} images by likeness: in the order of the class that the classifier of the set sees, "
           "the surest first.", 800)  # fmt: skip
    scores = model.card.metrics
    if scores:
        shares = {"this model": scores["class_shares"]}
        figure = class_shares(model.images.class_names, scores["true_class_shares"], shares, scores["samples"])
        st.plotly_chart(figure, key="classes", width="stretch")


def _training(card: Card) -> None:
    from otviz import wire
    from otviz.checkpoints.playing import panel

    timeline = gallery.timeline(card)
    if timeline is None:
        st.info("How this model was trained was not recorded.")
        return
    player(wire.encode([panel(card, timeline)]), key=f"timeline-{card.name}", height=640, loop=False)
    if timeline.samples:
        st.caption(f"Scores of n = {timeline.samples:,} images, measured at some of the steps. {gallery_words.NO_FID}")


DRAWN: dict[str, Callable[[Model, Look], None]] = {
    "samples": _samples, "latent": _latent, "walk": _walk, "between": _between, "nearest": _nearest, "classes": _classes,
}  # fmt: skip


def _downloads(model: Model, look: Look) -> None:
    rows = sampled(model, look)
    name = f"{model.card.name}-seed-{look.seed}"
    with st.container(horizontal=True, gap="small"):
        download("Images (PNG)", png_of(rows, model, look.columns(model)), f"{name}.png", "image/png")
        download("Images and latents (NPZ)", lambda: _npz(model, look), f"{name}.npz")
        if model.card.name != gallery.OWN:
            weights = f"{model.card.name}.safetensors"
            download("Weights (safetensors)", lambda: gallery_words.weights(model.card), weights)


def _npz(model: Model, look: Look) -> bytes:
    from otviz.datasets import to_pixels

    x, z = model.latents(look.images, look.seed, look.truncation)
    file = io.BytesIO()
    labels = look.labels(model, look.images)
    labels = in_turn(look.images, model.classes) if labels is None and model.classes else labels
    arrays: dict[str, Any] = {"x": x, "z": z, **({} if labels is None else {"labels": labels})}
    np.savez_compressed(file, images=to_pixels(model.generate(x, z, labels), model.card.shape), **arrays)
    return file.getvalue()
