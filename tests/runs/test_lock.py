"""One process trains a stored run, others follow it; and a disk that takes nothing is known when a run begins."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from otviz import methods
from otviz.cli.main import main
from otviz.core import files
from otviz.data.distributions import named
from otviz.runs.config import RunConfig
from otviz.runs.registry import Registry
from otviz.runs.run import Run
from otviz.runs.saved.run_lock import LOCK, RunLock, is_locked
from otviz.runs.saved.run_store import Store, read_tags
from tests.forked import OTVIZ, Forked
from tests.waiting import PATIENCE, until

STEPS = 1_000_000

SERVER = """
import json, sys, time
from pathlib import Path
from otviz import methods
from otviz.data.distributions import named
from otviz.runs.config import RunConfig
from otviz.runs import probe
from otviz.runs.registry import Registry
from otviz.runs.saved.run_store import Store
probe.W2_POINTS = 60
registry = Registry(Store(Path(sys.argv[1])))
if len(sys.argv) > 2:
    run = registry.resume(sys.argv[2])
else:
    run = registry.submit(RunConfig(methods.named("uotm")(batch_size=8), named("ring")(), named("gaussian")(), steps=1_000_000))
def train(goal):
    run.do_steps(20)
    summary = registry.store.path(run.id) / "summary.json"
    while not summary.is_file() or json.loads(summary.read_text())["step"] < goal:
        time.sleep(0.01)
train(run.step + 20)
print(run.id, flush=True)
for line in sys.stdin:
    train(run.step + 20)
    print(run.step, flush=True)
"""


def config(steps: int = STEPS) -> RunConfig:
    return RunConfig(methods.named("uotm")(batch_size=8), named("ring")(), named("gaussian")(), steps=steps)


def server(folder: Path, *run_id: str) -> Forked:
    """Another process that trains a run of its own, or continues one, 20 steps for each line it is sent."""
    return Forked(SERVER, str(folder), *run_id)


def said(process: Forked) -> str:
    return process.stdout.readline().strip()


def order(process: Forked) -> int:
    process.stdin.write("\n")
    return int(said(process))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    made = Registry(Store(tmp_path))
    yield made
    made.close()


@pytest.mark.slow
def test_a_run_of_another_server_is_followed_and_left_alone_until_that_server_is_dead(
    registry: Registry, tmp_path: Path
) -> None:
    with server(tmp_path) as other:
        run_id = said(other)
        assert [(run.status, run.step) for run in registry.listed()] == [("elsewhere", 20)]
        assert registry.stored.read(run_id).status == "elsewhere"
        for refused in (registry.resume, registry.delete, lambda name: registry.resume_together([name])):
            with pytest.raises(ValueError, match=f"'{run_id}' is trained by another process; stop it there first"):
                refused(run_id)
        registry.tag(run_id, ["good"])
        assert order(other) == 40
        assert [(run.status, run.step, run.tags) for run in registry.listed()] == [("elsewhere", 40, ("good",))]
        other.kill()
        assert [run.status for run in registry.listed()] == ["stopped"]
        run = registry.resume(run_id)
        until(lambda: run.step > 40)
        run.stop()
        assert run.wait(PATIENCE)
    assert registry.stored.read(run_id).step == run.step > 40
    registry.delete(run_id)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_run_that_another_server_continues_is_no_longer_shown_as_it_was_left(
    registry: Registry, tmp_path: Path
) -> None:
    run = registry.submit(config())
    until(lambda: run.step > 0)
    run.stop()
    assert run.wait(PATIENCE)
    assert registry.find(run.id) is run
    with server(tmp_path, run.id) as other:
        assert said(other) == run.id
        assert registry.find(run.id) is None
        assert [(found.status, found.step > run.step) for found in registry.listed()] == [("elsewhere", True)]


@pytest.mark.slow
def test_two_trainings_into_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    line = ["train", "uotm", "--steps", "1000000", "--batch-size", "8", "--out", str(out)]
    with Forked(OTVIZ, *line):
        until(lambda: (out / "summary.json").is_file())  # saved once, before the first step
        before = (out / "config.json").stat().st_mtime_ns
        for again in (line, ["train", "--resume", str(out)]):
            assert main(again) == 2
            assert capsys.readouterr().err.endswith(
                "otviz: the run 'out' is trained by another process; stop it there first, or choose another --out\n"
            )
        assert (out / "config.json").stat().st_mtime_ns == before
    assert main(["train", "uotm", "--steps", "2", "--batch-size", "8", "--out", str(out)]) == 0
    assert not is_locked(out)


def test_a_run_that_never_began_leaves_nothing(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / "runs" / "a-run")
    assert is_locked(tmp_path / "runs" / "a-run")
    lock.close()
    assert not list((tmp_path / "runs").iterdir())


def test_a_lock_that_fails_to_be_taken_changes_nothing(registry: Registry) -> None:
    run = registry.submit(config(steps=3))
    assert run.wait(PATIENCE)
    with pytest.raises(ValueError, match="has done all its 3 steps"):
        registry.resume(run.id)
    assert not is_locked(registry.stored.path(run.id))
    assert (registry.stored.path(run.id) / LOCK).is_file()
    assert read_tags(registry.stored.path(run.id)) == ()


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EROFS, "the disk is read-only; make it writable"),
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EACCES, "permission is denied; allow this user to write there"),
    ],
)
def test_a_disk_that_takes_nothing_is_known_when_the_run_begins(
    number: int, why: str, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", fails)
        run = registry._make("a-run", config())
        assert run.message == f"this run will not be kept: {str(tmp_path)!r} cannot be written ({why})"
        assert not list(tmp_path.iterdir())
        run.start()
        until(lambda: run.step > 0)
        run.pause()
        until(lambda: run.status == "paused" and "could not be saved" in run.message)
        assert f"could not be saved ({why})" in run.message
    run.do_steps(1)
    until(lambda: not run.message)
    assert is_locked(registry.stored.path("a-run")), "taken as soon as the disk can be written"


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    run = Run("a-run", config(), lock=RunLock(tmp_path / "runs" / "a-run"))
    assert "cannot be written (its folder is a file; choose another folder)" in run.message
