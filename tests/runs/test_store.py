"""Runs on disk: round trips, rejection of damaged files, and exact continuation of interrupted runs."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from otviz.data.distributions import distributions
from otviz.data.distributions import named as distribution
from otviz.methods import methods, named
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry, _new_id
from otviz.runs.run import Run
from otviz.runs.saved.run_store import Store, read_checkpoint
from tests.waiting import PATIENCE

FILES = (
    "config.json",
    "past.json",
    "history.csv",
    "snapshots.npz",
    "generator.safetensors",
    "state.safetensors",
    "summary.json",
)


def config(name: str = "uotm-sd", steps: int = 60, **knobs: Any) -> RunConfig:
    method = named(name)(**{"hidden": 8, "layers": 1, "batch_size": 8, **knobs})
    return RunConfig(method, distribution("ring")(radius=2.0), steps=steps, seed=5, device="cpu")


def done(run: Run) -> Run:
    assert run.wait(PATIENCE)
    return run


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Run]:
    """A finished run, saved; do not change it."""
    store = Store(tmp_path_factory.mktemp("kept"))
    return store, done(Run("a-finished-run", config(), save=store.save).start())


@pytest.fixture
def copied(kept: tuple[Store, Run], tmp_path: Path) -> tuple[Store, Path]:
    """A copy of the finished run that may be damaged: the store and the run's folder."""
    store = Store(tmp_path / "runs")
    shutil.copytree(kept[0].folder, store.folder)
    return store, store.path(kept[1].id)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Callable[..., Registry]]:
    """Make registries on one store; all are closed when the test is over."""
    made: list[Registry] = []

    def make(**options: Any) -> Registry:
        made.append(Registry(Store(tmp_path / "runs"), **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


# There and back


def test_the_folder_holds_what_it_should(kept: tuple[Store, Run]) -> None:
    store, run = kept
    assert {path.name for path in store.path(run.id).iterdir()} == set(FILES), "and no half-written file"


def test_config_comes_back(kept: tuple[Store, Run]) -> None:
    store, run = kept
    stored = store.read(run.id)
    assert stored.config == run.config
    assert (stored.id, stored.status, stored.message, stored.step) == (run.id, "done", "", 60)
    assert stored.seconds == run.seconds
    assert stored.created == run.created
    assert stored.meter == run.meter


WITHOUT_FILE = [name for name, cls in distributions().items() if not cls.needs_file]
LONGER = max(len(methods()), len(WITHOUT_FILE))


@pytest.mark.parametrize(("name", "shape"), islice(zip(cycle(methods()), cycle(WITHOUT_FILE), strict=False), LONGER))
def test_every_config_comes_back_through_json(name: str, shape: str) -> None:
    wanted = RunConfig(named(name)(lr=1.5e-3), distribution(shape)(), distribution(shape)(), steps=7, seed=1)
    assert RunConfig.from_record(json.loads(json.dumps(wanted.record()))) == wanted
    Store(Path("x")).path(f"{name}-{shape}-0123abcd")  # what the registry calls such a run


def test_scene_snapshots_and_losses_come_back(kept: tuple[Store, Run]) -> None:
    store, run = kept
    scene, restored = read_checkpoint(store.path(run.id))
    for one, other in ((scene, run.scene), *zip(restored.snapshots, run.snapshots, strict=True)):
        for field in fields(one):
            a, b = getattr(one, field.name), getattr(other, field.name)
            if isinstance(b, np.ndarray):
                assert np.array_equal(a, b), field.name
                assert a.dtype == b.dtype
            elif isinstance(b, float):
                assert a == b or (a != a and b != b), field.name
            else:
                assert a == b, field.name
    assert np.array_equal(restored.losses, run.losses(), equal_nan=True), "to the bit"


def test_a_run_without_adversary_comes_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = done(Run("no-adversary", config("sinkhorn", 4), save=store.save).start())
    _, restored = read_checkpoint(store.path(run.id))
    assert np.isnan(restored.losses[:, 1]).all()
    assert np.isnan(restored.snapshots[-1].adversary_loss)
    assert len(restored.losses) == 4


def test_history_is_a_table(kept: tuple[Store, Run]) -> None:
    store, run = kept
    with (store.path(run.id) / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(1, 61))
    assert float(rows[-1]["generator_loss"]) == pytest.approx(float(run.losses()[-1, 0]))


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_generator_saved_is_the_one_shown(ema: float, tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = done(Run("one-run", config(ema=ema, steps=20), save=store.save).start())
    saved = load_file(store.path(run.id) / "generator.safetensors")
    shown = {name: value.numpy() for name, value in run.live.training.eval_generator.state_dict().items()}
    assert saved.keys() == shown.keys()
    assert all(np.array_equal(saved[name], shown[name]) for name in saved)


# Ids, lists, deleting


@pytest.mark.parametrize(
    "bad",
    [
        "../x",
        "..",
        "/etc/passwd",
        "a/../../b",
        "UPPER-case",
        "x" * 200,
        "",
        "ab",
        "a b c",
        "a.b.c",
        "abc\n",
        "-abc",
        "a\0bc",
    ],
)
def test_an_id_that_is_none_is_refused(bad: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    for ask in (store.path, store.read, store.delete):
        with pytest.raises(ValueError, match="a run id has 3 to 80 characters") as caught:
            ask(bad)
        assert len(str(caught.value)) < 250


def test_newest_first_and_only_runs(copied: tuple[Store, Path]) -> None:
    store, folder = copied
    shutil.copytree(folder, folder.parent / "another-run")
    os.utime(folder / "summary.json", (1, 1))
    (folder.parent / "not a run").mkdir()
    (folder.parent / "empty-folder").mkdir()
    (folder.parent / "file").write_text("")
    assert store.ids() == ["another-run", "a-finished-run"]


def test_no_folder_means_no_runs(tmp_path: Path) -> None:
    assert Store(tmp_path / "nowhere").ids() == []


def test_delete(copied: tuple[Store, Path]) -> None:
    store, folder = copied
    store.delete(folder.name)
    assert not folder.exists()
    assert store.ids() == []
    store.delete(folder.name)
    with pytest.raises(ValueError, match="there is no saved run 'a-finished-run'"):
        store.read(folder.name)


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    assert Store().folder == tmp_path / "runs"


# Damage

DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "noise": lambda path: path.write_bytes(os.urandom(500)),
    "list": lambda path: path.write_text("[1, 2]\n[3]"),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize(
    ("file", "how"),
    [
        (file, how)
        for file in FILES
        for how in DAMAGE
        if file != "generator.safetensors" and (file, how) != ("past.json", "gone")  # not every run has one
    ],
)
def test_damage_is_one_sentence(file: str, how: str, copied: tuple[Store, Path]) -> None:
    store, folder = copied
    DAMAGE[how](folder / file)

    def open_again() -> None:
        store.read(folder.name)
        read_checkpoint(folder)

    with pytest.raises(ValueError, match="saved run 'a-finished-run'") as caught:
        open_again()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("method", {"name": "nope"}), ("steps", 0), ("target", {"name": "ring", "std": -1}), ("seed", "x")],
)
def test_a_config_out_of_range_is_damage(key: str, value: object, copied: tuple[Store, Path]) -> None:
    store, folder = copied
    record = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**record, key: value}))
    with pytest.raises(ValueError, match="cannot be read"):
        store.read(folder.name)


