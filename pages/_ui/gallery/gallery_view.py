"""The list of image models: a card with a picture for each, filters, and links to models and comparisons."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from otviz.checkpoints import CHECKPOINTS, Card, read_cards
from pages._ui.controls import controls
from pages._ui.shell import reading
from pages._ui.shell.links import Link, plain, shorten

if TYPE_CHECKING:
    from otviz.checkpoints.models import PublishedModel
    from otviz.checkpoints.timelines import Timeline

MOST_COMPARED = 4
OWN = "own"
_OWN = "otviz.gallery.own"
STYLE = """<style>
.st-key-shelf img, .st-key-sheets img {border-radius: 4px}
.st-key-shelf img {display: block; width: 100%}
.st-key-shelf {display: grid; grid-template-columns: repeat(auto-fill, minmax(min(190px, 46%), 1fr))}
.st-key-shelf > * {width: auto !important; max-width: none !important}
@media (max-width: 640px) {[data-testid=stColumn]:has(.st-key-facts) {order: 2}}
[class*=st-key-model-] {position: relative; transition: border-color .15s}
[class*=st-key-model-]:hover {border-color: var(--st-primary-color)}
[class*=st-key-model-] button {justify-content: flex-start; text-align: left; min-height: 0; padding-inline: 0}
[class*=st-key-model-] button::after {content: ""; position: absolute; inset: 0; border-radius: var(--st-base-radius)}
[class*=st-key-model-] :is([data-testid=stElementContainer], .stButton, button) {position: static}
</style>"""


@st.cache_data(ttl=10.0, show_spinner=False)
def load_cards() -> tuple[dict[str, Card], dict[str, str]]:
    """The cards of all shipped models, and errors of damaged ones, by name."""
    return read_cards(CHECKPOINTS)


def cards() -> dict[str, Card]:
    """The cards of all shipped models by name, large images first, without reading weights."""
    return dict(sorted(load_cards()[0].items(), key=lambda item: -math.prod(item[1].shape)))


@st.cache_resource(max_entries=12, show_spinner="Reading the weights …")
def _shipped(name: str, sha256: str) -> PublishedModel:
    from otviz.checkpoints.models import load

    return load(CHECKPOINTS / name)


@st.cache_data(max_entries=12, show_spinner=False)
def _timeline(name: str, sha256: str) -> Timeline:
    from otviz.checkpoints.timelines import unpack

    return unpack((CHECKPOINTS / name / "timeline.npz").read_bytes())


def model(card: Card) -> PublishedModel:
    """The model of a card, a user's or a shipped one. Raises ValueError if it cannot be loaded."""
    own: PublishedModel | None = st.session_state.get(_OWN)
    if card.name == OWN and own is not None:
        return own
    return _shipped(card.name, str(card.record["sha256"]))


def timeline(card: Card) -> Timeline | None:
    """The timeline of a model's training, or None."""
    try:
        found = None if card.name == OWN else _timeline(card.name, str(card.record["sha256"]))
        return found if found is not None and found.images.shape[2] == math.prod(card.shape) else None
    except (OSError, ValueError):
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


@st.cache_data(show_spinner=False)
def _picture(name: str, sha256: str) -> str:
    return base64.b64encode((CHECKPOINTS / name / "samples.png").read_bytes()).decode()


def picture(card: Card) -> str:
    """The picture beside the weights, base64, or "" if it cannot be read.

    `st.image` would need a request for each of forty pictures, by code that the browser has to load first.
    """
    try:
        return _picture(card.name, str(card.record["sha256"]))
    except OSError:
        return ""


def show_shelf(link: Link) -> None:
    """Draw the models that match the filters, with their buttons."""
    known = cards()
    chosen = _filtered(link, known)
    _compare_bar(link, known)
    reading.how("gallery/shelf")
    for name, reason in load_cards()[1].items():
        st.warning(plain(f"The model {name} is damaged and not shown: {reason}. Delete its folder or copy it again."))
    if not chosen:
        st.info("No model matches these filters. Remove one of them.")
    st.caption(
        f"{len(chosen)} of {len(known)} models. Click one to look into it. FD: Fréchet distance to real images, measured with our "
        "own classifier; lower is better, and the value that real images reach is in brackets. Recall: share of the real images that "
        "have a similar one among the generated."
    )
    with st.container(key="shelf", horizontal=True, gap="small"):
        for card in chosen.values():
            _card(link, card)
    with st.expander("Open a model of your own"):
        _upload(link)


def _filtered(link: Link, known: Mapping[str, Card]) -> dict[str, Card]:
    from otviz.data.datasets import datasets

    titles = {name: cls.title for name, cls in datasets().items()}
    kinds: dict[str, tuple[str, Callable[[Card], tuple[str, ...]]]] = {
        "data": ("Data", lambda card: (card.target,)),
        "method": ("Method", lambda card: (card.method,)),
        "claim": ("Claim of a paper", lambda card: card.claims),
    }
    found = dict(known)
    for (key, (label, of)), column in zip(kinds.items(), st.columns([2, 2, 5]), strict=True):
        words = list(dict.fromkeys(word for card in known.values() for word in of(card)))
        options = {"": "All", **{word: titles.get(word, word) for word in words}}
        with column:
            asked = controls.choice(link, key, options, default="", label=label)
        found = {name: card for name, card in found.items() if not asked or asked in of(card)}
    return found


def _compare_bar(link: Link, known: Mapping[str, Card]) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        names = st.multiselect(
            "Compare 2 to 4 models on the same x and z",
            list(known),
            format_func=lambda name: known[name].title,
            max_selections=MOST_COMPARED,
            key="gallery:chosen",
            placeholder="Choose models",
        )
        if st.button("Compare", disabled=len(names) < 2, type="primary"):
            link.go({"compare": ",".join(names)})


def _card(link: Link, card: Card) -> None:
    with st.container(border=True, height="stretch", gap="xsmall", key=f"model-{card.name}"):
        if image := picture(card):
            words = html.escape(f"64 images made by {card.title}")
            st.html(f'<img src="data:image/png;base64,{image}" alt="{words}">')
        if st.button(f"**{plain(card.title)}**", key=f"open-{card.name}", type="tertiary"):
            link.go({"model": card.name})
        st.caption(brief(card))


def brief(card: Card) -> str:
    """The scores in a line, with the noise floor of real images."""
    scores = card.metrics
    if not scores:
        return "No scores: there is no classifier for this data set"
    return f"FD {scores['frechet']:.1f} (real {scores['floor']['frechet']:.1f})  \nRecall {scores['recall']:.2f}"


def _upload(link: Link) -> None:
    st.caption("Choose both files of a checkpoint: card.json and generator.safetensors. They are read, never run.")
    files = st.file_uploader(
        "card.json and generator.safetensors", ["json", "safetensors"], accept_multiple_files=True, max_upload_size=64
    )
    by_kind = {file.name.rpartition(".")[2]: file for file in files or []}
    if not files or not st.button("Open it", disabled=len(by_kind) != 2):
        return
    from otviz.checkpoints.models import of_bytes

    try:
        opened = of_bytes(by_kind["json"].getvalue(), by_kind["safetensors"].getvalue(), OWN)
    except ValueError as error:
        st.error(plain(f"{error}."))
        return
    st.session_state[_OWN] = opened
    link.go({"model": OWN})
