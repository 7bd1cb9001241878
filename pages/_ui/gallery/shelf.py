"""The shelf: large cards of the best models, a card for each study, and all models with filters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from otviz.checkpoints import Card
from otviz.checkpoints.shelf import Shelf, Study, read_shelf
from otviz.core.numbers import whole
from pages._ui.controls import controls
from pages._ui.gallery import gallery_view, judges
from pages._ui.shell import reading
from pages._ui.shell.component import mount
from pages._ui.shell.links import Link, plain

HERO_ROWS, SMALL_ROWS, STRIP = 4, 3, 10
VIEWS = {"highlights": "Highlights", "all": "All models"}


def show(link: Link) -> None:
    """Draw the cards; a click opens a model, a study, or a comparison."""
    known = gallery_view.cards()
    chosen, asked = _chosen(link, known)
    for name, reason in gallery_view.load_cards()[1].items():
        st.warning(plain(f"The model {name} is damaged and not shown: {reason}. Delete its folder or copy it again."))
    if not chosen:
        st.info("No model matches these filters. Remove one of them.")
    shelf = Shelf() if asked else order()
    _mount(link, *_options(known, chosen, shelf))
    with st.expander("Open a model of your own"):
        _upload(link)


@st.cache_data(ttl=10.0, show_spinner=False)
def order() -> Shelf:
    """Heroes and studies; nothing stands out if the catalogue is missing."""
    try:
        return read_shelf(gallery_view.catalogue())
    except ValueError:
        return Shelf()


def studies() -> dict[str, Study]:
    """The studies that have two models or more, by name."""
    known = set(gallery_view.cards())
    return {study.name: found for study in order().studies if (found := study.among(known)) is not None}


def _chosen(link: Link, known: Mapping[str, Card]) -> tuple[dict[str, Card], bool]:
    """Draw the choice between highlights and all models with filters: the matching models, and whether it is all of them."""
    from otviz.data.datasets import datasets

    titles = {name: cls.title for name, cls in datasets().items()}
    kinds: dict[str, tuple[str, Callable[[Card], tuple[str, ...]]]] = {
        "data": ("Data", lambda card: (card.target,)),
        "method": ("Method", lambda card: (card.method,)),
        "claim": ("Claim of a paper", lambda card: card.claims),
    }
    filters = {name: text for name in kinds if (text := link.settings.get(name))}
    start, found = "all" if filters else "highlights", dict(known)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        shown = controls.choice(link, "shelf", VIEWS, default=start, label="What to show", in_a_row=True)
        reading.how("gallery/shelf")
    columns = st.columns([2, 2, 5]) if shown == "all" else ()
    for (key, (label, of)), column in zip(kinds.items(), columns, strict=False):
        names = dict.fromkeys(word for card in known.values() for word in of(card))
        options = {"": "All", **{word: titles.get(word, word) for word in names}}
        with column:
            asked = controls.choice(link, key, options, default="", label=label)
        found = {name: card for name, card in found.items() if not asked or asked in of(card)}
    return found, shown == "all"


def _mount(link: Link, options: dict[str, Any], body: bytes) -> None:
    opened = mount("shelf", key="shelf", options=options, body=body, trigger="opened")
    kind, _, names = str(opened or "").partition(":")
    if kind in ("model", "study", "compare"):
        link.go({kind: names})
    if kind == "experiment":
        st.switch_page(judges.path(), query_params={"claim": names})


def _options(known: Mapping[str, Card], chosen: Mapping[str, Card], shelf: Shelf) -> tuple[dict[str, Any], bytes]:
    """What the browser draws, and the pictures behind it."""
    body = bytearray()

    def put(picture: bytes) -> list[int]:
        body.extend(picture)
        return [len(body) - len(picture), len(picture)]

    heroes = [chosen[name] for name in shelf.heroes if name in chosen]
    found = [study for each in shelf.studies if (study := each.among(set(known))) is not None]
    placed = {card.name for card in heroes} | {name for study in found for name in study.models}
    others = [card for name, card in chosen.items() if name not in placed]
    options = {
        "heroes": [_card(card, put, HERO_ROWS) for card in heroes],
        "studies": [_study(study, known, put) for study in found],
        "others": [_card(card, put, SMALL_ROWS) for card in others],
        "words": {"others": "More models" if heroes or found else f"{len(others)} of {len(known)} models"},
        "most": gallery_view.MOST_COMPARED,
    }  # fmt: skip
    return options, bytes(body)


Put = Callable[[bytes], list[int]]


def _card(card: Card, put: Put, rows: int) -> dict[str, Any]:
    rows += card.by_class and rows == HERO_ROWS  # ten columns and five rows are as wide and tall as eight and four
    return {
        "name": card.name, "title": card.title, "picture": put(gallery_view.preview(card, rows)), "chips": chips(card),
        "columns": gallery_view.columns(card), "rows": rows, "by_class": card.by_class,
    }  # fmt: skip


def _study(study: Study, known: Mapping[str, Card], put: Put) -> dict[str, Any]:
    """Lines of images for the values of a study: of the method with the largest images that has most of the models."""
    counts = [sum(map(bool, row.models)) for row in study.rows]
    many = [row for row, count in zip(study.rows, counts, strict=True) if 3 * count >= 2 * max(counts)]
    row = max(many, key=lambda row: max(math.prod(known[name].shape) for name in row.models if name))
    lines = [
        {"value": value, "picture": put(gallery_view.preview(known[name], 1, STRIP))}
        for value, name in zip(study.values, row.models, strict=True) if name
    ]  # fmt: skip
    return {
        "name": study.name, "title": study.title, "axis": study.axis, "lines": lines, "columns": STRIP, "claim": study.claim,
        "count": len(study.models), "row": row.title,
        "judges": [{"experiment": judge.experiment, "words": judges.words(judge)} for judge in study.judges],
    }  # fmt: skip


def chips(card: Card) -> list[dict[str, str]]:
    """The scores of a card in short, each with that of real images."""
    scores = card.metrics
    if not scores:
        return [
            {"label": "No scores", "value": "", "floor": "", "tip": str(card.record.get("unjudged") or "not judged")}
        ]
    n = whole(scores["samples"])
    real = scores["floor"]
    return [
        {
            "label": "Fréchet ↓", "value": f"{scores['frechet']:.1f}", "floor": f"{real['frechet']:.1f}",
            "tip": f"Distance to real images in features of our own classifier, on {n} images; lower is better. It is not an FID.",
        },
        {
            "label": "Recall ↑", "value": f"{scores['recall']:.2f}", "floor": f"{real['recall']:.2f}",
            "tip": f"Share of the real images that have a similar one among the generated, on {n} images; higher is better.",
        },
    ]  # fmt: skip


def _upload(link: Link) -> None:
    st.caption("Choose both files of a checkpoint: card.json and generator.safetensors. They are read, never run.")
    files = st.file_uploader(
        "card.json and generator.safetensors", ["json", "safetensors"], accept_multiple_files=True, max_upload_size=64
    )
    by_kind = {file.name.rpartition(".")[2]: file for file in files or []}
    if not files or not st.button("Open it", disabled=len(by_kind) != 2):
        return
    try:
        gallery_view.open_own(by_kind["json"].getvalue(), by_kind["safetensors"].getvalue())
    except ValueError as error:
        st.error(plain(f"{error}."))
        return
    link.go({"model": gallery_view.OWN})
