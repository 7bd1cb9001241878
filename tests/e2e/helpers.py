"""What tests of all pages read and press."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.waiting import PATIENCE, page_until

SLIDE = "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }"


def query(page: Any) -> dict[str, str]:
    """The settings in the address."""
    return {key: texts[0] for key, texts in parse_qs(urlsplit(page.url).query).items()}


def slide(root: Any, label: str, value: float) -> None:
    """One step of a drag of a slider of ours: the value and its event."""
    root.get_by_label(label, exact=True).evaluate(SLIDE, value)


def data(root: Any, name: str) -> str:
    """What a component says of itself in `data-name`; "" before it does."""
    return str(root.get_attribute(f"data-{name}")) if root.count() else ""


def downloaded(page: Any, press: Callable[[], object]) -> Path:
    """The file that a press saves. If the page was being drawn anew, Streamlit had dropped the function: then it is pressed again."""
    from playwright.sync_api import TimeoutError as NothingCame

    for _ in range(3):
        with suppress(NothingCame):
            with page.expect_download(timeout=40_000) as coming:
                press()
            return Path(coming.value.path())
    raise AssertionError(f"nothing was downloaded: {page.url}")


def resize(page: Any, width: int, height: int = 900) -> None:
    """Another size of the window, and time for the scripts that answer to it."""
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function("width => innerWidth === width", arg=width)
    page.wait_for_timeout(300)


class Shown:
    """A page of the app that is open."""

    def __init__(self, page: Any, url: str = "") -> None:
        self.page, self.main = page, page.get_by_test_id("stMain")
        self.player, self.board = page.locator(".otviz-player"), page.locator(".otviz-board")
        if url:
            page.goto(url)

    def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        page_until(self.page, condition, seconds)

    def button(self, name: str) -> Any:
        """The buttons of the page that begin with a name."""
        return self.main.get_by_role("button", name=re.compile(rf"^{name}"))

    def press(self, name: str) -> None:
        self.button(name).click()

    def view(self, name: str) -> None:
        self.main.get_by_role("radio", name=name, exact=True).click()

    @property
    def query(self) -> dict[str, str]:
        return query(self.page)

    @property
    def steps(self) -> list[int]:
        """Steps trained, as each panel says; -1 where it does not say."""
        texts = self.player.locator(".progress").all_text_contents()
        return [int(re.sub(r"\D", "", re.split("of|·", text)[0]) or -1) for text in texts]

    @property
    def step(self) -> int:
        """Steps trained, as the first panel says."""
        return next(iter(self.steps), -1)

    @property
    def statuses(self) -> list[str]:
        return [text.strip() for text in self.player.locator(".status").all_text_contents()]

    @property
    def status(self) -> str:
        return "".join(self.statuses)

    def is_now(self, status: str) -> None:
        self.until(lambda: self.status == status)

    def moves(self) -> None:
        before = self.step
        self.until(lambda: self.step > before)

    def rests(self) -> int:
        """Steps trained, which stay the same for longer than a live picture waits for news."""
        before = self.step
        self.page.wait_for_timeout(700)
        assert self.step == before
        return before

    def insist(self, act: Callable[[], object], condition: Callable[[], object]) -> None:
        """Act until a condition holds, at most three times, as people do.

        What meets a page at the moment it is drawn anew may be lost: a press, or a file that is chosen.
        """
        for _ in range(2):
            act()
            with suppress(AssertionError):
                return self.until(condition, 20)
        act()
        return self.until(condition)

    def stops(self, button: str = "Stop", then: str = "Train") -> None:
        """Leave the processor to other tests, and have no traceback on the page."""
        from playwright.sync_api import TimeoutError as NothingCame

        def press() -> None:
            with suppress(NothingCame):  # it may stop at this moment
                self.button(button).click(timeout=5000)

        assert self.page.get_by_test_id("stException").count() == 0
        if self.button(button).count():
            self.insist(press, lambda: self.button(then).count())


class Component:
    """A component of a demo that is open."""

    def __init__(self, page: Any, url: str, name: str) -> None:
        self.page, self.root = page, page.locator(f".otviz-{name}")
        page.goto(url)
        self.root.wait_for()

    def read(self, name: str) -> str:
        return str(self.root.get_attribute(f"data-{name}"))

    def wait(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        page_until(self.page, condition, seconds)

    def slide(self, label: str, value: float) -> None:
        slide(self.root, label, value)
