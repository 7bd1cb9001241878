"""The page Runs and the report in a browser: choose, tag, delete, compare; a file that plays from the disk, offline."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otviz.data.distributions import named as distribution
from otviz.methods import named
from otviz.runs.config import RunConfig
from otviz.runs.run import Run
from otviz.runs.saved.run_store import Store
from otviz.runs.saved.saved_run import SavedRun
from otviz.viz.exports.reports import report
from tests.e2e.helpers import Shown
from tests.waiting import page_until

pytestmark = pytest.mark.browser

EVIL = "</script><script>throw 1</script><img src=x onerror='throw 2'>"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with forty runs, two of them trained and the others copies."""
    folder = tmp_path_factory.mktemp("home")
    store = Store(folder / "runs")
    for name, steps in (("uotm-sd", 200), ("sinkhorn", 60)):
        method = named(name)(batch_size=32, hidden=16, layers=2)
        run = Run(
            f"{name}-first", RunConfig(method, distribution("ring")(), steps=steps, device="cpu"), save=store.save
        )
        assert run.start().wait(120)
    for number in range(38):
        shutil.copytree(store.path("sinkhorn-first"), store.path(f"copy-{number:02}"))
    return folder


@pytest.fixture(scope="module")
def server(own_server: Callable[..., Any], home: Path) -> str:
    """A server whose home holds these runs and no others."""
    return str(own_server("app.py", {"OTVIZ_HOME": str(home), "OTVIZ_HOSTS": "0"}).start())


class Runs(Shown):
    """What a test does on the page."""

    def __init__(self, page: Any, server: str, query: str = "") -> None:
        super().__init__(page, f"{server}/runs?{query}")
        self.table = page.get_by_test_id("stDataFrame")
        self.table.locator("canvas").first.wait_for()

    def tick(self, row: int) -> None:
        place = self.table.bounding_box()
        self.page.mouse.click(place["x"] + 18, place["y"] + 35 * (row + 1.5))

    @property
    def chosen(self) -> list[str]:
        return [name for name in self.query.get("runs", "").split(",") if name]

    def until_chosen(self, count: int) -> list[str]:
        self.until(lambda: len(self.chosen) == count)
        return self.chosen


def test_choose_compare_tag_reload_and_delete(server: str, new_page: Callable[..., Any], home: Path) -> None:
    one = Runs(new_page(), server)
    one.tick(0)
    one.until_chosen(1)
    one.tick(2)
    names = one.until_chosen(2)
    one.page.get_by_text("Generator loss").wait_for()  # the curves
    one.page.get_by_text("2 runs chosen").wait_for()

    one.button("Tag").click()
    field = one.page.get_by_label("Tags of all that are chosen")
    field.fill("for the lesson")
    field.press("Enter")
    one.until(lambda: len(list((home / "runs").glob("*/tags.json"))) == 2)
    assert sorted(path.parent.name for path in (home / "runs").glob("*/tags.json")) == sorted(names)

    other = Runs(new_page(color_scheme="light", width=1920), server, "tag=for the lesson")  # another tab, by a link
    other.page.get_by_text("2 of 40 runs").wait_for()
    other.tick(0)
    (gone,) = other.until_chosen(1)
    other.button("Delete").click()
    other.page.get_by_role("button", name="Delete for good").click()
    other.page.get_by_text("1 of 39 runs").wait_for()
    assert not (home / "runs" / gone).exists()

    one.page.reload()  # where it was chosen
    one.page.get_by_text("1 of 2 runs are not here").wait_for()
    assert one.until_chosen(1) == [name for name in names if name != gone]


def test_a_run_is_opened_and_deleted_behind_ones_back(server: str, new_page: Callable[..., Any]) -> None:
    one = Runs(new_page(), server, "filter=uotm-sd")
    one.tick(0)
    one.until_chosen(1)
    one.page.locator(".st-key-open-run button").first.click()
    one.page.wait_for_url(re.compile(r"/train\?.*run=uotm-sd-first"))
    one.page.get_by_text("done after 200 of 200 steps").wait_for()
    other = Runs(new_page(), server, "filter=uotm-sd&runs=uotm-sd-first")
    other.button("Delete").click()
    other.page.get_by_role("button", name="Delete for good").click()
    other.page.get_by_text("matches these filters").wait_for()
    one.page.reload()
    one.page.get_by_text("there is no saved run").wait_for()
    assert "run=" not in one.page.url


@pytest.mark.parametrize("panels", [1, 2])
def test_a_report_plays_from_the_disk_without_internet(
    panels: int, home: Path, new_page: Callable[..., Any], tmp_path: Path
) -> None:
    runs = [SavedRun.read(Store(home / "runs"), name) for name in ("copy-30", "copy-31")[:panels]]
    (tmp_path / "report.html").write_bytes(report({f"{EVIL} {at}": run for at, run in enumerate(runs)}))
    page, said = new_page(offline=True, color_scheme="light"), []
    page.on("console", lambda message: said.append(message.text))
    page.on(
        "request", lambda request: said.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    page.goto((tmp_path / "report.html").as_uri())
    player = page.locator(".otviz-player")
    page.wait_for_function(
        "() => document.querySelector('#player').shadowRoot.querySelector('.otviz-player').dataset.painted > 3"
    )
    assert player.get_attribute("data-playing") == "true"
    assert player.locator(".panel").count() == panels
    at = lambda: int(player.get_attribute("data-step") or -1)  # noqa: E731
    player.get_by_role("slider").fill("0")
    page.keyboard.press("End")
    page_until(page, lambda: at() == 60)
    page.keyboard.press("ArrowLeft")
    page_until(page, lambda: 0 <= at() < 60)
    page.keyboard.press("Home")
    page_until(page, lambda: at() == 0)
    page.keyboard.press(" ")
    page_until(page, lambda: at() > 0)
    assert page.locator("main img").count() == 0, "hostile text is text"
    assert page.get_by_text(EVIL).first.is_visible()
    assert said == [], "no error, and nothing asked for"
