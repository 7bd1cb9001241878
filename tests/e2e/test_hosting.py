"""The app under a path, and behind a proxy that strips one: pictures move, files download, links lead on. And what a page
says while its channel fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pages._ui.shell import frame
from tests.e2e.helpers import data, downloaded, slide
from tests.e2e.prefix_proxy import PrefixProxy
from tests.waiting import page_until

pytestmark = pytest.mark.browser
CARDS = frame.cards()
DEMOS = Path(__file__).with_name("demos.py")


@pytest.fixture(params=["under a path", "behind a proxy that strips a prefix"], scope="module")
def hosted(
    request: pytest.FixtureRequest, app: str, own_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of the app, which is not the root of a server."""
    if request.param == "under a path":
        home = str(tmp_path_factory.mktemp("home"))
        yield own_server("app.py", {"OTVIZ_HOME": home, "OTVIZ_HOSTS": "0"}, base="foo/bar").start()
        return
    proxy = PrefixProxy(app)
    with proxy as url:
        yield url
    assert proxy.outside == [], "asked for outside the prefix"


def test_the_first_visit_to_a_server_may_be_a_deep_link(hosted: str, page: Any) -> None:
    """Under a path, this is the first visit to a fresh server."""
    card = next(card for card in CARDS if card.name == "experiments")
    page.goto(f"{hosted}/{card.name}?nonsense=1")
    # Both the frame's navigation and what the page's link says prove that the page came through the frame.
    page.get_by_role("link", name=CARDS[0].title, exact=True).first.wait_for()
    page.get_by_text("Part of this link could not be used").wait_for()
    page.wait_for_url(re.compile(rf"/{card.name}$"))


def test_a_run_is_followed_and_its_files_download(hosted: str, page: Any) -> None:
    page.goto(f"{hosted}/train?method=otm&steps=40&batch_size=32")
    page.get_by_role("button", name=re.compile("^Train")).click()
    player = page.locator(".otviz-player")
    page_until(page, lambda: player.locator(".progress").all_text_contents() == ["step 40 of 40"])
    page_until(page, lambda: player.locator(".status").all_text_contents() == ["done"])
    assert player.locator(".trouble").is_hidden()
    page.get_by_role("radio", name="Download", exact=True).click()
    page.get_by_text("More formats").click()
    for name, lines in (("Losses", 41), ("Samples (CSV", 1001)):
        saved = downloaded(page, page.get_by_role("button", name=name).click)
        assert len(saved.read_text(encoding="utf-8").splitlines()) == lines


def test_a_slider_of_the_board_is_answered(hosted: str, page: Any) -> None:
    page.goto(f"{hosted}/transport?n=100")
    board = page.locator(".otviz-board")
    page_until(page, lambda: data(board, "finished") == "true")
    slide(board, "Blur", 0)
    page_until(page, lambda: data(board, "blur") == "1" and data(board, "finished") == "true")
    page.wait_for_url(re.compile("blur=1"))


def test_links_stay_under_the_path(hosted: str, page: Any) -> None:
    page.goto(f"{hosted}/")
    loaded = "pictures => pictures.length > 0 && pictures.every(picture => picture.naturalWidth > 0)"
    page_until(page, lambda: page.locator("img").evaluate_all(loaded))
    page.get_by_role("link", name="Learn", exact=True).last.click()
    page.wait_for_url(re.compile(re.escape(hosted) + r"/learn"))
    page.get_by_role("link", name="Why GANs collapse").first.click()
    page.wait_for_url(re.compile(re.escape(hosted) + r"/\w+\?lesson="))
    page.locator(".otviz-board, .otviz-player").first.wait_for()
    page.reload()
    page.locator(".otviz-board, .otviz-player").first.wait_for()
    assert page.url.startswith(hosted)


def pauses(words: Any) -> list[float]:
    """Seconds, in every sentence there was since the first call, however short it stood there."""
    said = words.evaluate(
        """words => {
            if (!words.said) {
                words.said = [];
                new MutationObserver(() => words.said.push(words.textContent)).observe(words, { childList: true });
            }
            return words.said;
        }"""
    )
    found = [re.search(r"Trying again in ([\d.]+) s\.", sentence) for sentence in said]
    return [float(match[1]) for match in found if match]


