"""Seeds on a local Dask cluster give the same results as in this process; errors there become messages."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from otviz.cli.main import main
from otviz.experiments import experiment_job, named
from otviz.experiments.experiment_job import ExperimentJob, measure_seed
from otviz.experiments.jobs import dask_pool
from otviz.experiments.jobs.dask_pool import DaskPool
from otviz.experiments.results import read

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None,
    reason="distributed is not installed: python -m pip install -r requirements-cluster.txt",
)
SECONDS = 600


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as made:
        yield made.scheduler_address


def asked(tasks: list[tuple[str, int]], address: str, kept: list[Any]) -> DaskPool[tuple[str, int]]:
    return DaskPool(
        tasks,
        lambda task: {"experiment": task[0], "seed": task[1], "quick": True},
        lambda task, answer: kept.append((task, answer)),
        address,
        experiment_job.__name__,
    )


@pytest.mark.slow
@needs_dask
def test_a_cluster_gives_what_this_machine_gives(address: str, tmp_path: Path) -> None:
    running = ExperimentJob(
        [named("ring-target"), named("sample-weights")], seeds=3, quick=True, folder=tmp_path / "out", cluster=address
    )
    assert running.wait(SECONDS)
    assert not running.error
    for name in ("ring-target", "sample-weights"):
        found = read(name, tmp_path / "out")
        assert found is not None
        assert [outcome.values for outcome in found.outcomes] == [
            measure_seed(name, seed, True).values for seed in range(3)
        ]
        assert found.machine["system"] == "Dask"
        assert found.machine["cores"] == 2
    assert not list((tmp_path / "experiments").glob("*.jsonl"))


@pytest.mark.slow
@needs_dask
def test_it_goes_on_from_the_journal_of_this_machine(address: str, home: Path) -> None:
    journal = home / "experiments" / "convex-functions-quick.jsonl"
    journal.parent.mkdir()
    kept = {"otviz": "0.1.0", **measure_seed("convex-functions", 0, True).record(), "seconds": 1234.5}
    journal.write_text(json.dumps(kept) + "\n")
    running = ExperimentJob([named("convex-functions")], seeds=2, quick=True, folder=home / "out", cluster=address)
    assert running.wait(SECONDS)
    assert running.results["convex-functions"].outcomes[0].seconds == 1234.5
    assert running.results["convex-functions"].outcomes[1].values == measure_seed("convex-functions", 1, True).values


@pytest.mark.slow
@needs_dask
def test_the_command_runs_on_it(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "convex-functions", "--seeds", "2", "--quick", "--json", "--cluster", address]) == 0
    told = json.loads(capsys.readouterr().out)["convex-functions"]
    assert told["verdict"] == "not judged", "a quick run"
    assert told["numbers"][0]["measured"][0] == pytest.approx(1.2402, abs=5e-5)
    assert told["numbers"][0]["n"] == 2


@pytest.mark.slow
@needs_dask
def test_a_task_that_cannot_be_done_is_told_and_the_next_is_done(address: str) -> None:
    kept: list[Any] = []
    crew = asked([("nobody", 0), ("convex-functions", 0)], address, kept)
    assert crew.wait(SECONDS)
    assert "there is no experiment 'nobody'" in crew.error
    assert [task for task, _ in kept] == [("convex-functions", 0)]


@pytest.mark.slow
@needs_dask
def test_workers_with_another_otviz_are_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_pool, "__version__", "99.0")
    with pytest.raises(ValueError, match=r"have otviz 0\.1\.0 and this is 99\.0: install the same"):
        asked([("convex-functions", 0)], address, [])


@pytest.mark.slow
@needs_dask
def test_workers_that_lack_a_package_are_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_pool, "NEEDED", {"torch": "torch", "Nothing": "nothing_of_that_name"})
    with pytest.raises(ValueError, match=r"the workers tcp://\S+, tcp://\S+ lack Nothing: run "):
        asked([("convex-functions", 0)], address, [])


@pytest.mark.slow
@needs_dask
def test_workers_started_elsewhere_without_the_project_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not subprocess.run(
        [sys.executable, "-c", "import otviz"], cwd=tmp_path, env=_clean(), capture_output=True
    ).returncode:
        pytest.skip("otviz is installed here, so every worker finds it")
    monkeypatch.setattr(dask_pool, "WORKERS_WITHIN", 1)
    with dask(tmp_path, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard") as told:
        address = _said_after(told, "Scheduler at:")
        line = ["experiment", "convex-functions", "--seeds", "2", "--quick", "--cluster", address]
        assert main(line) == 2
        assert "the cluster has no workers" in capsys.readouterr().err
        with dask(tmp_path, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard") as told:
            worker = _said_after(told, "Start worker at:")
            monkeypatch.setattr(dask_pool, "WORKERS_WITHIN", 5)
            began = time.monotonic()
            assert main(line) == 2
            assert time.monotonic() - began < 10
    said = capsys.readouterr().err
    assert f"the workers {worker} cannot import otviz: start them with PYTHONPATH" in said
    assert "pip install -e ." in said
    assert said.count("\n") == 1


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@contextlib.contextmanager
def dask(folder: Path, *line: str) -> Iterator[IO[str]]:
    """`dask` as a user starts it, from `folder`; what it prints."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "dask", *line], cwd=folder, env=_clean(), stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        yield process.stderr
    finally:
        process.kill()
        process.communicate()


def _said_after(told: IO[str], mark: str) -> str:
    """What follows `mark` in the first line that has it."""
    return next(line.partition(mark)[2].strip() for line in told if mark in line)


@pytest.mark.slow
@needs_dask
def test_stopping_does_not_wait(address: str) -> None:
    kept: list[Any] = []
    crew = asked([("notebook-training", seed) for seed in range(50)], address, kept)
    crew.stop()
    assert crew.over
    assert len(kept) < 50
    assert not crew.error


@needs_dask
@pytest.mark.parametrize("wrong", ["tcp://127.0.0.1:1", "nonsense", "http://a b"])
def test_an_address_where_nobody_answers_is_told(
    wrong: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dask_pool, "PATIENCE", 1)
    assert main(["experiment", "convex-functions", "--quick", "--cluster", wrong]) == 2
    said = capsys.readouterr().err
    assert "no Dask scheduler answers at" in said
    assert "dask scheduler" in said


def test_without_distributed_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["experiment", "convex-functions", "--quick", "--cluster", "tcp://127.0.0.1:8786"]) == 2
    assert "python -m pip install -r requirements-cluster.txt" in capsys.readouterr().err


def test_processes_and_a_cluster_are_not_asked_for_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "convex-functions", "--workers", "2", "--cluster", "tcp://127.0.0.1:8786"]) == 2
    assert "leave it out with --cluster" in capsys.readouterr().err
