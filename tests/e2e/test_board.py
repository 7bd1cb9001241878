"""The board in a browser: its sliders ask one question at a time, and what it draws answers to the viewer at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
DEMO = Path(__file__).with_name("board_demo.py")


class Board:
    """What a test reads and presses."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        page.goto(url)
        self.root = page.locator(".otviz-board")
        self.root.wait_for()
        self.canvas = self.root.get_by_role("application")

    def read(self, name: str) -> str:
        return str(self.root.get_attribute(f"data-{name}"))

    @property
    def serial(self) -> int:
        return int(self.read("serial") or -1)

    def wait(self, condition: Callable[[], Any], seconds: float = 15) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"nothing happened within {seconds} s; serial {self.read('serial')}"
            self.page.wait_for_timeout(40)

    def slide(self, label: str, value: float) -> None:
        """As one step of a drag: the value and its event."""
        self.root.get_by_label(label, exact=True).evaluate(
            "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value
        )

    def press(self, name: str, group: str | None = None) -> None:
        place = self.root.get_by_role("group", name=group, exact=True) if group else self.root
        place.get_by_role("button", name=name, exact=True).click()

    def asked(self) -> list[str]:
        """What came to Python: serial:stage:blur:reach."""
        return str(self.page.get_by_text("asked", exact=False).last.inner_text()).split()[1:]

    def picture(self) -> str:
        return str(self.canvas.evaluate("canvas => canvas.toDataURL()"))


@pytest.fixture
def open_board(serve: Callable[..., str], page: Any) -> Callable[..., Board]:
    def opened(query: str = "") -> Board:
        board = Board(page, f"{serve(DEMO)}/?{query}")
        board.wait(lambda: board.serial >= 0)
        return board

    return opened


def test_a_moved_slider_is_answered(open_board: Callable[..., Board]) -> None:
    board = open_board()
    before = board.picture()
    board.slide("Blur", 0)
    board.wait(lambda: board.serial == 1)
    assert board.read("asked") == "1"
    assert float(board.read("blur")) == 1
    assert board.picture() != before
    board.wait(lambda: board.asked() == ["1:first:1:None"])
