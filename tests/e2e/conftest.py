"""One browser, one server of the app and one of the demos for everything that only a browser shows.

    def test_page(app, page):
        page.goto(f"{app}/train")

`own_server("app.py", env, base="foo")` is another server, for tests that start, kill or empty one or serve it under a path;
`prefix_proxy.PrefixProxy` puts one more address before a server. `helpers` reads and presses what pages have in common.

`page` fails the test when the page throws. `new_page(color_scheme=..., width=..., height=...)` opens others. All share one
context, and the next tests use their tabs: there a page of Streamlit opens with a third of the work, since its scripts are
compiled already. `new_page(offline=True)`, as any option of a context, is for a context of its own, which paints as browsers do.
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
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
"""The first has no window of a browser around its pages, and takes a third less of the processor for them."""
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FEWER_FRAMES = """
    window.requestAnimationFrame = (paint) => setTimeout(() => paint(performance.now()), 100);
    window.cancelAnimationFrame = clearTimeout;
    document.addEventListener("DOMContentLoaded", () => {
        const style = document.createElement("style");
        style.textContent = "*, ::before, ::after { transition: none !important; animation-iteration-count: 1 !important; }";
        document.head.append(style);
    });
"""
"""A screen of ten pictures a second, and no fading: software paints every picture, and the processor is for the tests.

Without it Streamlit fades all elements of a page, sixty times a second, each time that its script runs.
"""
DEMOS = Path(__file__).with_name("demos.py")


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
    """The app, or a script served like it, on its own port, which a second `start` uses again."""

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
        command = [sys.executable, "-m", "tests.e2e.paced", "run", str(self._script), *flags]
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=out, stderr=subprocess.STDOUT)
        wait_until_healthy(self.url, self._process, self._log)
        return self.url

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


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shared server keeps what users make."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def app(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one server of the app for all tests that can share one."""
    yield from _serving("app.py", {"OTVIZ_HOME": str(home), "OTVIZ_GRACE": "120"}, tmp_path_factory)


@pytest.fixture(scope="session")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one server of player, board and pad with made-up contents, at /?demo=player, board or pad.

    Nothing trains there, so no process is to import torch for it.
    """
    yield from _serving(DEMOS, {"OTVIZ_HOSTS": "0"}, tmp_path_factory)


def _serving(script: str | Path, env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = Server(script, env, tmp_path_factory.mktemp("server") / "log.txt")
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """`own_server(script, env={...}, base="")` is a server of this file alone, not started yet, to stop and start at will."""
    servers: list[Server] = []

    def make(script: str | Path, env: dict[str, str], base: str = "") -> Server:
        servers.append(Server(script, env, tmp_path_factory.mktemp("server") / "log.txt", base))
        return servers[-1]

    yield make
    for server in servers:
        server.stop(kill=True)


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


class Tabs:
    """The tabs that pages of one context open in, one page after the other."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._free: list[Any] = []
        self.thrown: list[str] = []

    def take(self) -> Any:
        """A tab without a page."""
        if self._free:
            return self._free.pop()
        tab = self._context.new_page()
        tab.set_default_timeout(1000 * PATIENCE)
        tab.on("pageerror", lambda error: self.thrown.append(str(error)))
        return tab

    def give_back(self, tab: Any) -> None:
        """Leave the page, which ends what it leased. The tab must not remember it."""
        if tab.is_closed():
            return
        tab.unroute_all()
        tab.goto("about:blank")
        self._free.append(tab)


@pytest.fixture(scope="session")
def tabs(browser: Any) -> Tabs:
    """What pages share: tabs, and the files that the browser keeps."""
    context = browser.new_context()
    context.add_init_script(FEWER_FRAMES)
    return Tabs(context)


@pytest.fixture
def new_page(browser: Any, tabs: Tabs) -> Iterator[Callable[..., Any]]:
    """Opens pages, left after the test, which fails when one of them throws."""
    opened: list[tuple[Tabs, Any]] = []
    contexts: list[Any] = []
    tabs.thrown.clear()

    def open_page(
        *, color_scheme: str = "dark", reduced_motion: str = "no-preference", width: int = 1280, height: int = 900,
        **options: Any,
    ) -> Any:  # fmt: skip
        where = tabs
        if options:
            contexts.append(browser.new_context(**options))
            where = Tabs(contexts[-1])
        page = where.take()
        opened.append((where, page))
        page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        page.set_viewport_size({"width": width, "height": height})
        return page

    yield open_page
    for where, page in opened:
        where.give_back(page)
    thrown = [error for where in {id(where): where for where, _ in opened}.values() for error in where.thrown]
    for own in contexts:
        own.close()
    assert not thrown, f"the page threw: {thrown}"


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    """A dark page of 1280 x 900."""
    return new_page()
