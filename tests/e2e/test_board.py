"""The board in a browser: its sliders ask one question at a time, and what it draws answers to the viewer at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otviz.core.container import pack
from otviz.player.browser import message
from pages._ui.shell.component import module
from tests.e2e.helpers import Component
from tests.waiting import at_one_moment

pytestmark = pytest.mark.browser


class Board(Component):
    """What a test reads and presses."""

    def __init__(self, page: Any, url: str) -> None:
        self.questions: list[dict[str, Any]] = []
        page.on("request", self._note)
        super().__init__(page, url, "board")
        self.canvas = self.root.get_by_role("application")

    @property
    def serial(self) -> int:
        return int(self.read("serial") or -1)

    def press(self, name: str, group: str | None = None) -> None:
        place = self.root.get_by_role("group", name=group, exact=True) if group else self.root
        place.get_by_role("button", name=name, exact=True).click()

    def _note(self, request: Any) -> None:
        if "/channel/" in request.url:
            self.questions.append(request.post_data_json)

    def asked(self) -> list[str]:
        """The board's request: serial:stage:blur:reach."""
        asked = [question for question in self.questions if question["stage"] != "shown"]
        return ["{serial}:{stage}:{blur:.3g}:{reach}".format(**question) for question in asked]

    def picture(self) -> str:
        return str(self.canvas.evaluate("canvas => canvas.toDataURL()"))

    def moved(self) -> Any:
        """The points at time t, as they were painted last."""
        self.wait(lambda: not self.root.evaluate("root => root.board.dirty"))
        return np.array(self.root.evaluate("root => Array.from(root.board.moved)")).reshape(-1, 2)

    def array(self, name: str) -> Any:
        values = self.root.evaluate("(root, name) => Array.from(root.board.answer[name])", name)
        return np.array(values).reshape(len(values) // 2, 2)

    def pixel(self, point: Any) -> dict[str, float]:
        """Position of a point on the canvas; the box is [-4, 4] along x and y."""
        side = self.canvas.bounding_box()["width"]
        return {"x": (point[0] + 4) / 8 * side, "y": (4 - point[1]) / 8 * side}

    def answer_next(self, **header: Any) -> None:
        """The next question gets two points for an answer, and those after it none."""
        points = np.zeros((2, 2), np.float32)
        arrays = {"x": points, "y": points, "force": points, "field_x": np.zeros((2, 2), "u1")}
        known = {
            "problem": "a",
            "blur": 0.3,
            "reach": None,
            "p": 2,
            "stage": "full",
            "finished": True,
            "complete": True,
        }
        drawn = {"box": [-4, 4, -4, 4], "numbers": [], "has_plan": False, "field_x": {"low": 0, "high": 1}, "sent": 99}
        self.replies.append(message({}, pack({**known, **drawn, **header}, arrays)))
        self.root.evaluate("root => { root.board.talk.patience = 200; }")  # instead of 3 s
        self.wait(lambda: not self.replies)
        self.page.wait_for_timeout(100)

    def cut_off(self) -> None:
        """The server does not answer any more."""
        self.replies: list[bytes] = []
        self.page.route(
            "**/channel/**",
            lambda route: route.fulfill(body=self.replies.pop()) if self.replies else route.abort(),
        )


@pytest.fixture
def open_board(demos: str, page: Any) -> Callable[..., Board]:
    def opened(query: str = "") -> Board:
        board = Board(page, f"{demos}/?demo=board&{query}")
        board.wait(lambda: board.serial >= 0)
        return board

    return opened


def test_a_drag_asks_one_question_at_a_time_and_ends_at_the_newest(open_board: Callable[..., Board]) -> None:
    board = open_board("wait=0.25")
    board.root.evaluate(
        """root => {
            const { send } = root.board;
            root.sent = [];
            root.board.send = (question) => {
                root.sent.push(question.serial - root.board.answer.serial);
                send(question);
            };
        }"""
    )
    slid, sent = 0, 0
    while sent < 3 or slid < 25:
        board.slide("Blur", -2 + 0.1 * (slid % 25))
        slid += 1
        board.page.wait_for_timeout(30)
        sent = len(board.root.evaluate("root => root.sent"))
    board.slide("Blur", 0.4)
    board.wait(lambda: float(board.read("blur")) == pytest.approx(10**0.4, rel=0.01))
    ahead = board.root.evaluate("root => root.sent")
    assert set(ahead) == {1}  # the answer before had come each time
    assert 3 <= len(ahead) < slid


def test_old_answers_are_ignored_and_another_problem_replaces_everything(open_board: Callable[..., Board]) -> None:
    board = open_board()
    for serial, value in ((1, 0), (2, -1)):
        board.slide("Blur", value)
        board.wait(lambda serial=serial: board.serial == serial)
    board.root.evaluate(
        """async (root, source) => {
            const module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
            const call = { data: null, parentElement: root.parentNode, setTriggerValue() {} };
            const first = module.default(call), second = module.default(call);  // as Streamlit may
            first(); second(); module.default(call);
        }""",
        module("board"),
    )
    board.root.evaluate("root => { root.board.talk.patience = 200; }")
    board.cut_off()
    board.slide("Blur", 0.5)
    board.answer_next(serial=1)
    assert board.serial == 2
    assert float(board.read("blur")) == 0.1
    board.answer_next(serial=2, finished=False, sent=0)
    assert len(board.array("x")) == 1000
    board.answer_next(serial=0, problem="other")
    board.wait(lambda: board.serial == 0)
    assert len(board.array("x")) == 2
    assert board.page.locator(".otviz-board").count() == 1
    board.page.unroute("**/channel/**")
    board.page.get_by_test_id("stButtonGroup").get_by_text("b", exact=True).click()
    board.wait(lambda: float(board.read("blur")) == 0.05)
    assert float(board.root.get_by_label("Blur", exact=True).input_value()) == pytest.approx(-1.3, abs=0.01)
    board.slide("Blur", 0)
    board.wait(lambda: board.serial == 4)  # serials never repeat, whatever the page did


def test_a_lost_question_is_asked_again(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.root.evaluate(
        """root => {
            const { send, talk } = root.board, slider = root.querySelector("[aria-label=Blur]");
            const slide = (value) => { slider.value = value; slider.dispatchEvent(new Event("input")); };
            talk.patience = 800;  // instead of 3 s
            root.board.send = () => { root.board.send = send; };
            slide(0);
            slide(0.5);
        }"""
    )
    board.wait(lambda: float(board.read("blur")) == pytest.approx(10**0.5, rel=0.01))
    assert board.asked() == ["2:first:3.16:None"]


def test_a_coarse_answer_is_refined_once_when_the_slider_rests(open_board: Callable[..., Board]) -> None:
    board = open_board("rough=1")
    board.wait(lambda: board.read("finished") == "true")
    board.slide("Blur", 0)
    board.wait(lambda: board.serial == 1 and board.read("stage") == "full")
    board.page.wait_for_timeout(600)
    assert board.asked() == ["0:refine:0.05:None", "1:first:1:None", "1:refine:1:None"]


def test_reach_is_switched_on_and_off(open_board: Callable[..., Board]) -> None:
    board = open_board()
    assert board.root.get_by_label("Reach").is_disabled()
    board.press("unbalanced")
    board.wait(lambda: board.serial == 1)
    board.slide("Reach", -1)
    board.wait(lambda: board.serial == 2)
    board.press("unbalanced")
    board.wait(lambda: board.serial == 3)
    board.wait(lambda: board.asked() == ["1:first:0.05:1", "2:first:0.05:0.1", "3:first:0.05:None"])


def test_time_moves_the_points_without_a_question(open_board: Callable[..., Board]) -> None:
    board = open_board()
    x, y, force = board.array("x"), board.array("y"), board.array("force")
    partner = y[board.root.evaluate("root => Array.from(root.board.answer.partner)")]
    still = board.picture()
    board.slide("Time t", 0.5)
    assert board.moved() == pytest.approx(x + 0.5 * force, abs=1e-5)
    assert board.picture() != still
    board.press("notebook\u2019s sign")
    board.root.get_by_text("points move away from the target").wait_for()
    assert board.moved() == pytest.approx(x - 0.5 * force, abs=1e-5)
    board.press("map", "Along")
    assert board.moved() == pytest.approx((x + board.array("map")) / 2, abs=1e-5)
    board.press("plan", "Along")
    assert board.moved() == pytest.approx((x + partner) / 2, abs=1e-5)
    board.slide("Time t", 0.7)
    board.press("Play")
    board.wait(lambda: board.root.evaluate("root => root.board.view.t") == 1)
    board.root.get_by_role("button", name="Play", exact=True).wait_for()
    assert board.asked() == []


def test_what_the_pointer_is_on(open_board: Callable[..., Board]) -> None:
    board = open_board()
    readout = board.root.locator(".readout")
    far = int(np.argmin(board.array("x")[:, 0]))
    board.canvas.hover(position=board.pixel(board.array("x")[far]))
    board.wait(lambda: f"source {far}" in readout.inner_text())
    text = readout.inner_text()
    assert "gives 1.00 of its mass" in text
    assert "% to target" in text
    far = int(np.argmax(board.array("y")[:, 0]))
    board.canvas.hover(position=board.pixel(board.array("y")[far]))
    board.wait(lambda: f"target {far}" in readout.inner_text())
    assert "% of source" in readout.inner_text()
    board.root.locator("canvas.matrix").hover(position={"x": 1, "y": 1})
    board.wait(lambda: "row 0: 16 source points" in readout.inner_text())
    board.page.mouse.move(0, 0)
    board.wait(lambda: readout.is_hidden())


def test_keys(open_board: Callable[..., Board]) -> None:
    board = open_board()
    board.canvas.focus()
    board.page.keyboard.press("ArrowRight")
    board.wait(lambda: board.root.locator(".readout").is_visible())
    at = "root => root.board.answer.x[2 * root.board.mark.at]"
    before = board.root.evaluate(at)
    board.page.keyboard.press("ArrowRight")
    assert board.root.evaluate(at) > before
    board.page.keyboard.press("Escape")
    board.wait(lambda: board.root.locator(".readout").is_hidden())
    board.root.get_by_label("Blur", exact=True).focus()
    board.page.keyboard.press("ArrowRight")
    board.wait(lambda: board.serial == 1)
    assert 0.05 < float(board.read("blur")) < 0.053
    reached = set()
    for _ in range(30):
        board.page.keyboard.press("Tab")
        reached.add(
            board.page.evaluate(
                "() => { let e = document.activeElement; while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement; return e.ariaLabel ?? e.textContent; }"
            )
        )
    assert {"Time t", "Play", "arrows", "map", "target", "unbalanced"} <= reached


def test_a_loss_without_a_plan(open_board: Callable[..., Board]) -> None:
    board = open_board("loss=mmd")
    board.root.get_by_text("without a plan").wait_for()
    assert board.root.locator("canvas.matrix").is_hidden()
    along = board.root.get_by_role("group", name="Along")
    assert along.get_by_role("button", name="plan").is_disabled()
    board.slide("Time t", 1)
    assert board.moved() == pytest.approx(board.array("x") + board.array("force"), abs=1e-5)
    board.canvas.hover(position=board.pixel(board.array("x")[0]))
    board.slide("Blur", 0)
    board.wait(lambda: board.serial == 1)


def test_twenty_thousand_points(open_board: Callable[..., Board]) -> None:
    """Prints the time of a paint with everything shown, pixels included."""
    board = open_board("points=20000")
    board.root.get_by_label("Source points with arrows and lines").select_option("all")
    for layer in ("plan lines", "map"):
        board.press(layer, "Layers")
    board.slide("Time t", 0.5)
    times = board.root.evaluate(
        """root => {
            const { board } = root, times = [], canvas = root.querySelector("canvas");
            return new Promise((done) => {
                const again = () => {
                    const painted = board.painted, begun = performance.now();
                    board.dirty = true;
                    requestAnimationFrame(() => requestAnimationFrame(() => {
                        canvas.getContext("2d").getImageData(0, 0, 1, 1);
                        times.push(Math.round(performance.now() - begun));
                        times.length < 5 ? again() : done(times);
                    }));
                };
                again();
            });
        }"""
    )
    print("20000 points, everything shown, two frames:", times, "ms")
    assert len(times) == 5
    board.slide("Blur", 0)
    board.wait(lambda: board.serial == 1)


def test_an_empty_message_and_one_with_a_warning(open_board: Callable[..., Board], page: Any, demos: str) -> None:
    board = open_board("warning=1&reach=0.5")
    board.root.get_by_text("The marginals are missed").wait_for()
    label = str(board.canvas.get_attribute("aria-label"))
    assert label.startswith("1000 source and 1000 target points, blur 0.05: Sinkhorn divergence 1.176 length²")
    assert not any(word in board.root.inner_text() for word in ("undefined", "NaN", "null"))
    page.goto(f"{demos}/?demo=board&empty=1")
    page.get_by_text("Preparing the picture").wait_for()


@pytest.mark.parametrize(("scheme", "width"), [("dark", 870), ("light", 420)])
def test_looks(demos: str, new_page: Callable[..., Any], tmp_path: Path, scheme: str, width: int) -> None:
    """Nothing leaves the component; a window of 900 px holds it; a drag does not shift it."""
    page = new_page(color_scheme=scheme, width=width + 400, height=900, reduced_motion="reduce")
    board = Board(page, f"{demos}/?demo=board&width={width}&rough=1")
    board.wait(lambda: board.read("finished") == "true")
    box = board.root.bounding_box()
    assert box["width"] <= width
    assert width < 700 or box["height"] <= 700
    assert board.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    dark = board.root.evaluate("root => getComputedStyle(root).color.match(/\\d+/g).map(Number)[0] > 128")
    assert dark == (scheme == "dark")
    places = "root => JSON.stringify([...root.querySelectorAll('canvas, input')].map(e => e.getBoundingClientRect()))"
    before = at_one_moment(lambda: (page.wait_for_timeout(200), board.root.evaluate(places)))
    board.slide("Blur", 0)
    board.wait(lambda: board.serial == 1)
    assert (None, board.root.evaluate(places)) == before
    page.screenshot(path=tmp_path / f"board-{scheme}-{width}.png")
