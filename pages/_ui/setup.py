"""Choosing what to train: distributions and their files, the method, steps, seed and device, all in the link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from otviz.distributions import Distribution, distributions, kind_of, named, store_upload
from otviz.params import params_of
from otviz.runs.plan import Plan
from pages._ui import boxes, controls, own_target
from pages._ui.links import Link, plain
from pages._ui.pad import pad

if TYPE_CHECKING:
    from otviz.methods import Method
    from otviz.runs.config import RunConfig


def choose_distribution(
    link: Link,
    side: str,
    default: str | Distribution,
    locked: bool,
    scope: str = "",
    *,
    scale: float | None = None,
    board: Board | None = None,
) -> Distribution | None:
    """Draw the choice of one distribution with its knobs; None while a value is bad.

    Args:
        side: "target" or "source".
        default: its name, or a distribution whose knobs are defaults too.
        scope: tells apart what is remembered where defaults differ.
        scale: of the clouds of a transport problem, which are taken as they are: shapes may be so many times as large, and
            there are no knobs that say how training sees the points. None for training.
        board: where a drawing is drawn, if not among the controls.
    """
    titles = {name: cls.title for name, cls in distributions().items()}
    first = default if isinstance(default, str) else default.name
    name = controls.choice(link, side, titles, default=first, label=side.capitalize(), disabled=locked)
    cls = named(name)
    start = default.as_dict() if isinstance(default, Distribution) and default.name == name else {}
    opened = cls.needs_file or bool(cls.drawn)
    with boxes.section(link, f"Shape of the {side}", prefix=f"{side}.", scope=name, expanded=opened):
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


def _offers(cls: type[Distribution], given: dict[str, str]) -> Mapping[str, Sequence[str]]:
    """What the file offers for the knobs; nothing if it cannot be read, which making the distribution says."""
    try:
        return cls.offers(given["file"]) if "file" in given else {}
    except ValueError:
        return {}


@dataclass
class Board:
    """The place of the picture, to draw the target on.

    Attributes:
        place: where the pad goes.
        source: shown faintly behind the drawing.
        used: whether the pad is there.
    """

    place: DeltaGenerator
    source: Distribution | None
    used: bool = False


def _draw(link: Link, side: str, cls: type[Distribution], locked: bool, board: Board | None = None) -> dict[str, str]:
    """Draw the drawing pad; the drawing goes into the link. Nothing is returned before the first stroke on an empty board."""
    knob = {knob.name: knob for knob in params_of(cls)}
    key = f"{side}.{cls.drawn}"
    text = link.text(key, knob[cls.drawn].default)
    try:
        if text:  # an empty drawing is a drawing on its way
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
    """Draw the upload of a file of points; its name by content goes into the link. A bad file replaces no good one."""
    key = f"{side}.file"
    file_knob = next(knob for knob in params_of(cls) if knob.name == "file")
    given = None
    if link.shows(key):
        # Any file can be chosen: why one is not read, and what to do, is said better here than by the widget.
        given = st.file_uploader(
            f"Upload a file ({', '.join(cls.extensions)})",
            key=f"{link.page}:{cls.name}.{key}",
            disabled=locked,
            help=file_knob.doc,
        )
    name = _fitting(link.text(key), cls)
    if given is not None:
        try:
            stored = store_upload(given.getvalue(), given.name, extensions=cls.extensions)
            if name:
                cls.parse({"file": stored})  # reads it
            name = stored
        except ValueError as error:
            kept = " The points you had are kept." if name else ""
            st.error(plain(f"{error}.{kept}"))
    if not name:
        st.caption("Choose a file, or another distribution.")
        return {}
    if not name.startswith("upload:"):  # a link may only name what was uploaded, never a path of the server
        st.error("A link can only name an uploaded file (upload: and 16 signs); choose the file again.")
        return {}
    link.put(key, name)
    return {"file": name}


def _fitting(name: str, cls: type[Distribution]) -> str:
    """The upload that the link names, unless it is of another kind: an image is no table."""
    try:
        return name if not name.startswith("upload:") or kind_of(name) is cls else ""
    except ValueError:  # not kept here; reading it says so
        return name


def choose_method(link: Link, locked: bool, live: bool) -> Method | None:
    """Draw the choice of a method with its knobs; while a run is `live` only those that may change are open."""
    from otviz.methods import methods
    from otviz.methods import named as method_named

    titles = {name: cls.title for name, cls in methods().items()}
    name = controls.choice(link, "method", titles, default="uotm-sd", label="Method", disabled=locked)
    return controls.knobs(link, method_named(name), disabled=locked and not live, locked=live)


def choose_plan(link: Link, scope: str, default_steps: int, compilable: bool, locked: bool) -> Plan | None:
    """Draw steps and seed side by side, and the device; `scope` tells apart what is remembered."""

    def part(*names: str) -> Plan | None:
        start = {"steps": default_steps}
        return controls.knobs(link, Plan, scope=scope, defaults=start, only=names, disabled=locked)

    left, right = boxes.side_by_side(link, "steps", "seed")
    with left:
        steps = part("steps")
    with right:
        seed = part("seed")
    where = part("device", "compile") if compilable else part("device")
    if steps is None or seed is None or where is None:
        return None
    return Plan(steps.steps, seed.seed, where.device, where.compile)


def config_of(
    method: Method | None, target: Distribution | None, source: Distribution | None, plan: Plan | None
) -> RunConfig | None:
    """The config that the widgets describe, or None while one of them is bad."""
    from otviz.runs.config import RunConfig

    if method is None or target is None or source is None or plan is None:
        return None
    return RunConfig(
        method, target, source, steps=plan.steps, seed=plan.seed, device=plan.device,
        compile=plan.compile and method.compilable,
    )  # fmt: skip


def address(config: RunConfig, run_id: str) -> dict[str, str]:
    """The query parameters that show this run on the Train page with its settings."""
    found = {"method": config.method.name, "target": config.target.name, "source": config.source.name, "run": run_id}
    for prefix, part in (("", config.method), ("target.", config.target), ("source.", config.source)):
        for knob in params_of(type(part)):
            if knob.name in part.changed():
                found[prefix + knob.name] = knob.write(getattr(part, knob.name))
    found |= {"steps": str(config.steps), "seed": str(config.seed), "device": config.device}
    if config.compile:
        found["compile"] = "True"
    return found
