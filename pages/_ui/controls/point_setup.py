"""Settings of a run on points: distributions and their files, method, steps, seed and device, all in the link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from otviz.core.params import params_of
from otviz.data.distributions import Distribution, distributions, kind_of, named, store_upload
from otviz.training.plan import Plan
from otviz.viz.thumbnails import picture
from pages._ui.controls import boxes, controls, own_target, tiles
from pages._ui.controls.pad import pad
from pages._ui.controls.tiles import Tile
from pages._ui.shell import sessions
from pages._ui.shell.links import Link, plain

if TYPE_CHECKING:
    from otviz.methods import Method
    from otviz.runs.config import RunConfig


def choose_distribution(
    link: Link,
    side: str,
    default: str | Distribution,
    locked: bool = False,
    scope: str = "",
    *,
    scale: float | None = None,
    card: bool = True,
    flat: bool = False,
    board: Board | None = None,
) -> Distribution | None:
    """Draw the choice of a distribution with its knobs; None while a value is invalid.

    Args:
        link: the page's open link.
        side: "target" or "source".
        default: name, or a distribution that also gives the defaults of the knobs.
        locked: enable live knobs only.
        scope: distinguishes widget state where defaults differ.
        scale: for transport problems, which do not rescale points: shapes may be this much larger, and knobs for training are
            hidden. None for training.
        card: show only the selected tile until it is opened; otherwise all tiles.
        flat: show the knobs without a section, since it is inside one.
        board: where to draw a drawing, if not among the controls.
    """
    first = default if isinstance(default, str) else default.name
    shown_as = [Tile(name, cls.title, picture("distributions", name)) for name, cls in _in_order().items()]
    label = {"target": "Data", "source": "Start from"}[side] if scale is None else side.capitalize()
    name = tiles.choice(link, side, shown_as, default=first, label=label, card=card, disabled=locked)
    cls = named(name)
    start = default.as_dict() if isinstance(default, Distribution) and default.name == name else {}
    opened = cls.needs_file or bool(cls.drawn)
    section = boxes.section(link, f"Shape of the {side}", prefix=f"{side}.", scope=name, expanded=opened)
    with nullcontext() if flat else section:
        given: dict[str, str] = {}
        if cls.needs_file:
            given = _upload(link, side, cls, locked)
        elif cls.drawn:
            given = _draw(link, side, cls, locked, board)
        if opened and not given:
            return None
        left_out = {*given} if scale is None else {*given, *cls.training_only}
        shown = [knob for knob in cls.__dataclass_fields__ if knob not in left_out]
        made = controls.knobs(
            link, cls, prefix=f"{side}.", scope=scope, defaults={**start, **given}, only=shown,
            offers=_offers(cls, given), disabled=locked, scale=scale,
        )  # fmt: skip
        if scale is None and made is not None and made.describe():
            st.caption(plain(made.describe()))
        return made


def choose_source(link: Link) -> Distribution | None:
    """Draw the choice of the source, in a section, since it is rarely changed."""
    with boxes.section(link, "Source", prefix="source"):
        return choose_distribution(link, "source", "gaussian", flat=True)


def _in_order() -> dict[str, type[Distribution]]:
    """All distributions, with the user's own last."""
    return dict(sorted(distributions().items(), key=lambda item: item[1].needs_file or bool(item[1].drawn)))


def _offers(cls: type[Distribution], given: dict[str, str]) -> Mapping[str, Sequence[str]]:
    """Choices that the file gives for knobs; empty if it cannot be read, which is reported elsewhere."""
    try:
        return cls.offers(given["file"]) if "file" in given else {}
    except ValueError:
        return {}


@dataclass
class Board:
    """The picture's container, for drawing the target.

    Attributes:
        place: container of the pad.
        source: drawn faintly behind the drawing.
        used: whether the pad is shown.
    """

    place: DeltaGenerator
    source: Distribution | None
    used: bool = False


def _draw(link: Link, side: str, cls: type[Distribution], locked: bool, board: Board | None = None) -> dict[str, str]:
    """Draw the pad; the drawing is stored in the link. Returns nothing before the first stroke."""
    knob = {knob.name: knob for knob in params_of(cls)}
    key = f"{side}.{cls.drawn}"
    text = link.text(key, knob[cls.drawn].default)
    try:
        if text:  # an empty drawing has just been started
            cls.parse({cls.drawn: text})
    except ValueError as error:
        link.complain(f"{side}.{error}; another drawing is used.", key)
        text = knob[cls.drawn].default
    brush = st.session_state.get(controls.widget_key(link.page, cls, "brush", prefix=f"{side}."), knob["brush"].default)
    common: dict[str, Any] = {"key": f"{link.page}:{key}", "label": side, "brush": brush}
    if board is not None and (link.lesson is None or link.lesson.shows(key)):
        board.used, fresh = True, own_target.is_fresh(link, key)
        with board.place:
            found = pad(
                "" if fresh else text,
                height=0,
                drop=f".st-key-{own_target.FILE}",
                others=_points(board.source),
                **common,
            )
        if found:
            own_target.drawn()
        elif fresh:
            return {}
        text = found or text
    elif link.shows(key) and not locked:
        text = pad(text, **common) or text
    link.put(key, text, knob[cls.drawn].default)
    return {cls.drawn: text}


