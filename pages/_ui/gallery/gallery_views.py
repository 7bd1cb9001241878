"""Views of a model beside the explorer and the walk: its classes row by row, and its training."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from otviz.checkpoints import Card
from otviz.core.numbers import whole
from pages._ui.gallery import gallery_scores, gallery_view
from pages._ui.gallery.gallery_settings import SampleSettings
from pages._ui.player.player_canvas import player
from pages._ui.shell.links import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from otviz.checkpoints.models import PublishedModel

SORTED, WIDE = 400, 12
"""Images that are sorted into classes, and how many of a class are shown."""

STYLE = """<style>
.classes {display: grid; grid-template-columns: max-content minmax(0, 1fr) 210px; gap: 6px 14px; align-items: center; max-width: 1150px}
.classes b {text-align: right}
.classes img {display: block; width: 100%; image-rendering: pixelated; border-radius: 6px; background: #000}
.classes .none {color: color-mix(in srgb, var(--st-text-color) 70%, transparent)}
.shares {display: grid; grid-template-columns: 1fr 52px; gap: 2px 8px; align-items: center; font-size: 12.5px; line-height: 1.2}
.shares i {display: block; height: 8px; border-radius: 4px; width: calc(var(--share) * 1%); min-width: 2px}
.shares .made {background: #ff7a1a} .shares .real {background: #56b4e9}
@media (max-width: 700px) {
  .classes {grid-template-columns: max-content minmax(0, 1fr)} .shares {grid-column: 1 / -1}
  .classes img {aspect-ratio: 6; object-fit: cover; object-position: left}
}
</style>"""


def show_classes(model: PublishedModel, settings: SampleSettings) -> None:
    """A row of images for each class: that was asked for, or that a classifier sees; beside it the shares."""
    rows = _asked(model, settings) if model.classes else _seen(model, settings)
    if rows is None:
        return
    scores = model.card.metrics
    known: list[Sequence[float] | None] = [None] * len(model.images.class_names)
    if scores:
        known = list(zip(scores["class_shares"], scores["true_class_shares"], strict=True))
    lines = [
        _line(name, images, share) for name, images, share in zip(model.images.class_names, rows, known, strict=True)
    ]
    st.html(f'{STYLE}<div class="classes">{"".join(lines)}</div>')
    if scores:
        n = whole(scores["samples"])
        st.caption(
            f"Bars: share of a class among {n} generated images (orange) and among real ones (blue), as the classifier sees them."
        )


def _line(name: str, images: NDArray[np.uint8], share: Sequence[float] | None) -> str:
    from otviz.checkpoints.image_sheets import preview

    row = '<span class="none">none among these images</span>'
    if len(images):
        data = base64.b64encode(preview(images[:WIDE], WIDE, exact=True)).decode()
        row = f'<img src="data:image/webp;base64,{data}" alt="{escape(f"Images of class {name}")}">'
    bars = "<span></span>" if share is None else '<span class="shares">' + "".join(
        f'<i class="{kind}" style="--share: {min(100.0, 300 * part):.1f}"></i><span>{part:.1%}</span>'
        for kind, part in zip(("made", "real"), share, strict=True)
    ) + "</span>"  # fmt: skip
    return f"<b>{escape(name)}</b>{row}{bars}"


def _asked(model: PublishedModel, settings: SampleSettings) -> list[NDArray[np.uint8]]:
    """Images of each class from the same noise."""
    from otviz.data.datasets.rows import to_pixels

    x, z = model.latents(WIDE, settings.seed, settings.truncation)
    st.caption(
        "Each row is a class that was asked for, each column has one x and z: what stays the same down a column is the style."
    )
    return [to_pixels(model.generate(x, z, np.full(WIDE, at)), model.card.shape) for at in range(model.classes)]


def _seen(model: PublishedModel, settings: SampleSettings) -> list[NDArray[np.uint8]] | None:
    """Images by the class that the classifier sees in them, the most certain first; None, with a message, without one."""
    from otviz.checkpoints.sample_map import seen_classes
    from otviz.data.datasets.rows import to_pixels

    pixels = to_pixels(model.sample(SORTED, settings.seed, settings.truncation), model.card.shape)
    seen = seen_classes(model.images, pixels)
    if seen is None:
        st.warning(plain(f"{model.images.title} has no classifier that could sort these images."))
        return None
    st.caption(f"{SORTED} images, each in the row of the class that a classifier sees in it, the most certain first.")
    kinds = seen.argmax(1)
    order = np.argsort(-seen.max(1), kind="stable")
    return [pixels[order[kinds[order] == at]] for at in range(seen.shape[1])]


def show_training(card: Card) -> None:
    """The recorded training: the same x and z at every step."""
    from otviz.checkpoints.training_panel import panel
    from otviz.player import wire

    recorded = gallery_view.recorded(card)
    if recorded is None:
        st.info("The training of this model was not recorded.")
        return
    player(wire.encode([panel(card, recorded)]), key=f"timeline-{card.name}", height=640, loop=False)
    if samples := recorded[1][-1].meter.get("samples"):
        st.caption(f"Scores of {whole(samples)} images, measured at some of the steps. {gallery_scores.NO_FID}")
