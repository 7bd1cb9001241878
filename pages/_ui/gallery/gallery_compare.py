"""Two to four models side by side: images of the same latents, scores, classes, and timelines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from otviz.checkpoints import Card
from pages._ui.gallery import gallery_scores, gallery_view
from pages._ui.gallery.gallery_settings import SampleSettings, chosen, sampled, show_sheet
from pages._ui.player.player_canvas import player
from pages._ui.shell import reading
from pages._ui.shell.links import Link, plain

if TYPE_CHECKING:
    from otviz.checkpoints.models import PublishedModel

KNOBS = ("seed", "images", "truncation")
VIEWS = {"samples": "Samples", "classes": "Classes", "training": "Trainings in step"}


def show(link: Link, cards: Sequence[Card]) -> None:
    """Draw the models side by side."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        if st.button("All models", icon=":material/arrow_back:", type="tertiary"):
            link.go({})
        view = reading.choose_view(link, "gallery-compare", VIEWS, default="samples", label="What to look at")
    canvas = st.container(key="sheets", gap="small")
    with canvas:
        if view == "training":
            _trainings(cards)
        elif view == "classes":
            _classes(cards)
        else:
            _samples(link, cards)
    gallery_scores.show_scores(cards)
    gallery_scores.show_reported(cards)


def _samples(link: Link, cards: Sequence[Card]) -> None:
    settings = chosen(link, KNOBS, st.columns(len(KNOBS), vertical_alignment="bottom", gap="small"))
    models: list[PublishedModel] = []
    for card, column in zip(cards, st.columns(len(cards), gap="small"), strict=True):
        with column:
            if st.button(f"**{plain(card.title)}**", key=f"open-{card.name}", type="tertiary"):
                link.go({"model": card.name})
            try:
                models.append(gallery_view.model(card))
            except ValueError as error:
                st.error(plain(f"{error}."))
                continue
            if settings is not None:
                _sheet(models[-1], settings)
    if len({(model.card.shape, model.config.method.noise_dim) for model in models}) == 1:
        st.caption("The same place in each sheet has the same x and z.")
    else:
        st.caption("These models take x and z of different sizes, so the same seed gives them different images.")


def _sheet(model: PublishedModel, settings: SampleSettings) -> None:
    rows = sampled(model, settings)
    show_sheet(rows, model, settings.columns(model), f"Images made by {model.card.title}", width="stretch")
    if model.classes:
        st.caption("Each column is a class that was asked for.")
    if not model.sees_source:
        st.caption("This generator uses z alone.")


def _classes(cards: Sequence[Card]) -> None:
    from otviz.data.datasets import named
    from otviz.viz.class_shares import class_shares

    judged = [card for card in cards if card.metrics]
    if not judged or len({card.target for card in judged}) > 1:
        st.info(
            "Classes can be compared only between models of the same data set, and if there is a classifier for it."
        )
        return
    shares = {card.title: card.metrics["class_shares"] for card in judged}
    scores = judged[0].metrics
    try:
        names = named(judged[0].target).class_names
    except ValueError as error:  # the plug-in of the data set is missing
        st.info(plain(f"{error}."))
        return
    figure = class_shares(names, scores["true_class_shares"], shares, scores["samples"])
    st.plotly_chart(figure, key="classes", width="stretch")
    effective = ", ".join(f"{card.title} {card.metrics['classes_effective']:.1f}" for card in judged)
    st.caption(
        plain(
            f"Effective number of classes (exponential of the entropy), out of {len(np.atleast_1d(scores['class_shares']))}: {effective}."
        )
    )


def _trainings(cards: Sequence[Card]) -> None:
    from otviz.checkpoints.timeline_panel import panel
    from otviz.player import wire

    found = [(card, gallery_view.timeline(card)) for card in cards]
    panels = [panel(card, timeline) for card, timeline in found if timeline is not None]
    if panels:
        player(wire.encode(panels), key="timelines", height=560)
    else:
        st.info("The training of these models was not recorded.")
