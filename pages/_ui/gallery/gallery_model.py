"""A model of the gallery: its scores, its views, and what is to be kept of it."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import streamlit as st

from otviz.checkpoints import Card
from otviz.core.params import params_of
from otviz.data.datasets.rows import in_turn
from pages._ui.controls import controls
from pages._ui.gallery import explorer, gallery_scores, gallery_view, judges, shelf, walk
from pages._ui.gallery.gallery_settings import SampleSettings, chosen, png_of, sampled
from pages._ui.gallery.gallery_views import show_classes, show_training
from pages._ui.shell import diagnose_link, reading
from pages._ui.shell.downloads import download
from pages._ui.shell.links import Link, plain
from pages._ui.train import start_from_model

if TYPE_CHECKING:
    from otviz.checkpoints.models import PublishedModel

VIEWS = {"explore": "Explore", "walk": "Walk", "classes": "By class", "training": "Training", "about": "About"}
NEEDED = {
    "explore": ("seed", "truncation"), "walk": ("seed", "truncation"), "classes": ("seed", "truncation"),
    "about": ("seed", "images", "truncation"),
}  # fmt: skip
WIDTHS = {"seed": 175, "images": 205, "truncation": 165}


def show(link: Link, card: Card) -> None:
    """Draw the model: title and scores above, one of its views below."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        if st.button("All models", icon=":material/arrow_back:", type="tertiary"):
            link.go({})
        st.subheader(plain(card.title), anchor=False, width="content")
        tools = st.container(horizontal=True, horizontal_alignment="right", gap="small")
    gallery_scores.show_tiles(card)
    drawn: list[SampleSettings | None] = []
    view = reading.choose_view(
        link, "gallery", VIEWS, default="explore", label="What to look at",
        beside=lambda view: drawn.append(_settings(link, card, view)),
    )  # fmt: skip
    settings = drawn[0]
    if settings is None:
        return
    with reading.place(link, view, "sheets"):
        if view == "training":
            show_training(card)
            return
        try:
            model = gallery_view.model(card)
        except ValueError as error:
            st.error(plain(f"{error}."))
            return
        if view == "explore":
            explorer.show(link, [model], settings, f"explorer-{card.name}")
        elif view == "about":
            _about(model, settings)
        elif view == "walk":
            walk.show(model, settings)
        else:
            show_classes(model, settings)
    if view != "explore":
        link.take(explorer.PICKED)
    with tools:
        start_from_model.link_to_training(model)
        if card.name != gallery_view.OWN:
            diagnose_link.show(f"model:{card.name}")


def _about(model: PublishedModel, settings: SampleSettings) -> None:
    facts, numbers = st.columns(2, gap="large")
    with facts:
        gallery_scores.show_claims(model.card)
        known = shelf.order().judges
        judges.show(judge for claim in model.card.claims for judge in known.get(claim, ()))
        gallery_scores.show_card(model.card)
        _downloads(model, settings)
    with numbers:
        gallery_scores.show_scores([model.card])
        gallery_scores.show_reported([model.card])


def _settings(link: Link, card: Card, view: str) -> SampleSettings | None:
    if view == "training":
        for name in SampleSettings().as_dict():
            link.take(name)  # may be in the link, but have no effect here
        return SampleSettings()
    needed = NEEDED[view]
    again = st.button("Other noise", icon=":material/casino:", shortcut="N", help="The next seed (N)")
    settings = chosen(link, needed, [st.container(width=WIDTHS[name]) for name in needed])
    asks = card.by_class and view in ("explore", "walk", "about")
    if asks:
        with st.container(width=150):
            asked = _class(link, card)
    if asks and settings is not None:
        settings = replace(settings, asked=asked)
    if again and settings is not None:
        _go_to(link, replace(settings, seed=settings.seed + 1))
    return settings


def _go_to(link: Link, settings: SampleSettings) -> NoReturn:
    changed = {
        knob.name: knob.write(value)
        for knob in params_of(SampleSettings)
        if (value := getattr(settings, knob.name)) != knob.default
    }
    link.go({**changed, "model": link.text("model"), **_kept(link)})


def _kept(link: Link) -> dict[str, str]:
    picked = link.settings.get(explorer.PICKED, "")
    return {explorer.PICKED: picked} if picked else {}


def _class(link: Link, card: Card) -> int | None:
    """Draw the choice of the class to generate; None for all."""
    from otviz.data.datasets import by_record

    try:
        known = by_record(card.record["target"]).class_names  # for the user's own images, the names of their folders
    except ValueError:  # missing images are reported when the model is opened
        known = ()
    names = {str(at): name for at, name in enumerate(known)}
    chosen = controls.choice(link, "asked", {"": "All classes", **names}, default="", label="Class", labelled=False)
    return int(chosen) if chosen else None


def _downloads(model: PublishedModel, settings: SampleSettings) -> None:
    rows = sampled(model, settings)
    name = f"{model.card.name}-seed-{settings.seed}"
    with st.container(horizontal=True, gap="small"):
        download("Images (PNG)", png_of(rows, model, settings.columns(model)), f"{name}.png", "image/png")
        download("Images and latents (NPZ)", lambda: _npz(model, settings), f"{name}.npz")
        if model.card.name != gallery_view.OWN:
            weights = f"{model.card.name}.safetensors"
            download("Weights (safetensors)", lambda: gallery_scores.weights(model.card), weights)


def _npz(model: PublishedModel, settings: SampleSettings) -> bytes:
    from otviz.data.datasets import to_pixels

    x, z = model.latents(settings.images, settings.seed, settings.truncation)
    file = io.BytesIO()
    labels = settings.labels(model, settings.images)
    labels = in_turn(settings.images, model.classes) if labels is None and model.classes else labels
    arrays: dict[str, Any] = {"x": x, "z": z, **({} if labels is None else {"labels": labels})}
    np.savez_compressed(file, images=to_pixels(model.generate(x, z, labels), model.card.shape), **arrays)
    return file.getvalue()
