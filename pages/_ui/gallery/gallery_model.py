"""One model of the gallery, opened: what is known of it, what to look at, what to carry away."""

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
from pages._ui.gallery.gallery_settings import Look, chosen, png_of, sampled
from pages._ui.gallery.gallery_views import DRAWN, pick, show_training
from pages._ui.shell import reading
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
    """Draw the model: its pictures at the right, what is known of it at the left."""
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
        look = _look(link, card, view)
    if look is None:
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
        DRAWN[view](model, look)
        picked = pick(model, look) if view == "between" else None
    if picked is not None:
        _go_to(link, replace(look, first=picked[0], second=picked[1]))
    with about:
        start_from_model.way_to(model)
        _downloads(model, look)


def _look(link: Link, card: Card, view: str) -> Look | None:
    if view == "training":
        for name in Look().as_dict():
            link.take(name)  # they may stand in the link, but choose nothing here
        return Look()
    needed = NEEDED.get(view, ("seed", "truncation"))
    asks = card.by_class and view != "latent"
    columns = st.columns([3] * (1 + len(needed) + asks), vertical_alignment="bottom", gap="small")
    again = columns[0].button("Resample", shortcut="N", help="Draw other x and z: the next seed (N)", width="stretch")
    if asks:
        with columns.pop():
            asked = _class(link, card)
    look = chosen(link, needed, columns[1:])
    if asks and look is not None:
        look = replace(look, asked=asked)
    if look is not None and view == "between":
        look = replace(look, **_ends(link))
    if again and look is not None:
        _go_to(link, replace(look, seed=look.seed + 1))
    return look


def _ends(link: Link) -> dict[str, int]:
    """Which two images a way leads between, as the address says."""
    found = {}
    for name in ("first", "second"):
        knob = next(knob for knob in params_of(Look) if knob.name == name)
        try:
            found[name] = knob.parse(link.text(name, str(knob.default)))
        except ValueError as error:
            link.complain(f"{error}; image {knob.default + 1} is shown.", name)
            found[name] = knob.default
        link.put(name, str(found[name]), str(knob.default))
    return found


def _go_to(link: Link, look: Look) -> NoReturn:
    changed = {
        knob.name: knob.write(value) for knob in params_of(Look) if (value := getattr(look, knob.name)) != knob.default
    }
    link.go({**changed, "model": link.text("model")})


def _class(link: Link, card: Card) -> int | None:
    """Draw the choice of the class to ask for; None for all of them."""
    from otviz.data.datasets import by_record

    try:
        known = by_record(card.record["target"]).class_names  # of one's own images, the names of their folders
    except ValueError:  # they are not here, which opening the model says
        known = ()
    names = {str(at): name for at, name in enumerate(known)}
    chosen = controls.choice(link, "asked", {"": "All in turn", **names}, default="", label="Class")
    return int(chosen) if chosen else None


def _downloads(model: PublishedModel, look: Look) -> None:
    rows = sampled(model, look)
    name = f"{model.card.name}-seed-{look.seed}"
    with st.container(horizontal=True, gap="small"):
        download("Images (PNG)", png_of(rows, model, look.columns(model)), f"{name}.png", "image/png")
        download("Images and latents (NPZ)", lambda: _npz(model, look), f"{name}.npz")
        if model.card.name != gallery_view.OWN:
            weights = f"{model.card.name}.safetensors"
            download("Weights (safetensors)", lambda: gallery_scores.weights(model.card), weights)


def _npz(model: PublishedModel, look: Look) -> bytes:
    from otviz.data.datasets import to_pixels

    x, z = model.latents(look.images, look.seed, look.truncation)
    file = io.BytesIO()
    labels = look.labels(model, look.images)
    labels = in_turn(look.images, model.classes) if labels is None and model.classes else labels
    arrays: dict[str, Any] = {"x": x, "z": z, **({} if labels is None else {"labels": labels})}
    np.savez_compressed(file, images=to_pixels(model.generate(x, z, labels), model.card.shape), **arrays)
    return file.getvalue()
