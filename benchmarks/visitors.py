"""A real server, and visitors who speak to it as a browser does: the page by websocket, the pictures by its channel."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from otviz.player import wire

ROOT = Path(__file__).resolve().parents[1]
HEALTHY_WITHIN = 120.0  # seconds
WITHIN = 600.0  # seconds to wait for anything, on a machine that may have other work
POLL = 0.25  # seconds between two questions of a player
_TOKEN = re.compile(rb"channel/([\w-]{20,})\?\d+")


class Server:
    """`streamlit run app.py` on a home; `log` is what it wrote.

    Args:
        home: its OTVIZ_HOME.
        log: file for its output, which is appended to.
        env: more environment variables.
    """

    def __init__(self, home: Path, log: Path, env: Mapping[str, str] | None = None) -> None:
        self.home, self.log = home, log
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        flags = [f"--server.port={self.port}", "--server.address=127.0.0.1", "--server.headless=true"]
        own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # as installed
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", *flags, "--server.fileWatcherType=none"],
                cwd=ROOT, env={**own, "OTVIZ_HOME": str(home), **(env or {})}, stdin=subprocess.DEVNULL,
                stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + HEALTHY_WITHIN
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_stcore/health", timeout=2).read()
                return
            time.sleep(0.1)
        raise RuntimeError(
            f"the server did not start: {self.log.read_text(encoding='utf-8', errors='replace')[-2000:]}"
        )

    def children(self) -> list[psutil.Process]:
        """The processes that it started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self.process.pid).children(recursive=True))
        return []

    def workers(self) -> list[psutil.Process]:
        """The processes that train: on Linux children of its child that forks them."""
        children = self.children()
        return [each for each in children if each.ppid() != self.process.pid] or children

    def memory(self) -> float:
        """Bytes of the server and its children: shared pages are counted once (PSS), or not at all where that is unknown."""
        total = 0.0
        for process in (psutil.Process(self.process.pid), *self.children()):
            with contextlib.suppress(psutil.Error):
                found = process.memory_full_info()
                total += getattr(found, "pss", found.uss)
        return total

    def kill(self, number: int) -> int:
        """Send a signal and wait for the end of server and children; the exit status."""
        children = self.children()
        self.process.send_signal(number)
        status = self.process.wait(60)
        _, alive = psutil.wait_procs(children, 20)
        for process in alive:
            process.kill()
        if alive:
            raise RuntimeError(f"{len(alive)} processes outlived their server")
        return status


@contextlib.contextmanager
def serving(home: Path, log: Path, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A server that is ended afterwards, if it still lives."""
    server = Server(home, log, env)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.terminate()
            try:
                server.process.wait(30)
            except subprocess.TimeoutExpired:
                server.process.kill()


class Visitor:
    """One tab. Its thread reads the page and asks for pictures until `close`.

    Args:
        server: whom to visit.
        page: such as "train".
        query: of the address.

    Attributes:
        run: id of the run in the address, or empty.
        seen: by run, the status, step and seconds of training of the newest picture.
        exceptions: that the page showed.
    """

    def __init__(self, server: Server, page: str, query: Mapping[str, Any] | None = None) -> None:
        self._server, self._page, self._query = server, page, urllib.parse.urlencode(query or {})
        self.run, self.exceptions, self.finished = "", list[str](), 0
        self.seen: dict[str, tuple[str, int, float]] = {}
        self._titles: dict[str, list[Any]] = {}
        self._token, self._text, self._closed = "", bytearray(), threading.Event()
        self._socket = connect(
            f"ws://127.0.0.1:{server.port}/_stcore/stream", max_queue=None, max_size=None, open_timeout=60
        )
        self.load()
        threading.Thread(target=self._live, name=f"visitor of {page}", daemon=True).start()

    def load(self) -> None:
        """Draw the page again, as a click would."""
        visit = BackMsg()
        visit.rerun_script.page_name = self._page
        visit.rerun_script.query_string = self._query
        with contextlib.suppress(WebSocketException):
            self._socket.send(visit.SerializeToString())

    def close(self) -> None:
        """Close the tab."""
        self._closed.set()
        with contextlib.suppress(WebSocketException, OSError):
            self._socket.close()

    def says(self, words: str) -> bool:
        """Whether the page has shown these words."""
        return words in self._text.decode(errors="ignore").replace("\\", "")

    def _live(self) -> None:
        due = 0.0
        while not self._closed.is_set():
            try:
                self._take(bytes(self._socket.recv(timeout=POLL)))
            except TimeoutError:
                pass
            except (WebSocketException, OSError):  # the server is gone
                return
            if time.monotonic() > due:
                due = time.monotonic() + POLL
                self._ask()

    def _take(self, data: bytes) -> None:
        message = ForwardMsg.FromString(data)
        if message.HasField("new_session"):
            self._text.clear()
        self._text += data
        if message.HasField("script_finished"):
            self.finished += 1
        if message.HasField("page_info_changed"):
            self._query = message.page_info_changed.query_string  # without it, a page would begin another run
            self.run = dict(urllib.parse.parse_qsl(self._query)).get("run", "")
        element = message.delta.new_element
        if element.WhichOneof("type") == "exception":
            self.exceptions.append(f"{self._page}: {element.exception.type}: {element.exception.message}"[:300])
        if tokens := _TOKEN.findall(data):
            self._token = tokens[-1].decode()

    def _ask(self) -> None:
        """Ask for new pictures, and load the page again if the answer says that it has changed."""
        if not self._token:
            return
        url = f"http://127.0.0.1:{self._server.port}/channel/{self._token}"
        try:
            data = urllib.request.urlopen(url, json.dumps(self._titles).encode(), timeout=30).read()
        except OSError:  # includes the answers 400 and 410, and a server that is gone
            return
        end = 4 + struct.unpack_from("<I", data)[0]
        options = json.loads(data[4:end])
        for panel in wire.decode(data[end:]) if len(data) > end else ():
            if panel.scene is not None:
                self._titles[panel.run] = [panel.scene.title, -1]
            if panel.snapshots and panel.run in self._titles:
                last = panel.snapshots[-1]
                self._titles[panel.run][1] = last.sequence
                self.seen[panel.run.partition(".")[0]] = (panel.status, last.step, last.seconds)
        if options.get("changed"):
            self.load()


def until(true: Any, seconds: float = WITHIN) -> bool:
    """Wait until something is true; False if it was not within these seconds."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
