"""A server per script and a browser per test session, for everything that only a browser shows.

    def test_page(serve, page):
        page.goto(serve("app.py"))

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


def wait_until_healthy(url: str, server: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            if urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"no healthy server at {url} within {seconds} s:\n{log.read_text()[-4000:]}")


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """`serve(script, env={...})` starts `streamlit run script` once and returns its address."""
    servers: dict[tuple[str, ...], tuple[subprocess.Popen[bytes], str]] = {}

    def start(script: str | Path, env: dict[str, str] | None = None) -> str:
        path = (ROOT / script).resolve()
        name = (str(path), *(f"{k}={v}" for k, v in sorted((env or {}).items())))
        if name in servers:
            return servers[name][1]
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        options = {
            "server.port": port,
            "server.address": "127.0.0.1",
            "server.headless": "true",
            "server.fileWatcherType": "none",
            "browser.gatherUsageStats": "false",
            "runner.postScriptGC": "false",
        }
        flags = [f"--{key}={value}" for key, value in options.items()]
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        log = tmp_path_factory.mktemp("server") / "log.txt"
        with log.open("wb") as out:
            server = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(path), *flags],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": paths, **(env or {})},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        servers[name] = server, url
        wait_until_healthy(url, server, log)
        return url

    yield start
    for server, _ in servers.values():
        server.terminate()
    for server, _ in servers.values():
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


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
        opened.set_default_timeout(30_000)
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
