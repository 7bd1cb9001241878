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


DRAWN: dict[str, Callable[[PublishedModel, SampleSettings], None]] = {"walk": _walk, "classes": _classes}
