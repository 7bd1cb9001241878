"""The command in a terminal: Ctrl+C keeps finished seeds, and the same command continues."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.forked import OTVIZ, Forked
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="a terminal's Ctrl+C is sent otherwise there"),
]


def begun(home: Path, seeds: int) -> Forked:
    words = ["experiment", "family-losses", "--quick", "--seeds", str(seeds), "--workers", "2", "--json"]
    return Forked(OTVIZ, *words, env={"OTVIZ_HOME": str(home)}, session=True)


def test_what_was_done_before_ctrl_c_is_kept(tmp_path: Path) -> None:
    journal = tmp_path / "experiments" / "family-losses-quick.jsonl"
    with begun(tmp_path, seeds=100) as first:
        until(lambda: first.poll() is not None or (journal.is_file() and journal.read_text().count("\n") >= 2))
        assert first.poll() is None, first.errors
        os.killpg(first.pid, signal.SIGINT)  # as a terminal does: to the workers too
        _, said = first.communicate()
        assert first.poll() == 130
    assert "Traceback" not in said
    assert said.endswith("otviz: stopped\n")
    done = {record["seed"]: record for record in map(json.loads, journal.read_text().splitlines())}
    assert 2 <= len(done) < 100

    with begun(tmp_path, seeds=max(done) + 3) as second:
        out, said = second.communicate()
        assert second.poll() == 0, said
    outcomes = json.loads(out)["family-losses"]["result"]["outcomes"]
    assert {record["seed"] for record in outcomes} == set(range(max(done) + 3))
    assert all(record["seconds"] == done[record["seed"]]["seconds"] for record in outcomes if record["seed"] in done)
    assert not journal.exists()
