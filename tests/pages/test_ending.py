"""However the server is ended, its living runs are saved first, and its processes end with it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.sync.client import connect

from tests.e2e.conftest import ROOT, free_port, wait_until_healthy
from tests.waiting import PATIENCE, until

STEPS = 1_000_000  # never done
SAVES_SOON = """
from otviz.runs import scheduling
from streamlit.web.cli import main
scheduling.SAVE_SECONDS = 1.0
main()
"""


@contextmanager
def server(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, int]]:
    """The app in a new terminal, its address, and the other end of the terminal."""
    ours, theirs = pty.openpty()
    port = free_port()
    flags = [
        f"--server.port={port}",
        "--server.address=127.0.0.1",
        "--server.headless=true",
        "--server.fileWatcherType=none",
    ]
    env = {**os.environ, "OTVIZ_HOME": str(home), "OTVIZ_HOSTS": "1"}
    with (home / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            ["setsid", "--ctty", sys.executable, "-c", SAVES_SOON, "run", "app.py", *flags],
            cwd=ROOT, env=env, stdin=theirs, stdout=log, stderr=subprocess.STDOUT, preexec_fn=_hear_hangups,
        )  # fmt: skip
    os.close(theirs)
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}", process, home / "log.txt")
        yield process, f"ws://127.0.0.1:{port}/_stcore/stream", ours
    finally:
        process.kill()
        process.wait()
        if ours_is_open(ours):
            os.close(ours)


def _hear_hangups() -> None:
    """The tests may run under nohup, which makes processes that they start ignore a terminal that closes."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def ours_is_open(handle: int) -> bool:
    try:
        os.fstat(handle)
    except OSError:
        return False
    return True


def saved(home: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in home.glob("runs/*/summary.json")]


def busy(processes: list[psutil.Process]) -> float:
    """Seconds of processor time that processes have used."""
    return float(sum(process.cpu_times().user for process in processes))


def as_a_service(process: subprocess.Popen[bytes], _terminal: int) -> None:
    os.killpg(process.pid, signal.SIGTERM)  # as systemd does: to the processes that train, too


def closed_terminal(_process: subprocess.Popen[bytes], terminal: int) -> None:
    os.close(terminal)  # the kernel tells all processes in it


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="gives a process a terminal with setsid")
@pytest.mark.parametrize(("ends", "number"), [(as_a_service, signal.SIGTERM), (closed_terminal, signal.SIGHUP)])
def test_a_server_that_is_told_to_end_saves_what_trains(ends, number: int, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with server(tmp_path) as (process, address, terminal), connect(address, max_queue=None) as page:
        visit = BackMsg()
        visit.rerun_script.page_name = "train"
        visit.rerun_script.query_string = urllib.parse.urlencode({"start": 1, "steps": STEPS, "target": "ring"})
        page.send(visit.SerializeToString())
        until(
            lambda: [run["status"] for run in saved(tmp_path)] == ["running"]
        )  # saved at step 0, so that it is listed
        children = psutil.Process(process.pid).children(recursive=True)
        assert children, "a process that trains"
        begun = busy(children)
        until(lambda: busy(children) > begun + 0.5)  # some hundred steps
        ends(process, terminal)
        assert process.wait(PATIENCE) == -number
        assert [(run["status"], 0 < run["step"] < STEPS) for run in saved(tmp_path)] == [("stopped", True)]
        assert not psutil.wait_procs(children, PATIENCE)[1]
        assert "Traceback" not in (tmp_path / "log.txt").read_text(encoding="utf-8")
