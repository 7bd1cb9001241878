"""A server per script and a browser per test session, for everything that only a browser shows.

    def test_page(serve, page):
        page.goto(serve("app.py"))

`serve("app.py", base="foo")` serves the pages under /foo; `prefix_proxy.PrefixProxy` puts one more address before them.

`page` fails the test when the page throws. `new_page(color_scheme=..., width=..., height=...)` opens others.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Serve = Callable[..., str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(url: str, server: subprocess.Popen[bytes], log: Path, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            if urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"no healthy server at {url} within {seconds} s:\n{log.read_text(encoding='utf-8')[-4000:]}")


class Server:
    """The app, or a script served like it, on a port of its own, which a second `start` uses again."""

    def __init__(self, script: str | Path, env: dict[str, str], log: Path, base: str = "") -> None:
        self.url = ""
        self.base = base
        self._script = ROOT / script if script == "app.py" else Path(__file__).with_name("launcher.py")
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self._env = {**os.environ, "PYTHONPATH": paths, "OTVIZ_SCRIPT": str(ROOT / script), **env}
        self._log = log
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it, wait until it answers, and return its address."""
        self.url = f"http://127.0.0.1:{self._port}{'/' if self.base else ''}{self.base}"
        options = {
            "server.port": self._port,
            "server.address": "127.0.0.1",
            "server.baseUrlPath": self.base,
            "server.headless": "true",
            "server.fileWatcherType": "none",
            "browser.gatherUsageStats": "false",
            "runner.postScriptGC": "false",
        }
        flags = [f"--{key}={value}" for key, value in options.items()]
        command = [sys.executable, "-m", "streamlit", "run", str(self._script), *flags]
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=out, stderr=subprocess.STDOUT)
        wait_until_healthy(self.url, self._process, self._log)
        return self.url

    def ask_to_stop(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def stop(self, kill: bool = False) -> None:
        """End it: as Ctrl+C does, or at once, as a power cut does."""
        if self._process is None:
            return
        if kill:
            self._process.kill()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """`serve(script, env={...}, base="")` starts a server of the script once and returns its address."""
    yield from _serving(tmp_path_factory)


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one server for all tests that train nothing."""
    home = str(tmp_path_factory.mktemp("home"))
    for start in _serving(tmp_path_factory):
        yield start("app.py", env={"OTVIZ_HOME": home, "OTVIZ_HOSTS": "0"})


def _serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    servers: dict[tuple[str, ...], Server] = {}

    def start(script: str | Path, env: dict[str, str] | None = None, base: str = "") -> str:
        name = (str(script), base, *(f"{k}={v}" for k, v in sorted((env or {}).items())))
        if name not in servers:
            servers[name] = Server(script, env or {}, tmp_path_factory.mktemp("server") / "log.txt", base)
            servers[name].start()
        return servers[name].url

    yield start
    for server in servers.values():
        server.ask_to_stop()
    for server in servers.values():
        server.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """`own_server(script, env={...})` is a server of this test alone, not started yet, to stop and start at will."""
    servers: list[Server] = []

    def make(script: str | Path, env: dict[str, str]) -> Server:
        servers.append(Server(script, env, tmp_path / f"server-{len(servers)}.txt"))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, from CHROMIUM, the system or Playwright. Without one the test is skipped, but fails under CI."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        no_browser("playwright is not installed: pip install -r requirements-dev.txt")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGS)
        except Error as error:
            no_browser(f"no Chromium found (set CHROMIUM, or playwright install chromium): {error.message[:200]}")
        yield chromium
        chromium.close()


def no_browser(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def new_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages, each in a context of its own; the test fails when one of them throws."""
    contexts, thrown = [], []

    def open_page(*, color_scheme: str = "dark", width: int = 1280, height: int = 900, **options: Any) -> Any:
        size = {"width": width, "height": height}
        context = browser.new_context(color_scheme=color_scheme, viewport=size, **options)
        contexts.append(context)
        opened = context.new_page()
        opened.set_default_timeout(1000 * PATIENCE)
        opened.on("pageerror", lambda error: thrown.append(str(error)))
        return opened

    yield open_page
    for context in contexts:
        context.close()
    assert not thrown, f"the page threw: {thrown}"


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    """A dark page of 1280 x 900."""
    return new_page()
