"""Firefox: Home plays, Transport answers its slider, Train trains, and no page throws. All other browser tests use Chromium."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.waiting import PATIENCE

pytestmark = pytest.mark.browser
FIREFOX = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
marionette = pytest.importorskip("marionette_driver.marionette", reason="pip install -r requirements-dev.txt")

# Components are in shadow roots. What is thrown after a page was loaded is noted by a listener of the window.
FOUND = """
const all = (root) => [...root.querySelectorAll("*")].flatMap((e) => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])]);
const found = (selector) => all(document).find((e) => e.matches(selector));
window.thrown ??= (addEventListener("error", (event) => window.thrown.push(String(event.message))), []);
"""


class Window:
    """A window of Firefox."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def open(self, url: str) -> None:
        self._driver.navigate(url)
        self.ask("return null")

    def ask(self, script: str) -> Any:
        """The result of a script, which may call `found` with a selector."""
        return self._driver.execute_script(FOUND + script, sandbox=None)

    def until(self, script: str) -> Any:
        """The result of a script, once it is true."""
        end = time.monotonic() + PATIENCE
        while not (result := self.ask(script)):
            assert time.monotonic() < end, (
                f"waited too long: {script}: {self.ask('return document.body.innerText')[:600]}"
            )
            time.sleep(0.1)
        return result

    def is_sound(self) -> None:
        assert self.ask("return window.thrown") == []
        assert self.ask("return found('[data-testid=stException]') === undefined")


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    if FIREFOX is None:
        pytest.skip("no Firefox found: apt-get install firefox-esr")
    logs = str(tmp_path_factory.mktemp("firefox"))  # not the folder of the project
    driver = marionette.Marionette(bin=FIREFOX, headless=True, startup_timeout=PATIENCE, gecko_log=logs)
    try:
        driver.start_session()
        driver.timeout.script = driver.timeout.page_load = PATIENCE
        yield Window(driver)
    finally:
        driver.cleanup()


def test_home_plays(app: str, firefox: Window) -> None:
    firefox.open(app)
    first = firefox.until("return Number(found('.otviz-player')?.dataset.step)")
    firefox.until(f"return Number(found('.otviz-player').dataset.step) > {first} + 100")
    firefox.is_sound()


def test_transport_answers_its_slider(app: str, firefox: Window) -> None:
    firefox.open(f"{app}/transport")
    blur = firefox.until("return Number(found('.otviz-board')?.dataset.blur)")
    firefox.ask("""
        const slider = found('.otviz-board input[aria-label="Blur"], .otviz-board [type=range]');
        slider.value = Number(slider.value) + 1;
        slider.dispatchEvent(new Event("input"));
    """)
    firefox.until(f"return Number(found('.otviz-board').dataset.blur) > {blur}")
    firefox.is_sound()


def test_train_trains(app: str, firefox: Window) -> None:
    firefox.open(f"{app}/train?method=otm&steps=60&batch_size=32&start=1")
    firefox.until("return found('.otviz-player .progress')?.textContent === 'step 60 of 60'")
    firefox.until("return found('.otviz-player .status')?.textContent.trim() === 'done'")
    colours = firefox.ask("""
        const canvas = found(".otviz-player .panel canvas");
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return new Set(new Uint32Array(pixels.buffer)).size;
    """)
    assert colours > 100, "potential and points are drawn"
    firefox.is_sound()
