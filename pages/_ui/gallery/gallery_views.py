"""Views of a model: images, the effect of x and z, interpolation, neighbours, classes, its training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from otviz.checkpoints import Card
from otviz.core.numbers import whole
from otviz.data.datasets.rows import in_turn
from pages._ui.controls.picker import picker
from pages._ui.gallery import gallery_scores, gallery_view
from pages._ui.gallery.gallery_settings import WIDE, SampleSettings, png_of, sampled, show_sheet
from pages._ui.player.player_canvas import player
from pages._ui.shell.links import plain

if TYPE_CHECKING:
    from otviz.checkpoints.models import PublishedModel

GRID = 8  # values of x and of z in a grid
WALKERS, STOPS, PART = 16, 6, 12
BETWEEN = 12
NEIGHBOURS = 10
PICKED, PICKED_COLUMNS, PICKED_WIDE = 32, 8, 560


def _image(rows: Any, model: PublishedModel, columns: int, caption: str, wide: int = WIDE) -> None:
    show_sheet(rows, model, columns, f"{len(rows)} images made by {model.card.title}", wide=wide)
    st.caption(caption)


def _samples(model: PublishedModel, settings: SampleSettings) -> None:
    rows = sampled(model, settings)
    of = " Each column is a class that was asked for." if model.classes and settings.asked is None else ""
    _image(rows, model, settings.columns(model), f"{len(rows)} images of x and z drawn with seed {settings.seed}.{of}")


def _latent(model: PublishedModel, settings: SampleSettings) -> None:
    from otviz.checkpoints.latents import crossed, explained

    if model.classes:
        _classes_crossed(model, settings)
        return
    rows = model.generate(*crossed(model.latents(GRID, settings.seed, settings.truncation)))
    _image(rows, model, GRID, f"{GRID} x {GRID} images: each row has one x, each column one z.")
    shares = explained(rows, GRID)
    if not model.sees_source:
        st.markdown("This generator does not use x: its images depend on z alone, so all rows are the same.")
    elif shares is not None:
        st.markdown(
            f"**x** explains {shares.x:.1%} of the variance of the pixels, **z** {shares.z:.1%}, and {shares.both:.1%} is explained "
            "only by both together. x is the source of the transport map; z is noise beside it, so that one x can become "
            "several images."
        )


def _classes_crossed(model: PublishedModel, settings: SampleSettings) -> None:
    """The effect of the class: one class per row, the same noise in a column."""
    x, z = model.latents(GRID, settings.seed, settings.truncation)
    asked = np.repeat(np.arange(model.classes), GRID)
    rows = model.generate(np.tile(x, (model.classes, 1)), np.tile(z, (model.classes, 1)), asked)
    _image(rows, model, GRID, f"{model.classes} x {GRID} images: each row is a class that was asked for, each column has "
           "one x and z. What stays the same along a column is the style: slant and width of the stroke.", 560)  # fmt: skip


def _walk(model: PublishedModel, settings: SampleSettings) -> None:
    from otviz.checkpoints.image_sheets import moving
    from otviz.checkpoints.latents import Latents, walk

    walks = [
        walk(model.latents(STOPS, settings.seed * WALKERS + at, settings.truncation), PART) for at in range(WALKERS)
    ]
    both = Latents(*(np.concatenate([part[side] for part in walks]) for side in (0, 1)))
    labels = np.repeat(
        in_turn(WALKERS, model.classes or 1) if settings.asked is None else np.full(WALKERS, settings.asked),
        STOPS * PART,
    )
    rows = model.generate(*both, labels if model.classes else None).reshape(WALKERS, STOPS * PART, -1)
    frames = [rows[:, at] for at in range(STOPS * PART)]
    playing = st.toggle("Play", value=True, key="gallery:play", help="Switch off to move through the walk by hand")
    if playing:
        st.image(moving(frames, model.card.shape, 4, 560), alt="Sixteen images that change into others")
    else:
        at = st.slider("Place on the walk", 0, len(frames) - 1, 0, key="gallery:place")
        show_sheet(frames[at], model, 4, "Sixteen images on their way", wide=560)
    st.caption(
        f"{WALKERS} walks. Each follows arcs through {STOPS} random pairs of x and z and back to the first. Gradual changes show how "
        "the generator joins one kind of image to another."
    )


def _between(model: PublishedModel, settings: SampleSettings) -> None:
    from otviz.checkpoints.latents import path

    most = max(settings.first, settings.second) + 1
    found = model.latents(most, settings.seed, settings.truncation)
    arc = path(found, settings.first, settings.second, BETWEEN)
    kind = settings.first % (model.classes or 1) if settings.asked is None else settings.asked
    labels = np.full(BETWEEN, kind) if model.classes else None  # all of the first image's class
    only_x = model.generate(arc.x, np.repeat(arc.z[:1], BETWEEN, axis=0), labels)
    only_z = model.generate(np.repeat(arc.x[:1], BETWEEN, axis=0), arc.z, labels)
    rows = np.concatenate([model.generate(*arc, labels), only_x, only_z])
    _image(rows, model, BETWEEN, f"From image {settings.first + 1} to image {settings.second + 1} on an arc. Top: x and z move. "
           "Middle: x alone. Bottom: z alone.", 800)  # fmt: skip


def pick(model: PublishedModel, settings: SampleSettings) -> tuple[int, int] | None:
    """Draw the images to select the ends of a path from; returns both after a click."""
    count = -(-max(settings.first, settings.second, PICKED - 1) // PICKED_COLUMNS) * PICKED_COLUMNS
    rows = model.sample(count, settings.seed, settings.truncation, settings.labels(model, count))
    st.markdown("**Click an image to start from, then one to end at.**")
    with st.container(width=PICKED_WIDE):
        return picker(
            png_of(rows, model, PICKED_COLUMNS, PICKED_WIDE), key="gallery-picker", count=count, columns=PICKED_COLUMNS,
            chosen=(settings.first, settings.second),
        )  # fmt: skip


def _nearest(model: PublishedModel, settings: SampleSettings) -> None:
    from otviz.data.datasets import to_pixels, to_rows
    from otviz.evaluation.image_metrics import nearest_images

    rows = model.sample(NEIGHBOURS, settings.seed, settings.truncation, settings.labels(model, NEIGHBOURS))
    try:
        training = model.images.split("train")
    except ValueError as error:
        st.warning(plain(f"{error}."))
        return
    with st.spinner("Comparing with all training images …"):
        found = nearest_images(to_pixels(rows, model.card.shape), training.pixels)
    both = np.concatenate([rows, to_rows(training.pixels[found.places])])
    names = model.images.class_names
    neighbours = [f"{distance:.2f}" + (f" ({names[training.labels[place]]})" if names else "")
            for place, distance in zip(found.places, found.distances, strict=True)]  # fmt: skip
    _image(both, model, NEIGHBOURS, "Top: made by the model. Below each: the nearest of "
           f"{len(training.labels):,} training images, by pixels.", 800)  # fmt: skip
    st.caption(plain("Distances between pixels from −1 to 1: " + ", ".join(neighbours)))
    real = model.card.metrics.get("nearest_real")
    if real is not None:
        st.caption(
            f"For comparison, the median distance of a test image to its nearest training image is {real:.2f}. A much smaller distance would suggest a copy."
        )


def _classes(model: PublishedModel, settings: SampleSettings) -> None:
    from otviz.data.datasets import to_pixels
    from otviz.evaluation.classifier import classifier_for
    from otviz.evaluation.features import see
    from otviz.viz.class_shares import class_shares

    rows = sampled(model, settings)
    try:
        seen = see(to_pixels(rows, model.card.shape), classifier_for(model.images)).probabilities
    except ValueError as error:
        st.warning(plain(f"{error}."))
        return
    order = np.lexsort((-seen.max(1), seen.argmax(1)))
    _image(rows[order], model, 16, f"{len(rows)} images, sorted by the class that a classifier sees in them, "
           "the most certain first.", 800)  # fmt: skip
    scores = model.card.metrics
    if scores:
        shares = {"this model": scores["class_shares"]}
        figure = class_shares(model.images.class_names, scores["true_class_shares"], shares, scores["samples"])
        st.plotly_chart(figure, key="classes", width="stretch")


def show_training(card: Card) -> None:
    from otviz.checkpoints.timeline_panel import panel
    from otviz.player import wire

    timeline = gallery_view.timeline(card)
    if timeline is None:
        st.info("The training of this model was not recorded.")
        return
    player(wire.encode([panel(card, timeline)]), key=f"timeline-{card.name}", height=640, loop=False)
    if timeline.samples:
        st.caption(
            f"Scores of {whole(timeline.samples)} images, measured at some of the steps. {gallery_scores.NO_FID}"
        )


DRAWN: dict[str, Callable[[PublishedModel, SampleSettings], None]] = {
    "samples": _samples, "latent": _latent, "walk": _walk, "between": _between, "nearest": _nearest, "classes": _classes,
}  # fmt: skip
