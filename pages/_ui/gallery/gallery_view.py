"""The image models of the gallery: cards, previews, weights, trainings, and the user's own model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from otviz.checkpoints import CHECKPOINTS, Card, read_cards
from otviz.data.datasets.rows import Shape
from pages._ui.shell.links import Link, shorten

if TYPE_CHECKING:
    from otviz.checkpoints.models import PublishedModel
    from otviz.checkpoints.training_panel import Recorded

MOST_COMPARED = 4
STYLE = """<style>
.st-key-sheets img {border-radius: 4px}
:has(> .st-key-model-tools) {min-width: min(100%, 352px)}
@media (max-width: 640px) {[data-testid=stColumn]:has(.st-key-facts) {order: 2}}
@media (max-width: 900px) {
  .st-key-compared {flex-wrap: wrap; row-gap: 4px} .st-key-compared > :last-child {flex: 1 1 100%}
}
</style>"""
OWN = "own"
_OWN = "otviz.gallery.own"
COLUMNS, CLASSES = 8, 10
"""Images in a row of a sheet; of a sheet by class, if the card does not say."""


@st.cache_data(ttl=10.0, show_spinner=False)
def load_cards() -> tuple[dict[str, Card], dict[str, str]]:
    """The cards of all shipped models, and errors of damaged ones, by name."""
    return read_cards(CHECKPOINTS)


def catalogue() -> Path:
    """The file that says what stands first."""
    return CHECKPOINTS / "catalogue.toml"


def cards() -> dict[str, Card]:
    """The cards of all shipped models by name, large images first, without reading weights."""
    return dict(sorted(load_cards()[0].items(), key=lambda item: -math.prod(item[1].shape)))


@st.cache_resource(max_entries=12, show_spinner="Reading the weights …")
def _shipped(name: str, sha256: str) -> PublishedModel:
    from otviz.checkpoints.models import load

    return load(CHECKPOINTS / name)


@st.cache_data(max_entries=12, show_spinner=False)
def _recorded(name: str, sha256: str) -> Recorded:
    from otviz.checkpoints.training_panel import read_training

    return read_training(CHECKPOINTS / name)


def model(card: Card) -> PublishedModel:
    """The model of a card, a user's or a shipped one. Raises ValueError if it cannot be loaded."""
    own: PublishedModel | None = st.session_state.get(_OWN)
    if card.name == OWN and own is not None:
        return own
    return _shipped(card.name, str(card.record["sha256"]))


def recorded(card: Card) -> Recorded | None:
    """Scene and snapshots of a model's training, or None."""
    try:
        found = None if card.name == OWN else _recorded(card.name, str(card.record["sha256"]))
        return found if found is not None and found[0].shape == card.shape else None
    except ValueError:
        return None


def find(link: Link, key: str, most: int) -> list[Card]:
    """The cards named in the link under `key`, separated by commas; unknown names give a warning."""
    known = cards()
    own: PublishedModel | None = st.session_state.get(_OWN)
    names = [name.strip() for name in link.text(key).split(",") if name.strip()]
    found: list[Card] = []
    for name in dict.fromkeys(names[:20]):
        if name == OWN and own is not None:
            found.append(own.card)
        elif name in known:
            found.append(known[name])
        else:
            link.complain(f"There is no model {shorten(name, 60)!r} in the gallery; it is not shown.")
    if len(found) > most:
        link.complain(f"At most {most} models can be shown at a time; these are the first {most}.")
    return found[:most]


def columns(card: Card) -> int:
    """Images in a row of a model's sheet: a column for each class, or 8."""
    return len(card.metrics.get("class_shares", ())) or CLASSES if card.by_class else COLUMNS


@st.cache_data(max_entries=400, show_spinner=False)
def _preview(folder: str, sha256: str, shape: Shape, columns: int, rows: int, wide: int) -> bytes:
    from otviz.checkpoints.image_sheets import cells, preview

    images = cells((Path(folder) / "samples.png").read_bytes(), shape, columns)
    return preview(images[: rows * wide], wide)


def preview(card: Card, rows: int, wide: int = 0) -> bytes:
    """The first images of the picture beside the weights, in their own size; b"" if it cannot be read.

    Args:
        card: of the model.
        rows: of images.
        wide: images in a row; 0: as many as in its sheet.
    """
    known = columns(card)
    try:
        return _preview(
            str(CHECKPOINTS / card.name), str(card.record["sha256"]), card.shape, known, rows, wide or known
        )
    except (OSError, ValueError):
        return b""


def open_own(card: bytes, weights: bytes) -> None:
    """Keep a user's own model for this session, from both of its files. Raises ValueError if they are not one."""
    from otviz.checkpoints.models import of_bytes

    st.session_state[_OWN] = of_bytes(card, weights, OWN)
