"""What pages say of runs that will not be kept, and of runs that another process trains."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import address, words
from streamlit.testing.v1 import AppTest

from otviz import methods
from otviz.core import files
from otviz.data.distributions import named
from otviz.runs import probe
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.saved.run_lock import RunLock
from otviz.runs.saved.run_store import read_tags
from pages._ui.player.live_view import Watch, state
from pages._ui.shell.links import plain
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _small(alone: None, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "W2_POINTS", 60)


def open_page(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / page), default_timeout=PATIENCE)
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize(
    ("page", "query", "button"),
    [
        ("2_train.py", {}, "Train"),
        ("4_images.py", {"images": "digits8"}, "Train"),
        ("3_compare.py", {"preset": "own", "methods": "otm,uotm"}, "Train it live"),
    ],
)
def test_a_read_only_home_is_said_when_the_run_begins(
    page: str, query: dict[str, str], button: str, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page(page, **query)

    def fails(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(files.os, "fsync", fails)
    next(each for each in app.button if each.label == button).click().run()
    assert not app.exception
    said = [warning.value for warning in app.warning if "this run will not be kept" in warning.value]
    assert len(said) == 1, words(app)
    assert plain("cannot be written (the disk is read-only; make it writable)") in said[0]
    assert "The others go on" not in said[0]
    for run in registry.runs():
        run.stop()


@pytest.fixture
def elsewhere(registry: Registry) -> Iterator[str]:
    """A stored run that somebody else holds, after some of its steps."""
    config = RunConfig(methods.named("uotm")(batch_size=8), named("ring")(), named("gaussian")(), steps=1_000_000)
    run = registry.submit(config)
    until(lambda: run.step > 0)
    run.stop()
    assert run.wait(PATIENCE)
    lock = RunLock(registry.stored.path(run.id))
    yield run.id
    lock.close()


def test_a_run_of_another_process_is_followed_without_buttons(elsewhere: str, registry: Registry) -> None:
    app = open_page("2_train.py", run=elsewhere)
    assert "Another process trains this run. Shown is its last save" in words(app)
    assert address(app)["run"] == elsewhere
    assert not [button for button in app.button if button.label.startswith(("Go on", "Pause", "Stop"))]
    compared = open_page("3_compare.py", runs=elsewhere)
    assert plain("Another process trains this run. Shown is its last save") in words(compared)
    assert not [button for button in compared.button if button.label.startswith(("Go on", "Pause", "Stop"))]


def test_the_page_is_drawn_again_when_the_other_process_has_saved(elsewhere: str, registry: Registry) -> None:
    from otviz.runs.saved.saved_run import SavedRun

    run = SavedRun.read(registry.stored, elsewhere)
    watch = Watch([run], state([run]), [""], {}, registry)
    assert watch.answer(b"{}").options["changed"] is False
    summary = registry.stored.path(elsewhere) / "summary.json"
    saved = json.loads(summary.read_text(encoding="utf-8"))
    summary.write_text(json.dumps(saved | {"seconds": saved["seconds"] + 30}), encoding="utf-8")
    assert watch.answer(b"{}").options["changed"] is True
    assert watch.answer(b"{}").options["again"] is not None


def test_the_list_neither_continues_nor_deletes_it_and_loses_no_tag(elsewhere: str, registry: Registry) -> None:
    app = open_page("8_runs.py", runs=elsewhere)
    assert list(app.dataframe[0].value["status"]) == ["elsewhere"]
    keys = {button.key for button in app.button}
    assert not keys & {"go-on", "delete-runs"}
    assert "must be stopped first, on its own page or server" in words(app)
    registry.tag(elsewhere, ["theirs"])  # by another server, after this page was drawn
    app.multiselect[0].set_value(["ours"]).run()
    assert not app.exception
    assert read_tags(registry.stored.path(elsewhere)) == ("ours", "theirs")
