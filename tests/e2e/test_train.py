"""The Train page in a browser: train, steer, reload, share, lose nothing."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.helpers import Shown, downloaded
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.browser
RING = {"target.radius": "2", "target.std": "0.1", "steps": "60000"}
SHORT = {"batch_size": "32"}


class Train(Shown):
    """What a test reads and presses on the page."""

    def __init__(self, page: Any, server: str, **query: str) -> None:
        super().__init__(page)
        self.server = server
        self.open("&".join(f"{key}={text}" for key, text in query.items()))

    def open(self, query: str) -> None:
        self.page.goto(f"{self.server}/train?{query}")
        self.main.get_by_role("radio", name="Runs", exact=True).wait_for()  # the last thing drawn

    def begin(self) -> str:
        """Press Train and wait for the first steps; returns the run's id."""
        self.press("Train")
        self.button("Stop").wait_for()
        self.until(lambda: self.step > 0)
        return self.run

    @property
    def run(self) -> str:
        self.until(lambda: "run" in self.query)
        return self.query["run"]


@pytest.fixture
def train(app: str, new_page: Callable[..., Any]) -> Iterator[Callable[..., Train]]:
    """`train(tau="0.1")` opens the page by a link, in a new tab; no page may end in a traceback."""
    opened: list[Train] = []

    def open_page(**query: str) -> Train:
        opened.append(Train(new_page(), app, **query))
        return opened[-1]

    yield open_page
    for one in opened:
        if not one.page.is_closed():
            one.stops()


def test_the_ring_from_a_cold_link_to_eight_modes_and_through_a_reload(train: Callable[..., Train]) -> None:
    one = train(**RING)
    one.player.get_by_text("ready", exact=True).wait_for()  # target and source before anything is trained
    one.main.locator(".katex").first.wait_for()  # and the losses that would be descended
    run = one.begin()
    one.player.get_by_text("8 / 8 modes").wait_for(timeout=1000 * PATIENCE)

    slider = one.main.get_by_role("slider", name=re.compile("^Transport cost"))
    slider.focus()
    for _ in range(3):
        one.page.keyboard.press("ArrowRight")
    one.until(lambda: one.query.get("tau") == slider.get_attribute("aria-valuetext"))
    tau = one.query["tau"]
    assert float(tau) > 0.05
    formula = one.main.locator("annotation").first
    one.until(lambda: tau in formula.text_content())

    before = one.step
    one.page.reload()
    one.is_now("running")
    one.until(lambda: one.step > before)
    assert (one.run, one.query["tau"]) == (run, tau)
    assert slider.get_attribute("aria-valuetext") == tau
    one.until(lambda: tau in formula.text_content())

    other = train(**one.query)  # a colleague
    other.is_now("running")
    other.moves()
    assert other.run == run
    other.main.get_by_role("slider", name=re.compile("^Transport cost")).focus()
    other.page.keyboard.press("ArrowLeft")
    other.until(lambda: other.query.get("tau") != tau)
    one.until(lambda: one.query.get("tau") == other.query.get("tau"))  # a knob moved there moves here
    other.page.goto("about:blank")
    one.moves()
    one.is_now("running")

    one.page.get_by_role("link", name="Home", exact=True).click()
    one.page.get_by_role("heading", name="Why does one generator forget").wait_for()
    one.page.go_back()
    one.is_now("running")
    one.moves()
    assert one.run == run


def test_every_way_to_steer(train: Callable[..., Train]) -> None:
    one = train(steps="100000", **SHORT)
    run = one.begin()
    one.press("Pause training")
    one.button("Resume training").wait_for()
    one.is_now("paused")  # the picture hears of it after the buttons
    at = one.rests()
    one.press("1 step")
    one.until(lambda: one.step == at + 1)
    one.is_now("paused")
    one.press("100 steps")
    one.until(lambda: one.step == at + 101)
    assert one.rests() == at + 101
    for _ in range(7):  # the previous click may have changed the button by then
        one.main.get_by_role("button", name=re.compile("^(Pause|Resume) training")).first.click()
    for _ in range(2):  # the last click may still be on its way when they first agree
        one.page.wait_for_timeout(1000)
        one.until(lambda: (one.status == "paused") == bool(one.button("Resume training").count()))
    if one.status == "paused":
        one.press("Resume training")
    one.moves()
    one.press("Freeze the potential")
    one.button("Unfreeze the potential").wait_for()
    one.moves()
    one.press("Unfreeze the potential")
    one.button("Freeze the potential").wait_for()
    one.press("Stop")
    one.is_now("stopped")
    at = one.rests()
    one.press("Go on with this run")
    one.is_now("running")
    one.until(lambda: one.step > at)
    assert one.run == run
    one.until(lambda: int(one.player.get_attribute("data-step") or 0) > at)  # the picture follows it, too
    one.press("Start over")
    one.until(lambda: one.query["run"] != run)
    one.is_now("running")


