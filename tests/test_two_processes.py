"""What two processes write into one folder: the second is refused, or waits, and nothing is overwritten.

A second lock of this process stands for another process: the operating system tells them apart in the same way.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

import otviz
from otviz import methods
from otviz.checkpoints import train_checkpoint
from otviz.core.locks import alone
from otviz.data import datasets
from otviz.data.distributions.ring import Ring
from otviz.experiments import cached_trainings, named
from otviz.experiments.experiment_job import ExperimentJob
from otviz.experiments.jobs.journal import Journal
from otviz.experiments.results import experiments_folder
from otviz.experiments.sweeps.train_cells import train_cells
from otviz.runs.config import RunConfig
from otviz.runs.run import Run
from otviz.runs.saved.run_lock import RunLock
from otviz.runs.saved.run_store import Store, read_run
from otviz.training.loop import Training
from tests.waiting import PATIENCE


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    return tmp_path


@contextlib.contextmanager
def elsewhere(folder: Path) -> Iterator[None]:
    """Another process trains in this folder."""
    with contextlib.closing(RunLock(folder)):
        yield


def small() -> RunConfig:
    return RunConfig(methods.named("uotm")(batch_size=8, hidden=8, layers=2), Ring(), steps=3, device="cpu")


def test_one_is_refused_or_waits_while_another_works(tmp_path: Path) -> None:
    path, order = tmp_path / "new" / "a.json", []

    def later() -> None:
        with alone(path):
            order.append("second")

    with alone(path, "taken"):
        with pytest.raises(ValueError, match="taken"), alone(path, "taken", wait=0):
            pass
        waiting = threading.Thread(target=later)
        waiting.start()
        order.append("first")
    waiting.join(PATIENCE)
    assert order == ["first", "second"]


def test_where_nothing_can_be_locked_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", refused)
    with alone(tmp_path / "a.json", "taken"):
        pass


def test_a_claim_is_measured_by_one_process_at_a_time() -> None:
    claim = named("convex-functions")
    journal = experiments_folder() / "convex-functions-quick.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text(json.dumps({"half": "done"}), encoding="utf-8")
    with alone(journal):
        job = ExperimentJob([claim], seeds=1, quick=True)
        assert job.wait(PATIENCE)
        assert job.unmeasured == {"convex-functions": "another process measures it now"}
        assert not job.results
        assert journal.read_text(encoding="utf-8") == json.dumps({"half": "done"})
    job = ExperimentJob([claim], seeds=1, quick=True)
    assert job.wait(PATIENCE)
    assert set(job.results) == {"convex-functions"}
    with alone(journal, "the lock was not released"):
        pass


def test_lines_of_two_processes_stay_whole(tmp_path: Path) -> None:
    journals = [Journal(tmp_path / "a.jsonl") for _ in range(4)]
    threads = [
        threading.Thread(target=lambda each=each: [each.add({"text": "x" * 20_000}) for _ in range(10)])
        for each in journals
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE)
    assert journals[0].read(lambda line: len(line["text"])) == [20_000] * 40


def test_a_sweep_leaves_a_run_alone_that_is_trained_elsewhere(home: Path) -> None:
    store = Store()
    (first,) = train_cells([small()], store)
    folder = store.path(first.run_id)
    before = (folder / "summary.json").read_bytes()
    with elsewhere(folder):
        (again,) = train_cells([small()], store)
        assert again.run_id == first.run_id
        assert (folder / "summary.json").read_bytes() == before


def test_a_checkpoint_is_trained_by_one_process_at_a_time(tmp_path: Path) -> None:
    config = RunConfig(methods.named("uotm")(batch_size=8), datasets.named("digits")(), steps=2, device="cpu")
    with elsewhere(tmp_path / "model"), pytest.raises(ValueError, match="'model' is trained by another process"):
        train_checkpoint.record(config, tmp_path / "model")
    assert not (tmp_path / "model" / "config.json").exists()


def test_training_into_a_folder_keeps_it_and_is_refused_where_another_process_trains(tmp_path: Path) -> None:
    knobs = {"batch_size": 8, "hidden": 8, "layers": 2}
    model = otviz.train("uotm", "ring", steps=3, out=tmp_path / "a", **knobs)
    assert model.folder == tmp_path / "a"
    assert read_run(tmp_path / "a").step == 3
    points = model.sample(5)
    with elsewhere(tmp_path / "a"):
        with pytest.raises(ValueError, match="'a' is trained by another process"):
            otviz.train("uotm", "ring", steps=3, out=tmp_path / "a", **knobs)
        with pytest.raises(ValueError, match="'a' is trained by another process"):
            otviz.train("uotm", "ring", steps=2, **knobs).save(tmp_path / "a")
    assert (otviz.load(tmp_path / "a").sample(5) == points).all()


def test_a_run_is_stored_before_its_first_step(tmp_path: Path) -> None:
    """So that a process that is killed at once loses no run."""
    store, steps = Store(tmp_path / "runs"), list[int]()

    def save(run: Run) -> None:
        steps.append(run.snapshots[-1].step)
        store.save(run)

    run = Run("new", small(), save=save).start()
    assert run.wait(PATIENCE)
    assert steps[0] == 0
    assert store.read("new").step == 3


def test_a_training_that_two_claims_share_is_trained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, config = [], small()

    def begin() -> object:
        begun.append(1)
        return config.begin("cpu")

    def look(training: Training) -> dict[str, np.ndarray]:
        return {"step": np.array(training.step)}

    found = []
    threads = [
        threading.Thread(target=lambda: found.append(cached_trainings.cached("films", config, begin, [0, 1, 3], look)))
        for _ in range(2)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE)
    assert begun == [1]
    assert [each["step"].tolist() for each in found] == [[0, 1, 3]] * 2
