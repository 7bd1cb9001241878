"""What is known of the machine, on systems without /proc."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from otviz.core import machine, memory
from otviz.core.workers.processes import cores


@pytest.fixture(autouse=True)
def _no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_text

    def refused(self: Path, *args: object, **options: object) -> str:
        if str(self).startswith("/proc"):
            raise FileNotFoundError(2, "No such file or directory", str(self))
        return read(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", refused)
    machine.processor.cache_clear()


def test_a_problem_that_does_not_fit_is_refused_on_any_system(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1e6 < memory.available() <= psutil.virtual_memory().total
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1e6))
    with pytest.raises(ValueError, match=r"0\.001 GB are free; n = 474 fits"):
        memory.check_memory(1000, 1000, 1)


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda _self: [3], raising=False)
    assert cores() == 1, "as on Windows"
    monkeypatch.delattr(psutil.Process, "cpu_affinity")
    monkeypatch.setattr(psutil, "cpu_count", lambda: 7)
    assert cores() == 7, "as on macOS"


def test_the_processor_has_a_name_everywhere() -> None:
    assert machine.processor()
