"""The pad in a browser: what is drawn by pointer or keys comes to Python as text, and a text comes back as a drawing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.e2e.helpers import Component

pytestmark = pytest.mark.browser


def decode(text: str) -> list[list[tuple[float, float]]]:
    """The strokes of a text in data units, read as `pad` describes it."""
    raw, strokes = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), []
    while raw:
        count = int.from_bytes(raw[:2], "little")
        body, raw = raw[2 : 2 + 2 * count], raw[2 + 2 * count :]
        strokes.append([(-4 + 8 * body[k] / 255, -4 + 8 * body[k + 1] / 255) for k in range(0, len(body), 2)])
    return strokes


def encode(strokes: list[list[tuple[int, int]]]) -> str:
    """The text of strokes on the grid."""
    raw = b"".join(len(stroke).to_bytes(2, "little") + bytes(sum(stroke, ())) for stroke in strokes)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Pad(Component):
    """What a test draws and reads."""

    def __init__(self, page: Any, url: str) -> None:
        super().__init__(page, url, "pad")
        self.canvas = self.root.get_by_role("application")
        self.wait(lambda: self.root.get_attribute("data-text") is not None)
        page.get_by_text("heard").wait_for()

    def heard(self) -> tuple[int, str]:
        """How many changes came to Python, and the newest text."""
        words = self.page.get_by_text("heard").inner_text().split()
        return int(words[1]), words[2] if len(words) > 2 else ""

    def hears(self, changes: int) -> list[list[tuple[float, float]]]:
        self.wait(lambda: self.heard()[0] == changes)
        assert self.heard()[1] == self.root.get_attribute("data-text")
        return decode(self.heard()[1])

    def stroke(self, *points: tuple[float, float]) -> None:
        """Press at the first point, in data units, move through the others, let go."""
        box = self.canvas.bounding_box()
        at = [(box["x"] + (x + 4) / 8 * box["width"], box["y"] + (4 - y) / 8 * box["height"]) for x, y in points]
        self.page.mouse.move(*at[0])
        self.page.mouse.down()
        for point in at[1:]:
            self.page.mouse.move(*point, steps=12)
        self.page.mouse.up()

    def press(self, name: str) -> None:
        self.root.get_by_role("button", name=name, exact=True).click()


@pytest.fixture
def open_pad(demos: str, page: Any) -> Callable[..., Pad]:
    return lambda query="": Pad(page, f"{demos}/?demo=pad&{query}")


def test_strokes_are_drawn_erased_undone_and_cleared(open_pad: Callable[..., Pad]) -> None:
    pad = open_pad()
    pad.stroke((-3, 1), (3, 1))
    (line,) = pad.hears(1)
    assert line[0] == pytest.approx((-3, 1), abs=0.05)
    assert all(0.05 < b[0] - a[0] < 0.7 and b[1] == pytest.approx(1, abs=0.05) for a, b in pairwise(line))
    pad.stroke((0, -2))
    assert [len(stroke) for stroke in pad.hears(2)][1] == 1
    pad.press("Erase")
    pad.stroke((0, 3), (0, 0))
    left, right, dot = pad.hears(3)
    assert max(x for x, _ in left) < 0 < min(x for x, _ in right)
    assert dot[0] == pytest.approx((0, -2), abs=0.05)
    pad.press("Undo (Ctrl+Z)")
    assert len(pad.hears(4)) == 2
    pad.press("Redo (Ctrl+Y)")
    assert pad.hears(5) == [left, right, dot]
    pad.press("Clear")
    assert pad.hears(6) == []
    pad.page.keyboard.press("Control+z")
    assert pad.hears(7) == [left, right, dot]


def test_a_text_comes_back_as_the_drawing(open_pad: Callable[..., Pad]) -> None:
    text = encode([[(10, 20), (200, 20), (255, 255)], [(0, 0)]])
    pad = open_pad(f"strokes={text}")
    assert pad.root.get_attribute("data-text") == text
    assert pad.root.get_attribute("data-vertices") == "4"
    assert pad.canvas.evaluate("canvas => [canvas.width, canvas.height]") == [300, 300]
    pad.stroke((0, 0))
    assert len(pad.hears(1)) == 3
    pad.page.get_by_role("button", name="A drawing of the page").click()
    pad.wait(lambda: pad.root.get_attribute("data-text") == "AgBAQMDA")
    assert pad.root.get_by_role("button", name="Undo (Ctrl+Z)").is_disabled()
    pad.page.goto(pad.page.url.replace(text, "AgBA_not-a*drawing"))
    pad.page.get_by_text("Draw the source here").wait_for()


def test_keys(open_pad: Callable[..., Pad]) -> None:
    pad = open_pad()
    pad.canvas.focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowUp", " "):
        pad.page.keyboard.press(key)
    ((point,),) = pad.hears(1)
    assert point == pytest.approx((16 * 8 / 255, 4 * 8 / 255), abs=0.03)
    pad.root.get_by_text("1 points. Cross-hair at 0.5, 0.1.").wait_for(state="attached")
    pad.page.keyboard.press("Shift+ArrowLeft")
    pad.page.keyboard.press(" ")
    assert len(pad.hears(2)) == 2
    pad.page.keyboard.press("Delete")
    assert pad.hears(3) == [[point]]
    pad.page.keyboard.press("Control+z")
    assert len(pad.hears(4)) == 2
    pad.page.keyboard.press("Control+Shift+Z")
    assert pad.hears(5) == [[point]]


def test_a_finger_draws_and_too_much_is_refused(demos: str, new_page: Callable[..., Any]) -> None:
    full = encode([[(k % 250, k // 4) for k in range(999)]])
    pad = Pad(new_page(has_touch=True, color_scheme="light"), f"{demos}/?demo=pad&strokes={full}&others=1")
    pad.canvas.tap(position={"x": 20, "y": 20})
    assert pad.hears(1)[1][0] == pytest.approx((-4 + 8 * 20 / 300, 4 - 8 * 20 / 300), abs=0.05)
    pad.canvas.tap(position={"x": 120, "y": 20})
    pad.root.get_by_text("A drawing holds at most 1000 vertices").wait_for()
    assert pad.heard()[0] == 1
    assert pad.canvas.evaluate("canvas => getComputedStyle(canvas).touchAction") == "none"
