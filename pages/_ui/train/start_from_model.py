"""Starting an image run from the weights of a model of the gallery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from otviz.checkpoints import Card
from pages._ui.controls import image_setup
from pages._ui.gallery import gallery_view
from pages._ui.player import run_controls
from pages._ui.shell.links import Link, plain

if TYPE_CHECKING:
    from otviz.checkpoints.models import PublishedModel
    from otviz.runs.config import RunConfig

PAGE = "pages/4_images.py"
FROM = "from"
"""Key of the model in the link."""


def link_to_training(model: PublishedModel) -> None:
    """Draw the link from a model to the page that continues its training, with its settings."""
    if st.button("Continue training from here", icon=":material/model_training:", help="On the page Images"):
        values = image_setup.address(model.config, "")
        del values["run"]
        st.switch_page(PAGE, query_params={**values, FROM: model.card.name})


def origin(link: Link) -> Card | None:
    """The model in the link, from whose weights the next run starts."""
    found = gallery_view.find(link, FROM, 1)
    return found[0] if found else None


def show_origin(link: Link, card: Card) -> None:
    """Show which weights the next run starts from, and what the checkpoint does not contain."""
    st.info(
        f"**Train** goes on from {plain(card.title)}: the generator begins with its weights. A checkpoint holds nothing else, so "
        "critic or potential and both optimisers start anew: images may first get worse."
    )
    if st.button("Begin with fresh weights instead"):
        values = {key: text for key, text in st.query_params.to_dict().items() if key not in (FROM, "view")}
        link.go(values)


def begin(link: Link, config: RunConfig, card: Card | None) -> None:
    """Start a run, from a model or from scratch, and show it."""
    if card is None:
        run_controls.begin(link, config)
        return
    from otviz.runs.branches import from_weights

    try:
        model = gallery_view.model(card)
        branch = from_weights(config, model.network.state_dict(), f"of {card.title}")
    except ValueError as error:
        st.error(plain(f"{error}."))
        return
    run_controls.begin(link, branch)
