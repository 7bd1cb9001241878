"""Records of runs and models with any value at any place are shown or reported as damaged, and the page does not fail."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some
from image_model import made
from streamlit.testing.v1 import AppTest

from otviz import methods
from otviz.checkpoints import card as shelf
from otviz.checkpoints import models
from otviz.checkpoints.training_panel import panel, read_training
from otviz.data import distributions
from otviz.evaluation.verdicts import judge, verdict
from otviz.player import wire
from otviz.runs import run_verdict
from otviz.runs.change_log import ChangeLog
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.run import Run
from otviz.runs.saved import run_store
from otviz.runs.saved.run_store import Store, read_tags
from otviz.runs.saved.saved_run import read_curves
from otviz.runs.saved.summaries import DAMAGED, Summaries
from pages._ui.gallery import gallery_scores, gallery_view
from pages._ui.gallery import shelf as cards_of_gallery
from pages._ui.runs import run_list, run_table
from pages._ui.shell.links import plain
from tests.spoilt import MANY, one_sentence, put, spoilt
from tests.waiting import PATIENCE

PAGES = Path(__file__).resolve().parents[2] / "pages"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run on points."""
    kept = Store(tmp_path_factory.mktemp("home") / "runs")
    method = methods.named("uotm-sd")(batch_size=8, hidden=8, layers=2)
    run = Run("good", RunConfig(method, distributions.named("ring")(), steps=5, device="cpu"), save=kept.save).start()
    assert run.wait(PATIENCE)
    return kept.path("good")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an image model."""
    return made(tmp_path_factory.mktemp("shelf") / "good-model", "ot-gan", steps=3, by_class=True)


def rows_of(kept: Store) -> None:
    """All that the lists on Runs and Train make of the runs."""
    runs = Summaries(kept).all()
    st.dataframe(run_table._table(runs), column_config=run_table._columns(runs))
    for _, order in run_list._SORTS.values():
        sorted(runs, key=order)
    assert all(of(run) is not None for of in run_list._FILTERS.values() for run in runs)
    json.dumps([run_list._words(run) for run in runs], ensure_ascii=False).encode()


@pytest.mark.parametrize("file", ["summary.json", "config.json", "tags.json"])
@given(data=some.data())
@MANY
def test_any_value_in_a_run_leaves_the_list_standing(stored: Path, file: str, data: some.DataObject) -> None:
    good, runs = stored / file, Store(stored.parent)
    record = json.loads(good.read_text(encoding="utf-8")) if good.is_file() else ["one", "two"]
    folder = runs.path("spoilt")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ("summary.json", "config.json"):
        shutil.copy(stored / name, folder)
    try:
        (folder / file).write_text(json.dumps(spoilt(data.draw, record)), encoding="utf-8")
        found = {run.id: run for run in Summaries(runs).all()}
        assert found["good"].status == "done"
        if found["spoilt"].status == DAMAGED:
            assert found["spoilt"].note.startswith("damaged: ")
            assert file in found["spoilt"].note
        rows_of(runs)
        try:
            runs.read("spoilt")
        except ValueError as error:
            one_sentence(error)
        else:
            assert found["spoilt"].status != DAMAGED
    finally:
        shutil.rmtree(folder)


@given(data=some.data())
@MANY
def test_any_value_in_the_past_of_a_run_is_read_or_refused(stored: Path, data: some.DataObject) -> None:
    record = json.loads((stored / "past.json").read_text(encoding="utf-8"))
    change = {"step": 2, "method": {**record["began"]["method"], "lr": 1e-4}, "frozen": True, "anew": False}
    try:
        past = ChangeLog.from_record(spoilt(data.draw, {**record, "changes": [change]}))
    except ValueError as error:
        one_sentence(error)
    else:
        " ".join(past.describe()).encode()
        json.dumps(past.record())


@given(data=some.data())
@MANY
def test_any_value_in_the_looks_of_a_run_is_played_or_refused(stored: Path, data: some.DataObject) -> None:
    folder = stored.parent / "spoilt-looks"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stored, folder)
    with np.load(folder / "snapshots.npz") as held:
        arrays = dict(held)
    looks = spoilt(data.draw, json.loads(arrays["plain"].tobytes()))
    arrays["plain"] = np.frombuffer(json.dumps(looks).encode(), np.uint8)
    np.savez(folder / "snapshots.npz", **arrays)
    try:
        scene, restored = run_store.read_checkpoint(folder)
        course = read_curves(folder)
    except ValueError as error:
        one_sentence(error)
        return
    finally:
        shutil.rmtree(folder)
    snapshots = restored.snapshots
    wire.encode([wire.PanelUpdate("run", scene.box, scene, list(snapshots), course.curve)])
    history = run_verdict.meter_history(snapshots)
    verdict(history, restored.losses, 5)
    for step, meter in history:
        judge(meter, step)


@given(data=some.data())
@MANY
def test_any_value_in_a_card_is_shown_or_refused(model: Path, data: some.DataObject) -> None:
    record = json.loads((model / "card.json").read_text(encoding="utf-8"))
    try:
        card = shelf.read_card(json.dumps(spoilt(data.draw, record)).encode(), "spoilt")
    except ValueError as error:
        one_sentence(error)
        return
    shown(card)
    if card.shape == (1, 8, 8):
        wire.encode([panel(card, read_training(model))])
    try:
        models.config_of(card)
    except ValueError as error:
        one_sentence(error)


def shown(card: shelf.Card) -> None:
    """All that the Gallery writes about a model."""
    json.dumps(cards_of_gallery.chips(card)).encode()
    gallery_scores.show_claims(card)
    gallery_scores.show_tiles(card)
    gallery_scores.show_scores([card])
    gallery_scores.show_scores([card, card])
    gallery_scores.show_reported([card])
    gallery_scores.show_card(card)
    assert isinstance(card.by_class, bool)


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (
            {"frechet": "<b>x</b>"},
            "metrics.frechet in card.json must be a finite number from 0 to 1e+09; got '<b>x</b>'",
        ),
        ({"frechet": 3.0}, "metrics in card.json must be an object with recall; got an object"),
        ([], "metrics in card.json must be an object; got a list of 0"),
    ],
)
def test_an_uploaded_card_with_bad_scores_is_refused(model: Path, metrics: Any, said: str) -> None:
    record = json.loads((model / "card.json").read_text(encoding="utf-8"))
    weights = (model / "generator.safetensors").read_bytes()
    with pytest.raises(ValueError, match=r"card\.json") as caught:
        models.of_bytes(json.dumps({**record, "metrics": metrics}).encode(), weights)
    assert one_sentence(caught.value) == said


# Whole pages

SPOILS: Mapping[str, tuple[str, tuple[Any, ...], Any]] = {
    "a-late": ("summary.json", ("created",), 1e308),
    "a-never": ("summary.json", ("created",), float("nan")),
    "a-step": ("summary.json", ("step",), 10**30),
    "a-modes": ("summary.json", ("meter", "modes_covered"), KeyError),
    "a-text": ("summary.json", ("meter", "w2"), "much"),
    "a-null": ("summary.json", ("seconds",), None),
    "a-half": ("summary.json", ("message",), "\ud800"),
    "a-nested": ("summary.json", ("meter",), [[[[]]]]),
    "a-seed": ("config.json", ("seed",), 10**400),
}


@pytest.fixture
def registry_with_damage(registry: Registry, stored: Path) -> Registry:
    kept = registry.stored
    shutil.copytree(stored, kept.path("good"))
    for name, (file, way, value) in SPOILS.items():
        shutil.copytree(stored, kept.path(name))
        record = json.loads((stored / file).read_text(encoding="utf-8"))
        (kept.path(name) / file).write_text(json.dumps(put(record, way, value)), encoding="utf-8")
    (kept.path("good") / "tags.json").write_text("[" * 100_000, encoding="utf-8")
    return registry


@pytest.mark.parametrize(("page", "query"), [("8_runs.py", {}), ("2_train.py", {"view": "runs"})])
def test_damaged_runs_are_rows_beside_the_others(
    alone: None, registry_with_damage: Registry, page: str, query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(st, "page_link", lambda *_, **__: None)
    app = AppTest.from_file(str(PAGES / page), default_timeout=PATIENCE)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    rows = app.dataframe[0].value.set_index("id")
    assert set(rows.index) == {"good", *SPOILS}
    assert set(rows.status[list(SPOILS)]) == {DAMAGED}
    assert rows.note["a-step"] == (
        "damaged: step in summary.json must be a whole number from 0 to 2000000; got a larger one; delete it"
    )


def test_a_damaged_model_is_named_and_the_others_are_shown(
    alone: None, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(model, tmp_path / "good-model")
    shutil.copytree(model, tmp_path / "bad-model")
    record = json.loads((model / "card.json").read_text(encoding="utf-8"))
    (tmp_path / "bad-model" / "card.json").write_text(
        json.dumps(put(record, ("metrics", "floor"), None)), encoding="utf-8"
    )
    monkeypatch.setattr(gallery_view, "CHECKPOINTS", tmp_path)
    gallery_view.load_cards.clear()
    shown: list[str] = []
    monkeypatch.setattr(
        cards_of_gallery, "mount",
        lambda *_, options, **__: shown.extend(card["name"] for card in options["others"]),
    )  # fmt: skip
    app = AppTest.from_file(str(PAGES / "5_gallery.py"), default_timeout=PATIENCE).run()
    assert not app.exception
    assert shown == ["good-model"]
    (warning,) = app.warning
    assert plain("The model bad-model is damaged") in warning.value
    assert plain("metrics.floor in card.json must be an object; got None") in warning.value
    gallery_view.load_cards.clear()


# What the disk refuses


def test_delete_says_what_the_disk_refuses(
    alone: None, registry_with_damage: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(path: Path, *_: Any, **__: Any) -> None:
        raise OSError(30, os.strerror(30), str(path))

    monkeypatch.setattr(shutil, "rmtree", refuses)
    app = AppTest.from_file(str(PAGES / "8_runs.py"), default_timeout=PATIENCE)
    app.query_params["runs"] = "good"
    app.run()
    app.button(key="delete-runs").click().run()
    assert not app.exception
    (error,) = app.error
    assert (
        plain("runs/good' cannot be deleted (the disk is read-only); make it writable, then try again") in error.value
    )
    assert "good" in set(app.dataframe[0].value["id"])


def test_tags_on_a_full_disk_say_so(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, _data: bytes) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("otviz.runs.saved.run_store.write_whole", full)
    with pytest.raises(
        ValueError, match=r"tags\.json' cannot be written \(the disk is full\); free some space"
    ) as caught:
        Store(stored.parent).tag("good", ["x"])
    assert "Errno" not in one_sentence(caught.value)
    assert read_tags(stored) == ()
