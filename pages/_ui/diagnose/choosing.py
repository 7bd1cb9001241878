"""Both sides of the page Diagnose: an example, files, image sets, models of the gallery, or a run, all in the link."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import streamlit as st

from otviz.checkpoints.diagnoses.examples import EXAMPLES
from otviz.checkpoints.diagnoses.job import MOST_FILES, Request
from otviz.checkpoints.diagnoses.sides import MODEL, RUN, is_known
from otviz.core.uploads import PREFIX, find_upload, keep_upload, known_as
from otviz.data.datasets import datasets
from otviz.data.reading.formats import EXTENSIONS as TABLES
from otviz.data.reading.formats import MAX_BYTES, open_table
from otviz.evaluation.diagnosis.opening import EXTENSIONS
from pages._ui.controls import controls
from pages._ui.gallery import gallery_view
from pages._ui.player import run_controls
from pages._ui.shell import sessions
from pages._ui.shell.links import Link, plain, shorten

if TYPE_CHECKING:
    from otviz.runs.run_view import RunView

FIRST = "mnist8-no-cost"
LABELS = {"real": "Real data", "generated": "Generated samples", "held-out": "Held-out real data"}
HINTS = {
    "real": "Drop your real data here", "generated": "Drop samples of any generator here",
    "held-out": "Drop real data that the generator has not seen",
}  # fmt: skip
LISTED = {
    "real": "or take a known set",
    "generated": "or take a model of the gallery",
    "held-out": "or take a known set",
}
KINDS = (
    "Points of any dimension: CSV, TSV, NPY, NPZ or Parquet, a row each. Images: a ZIP, or an array in NPZ or NPY. Several files of "
    "generated samples are judged in the order of the numbers in their names, as a training over time."
)
_FILES, _TURN, _ERROR = "diagnose:files", "diagnose:turn", "diagnose:error"


@dataclass(frozen=True)
class Chosen:
    """What to judge.

    Attributes:
        example: name of the example; empty for the user's own sides.
        request: the user's own sides; None while one is missing.
        runs: that it may use, by id.
        missing: what is to be given next, as a sentence; empty if nothing is.
    """

    example: str = ""
    request: Request | None = None
    runs: Mapping[str, RunView] = field(default_factory=dict)
    missing: str = ""


def show_examples(link: Link, shown: str) -> None:
    """Draw the buttons of the examples, of which one may be shown."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="examples"):
        st.markdown(
            "**Is this mode collapse?** Drop your data below, or see an example:",
            width="content",
        )
        for name, example in EXAMPLES.items():
            kind: Any = "primary" if name == shown else "secondary"
            if st.button(example.title, type=kind, key=f"example-{name}", help=example.line):
                link.go({} if name == FIRST else {"example": name})


def choose(link: Link) -> Chosen:
    """Draw the controls of both sides."""
    example = link.text("example", FIRST)
    if example not in EXAMPLES:
        link.complain(f"there is no example {shorten(example, 40)!r}; {EXAMPLES[FIRST].title} is shown.")
        example = FIRST
    sides = {name: _side(link, name) for name in ("real", "generated")}
    message, settings = st.session_state.get(_ERROR, ("", {}))
    if message and settings == link.settings:  # until something else is chosen
        st.error(plain(message))
    if not any(sides.values()):
        link.put("example", example, FIRST)
        return Chosen(example)
    columns, label, held_out = _details(link, [text for text in sides.values() if text])
    generated = tuple(part for part in sides["generated"].split(",") if part)
    if not generated:
        return Chosen(missing="Now the other side: drop generated samples into their box, or choose a model.")
    if not sides["real"] and not generated[0].startswith((MODEL, RUN)):
        return Chosen(missing="Now the other side: drop your real data into its box, or choose a set by its name.")
    request = Request(sides["real"], generated, columns, label, held_out)
    return Chosen("", request, _runs(link, (sides["real"], *generated)))


def _side(link: Link, name: str) -> str:
    """Draw one side: an upload, and a list of what else there is; returns what is chosen."""
    with st.container(border=True, gap="small", key=f"side-{name}"):
        st.markdown(f"**{LABELS[name]}**")
        _upload(link, name)
        given = link.settings.get(name, "")
        options = {"": "Choose …", **_own(name), **_offered(name)}
        if given and given not in options and _is_fine(given):
            options[given] = _called(given)
        chosen = controls.choice(link, name, options, default="", label=LISTED[name])
        if name == "real" and not chosen and link.settings.get("generated", "").startswith((MODEL, RUN)):
            st.caption("Compared with what the generator was trained on.")
    return chosen


def _is_fine(text: str) -> bool:
    parts = text.split(",")
    return len(parts) <= MOST_FILES and all(map(is_known, parts))


