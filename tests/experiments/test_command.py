"""The command in a terminal: Ctrl+C keeps finished seeds, and the same command continues."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 600

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="a terminal's Ctrl+C is sent otherwise there"),
]


def begun(home: Path, seeds: int) -> subprocess.Popen[str]:
    words = ["experiment", "family-losses", "--quick", "--seeds", str(seeds), "--workers", "2", "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "otviz", *words], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "OTVIZ_HOME": str(home)}, start_new_session=True, preexec_fn=_as_in_a_terminal,
    )  # fmt: skip


def _as_in_a_terminal() -> None:
    """Tests started in the background of a shell ignore Ctrl+C, and so would their child processes."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_what_was_done_before_ctrl_c_is_kept(tmp_path: Path) -> None:
    journal = tmp_path / "experiments" / "family-losses-quick.jsonl"
    first = begun(tmp_path, seeds=100)
    end = time.monotonic() + SECONDS
    while not (journal.is_file() and journal.read_text().count("\n") >= 2):
        assert first.poll() is None, first.communicate()
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)
    os.killpg(first.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, said = first.communicate(timeout=SECONDS)
    assert first.returncode == 130
    assert "Traceback" not in said
    assert said.endswith("otviz: stopped\n")
    done = {record["seed"]: record for record in map(json.loads, journal.read_text().splitlines())}
    assert 2 <= len(done) < 100

    second = begun(tmp_path, seeds=max(done) + 3)
    out, said = second.communicate(timeout=SECONDS)
    assert second.returncode == 0, said
    outcomes = json.loads(out)["family-losses"]["result"]["outcomes"]
    assert {record["seed"] for record in outcomes} == set(range(max(done) + 3))
    assert all(record["seconds"] == done[record["seed"]]["seconds"] for record in outcomes if record["seed"] in done)
    assert not journal.exists()
