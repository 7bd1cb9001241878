"""Results, journals, recordings and lists with any value at any place are shown or reported as damaged, and no page fails."""

from __future__ import annotations

import functools
import gzip
import json
import struct
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from hypothesis import given, settings
from hypothesis import strategies as some
from streamlit.testing.v1 import AppTest

from otviz import methods
from otviz.checkpoints import card, recordings
from otviz.checkpoints.catalogue import LIST, catalogue
from otviz.checkpoints.recordings import store
from otviz.cli.listing import ListArgs, listed
from otviz.content.explanations import EXPLANATIONS
from otviz.content.syllabus import MORE, syllabus
from otviz.core import container
from otviz.core.files import CHECKPOINTS
from otviz.data.distributions.ring import Ring
from otviz.experiments import experiments, report
from otviz.experiments.results import SHIPPED
from otviz.experiments.sweeps import Sweep
from otviz.experiments.sweeps.sweep_job import SweepJournal
from otviz.experiments.sweeps.train_cells import train_cells
from otviz.player import wire
from otviz.runs.config import RunConfig
from otviz.viz.robustness_map import MEASURES, robustness_curves, robustness_map, text_alternative
from pages._ui.experiments import claim_cards
from pages._ui.home import home_view
from pages._ui.shell.links import plain
from tests.spoilt import MANY, one_sentence, spoilt
from tests.waiting import PATIENCE

PAGES = Path(__file__).resolve().parents[2] / "pages"
SOME = settings(MANY, max_examples=25)
FEW = settings(MANY, max_examples=10)
NAMES = [path.stem for path in SHIPPED.glob("*.json") if path.stat().st_size < 15_000]
HOME = "home-ring-uotm"


@given(data=some.data())
@SOME
def test_any_value_in_a_result_is_shown_or_refused(tmp_path: Path, data: some.DataObject) -> None:
    name = data.draw(some.sampled_from(sorted(NAMES)))
    record = json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8"))
    (tmp_path / f"{name}.json").write_text(json.dumps(spoilt(data.draw, record)), encoding="utf-8")
    each, why, result = experiments()[name](), "", None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "stored", functools.partial(report.stored, folder=tmp_path))
        made = claim_cards._card(each)
        json.dumps(made, ensure_ascii=False).encode()
        try:
            result, _ = report.stored(each)
        except ValueError as error:
            why = one_sentence(error)
    assert why in made["told"]
    assert not why or f"{name}.json" in why
    assert not why or made["word"] == report.NOT_RUN
    "\n".join(report._section(each, result)).encode()


@given(data=some.data())
@FEW
def test_any_value_in_the_journal_of_a_sweep_is_drawn_or_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: some.DataObject
) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    sweep = Sweep("tau", (0.01, 0.1), (methods.named("uotm")(batch_size=8, hidden=8),), Ring(), seeds=(0,), steps=2)
    journal = SweepJournal(sweep)
    journal.path.unlink(missing_ok=True)
    first, second = sweep.cells()
    journal.save(first, _outcome())
    journal.save(second, _outcome())
    good, bad = journal.path.read_text(encoding="utf-8").splitlines()
    lines = [good, json.dumps(spoilt(data.draw, json.loads(bad))), "[" * 100_000, "\udcff\x00"]
    journal.path.write_bytes("\n".join(lines).encode(errors="surrogateescape"))
    found = journal.outcomes()
    assert first in found
    for measure in MEASURES:
        robustness_map(sweep, found, measure).to_json().encode()
    robustness_curves(sweep, found).to_json().encode()
    text_alternative(sweep, found).encode()


@functools.cache
def _outcome() -> Any:
    return next(iter(train_cells([RunConfig(methods.named("uotm")(batch_size=8, hidden=8), Ring(), steps=2)])))


def written(folder: Path, head: Any, body: bytes) -> None:
    text = json.dumps(head).encode()
    data = struct.pack("<I", len(text)) + text + body
    (folder / f"{HOME}.gz").write_bytes(gzip.compress(data, 1))


def forget() -> None:
    for cached in (store._file, store._parts, store._body, home_view._atlas):
        cached.cache_clear()


@pytest.mark.parametrize("part", ["head", "runs"])
@given(data=some.data())
@FEW
def test_any_value_in_a_recording_is_played_or_refused(tmp_path: Path, part: str, data: some.DataObject) -> None:
    raw = gzip.decompress((CHECKPOINTS / "recordings" / f"{HOME}.gz").read_bytes())
    end = 4 + struct.unpack_from("<I", raw)[0]
    head, body = json.loads(raw[4:end]), raw[end:]
    if part == "head":
        head = spoilt(data.draw, head)
    else:
        header, blobs, version = container.split(body, (1, 2))
        body = container.join(spoilt(data.draw, header), [blobs], version, browser=False)
    patch = pytest.MonkeyPatch()
    patch.setattr(store, "FOLDER", tmp_path)
    forget()
    try:
        written(tmp_path, head, body)
        recordings.packed(HOME)
        given, runs, _ = home_view._atlas()
    except ValueError as error:
        one_sentence(error)
    else:
        json.dumps(given, ensure_ascii=False).encode()
        wire.decode(runs)
    finally:
        forget()
        patch.undo()


