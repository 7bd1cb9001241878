"""A study: models that differ in one setting, drawn from the same noise, with one slider."""

from __future__ import annotations

from typing import Any

import streamlit as st

from otviz.checkpoints.shelf import Row, Study
from pages._ui.gallery import gallery_scores, gallery_view, judges, shelf
from pages._ui.gallery.gallery_settings import SampleSettings, chosen
from pages._ui.shell import reading
from pages._ui.shell.component import mount
from pages._ui.shell.links import Link, plain, shorten

WIDE, HIGH = 10, 5
"""Images in a row of a sheet, and its rows."""


def find(link: Link) -> Study | None:
    """The study in the link; an unknown name gives a warning."""
    name = link.text("study")
    found = shelf.studies().get(name) if name else None
    if name and found is None:
        link.complain(f"There is no study {shorten(name, 60)!r} in the gallery; it is not shown.")
    return found


def show(link: Link, study: Study) -> None:
    """Draw the study."""
    known = gallery_view.cards()
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        if st.button("All models", icon=":material/arrow_back:", type="tertiary"):
            link.go({})
        again = st.button("Other noise", icon=":material/casino:", shortcut="N", help="The next seed (N)")
        with st.container(width=220):
            settings = chosen(link, ("seed",), [st.container()])
        reading.how("gallery/study")
    st.subheader(plain(study.title), anchor=False)
    st.markdown(plain(study.look), width=900)
    st.caption(plain(f"From the papers: {study.claim}."))
    with st.container(horizontal=True, gap="medium"):
        judges.show(study.judges)
    if settings is None:
        return
    if again:
        link.go({"study": study.name, "seed": str(settings.seed + 1)})
    options, body = _options(study, settings)
    opened = str(mount("strip", key=f"strip-{study.name}", options=options, body=body, trigger="opened") or "")
    if opened in known:
        link.go({"model": opened})
    with st.expander("All scores"):
        for row in study.rows:
            st.markdown(f"**{plain(row.title)}**")
            gallery_scores.show_scores([known[name] for name in row.models if name], values_of(study, row))


def _options(study: Study, settings: SampleSettings) -> tuple[dict[str, Any], bytes]:
    """What the browser draws, and the sheets behind it."""
    body = bytearray()
    rows = [{"title": row.title, "models": [_model(name, settings, body) for name in row.models]} for row in study.rows]
    counts = [sum(bool(row.models[at]) for row in study.rows) for at in range(len(study.values))]
    whole = [at for at, count in enumerate(counts) if count == max(counts)]
    options = {
        "name": study.name, "axis": study.axis, "values": study.values, "rows": rows, "columns": WIDE, "high": HIGH,
        "seed": settings.seed, "start": whole[len(whole) // 2],
    }  # fmt: skip
    return options, bytes(body)


def _model(name: str, settings: SampleSettings, body: bytearray) -> dict[str, Any] | None:
    if not name:
        return None
    card = gallery_view.cards()[name]
    try:
        sheet = _sheet(name, str(card.record["sha256"]), settings.seed)
    except ValueError as error:
        return {"name": name, "title": card.title, "trouble": f"{error}.", "chips": []}
    body.extend(sheet)
    place = [len(body) - len(sheet), len(sheet)]
    return {"name": name, "title": card.title, "picture": place, "chips": shelf.chips(card)}


@st.cache_data(max_entries=200, show_spinner="Drawing images of every model …")
def _sheet(name: str, sha256: str, seed: int) -> bytes:
    from otviz.checkpoints.image_sheets import preview
    from otviz.data.datasets.rows import to_pixels

    model = gallery_view.model(gallery_view.cards()[name])
    return preview(to_pixels(model.sample(WIDE * HIGH, seed), model.card.shape), WIDE)


def values_of(study: Study, row: Row) -> list[str]:
    """The values of a study for which a row has a model."""
    return [value for value, name in zip(study.values, row.models, strict=True) if name]
