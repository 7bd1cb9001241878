"""Workers on a Dask cluster: each task goes through joblib's Dask backend to a free worker."""

from __future__ import annotations

import contextlib
import importlib
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic

import torch

from otviz.core import __version__
from otviz.core.container import Plain
from otviz.core.workers.serving import sentence
from otviz.experiments.jobs.worker_pool import T, WorkerPool

PATIENCE = 10
"""Seconds to wait for the scheduler."""

WORKERS_WITHIN = 5
"""Seconds to wait for a first worker."""

ANSWERS_WITHIN = 4
"""Seconds to wait for all workers to say what they can import."""

NEEDED = {name: name for name in ("torch", "numpy", "safetensors", "joblib")} | {"POT": "ot"}
"""What the tasks need besides otviz: modules by the name of their package."""

INSTALL = "python -m pip install -r requirements-cluster.txt"


class DaskPool(WorkerPool[T], Generic[T]):
    """The workers of a Dask scheduler, including those that join later.

    They need the same version of otviz, and are asked for it before they get a task. Requests and answers are JSON texts: apart from Dask's own envelope, nothing that comes
    back is unpickled.

    Attributes:
        threads: total number of threads of the workers; each does one task at a time.

    Args:
        tasks, request, keep: as in `ProcessPool`.
        address: of the scheduler, such as "tcp://10.0.0.1:8786".
        module: served by the workers; its `answers` does a task.

    Raises ValueError if distributed is not installed, nothing answers at the address, there is no worker, or a worker cannot
    do the tasks.
    """

    def __init__(
        self,
        tasks: Sequence[T],
        request: Callable[[T], Plain],
        keep: Callable[[T, Plain], None],
        address: str,
        module: str,
    ) -> None:
        super().__init__()
        self._tasks, self._request, self._keep, self._module = tasks, request, keep, module
        self._client = _client(address)
        try:
            _check_workers(self._client)
        except BaseException:
            self._client.close(timeout=1)
            raise
        self.threads = sum(self._client.ncores().values())
        threading.Thread(target=self._serve, name="workers of a cluster", daemon=True).start()

    def stop(self) -> None:
        """Cancel waiting tasks and ignore running ones; does not wait."""
        with self._lock:
            self._stopped = True
        self._over.set()  # joblib may still wait for cancelled tasks; its thread ends with this process
        self._client.close(timeout=1)

    def _serve(self) -> None:
        try:
            self._work()
        except Exception as error:  # Dask, joblib and the network raise many types; stored in `error`
            if not self._stopped:
                self.error = f"the cluster stopped working ({_said(error)}); start the remaining runs again"
        finally:
            if not self._stopped:
                self._over.set()
                with contextlib.suppress(Exception):  # the scheduler may be gone already
                    self._client.close(timeout=1)

    def _work(self) -> None:
        from joblib import Parallel, delayed, parallel_config

        asked = [json.dumps(self._request(task)) for task in self._tasks]
        with parallel_config(backend="dask", client=self._client, wait_for_workers_timeout=WORKERS_WITHIN):
            run = Parallel(n_jobs=-1, return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
            for text in run(delayed(_answered)(self._module, place, ask) for place, ask in enumerate(asked)):
                self._take(json.loads(text))

    def _take(self, said: dict[str, Any]) -> None:
        """Store the answers to a task; a failed task is reported, and the next one starts."""
        if said["otviz"] != __version__:
            raise ValueError(f"its workers have otviz {said['otviz']} and this is {__version__}: install the same")
        for answer in said["answers"]:
            self._keep(self._tasks[int(said["place"])], answer)
        self.error = said["fault"] or self.error


def _answered(module: str, place: int, request: str) -> str:
    """The answers to a request as JSON text; runs on a worker."""
    torch.set_num_threads(1)
    answers, fault = [], ""
    try:
        for answer, _ in importlib.import_module(module).answers(json.loads(request), {}):
            answers.append(answer)
    except Exception as error:
        fault = sentence(error)
    return json.dumps({"otviz": __version__, "place": place, "answers": answers, "fault": fault})


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(f"a cluster needs the package distributed, which is not installed here: {INSTALL}") from error
    try:
        return Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"no Dask scheduler answers at {address[:100]!r} ({_said(error)}); start one with `dask scheduler` and "
            "give the address it prints, such as tcp://127.0.0.1:8786"
        ) from error


def _check_workers(client: Any) -> None:
    """Raises ValueError if there is no worker, or if workers lack otviz or what it needs, or have another version."""
    try:
        client.wait_for_workers(1, timeout=WORKERS_WITHIN)
        found = client.run(_probe(), list(NEEDED.values()), on_error="return", callback_timeout=ANSWERS_WITHIN)
    except TimeoutError as error:
        count = len(client.scheduler_info(n_workers=-1)["workers"])
        raise ValueError(
            f"of the {count} workers of the cluster some do not answer; start them again"
            if count
            else "the cluster has no workers; start some with `dask worker` and the address of the scheduler"
        ) from error
    faults: dict[str, list[str]] = {}
    for worker, answer in found.items():
        if fault := f"cannot be asked ({_said(answer)})" if isinstance(answer, Exception) else _fault(*answer):
            faults.setdefault(fault, []).append(worker)
    if faults:
        raise ValueError("; ".join(f"{_named(workers)} {fault}" for fault, workers in faults.items()))


def _probe() -> Callable[[list[str]], tuple[str, list[str]]]:
    """What a worker is asked: its version of otviz, empty if there is none, and the modules that it lacks."""

    def probe(
        modules: list[str],
    ) -> tuple[str, list[str]]:  # local, so that it is sent as code: otviz may be missing there
        from importlib import import_module
        from importlib.util import find_spec

        try:
            version = str(import_module("otviz.core").__version__)
        except ImportError:
            version = ""
        return version, [module for module in modules if find_spec(module) is None]

    return probe


def _fault(version: str, lacking: list[str]) -> str:
    """What is wrong with a worker and what to do, or empty."""
    if not version:
        return (
            "cannot import otviz: start them with PYTHONPATH set to the folder of the project, or run "
            "`python -m pip install -e .` there in their environment"
        )
    if version != __version__:
        return f"have otviz {version} and this is {__version__}: install the same"
    packages = ", ".join(package for package, module in NEEDED.items() if module in lacking)
    return packages and f"lack {packages}: run `python -m pip install -r requirements.txt` in their environment"


def _named(workers: list[str]) -> str:
    more = f" and {len(workers) - 3} more" if len(workers) > 3 else ""
    return f"the workers {', '.join(workers[:3])}{more}"


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:150] or type(error).__name__