def test_a_player_says_that_its_channel_fails_and_recovers(demos: str, page: Any) -> None:
    proxy = PrefixProxy(demos)
    with proxy as url:
        page.goto(url + "/?demo=player")
        player, words = page.locator(".otviz-player"), page.locator(".otviz-player .trouble")
        frames = lambda: int(data(player, "frames") or 0)  # noqa: E731
        page_until(page, lambda: frames() > 40)
        assert words.is_hidden()
        assert pauses(words) == []
        proxy.refused = b"/channel/"
        words.filter(has_text="The server answers with error 502 instead of the picture. A proxy").wait_for()
        page_until(page, lambda: len(pauses(words)) >= 3)
        proxy.refused = b""
        words.wait_for(state="hidden")
        before, said = frames(), pauses(words)
        assert said[:3] == [1, 2, 4]
        page_until(page, lambda: frames() > before)
        proxy.refused, proxy.status = b"/channel/", b"405 Method Not Allowed"
        words.filter(has_text="error 405").wait_for()
        assert pauses(words)[len(said)] == 1


def test_a_board_says_that_its_channel_fails_and_recovers(demos: str, page: Any) -> None:
    proxy = PrefixProxy(demos)
    proxy.refused, proxy.status = b"/channel/", b"404 Not Found"
    with proxy as url:
        page.goto(url + "/?demo=board")
        board, words = page.locator(".otviz-board"), page.locator(".otviz-board .trouble")
        words.filter(has_text="The server answers with error 404 instead of the picture. A proxy").wait_for()
        proxy.refused = b""
        words.wait_for(state="hidden")
        page_until(page, lambda: data(board, "blur") == "0.05")
        said = pauses(words)
        proxy.refused = b"/channel/"
        slide(board, "Blur", 0)
        page_until(page, lambda: pauses(words)[len(said) :][:2] == [1, 2])
        assert words.is_visible()
        proxy.refused = b""
        page_until(page, lambda: data(board, "blur") == "1")
        assert words.is_hidden()


def test_what_is_no_answer_is_told(demos: str, page: Any) -> None:
    page.goto(demos + "/?demo=player")
    words = page.locator(".otviz-player .trouble")
    page_until(page, lambda: int(data(page.locator(".otviz-player"), "frames") or 0) > 40)
    page.route("**/channel/**", lambda route: route.fulfill(body="<html>Log in</html>", content_type="text/html"))
    words.filter(has_text="perhaps the log-in page of a proxy").wait_for()
    page.unroute("**/channel/**")
    page.route("**/channel/**", lambda route: route.abort())
    words.filter(has_text="The server does not answer.").wait_for()
    page.unroute("**/channel/**")
    words.wait_for(state="hidden")


def test_pages_find_the_server_that_was_started_anew(
    own_server: Callable[..., Any], new_page: Callable[..., Any]
) -> None:
    server = own_server(DEMOS, {"OTVIZ_HOSTS": "0"})
    url = server.start()
    pages = {name: new_page() for name in ("player", "board")}
    known: dict[str, list[int]] = {name: [] for name in pages}
    for name, page in pages.items():
        page.on(
            "response",
            lambda response, name=name: known[name].append(response.status) if "/channel/" in response.url else None,
        )
        page.goto(f"{url}/?demo={name}")
        page_until(page, lambda name=name: 200 in known[name])
    board = pages["board"].locator(".otviz-board")
    words = {name: page.locator(f".otviz-{name} .trouble") for name, page in pages.items()}
    server.stop()
    slide(board, "Blur", 0)
    for said in words.values():
        said.filter(has_text="The server does not answer.").wait_for()
    server.start()
    for name, page in pages.items():
        page_until(page, lambda name=name: 410 in known[name] and words[name].is_hidden())
        known[name].clear()
    slide(board, "Blur", 0.5)
    page_until(pages["board"], lambda: float(data(board, "blur")) == pytest.approx(10**0.5, rel=0.01))
    for name, page in pages.items():
        page_until(page, lambda name=name: 200 in known[name])
