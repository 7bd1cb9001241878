"""Settings of an image run: data set, method with presets, networks and plan, all in the link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from otviz.core.params import Knobs, params_of
from otviz.data.datasets import ImageSet, datasets, named, store_upload
from otviz.data.datasets.own_images import PREFIX
from otviz.data.target import Target
from otviz.training.plan import Plan
from otviz.viz.thumbnails import picture
from pages._ui.controls import boxes, controls, fetching, point_setup, tiles
from pages._ui.controls.tiles import Tile
from pages._ui.shell import sessions
from pages._ui.shell.links import Link, plain

if TYPE_CHECKING:
    from otviz.methods import Method
    from otviz.networks import Networks
    from otviz.runs.config import RunConfig
    from otviz.training.presets import Preset

OF_POINTS = ("hidden", "layers")
"""Knobs of methods for networks of points; image networks have their own."""

START, OFFLINE = "mnist", "digits"
"""The set that the page starts with where it is at hand, and the one that always is."""

PLANNED = ("steps", "seed", "device", "lr_decay", "precision")


def choose_images(link: Link) -> ImageSet | None:
    """Draw the choice of a data set with its knobs; None while there is none."""
    if link.reads == 1 and not link.settings and named(START)().is_at_hand():
        link.go({"target": START}, remember=False)
    shown_as = [Tile(name, cls.title, picture("images", name)) for name, cls in datasets().items()]
    name = tiles.choice(link, "target", shown_as, default=OFFLINE, label="Data")
    cls = named(name)
    given = _upload(link, cls) if cls.needs_file else {}
    if cls.needs_file and not given:
        return None
    shown = [knob.name for knob in params_of(cls) if knob.name not in given]
    images = controls.knobs(link, cls, prefix="target.", defaults=given, only=shown)
    if images is not None:
        st.caption(plain(images.describe()))
    if name == OFFLINE and not named(START)().is_at_hand():
        st.caption(f"{named(START).title}, larger digits, can be downloaded: choose it above.")
    return images


def _upload(link: Link, cls: type[ImageSet]) -> dict[str, str]:
    """Draw the upload of a ZIP; its hash is stored in the link. An invalid file does not replace a valid one."""
    name = link.text("target.file")
    given = None
    if link.shows("target.file"):
        given = st.file_uploader(
            "Upload a ZIP of images, in a folder for each class if they have any",
            ["zip"],
            key=f"{link.page}:{cls.name}.file",
        )
    if given is not None:
        try:
            stored = sessions.keep(store_upload, given.getvalue(), given.name)
            if name:
                cls.parse({"file": stored})  # reads the images
            name = stored
        except ValueError as error:
            kept = " The images you had are kept." if name else ""
            st.error(plain(f"{error}.{kept}"))
    if not name:
        st.caption("Choose a file, or another data set.")
        return {}
    if not name.startswith(PREFIX):  # links may only name uploads, never paths of the server
        st.error("A link can only name an uploaded file (upload: and its signs); choose the file again.")
        return {}
    link.put("target.file", name)
    return {"file": name}


def are_available(link: Link, images: ImageSet | None) -> bool:
    """Whether the images are available; otherwise show what to do."""
    if images is None:
        return False
    if images.to_download():
        fetching.offer(link, images, named(OFFLINE))
        return False
    problem = _problem(images.name, images.record())
    if problem:
        st.info(plain(f"{problem[:1].upper()}{problem[1:]}."))
    return not problem


@st.cache_data(ttl=20, max_entries=20, show_spinner="Reading the images …")
def _problem(name: str, knobs: dict[str, Any]) -> str:
    """Why the images are not available, or empty; cached, since damaged files are read each time."""
    from otviz.data.datasets import by_record

    try:
        by_record({**knobs, "name": name}).split("train")
    except ValueError as error:
        return str(error)
    return ""


def choose_training(link: Link, images: ImageSet | None) -> tuple[Method | None, Networks | None, Plan | None]:
    """Draw the choice of a method, its basic knobs, steps and seed, and all other settings in sections.

    Defaults are the presets for these images.
    """
    cls = point_setup.pick_method(link, "uotm")
    if images is None:
        return None, None, None
    first, often = st.container(), st.container()
    rest, scope, start = (
        boxes.Section(link, "All settings", scope=cls.name),
        _scope(images, cls.name),
        _preset(cls.name, images),
    )
    shown = [knob.name for knob in params_of(cls) if knob.name not in OF_POINTS]
    with first:
        method = controls.knobs(link, cls, scope=scope, defaults=dict(start.method), only=shown, rest=rest)
    with often:
        plan = controls.knobs(link, Plan, scope=scope, defaults={"steps": start.steps}, only=PLANNED, rest=rest)
    return method, choose_networks(link, images, method), plan


def choose_networks(link: Link, images: ImageSet, method: Method | None) -> Networks | None:
    """Draw the knobs of the networks."""
    from otviz.networks import Networks

    if method is None:
        return None
    with boxes.section(link, "Networks", prefix="network."):
        conditional = method.pairs and bool(images.class_names)  # only then can they be conditioned on the class
        made = controls.knobs(
            link, Networks, prefix="network.", scope=_scope(images, method.name),
            defaults=_preset(method.name, images).networks.as_dict(),
            only=[knob.name for knob in params_of(Networks) if conditional or knob.name != "by_class"],
        )  # fmt: skip
        if made is None:
            return None
        try:
            made.check(images.shape, method.noise_dim)
        except ValueError as error:
            st.error(plain(str(error)))
            return None
        generator, adversary = made.kinds(images.shape)
        st.caption(f"Generator {generator}, critic {adversary}." if method.outputs else f"Generator {generator}.")
    return made


def missing(images: ImageSet | None, available: bool, complete: bool) -> str:
    """What must be set before training, as a sentence, or ""."""
    if images is None or not available:
        return "Choose or download images to train on."
    return "" if complete else "These settings cannot be trained yet: a setting cannot be used as it is. See below."


def config_of(
    images: ImageSet | None, method: Method | None, networks: Networks | None, plan: Plan | None
) -> RunConfig | None:
    """The config from the widgets, or None while one is invalid."""
    from otviz.runs.config import RunConfig

    if images is None or method is None or networks is None or plan is None:
        return None
    return RunConfig(
        method, images, steps=plan.steps, seed=plan.seed, device=plan.device, lr_decay=plan.lr_decay,
        precision=plan.precision, networks=networks,
    )  # fmt: skip


def address(config: RunConfig, run_id: str) -> dict[str, str]:
    """The query parameters that show this run on the Images page with its settings."""
    images, method, chosen = config.target, config.method, _preset(config.method.name, config.target)
    assert config.networks is not None
    plan = Plan(
        config.steps, config.seed, config.device, lr_decay=config.lr_decay, precision=config.precision,  # type: ignore[arg-type]
    )  # fmt: skip
    return {
        "method": method.name, "target": images.name, "run": run_id,
        **_differing("", method, dict(chosen.method), OF_POINTS),
        **_differing("target.", images, {}),
        **_differing("network.", config.networks, chosen.networks.as_dict()),
        **_differing("", plan, {"steps": chosen.steps}),
    }  # fmt: skip


def _differing(prefix: str, part: Knobs, defaults: dict[str, Any], but: tuple[str, ...] = ()) -> dict[str, str]:
    """Knobs that differ from `defaults` or declared defaults."""
    differing = [
        knob.name
        for knob in params_of(type(part))
        if knob.name not in but and getattr(part, knob.name) != defaults.get(knob.name, knob.default)
    ]
    return part.written(prefix, differing)


def _preset(method: str, images: Target) -> Preset:
    from otviz.training.presets import preset

    return preset(method, images)


def _scope(images: ImageSet, method: str) -> str:
    """Distinguishes widget state by method and image size, on which the defaults depend."""
    return f"{images.name}-{images.dim}.{method}"