@given(data=some.data())
@FEW
def test_any_value_in_a_card_leaves_the_list_of_the_command_line_standing(
    tmp_path: Path, data: some.DataObject
) -> None:
    for name in ("ring-uotm-sd", "classifier-digits", "mnist8-uotm"):
        record = json.loads((CHECKPOINTS / name / "card.json").read_text(encoding="utf-8"))
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "card.json").write_text(json.dumps(spoilt(data.draw, record)), encoding="utf-8")
    found = card.cards(tmp_path)
    assert len(found) == 3
    for name, each in found.items():
        f"{name} {each['title']}".encode()


def test_a_damaged_model_is_named_by_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "card.json").write_text('{"title": 3}', encoding="utf-8")
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "card.json").write_text('{"title": "Points"}', encoding="utf-8")
    monkeypatch.setattr("otviz.cli.listing.cards", functools.partial(card.cards, tmp_path))
    said = listed(ListArgs())
    assert "  bad  damaged: title in card.json must be text" in said
    assert "  good Points" in said


@given(data=some.data())
@FEW
def test_any_value_in_a_table_of_contents_is_read_or_refused(tmp_path: Path, data: some.DataObject) -> None:
    text = LIST.read_text(encoding="utf-8").replace(
        '"family"', data.draw(some.sampled_from(["3", "[", "[[[]]]", '"x"'])), 1
    )
    (tmp_path / LIST.name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"catalogue\.toml"):
        catalogue(tmp_path / LIST.name)
    order = (EXPLANATIONS / "syllabus.toml").read_text(encoding="utf-8")
    key = data.draw(some.sampled_from(["read =", "title =", "{ lesson", '"See', "[[part]]"]))
    (tmp_path / "syllabus.toml").write_text(order.replace(key, "other =", 1), encoding="utf-8")
    for path in EXPLANATIONS.iterdir():
        if path.is_dir() and not (tmp_path / path.name).exists():
            (tmp_path / path.name).symlink_to(path)
    (more,) = syllabus(tmp_path)
    assert more.title == MORE
    assert more.about.startswith("The order is missing: ")
    assert len(more.stops) > 15


# Whole pages


def test_a_damaged_result_is_a_card_beside_the_others(
    alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in SHIPPED.glob("*.json"):
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "alpha-limit.json").unlink()
    (tmp_path / "alpha-limit.json").write_text('{"format": 1}', encoding="utf-8")
    monkeypatch.setattr(report, "stored", functools.partial(report.stored, folder=tmp_path))
    claim_cards.all_cards.clear()
    cards = {each["name"]: each for each in claim_cards.all_cards()}
    claim_cards.all_cards.clear()
    assert set(cards) == set(experiments())
    assert "alpha-limit.json must be an object with experiment; got an object; run the" in cards["alpha-limit"]["told"]
    assert cards["alpha-limit"]["word"] == report.NOT_RUN
    assert sum(each["word"] == report.NOT_RUN for each in cards.values()) == 1


def test_the_page_of_a_claim_shows_the_shipped_result_when_the_own_one_is_damaged(
    alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    folder = tmp_path / "experiments" / "results"
    folder.mkdir(parents=True)
    (folder / "convex-functions.json").write_text("[1]", encoding="utf-8")
    (page,) = PAGES.glob("*_experiments.py")
    app = AppTest.from_file(str(page), default_timeout=PATIENCE)
    app.query_params["claim"] = "convex-functions"
    monkeypatch.setattr(st, "page_link", lambda *_, **__: None)
    app.run()
    assert not app.exception
    (warning,) = app.warning
    assert plain("convex-functions.json must be an object; got a list of 1") in warning.value
    assert any("seeds agree" in each.value for each in app.markdown)


def test_a_damaged_recording_is_named_on_home(alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (CHECKPOINTS / "recordings").glob("home-*.gz"):
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.setattr(store, "FOLDER", tmp_path)
    monkeypatch.setattr(st, "page_link", lambda *_, **__: None)
    (page,) = PAGES.glob("*_home.py")
    for name, there in (("home-off-centre-uotm", True), (HOME, False)):
        (tmp_path / f"{name}.gz").unlink()
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(b"\1\0\0\0x"))
        forget()
        app = AppTest.from_file(str(page), default_timeout=PATIENCE).run()
        assert not app.exception
        assert len(app.warning) == (0 if there else 1)
        if there:
            assert set(home_view._atlas()[0]["groups"]) == {"off-centre-uotm-sd", "ring-uotm", "ring-uotm-sd"}
    assert plain(f"the recording {HOME} is damaged") in app.warning[0].value.lower()
    forget()
