"""A model of the gallery: its card, views, and downloads."""

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
from pages._ui.gallery import gallery_scores, gallery_view
from pages._ui.gallery.gallery_settings import SampleSettings, chosen, png_of, sampled
from pages._ui.gallery.gallery_views import DRAWN, pick, show_training
from pages._ui.shell import diagnose_link, reading
from pages._ui.shell.downloads import download
from pages._ui.shell.links import Link, plain
from pages._ui.train import start_from_model

if TYPE_CHECKING:
    from otviz.checkpoints.models import PublishedModel

VIEWS = {
    "samples": "Samples",
    "latent": "x and z",
    "walk": "Walk",
    "between": "Between two",
    "nearest": "Nearest real",
    "classes": "By class",
    "training": "Training",
}
NEEDED = {"samples": ("seed", "images", "truncation"),
          "classes": ("seed", "images", "truncation")}  # fmt: skip


def show(link: Link, card: Card) -> None:
    """Draw the model: card on the left, views on the right."""
    if st.button("All models", icon=":material/arrow_back:", type="tertiary"):
        link.go({})
    facts, pictures = st.columns([4, 9], gap="medium")
    with pictures:
        view = reading.choose_view(link, "gallery", VIEWS, default="samples", label="What to look at")
        knobs, canvas = st.container(), reading.place(link, view, "sheets")
    about = facts.container(key="facts")
    with about:
        gallery_scores.show_title(card)
        gallery_scores.show_scores([card])
        gallery_scores.show_reported([card])
        gallery_scores.show_card(card)
    with knobs:
        settings = _settings(link, card, view)
    if settings is None:
        return
    with canvas:
        if view == "training":
            show_training(card)
            return
        try:
            model = gallery_view.model(card)
        except ValueError as error:
            st.error(plain(f"{error}."))
            return
        DRAWN[view](model, settings)
        picked = pick(model, settings) if view == "between" else None
    if picked is not None:
        _go_to(link, replace(settings, first=picked[0], second=picked[1]))
    with about:
        with st.container(horizontal=True, gap="small"):
            start_from_model.link_to_training(model)
            if card.name != gallery_view.OWN:
                diagnose_link.show(f"model:{card.name}")
        _downloads(model, settings)


def _settings(link: Link, card: Card, view: str) -> SampleSettings | None:
    if view == "training":
        for name in SampleSettings().as_dict():
            link.take(name)  # may be in the link, but have no effect here
        return SampleSettings()
    needed = NEEDED.get(view, ("seed", "truncation"))
    asks = card.by_class and view != "latent"
    columns = st.columns([3] * (1 + len(needed) + asks), vertical_alignment="bottom", gap="small")
    again = columns[0].button("Resample", shortcut="N", help="Draw other x and z: the next seed (N)", width="stretch")
    if asks:
        with columns.pop():
            asked = _class(link, card)
    settings = chosen(link, needed, columns[1:])
    if asks and settings is not None:
        settings = replace(settings, asked=asked)
    if settings is not None and view == "between":
        settings = replace(settings, **_ends(link))
    if again and settings is not None:
        _go_to(link, replace(settings, seed=settings.seed + 1))
    return settings


def _ends(link: Link) -> dict[str, int]:
    """The two images of a path, from the link."""
    found = {}
    for name in ("first", "second"):
        knob = next(knob for knob in params_of(SampleSettings) if knob.name == name)
        try:
            found[name] = knob.parse(link.text(name, str(knob.default)))
        except ValueError as error:
            link.complain(f"{error}; image {knob.default + 1} is shown.", name)
            found[name] = knob.default
        link.put(name, str(found[name]), str(knob.default))
    return found


def _go_to(link: Link, settings: SampleSettings) -> NoReturn:
    changed = {
        knob.name: knob.write(value)
        for knob in params_of(SampleSettings)
        if (value := getattr(settings, knob.name)) != knob.default
    }
    link.go({**changed, "model": link.text("model")})


def _class(link: Link, card: Card) -> int | None:
    """Draw the choice of the class to generate; None for all."""
    from otviz.data.datasets import by_record

    try:
        known = by_record(card.record["target"]).class_names  # for the user's own images, the names of their folders
    except ValueError:  # missing images are reported when the model is opened
        known = ()
    names = {str(at): name for at, name in enumerate(known)}
    chosen = controls.choice(link, "asked", {"": "All in turn", **names}, default="", label="Class")
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