def _points(source: Distribution | None) -> NDArray[np.float32] | None:
    return None if source is None else source.units.to_file(source.sample(500, np.random.default_rng(0)))


def _upload(link: Link, side: str, cls: type[Distribution], locked: bool) -> dict[str, str]:
    """Draw the upload of a file of points; its hash is stored in the link. An invalid file does not replace a valid one."""
    key = f"{side}.file"
    file_knob = next(knob for knob in params_of(cls) if knob.name == "file")
    given = None
    if link.shows(key):
        # Accept any file: the error message here is better than the widget's.
        given = st.file_uploader(
            f"Upload a file ({', '.join(cls.extensions)})",
            key=f"{link.page}:{cls.name}.{key}",
            disabled=locked,
            help=file_knob.doc,
        )
    name = _fitting(link.text(key), cls)
    if given is not None:
        try:
            stored = sessions.keep(store_upload, given.getvalue(), given.name, extensions=cls.extensions)
            if name:
                cls.parse({"file": stored})  # reads the file
            name = stored
        except ValueError as error:
            kept = " The points you had are kept." if name else ""
            st.error(plain(f"{error}.{kept}"))
    if not name:
        st.caption("Choose a file, or another distribution.")
        return {}
    if not name.startswith("upload:"):  # links may only name uploads, never paths of the server
        st.error("A link can only name an uploaded file (upload: and its signs); choose the file again.")
        return {}
    link.put(key, name)
    return {"file": name}


def _fitting(name: str, cls: type[Distribution]) -> str:
    """The upload in the link, unless it is of another kind (an image instead of a table)."""
    try:
        return name if not name.startswith("upload:") or kind_of(name) is cls else ""
    except ValueError:  # missing, which is reported when it is read
        return name


def choose_training(link: Link) -> tuple[Method | None, Plan | None]:
    """Draw the choice of a method, its basic knobs, steps and seed, and all other settings in a section."""
    cls = pick_method(link, "uotm-sd")
    first, often = st.container(), st.container()
    rest = boxes.Section(link, "All settings", scope=cls.name)
    with first:
        method = controls.knobs(link, cls, rest=rest)
    with often:
        plan = choose_plan(link, cls.name, cls.default_steps, cls.compilable, locked=False, rest=rest)
    return method, plan


def pick_method(link: Link, default: str) -> type[Method]:
    """Draw the choice of a method."""
    from otviz.methods import methods
    from otviz.methods import named as method_named

    shown_as = [Tile(name, cls.title, picture("methods", name), cls.line) for name, cls in methods().items()]
    return method_named(tiles.choice(link, "method", shown_as, default=default, label="Method", card=True))


def choose_plan(
    link: Link, scope: str, default_steps: int, compilable: bool, locked: bool, rest: boxes.Section | None = None
) -> Plan | None:
    """Draw steps and seed, and the rest of the plan under all other settings; `scope` distinguishes widget state."""
    names = ("steps", "seed", "device", "compile") if compilable else ("steps", "seed", "device")
    start = {"steps": default_steps}
    return controls.knobs(link, Plan, scope=scope, defaults=start, only=names, disabled=locked, rest=rest)


def missing(target: Distribution | None, source: Distribution | None, method: Method | None, plan: Plan | None) -> str:
    """What must be set before training, as a sentence, or ""."""
    first = "These settings cannot be trained yet:"
    for made, what in (
        (target, "choose or draw data that can be used"), (source, "choose a source that can be used"),
        (method, "a setting of the method cannot be used"), (plan, "steps, seed or device cannot be used"),
    ):  # fmt: skip
        if made is None:
            return f"{first} {what}. See below."
    return ""


def config_of(
    method: Method | None, target: Distribution | None, source: Distribution | None, plan: Plan | None
) -> RunConfig | None:
    """The config from the widgets, or None while one is invalid."""
    from otviz.runs.config import RunConfig

    if method is None or target is None or source is None or plan is None:
        return None
    return RunConfig(
        method, target, source, steps=plan.steps, seed=plan.seed, device=plan.device,
        compile=plan.compile and method.can_compile,
    )  # fmt: skip


def address(config: RunConfig, run_id: str) -> dict[str, str]:
    """The query parameters that show this run on the Train page with its settings."""
    found = {"method": config.method.name, **{side: part.name for side, part in config.sides.items()}, "run": run_id}
    found |= config.method.written("", config.method.changed())
    for side, part in config.sides.items():
        found |= part.written(f"{side}.", part.changed())
    found |= {"steps": str(config.steps), "seed": str(config.seed), "device": config.device}
    if config.compile:
        found["compile"] = "True"
    return found
