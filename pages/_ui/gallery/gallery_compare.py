"""Two to four models side by side: images of the same latents, scores, classes, and trainings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from otviz.checkpoints import Card
from pages._ui.gallery import explorer, gallery_scores, gallery_view
from pages._ui.gallery.gallery_settings import SampleSettings, chosen
from pages._ui.player.player_canvas import player
from pages._ui.shell import reading
from pages._ui.shell.links import Link, plain

if TYPE_CHECKING:
    from otviz.checkpoints.models import PublishedModel

KNOBS = {"seed": 175, "truncation": 190}
"""Settings of the images, and the widths of their controls in pixels."""

VIEWS = {"explore": "Explore", "classes": "Classes", "training": "Trainings in step"}


def show(link: Link, cards: Sequence[Card]) -> None:
    """Draw the models side by side."""
    settings: list[SampleSettings | None] = []
    with st.container(horizontal=True, gap="medium", vertical_alignment="center", key="compared"):
        if st.button("All models", icon=":material/arrow_back:", type="tertiary"):
            link.go({})
        view = reading.choose_view(
            link, "gallery-compare", VIEWS, default="explore", label="What to look at",
            beside=lambda view: settings.append(_settings(link, cards, view)),
        )  # fmt: skip
    with st.container(key="sheets", gap="small"):
        if view == "training":
            _trainings(cards)
        elif view == "classes":
            _classes(cards)
        elif settings[0] is not None:
            _explore(link, cards, settings[0])
    if view != "explore":
        link.take(explorer.PICKED)
    gallery_scores.show_scores(cards)
    gallery_scores.show_reported(cards)


def _settings(link: Link, cards: Sequence[Card], view: str) -> SampleSettings | None:
    if view != "explore":
        return None
    again = st.button("Other noise", icon=":material/casino:", shortcut="N", help="The next seed (N)")
    settings = chosen(link, tuple(KNOBS), [st.container(width=width) for width in KNOBS.values()])
    if again and settings is not None:
        kept = {
            "compare": ",".join(card.name for card in cards),
            explorer.PICKED: link.settings.get(explorer.PICKED, ""),
        }
        cut = {} if settings.truncation is None else {"truncation": str(settings.truncation)}
        link.go({name: text for name, text in kept.items() if text} | cut | {"seed": str(settings.seed + 1)})
    return settings


def _explore(link: Link, cards: Sequence[Card], settings: SampleSettings) -> None:
    models: list[PublishedModel] = []
    for card in cards:
        try:
            models.append(gallery_view.model(card))
        except ValueError as error:
            st.error(plain(f"{error}."))
    if not models:
        return
    same = len({(model.card.shape, model.config.method.noise_dim) for model in models}) == 1
    st.caption(
        "The same place in each sheet has the same x and z. All maps have the same axes and the same real images."
        if same
        else "These models take x and z of different sizes, so the same seed gives them different images."
    )
    key = "explorer-" + ",".join(model.card.name for model in models)
    if name := explorer.show(link, models, settings, key):
        link.go({"model": name, "view": "explore"})


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
    from otviz.checkpoints.training_panel import panel
    from otviz.player import wire

    found = [(card, gallery_view.recorded(card)) for card in cards]
    panels = [panel(card, recorded) for card, recorded in found if recorded is not None]
    if panels:
        player(wire.encode(panels), key="timelines", height=560)
    else:
        st.info("The training of these models was not recorded.")
