"""What is known of the machine, on systems without /proc, and in containers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from otviz.core import cgroups, machine, memory
from otviz.core.machine import cores


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
    assert 1e6 < machine.free_memory() <= psutil.virtual_memory().total
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


def _groups(root: Path, monkeypatch: pytest.MonkeyPatch, own: str, files: Mapping[str, str]) -> None:
    """Make the files of /proc/self/cgroup and /sys/fs/cgroup."""
    (root / "cgroup").write_text(own, encoding="utf-8")
    for name, text in files.items():
        (root / "sys" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "sys" / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(cgroups, "PROCESS", root / "cgroup")
    monkeypatch.setattr(cgroups, "MOUNT", root / "sys")


HALF_USED = {
    "memory.max": "1000000\n",
    "memory.current": "600000\n",
    "memory.stat": "anon 500000\ninactive_file 100000\n",
}
FIRST = {"limit_in_bytes": "1000000", "usage_in_bytes": "600000", "stat": "cache 9\ntotal_inactive_file 100000\n"}


@pytest.mark.parametrize(
    ("own", "files"),
    [
        ("0::/\n", HALF_USED | {"cpu.max": "150000 100000\n"}),  # in a container
        (  # a unit of systemd below a slice that has the limits
            "0::/otviz.slice/otviz.service\n",
            {f"otviz.slice/{name}": text for name, text in (HALF_USED | {"cpu.max": "150000 100000\n"}).items()}
            | {"otviz.slice/otviz.service/memory.max": "max\n", "otviz.slice/otviz.service/memory.current": "5\n"}
            | {"otviz.slice/otviz.service/cpu.max": "max 100000\n"},
        ),
        (  # version 1 in a container, where the path from outside does not exist
            "5:memory:/docker/ab12\n4:cpu,cpuacct:/docker/ab12\n0::/docker/ab12\n",
            {f"memory/memory.{name}": text for name, text in FIRST.items()}
            | {"cpu/cpu.cfs_quota_us": "150000\n", "cpu/cpu.cfs_period_us": "100000\n"},
        ),
    ],
    ids=["version 2", "a slice", "version 1"],
)
def test_the_limits_of_a_container_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str, files: Mapping[str, str]
) -> None:
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda _self: [0, 1, 2, 3], raising=False)
    _groups(tmp_path, monkeypatch, own, files)
    assert (machine.total_memory(), machine.free_memory()) == (1e6, 5e5)
    assert cores() == 2, "a quota of one and a half"
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda _self: [0], raising=False)
    assert cores() == 1


@pytest.mark.parametrize("own", ["", "nonsense", "0::/../..\n", "0::/\n7:cpu:/\n4:memory:/\n"])
def test_groups_without_limits_count_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: str) -> None:
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda _self: [0, 1, 2, 3], raising=False)
    endless = {"memory/memory.limit_in_bytes": "9223372036854771712", "memory/memory.usage_in_bytes": "5"}
    _groups(tmp_path, monkeypatch, own, endless | {"memory.max": "max", "cpu.max": "x y", "cpu/cpu.cfs_quota_us": "-1"})
    assert machine.total_memory() == psutil.virtual_memory().total
    assert 1e6 < machine.free_memory() <= machine.total_memory()
    assert cores() == 4
