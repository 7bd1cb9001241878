"""Files that are never seen half written, on any system, and what interrupted writes leave behind."""

from __future__ import annotations

import os
import re
import stat
import time
from pathlib import Path

import psutil
import pytest

from otviz.core import files
from otviz.runs.registry import Registry
from otviz.runs.saved.run_store import Store


def test_a_file_is_closed_and_on_the_disk_before_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows renames no file that this process holds open; and after a power cut a name must not lead to nothing."""
    done: list[str] = []
    replace, fsync = os.replace, os.fsync

    def careful(a: str, b: Path) -> None:
        held = {file.path for file in psutil.Process().open_files()}
        assert not {os.path.realpath(a), os.path.realpath(b)} & held
        done.append("renamed")
        replace(a, b)

    def noted(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    monkeypatch.setattr(os, "replace", careful)
    monkeypatch.setattr(os, "fsync", noted)
    for text in (b"old", b"new"):
        files.write_whole(tmp_path / "a.json", text)
    assert (tmp_path / "a.json").read_bytes() == b"new"
    assert done == ["file", "renamed", "folder"] * 2


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write_whole(tmp_path / "a.json", b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write_whole(tmp_path / "a.json", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"old"


def test_remains_of_interrupted_saves_go_when_the_registry_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "energy-ring-0011aabb"
    run.mkdir()

    def killed(a: str, _b: Path) -> None:
        kept = Path(a).read_bytes()
        (run / "left").write_text(a, encoding="utf-8")
        Path(f"{a}.copy").write_bytes(kept)  # the content on disk if the process is killed now
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            files.write_whole(run / "snapshots.npz", b"much")
    old = Path((run / "left").read_text(encoding="utf-8"))
    Path(f"{old}.copy").rename(old)
    young = run / ".summary.json.abcd1234"
    for path in (young, run / "summary.json", run / ".keep"):
        path.touch()
    for path in (old, run / "summary.json", run / ".keep"):
        os.utime(path, (time.time() - 2 * files.WRITTEN_WITHIN,) * 2)
    Registry(Store(tmp_path))
    assert {path.name for path in run.iterdir()} == {"left", young.name, "summary.json", ".keep"}


def test_windows_waits_for_readers_of_a_file_that_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace, refusals = os.replace, [PermissionError(13, "Access is denied")] * 2

    def busy(a: str, b: Path) -> None:
        if refusals:
            raise refusals.pop()
        replace(a, b)

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(files, "WINDOWS", False)
    with pytest.raises(PermissionError):
        files.write_whole(tmp_path / "a.json", b"new")
    monkeypatch.setattr(files, "WINDOWS", True)
    files.write_whole(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").read_bytes() == b"new"
    assert not refusals


def test_files_are_replaced_in_one_place_only() -> None:
    """`write_whole` closes what it renames; on Windows nothing else would be safe either."""
    found = [
        path.relative_to(files.ROOT).as_posix()
        for folder in ("otviz", "pages")
        for path in (files.ROOT / folder).rglob("*.py")
        if re.search(r"os\.(replace|rename)\(|\.rename\(|shutil\.move\(", path.read_text(encoding="utf-8"))
    ]
    assert found == ["otviz/core/files.py"]
