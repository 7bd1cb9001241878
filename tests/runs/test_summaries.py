"""The list of runs: every run once, whatever else is in the folder; tags and curves."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from otviz.data.distributions import named as distribution
from otviz.methods import named
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.run import Run
from otviz.runs.saved.run_lock import LOCK
from otviz.runs.saved.run_store import LONGEST_TAG, MOST_TAGS, Store, checked_tags, read_tags
from otviz.runs.saved.saved_run import SavedRun, curves_of_run, names_of, read_curves
from otviz.runs.saved.summaries import DAMAGED, Summaries
from otviz.viz.run_curves import run_curves
from tests.waiting import PATIENCE


def config(steps: int = 20, seed: int = 1, method: str = "uotm-sd") -> RunConfig:
    made = named(method)(batch_size=16, hidden=8, layers=2)
    return RunConfig(made, distribution("ring")(), steps=steps, seed=seed, device="cpu")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    made = Registry(Store(tmp_path / "runs"))
    yield made
    made.close()


@pytest.fixture
def done(registry: Registry) -> Run:
    run = registry.submit(config())
    assert run.wait(PATIENCE)
    return run


def test_a_run_is_listed_once_and_alike_alive_and_stored(registry: Registry, done: Run) -> None:
    (alive,) = registry.listed()
    (stored,) = Summaries(registry.stored).all()
    assert alive == stored
    assert (stored.id, stored.status, stored.step, stored.steps, stored.seed) == (done.id, "done", 20, 20, 1)
    assert (stored.method_title, stored.target_title) == (done.config.method.title, done.config.target.title)
    assert stored.meter == json.loads(json.dumps(done.meter))


def test_only_what_changed_is_read_again(registry: Registry, done: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    store = registry.stored
    for number in range(5):
        shutil.copytree(store.path(done.id), store.path(f"copy-{number}"))
    summaries, read = Summaries(store), []
    summaries.all()
    real = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: read.append(self.parent.name) or real(self, *a, **k))
    assert len(summaries.all()) == 6
    assert read == []
    store.tag("copy-3", ["new"])
    changed = next(run for run in summaries.all() if run.id == "copy-3")
    assert changed.tags == ("new",)
    assert set(read) == {"copy-3"}
    store.delete("copy-1")
    assert len(summaries.all()) == 5


@pytest.mark.parametrize("text", ["", "{nonsense", "{}", "[]", "null", '{"status": 3}', "\x00\xff"])
def test_a_damaged_folder_is_a_line_that_can_be_deleted(registry: Registry, done: Run, text: str) -> None:
    store = registry.stored
    shutil.copytree(store.path(done.id), store.path("broken"))
    (store.path("broken") / "summary.json").write_text(text)
    found = {run.id: run for run in registry.listed()}
    assert found["broken"].status == DAMAGED
    assert "delete it" in found["broken"].note
    assert found[done.id].status == "done"
    registry.delete("broken")
    assert [run.id for run in registry.listed()] == [done.id]


def test_a_set_that_is_no_longer_here_is_listed_by_its_name(registry: Registry, done: Run) -> None:
    store = registry.stored
    shutil.copytree(store.path(done.id), store.path("gone-set"))
    record = json.loads((store.path("gone-set") / "config.json").read_text())
    record["target"] = {"name": "some-day"}
    (store.path("gone-set") / "config.json").write_text(json.dumps(record))
    assert {run.id: run.target_title for run in registry.listed()}["gone-set"] == "some-day"


def test_runs_of_other_folders_and_files_are_no_runs(registry: Registry) -> None:
    registry.stored.folder.mkdir(parents=True)
    (registry.stored.folder / "notes.txt").write_text("x")
    (registry.stored.folder / "UPPER").mkdir()
    (registry.stored.folder / "UPPER" / "summary.json").write_text("{}")
    assert registry.listed() == []


# Tags


def test_tags_survive_and_belong_to_the_run(registry: Registry, done: Run, tmp_path: Path) -> None:
    registry.tag(done.id, ["  for the  lesson ", "Paper", "paper", ""])
    again = Registry(Store(tmp_path / "runs"))  # as after a restart of the server
    assert again.listed()[0].tags == ("for the lesson", "Paper", "paper")
    registry.stored.save(SavedRun.read(registry.stored, done.id))
    assert again.listed()[0].tags == ("for the lesson", "Paper", "paper"), "saving the run keeps them"
    registry.delete(done.id)
    assert not registry.stored.path(done.id).exists()
    with pytest.raises(ValueError, match="was deleted; it cannot be tagged"):
        registry.tag(done.id, ["x"])
    assert not registry.stored.path(done.id).exists()


def test_a_run_can_be_tagged_before_it_was_ever_saved(registry: Registry) -> None:
    run = registry.submit(config(steps=100_000))
    registry.tag(run.id, ["early"])
    assert registry.listed()[0].tags == ("early",)
    run.stop()
    assert run.wait(PATIENCE)
    assert Summaries(registry.stored).all()[0].tags == ("early",)


def test_tags_have_limits_that_are_told() -> None:
    with pytest.raises(ValueError, match=f"at most {LONGEST_TAG} characters; got {LONGEST_TAG + 1}"):
        checked_tags(["x" * (LONGEST_TAG + 1)])
    with pytest.raises(ValueError, match=f"at most {MOST_TAGS} tags; got {MOST_TAGS + 1}"):
        checked_tags(map(str, range(MOST_TAGS + 1)))


@pytest.mark.parametrize("text", ["", "{}", "[1, null]", "3", '["' + "x" * 99 + '"]'])
def test_a_damaged_file_of_tags_hides_no_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "tags.json").write_text(text)
    assert set(read_tags(tmp_path)) <= {"1", "None"}


def test_tags_are_never_seen_half_written(registry: Registry, done: Run) -> None:
    words, over = [f"{at} " + "b" * 30 for at in range(MOST_TAGS)], threading.Event()

    def write() -> None:
        while not over.is_set():
            registry.tag(done.id, words)
            registry.tag(done.id, words[:1])

    writer = threading.Thread(target=write)
    writer.start()
    folder = registry.stored.path(done.id)
    seen = {len(read_tags(folder)) for _ in range(300)}
    over.set()
    writer.join()
    assert seen - {0} <= {1, MOST_TAGS}, "0 is before the first"
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".") and path.name != LOCK]


# Curves


def test_a_course_is_the_same_from_disk(registry: Registry, done: Run) -> None:
    mine, stored = curves_of_run(done), read_curves(registry.stored.path(done.id))
    assert np.array_equal(mine.curve.generator, stored.curve.generator, equal_nan=True)
    assert np.array_equal(mine.curve.step, stored.curve.step)
    assert [step for step, _ in mine.history] == [step for step, _ in stored.history]
    with pytest.raises(ValueError, match="'never-was' cannot be read"):
        read_curves(registry.stored.path("never-was"))


def test_the_figure_has_a_line_of_each_run_for_each_number(registry: Registry, done: Run) -> None:
    other = registry.submit(config(method="sinkhorn", seed=2))
    assert other.wait(PATIENCE)
    names = names_of([done.config, other.config])
    assert names == ["UOTM-SD, seed 1", "Sinkhorn generator, seed 2"]
    figure = run_curves(dict(zip(names, (curves_of_run(done), curves_of_run(other)), strict=True)))
    titles = [each.text for each in figure.layout.annotations]
    losses = ["Generator loss", "Adversary loss"]
    assert titles == [*losses, "Modes covered", "High quality", "W2 to the target (data units)", "Recall"]
    assert len(figure.data) == 2 * len(titles)
    assert [line.name for line in figure.data if line.showlegend] == names
    modes = next(line for line in figure.data if line.yaxis == "y3" and line.name == names[0])
    assert list(modes.y)[-1] == done.meter["modes_covered"]
    assert len({(line.line.color, line.line.dash) for line in figure.data}) == 2, "colour and dash tell runs apart"


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(ValueError, match="nothing to draw yet"):
        run_curves({"new": curves_of_run(Run("new", config()))})