def test_a_file_of_ones_own_and_files_that_are_none(train: Callable[..., Train], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cloud = np.concatenate([rng.normal((-30, 5), 1, (300, 2)), rng.normal((40, 9), 2, (300, 2))])
    good = tmp_path / "mine.csv"
    np.savetxt(good, cloud, delimiter=",", header="left,right", comments="")
    one = train(target="points", steps="100000", **SHORT)
    chooser = one.main.locator("input[type=file]").first
    chooser.set_input_files(good)
    one.is_now("ready")
    one.until(lambda: "target.file" in one.query)  # the address follows the picture
    file = one.query["target.file"]
    alert = one.main.get_by_role("alert")
    # Each sentence differs from the one before: a file chosen while another is on its way would replace it.
    for index, (text, sentence) in enumerate((
        ("x\n1\n2\n3\n", "must have two columns of numbers"),
        ("x,y\n1,2\ninf,3\n4,5\n", "bad1.csv, row 3, column x: 'inf' is not within"),
        ("some words\nand more\n", "must have two columns of numbers"),
        ("x,y\n1,2\n3,4\n", "must have at least 3 rows"),
    )):  # fmt: skip
        bad = tmp_path / f"bad{index}.csv"
        bad.write_text(text)
        chooser.set_input_files(bad)
        alert.filter(has_text=re.compile(rf"{sentence}.*points you had are kept")).wait_for()
        assert alert.count() == 1, alert.all_inner_texts()
        assert one.query["target.file"] == file
    pickled = tmp_path / "evil.npy"
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    chooser.set_input_files(pickled)
    one.main.get_by_role("alert").filter(has_text="pickle").wait_for()
    one.begin()
    one.moves()
    one.page.reload()
    one.is_now("running")
    assert one.query["target.file"] == file


DROP = """(root, [name, text]) => {
    const files = new DataTransfer();
    files.items.add(new File([text], name));
    for (const kind of ["dragenter", "dragover", "drop"]) {
        const event = new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: files });
        root.querySelector("canvas").dispatchEvent(event);
    }
}"""


def test_a_target_drawn_or_dropped_on_the_picture(train: Callable[..., Train]) -> None:
    one = train(steps="100000", tau="0.2", **SHORT)
    one.is_now("ready")
    one.press("Draw")
    pad = one.page.locator(".otviz-pad")
    pad.get_by_text("Draw the target here").wait_for()
    assert one.button("Train").is_disabled(), "nothing is drawn yet"
    board = pad.get_by_role("application").bounding_box()
    assert board["width"] > 400, "it stands in place of the picture"
    assert one.player.count() == 0
    x, y = board["x"], board["y"]
    one.page.mouse.move(x + 100, y + 100)
    one.page.mouse.down()
    one.page.mouse.move(x + 300, y + 120, steps=8)
    one.page.mouse.up()
    one.until(lambda: "target.strokes" in one.query)
    assert (one.query["target"], one.query["tau"]) == ("drawing", "0.2")
    one.until(lambda: one.button("Train").is_enabled())

    rng = np.random.default_rng(0)
    rows = "\n".join(f"{a},{b}" for a, b in rng.normal(size=(50, 2)))
    pad.evaluate(DROP, ["mine.csv", f"x,y\n{rows}\n"])
    one.is_now("ready")
    one.until(lambda: one.query.get("target") == "points")
    file = one.query["target.file"]
    assert one.query["tau"] == "0.2"
    one.player.evaluate(DROP, ["mine.xlsx", "some bytes"])  # a bad one, on the picture, changes nothing
    one.main.get_by_role("alert").filter(has_text="is a workbook").wait_for()
    assert one.query["target.file"] == file
    one.begin()
    assert one.query["target.file"] == file


def test_on_a_phone_the_picture_comes_first_and_buttons_stay_in_reach(app: str, new_page: Callable[..., Any]) -> None:
    one = Train(new_page(width=390, height=844), app, steps="100000", **SHORT)
    one.is_now("ready")
    picture, settings = one.player.bounding_box(), one.main.get_by_text("Method", exact=True).bounding_box()
    assert picture["y"] < settings["y"]

    def in_reach(name: str) -> bool:
        box = one.button(name).bounding_box()
        return bool(box) and box["y"] > 700 and box["y"] + box["height"] <= 844

    assert in_reach("Train")
    one.main.evaluate("main => main.scrollTo(0, 700)")
    one.until(lambda: in_reach("Train"))
    one.begin()
    one.until(lambda: in_reach("Pause training"))
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 390
    one.press("Stop")
    one.button("Train").wait_for()


def test_views_and_downloads_of_a_run_and_the_list(train: Callable[..., Train]) -> None:
    one = train(steps="60", tau="0.2", **SHORT)
    one.press("Train")
    one.is_now("done")
    run = one.run

    one.view("Download")
    one.main.get_by_text("More formats").click()
    losses = list(csv.DictReader(io.StringIO(download(one, "Losses").decode())))
    assert [int(row["step"]) for row in losses] == list(range(1, 61))
    assert np.isfinite([float(row["generator_loss"]) for row in losses]).all()
    assert len(download(one, r"Samples \(CSV").decode().splitlines()) == 1001
    config = json.loads(download(one, "Config"))
    assert (config["method"]["name"], config["method"]["tau"], config["steps"]) == ("uotm-sd", 0.2, 60)
    weights = download(one, "Weights")
    header = json.loads(weights[8 : 8 + int.from_bytes(weights[:8], "little")])
    assert all(entry["dtype"] == "F32" for name, entry in header.items() if name != "__metadata__")
    compile(download(one, "Python script"), "script", "exec")

    one.view("Diagnostics")
    one.main.get_by_text("Smoothed loss").wait_for()
    one.view("Latent path")
    one.main.get_by_text("Its image under the generator").wait_for()
    one.view("Runs")
    one.until(lambda: one.query.get("view") == "runs")

    bare = train(run=run)  # the run's settings come with it
    bare.until(lambda: bare.query.get("tau") == "0.2" and bare.query.get("steps") == "60")
    bare.is_now("done")
    bare.view("Runs")
    bare.press("Delete")  # what is shown is chosen
    bare.page.get_by_role("button", name="Delete for good").click()
    bare.is_now("ready")
    bare.until(lambda: "run" not in bare.query)
    assert bare.query["tau"] == "0.2"


def download(one: Train, name: str) -> bytes:
    return downloaded(one.page, lambda: one.press(name)).read_bytes()


def test_a_run_that_fails_says_when_and_what_may_help(train: Callable[..., Train], tmp_path: Path) -> None:
    far = tmp_path / "far.csv"  # squares of such distances are no longer float32
    np.savetxt(far, np.random.default_rng(0).normal(0, 1e20, (50, 2)), delimiter=",", header="x,y", comments="")
    one = train(target="points")
    one.main.locator("input[type=file]").first.set_input_files(far)
    one.is_now("ready")
    one.until(lambda: "target.file" in one.query)
    one.open(f"target=points&target.file={one.query['target.file']}&target.scaled=false&batch_size=32")
    one.is_now("ready")
    one.press("Train")
    one.is_now("failed")
    told = one.main.get_by_role("alert")
    told.filter(has_text=re.compile(r"failed: the loss became NaN or infinite at step \d+; a smaller lr")).wait_for()
    assert one.button("Train").is_enabled()
    assert one.query["target.scaled"].lower() == "false"


def test_a_link_full_of_nonsense(train: Callable[..., Train]) -> None:
    one = train(method="gam", tau="1e9", **{"target.radius": "abc", "run": "../../etc/passwd", "view": "x", "zz": "1"})
    warning = one.main.get_by_role("alert")
    warning.wait_for()
    text = warning.inner_text()
    for words in ("method must be one of", "uotm-sd", "tau must be", "target.radius must be a number from 0.1 to 20",
                  "a run id has 3 to 80 characters", "view must be one of", "'zz' is no setting"):  # fmt: skip
        assert words in text, text
    assert warning.count() == 1
    one.until(lambda: not one.query)


def test_closed_tabs_and_restarted_servers(own_server: Callable[..., Any], page: Any, tmp_path: Path) -> None:
    server = own_server("app.py", {"OTVIZ_HOME": str(tmp_path), "OTVIZ_GRACE": "2", "OTVIZ_HOSTS": "1"})
    one = Train(page, server.start(), steps="100000", **SHORT)
    run = one.begin()
    summary = tmp_path / "runs" / run / "summary.json"
    link = page.url.partition("?")[2]
    page.goto("about:blank")  # the last tab is gone: paused, saved, and stopped after the grace time
    until(lambda: summary.is_file() and json.loads(summary.read_text())["status"] == "stopped")
    one.open(link)
    one.is_now("stopped")
    one.press("Go on with this run")
    one.is_now("running")
    one.moves()
    one.press("Pause training")
    one.is_now("paused")
    at = one.rests()
    one.press("Resume training")
    one.is_now("running")
    server.stop(kill=True)
    server.start()
    one.main.get_by_text("It was saved before the server was restarted").wait_for()
    one.until(lambda: one.step == at and one.status == "stopped")
    fresh = Train(page, server.url, view="runs")  # and from the list, in another tab
    tick(page, 0)
    page.locator(".st-key-open-run button").first.click()
    fresh.until(lambda: fresh.query.get("run") == run and fresh.query.get("batch_size") == SHORT["batch_size"])
    fresh.is_now("stopped")
    one.press("Go on with this run")
    one.is_now("running")
    one.until(lambda: one.step > at)
    assert one.run == run


def tick(page: Any, row: int) -> None:
    """Choose a run in the list: its box is drawn on a canvas."""
    table = page.get_by_test_id("stDataFrame").first
    table.locator("canvas").first.wait_for()
    table.scroll_into_view_if_needed()
    place = table.bounding_box()
    page.mouse.click(place["x"] + 18, place["y"] + 35 * (row + 1.5))


def test_data_and_method_are_chosen_by_pictures_and_a_change_in_a_run_can_be_undone(
    train: Callable[..., Train],
) -> None:
    one = train(steps="100000", **SHORT)
    first = one.begin()
    one.main.get_by_role("radio", name="Ring of Gaussians").focus()
    one.page.keyboard.press("ArrowLeft")  # moving the focus alone changes nothing
    assert one.query.get("target") is None
    one.page.keyboard.press("Space")
    one.until(lambda: one.query.get("target") == "pinwheel")
    one.until(lambda: one.run != first and one.step > 0)
    one.main.get_by_text("Restarted: Pinwheel.").wait_for()
    second = one.run

    sinkhorn = one.main.get_by_role("radio", name="Sinkhorn generator")
    one.insist(lambda: one.press("Method: UOTM-SD"), sinkhorn.count)
    sinkhorn.click()
    one.until(lambda: one.query.get("method") == "sinkhorn" and one.run != second and one.step > 0)
    assert one.main.get_by_role("radio", name="Sinkhorn generator").count() == 0, "the list is folded again"

    one.press("Undo")
    one.until(lambda: one.run == second)
    one.press("Undo")
    one.until(lambda: one.run == first)
    one.is_now("running")
    assert one.query.get("target") is None

    box = one.main.get_by_role("spinbutton", name="Transport cost τ")
    box.fill("0.123")
    box.press("Enter")
    one.until(lambda: one.query.get("tau") == "0.123")
    assert one.run == first, "it goes on with the new cost"
    one.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    one.press("Copy link")
    one.main.get_by_text("Copied").wait_for()
    assert one.page.evaluate("navigator.clipboard.readText()") == one.page.url
    one.press("Reset")
    one.until(lambda: "tau" not in one.query)