def _own(name: str) -> dict[str, str]:
    """What this session has uploaded on a side."""
    found: dict[str, dict[str, str]] = st.session_state.get(_FILES, {})
    return found.get(name, {})


def _offered(name: str) -> dict[str, str]:
    if name == "generated":
        return {f"{MODEL}{card.name}": f"Model: {card.title}" for card in gallery_view.cards().values()}
    known = {each: kind.title for each, kind in datasets().items() if not kind.needs_file}
    if name == "held-out":
        return {f"{each}:test": f"{title}, test images" for each, title in known.items()}
    return known


def _called(text: str) -> str:
    parts = text.split(",")
    first = _name_of(parts[0])
    return first if len(parts) == 1 else f"{first} … {_name_of(parts[-1])} ({len(parts)} files)"


def _name_of(part: str) -> str:
    if part.startswith(RUN):
        return f"Run {part.removeprefix(RUN)[:16]}"
    if not part.startswith(PREFIX):
        return part
    try:
        return known_as(find_upload(part, EXTENSIONS))
    except ValueError:
        return "a file that is no longer here"


def _upload(link: Link, name: str) -> None:
    turn = st.session_state.setdefault(_TURN, 0)
    several: Any = name == "generated"
    given = st.file_uploader(
        HINTS[name],
        key=f"diagnose:{name}:{turn}",
        accept_multiple_files=several,
        help=KINDS,
        label_visibility="visible",
    )
    files: Sequence[Any] = given if isinstance(given, list) else [given] if given is not None else []
    if not files:
        return
    st.session_state[_TURN] += 1  # a new key empties the uploader for the next files
    try:
        if len(files) > MOST_FILES:
            raise ValueError(f"at most {MOST_FILES} files can be compared over time; got {len(files)}")
        # Uploads arrive in any order; the numbers in their names are steps.
        ordered = sorted(files, key=lambda file: _natural(file.name))
        kept = [sessions.keep(_store, file.getvalue(), file.name) for file in ordered]
    except ValueError as error:
        st.session_state[_ERROR] = (f"{error}. What you had is kept.", link.settings)
        st.rerun()
    text = ",".join(kept)
    st.session_state.setdefault(_FILES, {}).setdefault(name, {})[text] = _called(text)
    settings = {key: value for key, value in link.settings.items() if key not in ("example", "step")}
    link.go({**settings, name: text})


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    import re

    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part)


def _store(data: bytes, filename: str, owner: Any) -> str:
    return keep_upload(data, filename, EXTENSIONS, MAX_BYTES, owner=owner)


def _details(link: Link, sides: Sequence[str]) -> tuple[tuple[str, ...], str, str]:
    """Draw columns, labels and held-out data, folded away since they are rarely needed."""
    names = _columns(next((part for side in sides for part in side.split(",") if part.startswith(PREFIX)), ""))
    with st.expander("Columns, classes, held-out data"):
        columns = _choose_columns(link, names)
        options = {"": "a column called label or class, if any", "none": "none", **{name: name for name in names}}
        label = controls.choice(link, "label", options, default="", label="Column of classes") if names else ""
        held_out = _side(link, "held-out")
    return columns, label, held_out


@st.cache_data(max_entries=20, show_spinner=False)
def _columns(upload: str) -> tuple[str, ...]:
    """Columns of an uploaded table; none for images, or if it cannot be read, which is reported elsewhere."""
    try:
        path = find_upload(upload, EXTENSIONS)
        return tuple(open_table(path).columns) if path.suffix in TABLES else ()
    except ValueError:
        return ()


def _choose_columns(link: Link, names: Sequence[str]) -> tuple[str, ...]:
    text = link.take("columns")
    key = "diagnose:columns"
    if link.first(key):
        st.session_state[key] = [name for name in _parsed(text) if name in names]
    if not names:
        return ()
    chosen = st.multiselect("Columns of coordinates", list(names), key=key, placeholder="All that hold coordinates")
    link.put("columns", json.dumps(chosen) if chosen else "")
    return tuple(chosen)


def _parsed(text: str | None) -> list[str]:
    try:
        found = json.loads(text) if text else []
    except (ValueError, RecursionError):
        return []
    return [str(name) for name in found] if isinstance(found, list) else []


def _runs(link: Link, parts: Sequence[str]) -> dict[str, RunView]:
    """The runs among the sides, as far as this session may see them; messages for others."""
    found = {}
    for part in parts:
        if part.startswith(RUN):
            name = part.removeprefix(RUN)
            run = run_controls.of_any_kind(link, name)
            if run is not None:
                found[name] = run
    return found