def test_nothing_is_unpickled(copied: tuple[Store, Path]) -> None:
    _, folder = copied
    np.savez(folder / "snapshots.npz", plain=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="cannot be read"):
        read_checkpoint(folder)


# A full disk


def test_a_full_disk_leaves_the_files_before_whole(
    copied: tuple[Store, Path], kept: tuple[Store, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, folder = copied
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        store.save(kept[1])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before, "and nothing half-written beside"


def test_the_run_says_so_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        run = done(Run("a-run", config(steps=20), save=Store(tmp_path).save).start())
    assert run.status == "done"
    assert run.message == "the run could not be saved (the disk is full; free some space)"


# Going on


def interrupted(registry: Registry, wanted: RunConfig, at: int) -> str:
    run = registry._make(_new_id(wanted), wanted)
    run.do_steps(at)  # ordered before it starts, so that it does not do one more
    run.start()
    end = time.monotonic() + PATIENCE
    while run.status != "paused" or run.step < at:
        assert time.monotonic() < end
        time.sleep(0.005)
    run.stop()
    done(run)
    assert (run.status, run.step) == ("stopped", at)
    return run.id


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("uotm-sd", {"ema": 0.9}),
        ("ot-gan", {"freeze_after": 30, "n_gen": 2}),
        ("sinkhorn", {}),
        ("wgan", {"clip": 0.1}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_resumed_run_is_an_uninterrupted_one(
    name: str, knobs: dict[str, Any], registry: Callable[..., Registry]
) -> None:
    wanted = config(name, 60, **knobs)
    whole = done(registry().submit(wanted))
    run_id = interrupted(registry(), wanted, 37)
    later = registry()  # as after a restart of the server: nothing is in memory
    assert later.find(run_id) is None
    resumed = done(later.resume(run_id))
    assert resumed.status == "done"
    assert np.array_equal(resumed.losses(), whole.losses(), equal_nan=True), "to the bit"
    assert np.array_equal(resumed.snapshots[-1].generated, whole.snapshots[-1].generated)
    assert [shot.step for shot in resumed.snapshots] == sorted({shot.step for shot in resumed.snapshots})
    assert 37 in [shot.step for shot in resumed.snapshots]
    assert resumed.frozen == whole.frozen


def test_resuming_twice_is_one_run(registry: Callable[..., Registry]) -> None:
    run_id = interrupted(registry(), config(steps=1_000_000), 5)
    later = registry()
    assert later.resume(run_id) is later.resume(run_id)


def test_a_finished_run_has_nothing_to_go_on_with(registry: Callable[..., Registry]) -> None:
    here = registry()
    run = done(here.submit(config(steps=5)))
    with pytest.raises(ValueError, match="has done all its 5 steps"):
        here.resume(run.id)


def test_a_run_whose_process_died_is_offered_as_stopped(registry: Callable[..., Registry]) -> None:
    here = registry()
    run_id = interrupted(here, config(), 20)
    path = here.store.path(run_id) / "summary.json"
    summary = json.loads(path.read_text())
    path.write_text(json.dumps({**summary, "status": "running"}))
    assert here.store.read(run_id).status == "stopped"
    assert done(registry().resume(run_id)).status == "done"


def test_history_ahead_of_the_state_is_cut(registry: Callable[..., Registry]) -> None:
    """The process may die between writing the history and the state."""
    wanted = config()
    whole = done(registry().submit(wanted))
    run_id = interrupted(registry(), wanted, 20)
    path = registry().store.path(run_id) / "history.csv"
    path.write_text(path.read_text() + "21,9,9\n22,9,9\n")
    resumed = done(registry().resume(run_id))
    assert np.array_equal(resumed.losses(), whole.losses())


def test_history_behind_the_state_is_damage(copied: tuple[Store, Path]) -> None:
    _, folder = copied
    lines = (folder / "history.csv").read_text().splitlines()
    (folder / "history.csv").write_text("\n".join(lines[:10]) + "\n")
    with pytest.raises(ValueError, match=re.escape("history.csv holds 9 of 60 steps")):
        read_checkpoint(folder)


def test_a_retuned_run_goes_on_with_what_it_was_tuned_to(registry: Callable[..., Registry]) -> None:
    here = registry()
    run = here.submit(config(steps=1_000_000))
    run.retune(tau=0.9, lr=3e-4)
    run.do_steps(5)
    run.stop()
    done(run)
    resumed = registry().resume(run.id)
    assert resumed.config.method.tau == 0.9
    resumed.stop()
    done(resumed)
    assert resumed.live.training._learners.generator_optimiser.param_groups[0]["lr"] == 3e-4
