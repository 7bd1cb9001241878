"""The page of claims without a browser: cards, search and filters, one claim, links good and bad, and running one again."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from asking import address, words
from streamlit.testing.v1 import AppTest

from otviz.content.bibliography import BIBLIOGRAPHY
from otviz.experiments import experiments
from otviz.experiments.experiment_job import measure_seed
from otviz.experiments.results import read, result_of, write
from pages._ui.experiments import claim_cards, experiment_view
from pages._ui.shell.reading import LABEL
from tests.waiting import PATIENCE


class Browser:
    """What the cards' component was given, and what it will say back."""

    def __init__(self) -> None:
        self.cards: list[dict[str, Any]] = []
        self.charts: list[str] = []
        self.clicked: str | None = None

    def mount(self, name: str, *, key: str, options: Mapping[str, Any], body: bytes, trigger: str) -> str | None:
        assert (name, body, trigger) == ("claims", b"", "opened")
        self.cards = list(options.get("cards", []))
        self.charts = [options[size] for size in ("wide", "narrow") if size in options]
        clicked, self.clicked = self.clicked, None
        return clicked

    @property
    def names(self) -> list[str]:
        return [card["name"] for card in self.cards]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    """Also: there is one page in these tests, which cannot link to others."""
    made = Browser()
    monkeypatch.setattr(claim_cards, "mount", made.mount)
    monkeypatch.setattr(experiment_view, "mount", made.mount)
    monkeypatch.setattr(experiment_view, "_offer_live", lambda each: None)
    return made


def script() -> None:
    from pages._ui.experiments import claim_cards, experiment_view
    from pages._ui.shell import links

    link = links.open_link("experiments")
    claim = experiment_view.find(link)
    if claim is None:
        claim_cards.show(link)
    else:
        experiment_view.show(link, claim)
    link.publish({"claim": "" if claim is None else claim.name})


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=PATIENCE)
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button if button.label != LABEL]


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def said(app: AppTest) -> str:
    return words(app).replace("\\", "")


def test_every_claim_is_a_card(browser: Browser) -> None:
    app = opened()
    assert address(app) == {}
    assert browser.names == list(experiments())
    for card in browser.cards:
        each = experiments()[card["name"]]
        assert card["title"] == each.title
        assert card["citation"].startswith(BIBLIOGRAPHY[each.paper].short)
        assert card["url"] == BIBLIOGRAPHY[each.paper].url
        assert card["told"]
        assert card["svg"].startswith("<svg") == (each.chart is not None)
        assert bool(card["takes"]) == (each.cost != "reference")


def test_a_card_shows_no_internal_name(browser: Browser) -> None:
    opened()
    shown = [
        str(card[key]) for card in browser.cards for key in ("title", "citation", "verdict", "told", "takes", "svg")
    ]
    text = re.sub(r'd="[^"]*"', "", " ".join(shown))
    assert not re.search(r"papers/|\bL\d+|\b[nour]\d+\b|\(not \d", text)
    for name in experiments():
        if "-" in name and name not in ("loss-curves",):
            assert name not in text


def test_a_click_opens_a_claim_and_the_list_comes_back_as_it_was(browser: Browser) -> None:
    app = opened(paper="salimans", search="frozen")
    assert browser.names == ["frozen-critic"]
    browser.clicked = "frozen-critic"
    app.run()
    assert not app.exception
    assert address(app) == {"claim": "frozen-critic", "paper": "salimans", "search": "frozen"}
    assert app.header[0].value.replace("\u2011", "-").replace("\\", "") == experiments()["frozen-critic"].title
    press(app, "All claims")
    assert address(app) == {"paper": "salimans", "search": "frozen"}
    assert browser.names == ["frozen-critic"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("critic frozen", {"frozen-critic"}),
        ("TAU robust", {"tau-sensitivity", "tau-on-images"}),
        ("manhattan", {"p1-distance"}),
    ],
)
def test_the_search_wants_all_words_in_any_order(browser: Browser, asked: str, found: set[str]) -> None:
    app = opened()
    app.text_input[0].input(asked).run()
    assert not app.exception
    assert found <= set(browser.names)
    assert len(browser.names) < 8
    assert address(app) == {"search": asked}


def test_a_search_without_a_claim_says_so(browser: Browser) -> None:
    app = opened(search="zebra")
    assert "No claim fits" in words(app)
    app.text_input[0].input("").run()
    assert browser.names == list(experiments())


def test_filters_go_into_the_link_and_count_what_they_leave(browser: Browser) -> None:
    app = opened(paper="fuge", verdict="does not hold here")
    assert {(card["paper"], card["word"]) for card in browser.cards} == {("fuge", "does not hold here")}
    assert address(app) == {"paper": "fuge", "verdict": "does not hold here"}
    every = experiments().values()
    labels = [option.content for group in app.get("button_group") for option in group.proto.options]
    for paper in BIBLIOGRAPHY:
        count = sum(cls.paper == paper for cls in every)
        assert any(label.endswith(f" · {count}") for label in labels)
    assert f"Does not hold here · {len(browser.cards)}" in labels


def test_trained_claims_and_formulas_are_told_apart(browser: Browser) -> None:
    opened(kind="minutes")
    assert browser.names == [name for name, cls in experiments().items() if cls.cost == "minutes"]
    opened(kind="seconds")
    assert browser.names == [name for name, cls in experiments().items() if cls.cost == "seconds"]


def test_a_claim_opens_from_its_link(browser: Browser) -> None:
    app = opened(claim="convex-functions")
    assert address(app) == {"claim": "convex-functions"}
    text = said(app)
    each = experiments()["convex-functions"]()
    assert app.header[0].value.replace("\\", "") == each.title
    assert each.citation_link in words(app)
    assert f"**What the source says.** {each.claim}" in text
    assert "**What was measured here.** At x = −200: SP −1.39, KL −1, identity −200. All 5 seeds agree" in text
    assert ":green-badge[holds]" in text
    assert "A claim holds if every part holds with every seed" in text
    for part in each.parts:
        assert f":green-badge[holds] **{part.says[0].upper()}{part.says[1:]}**" in text
    assert text.count(":small[5 of 5 seeds]") == len(each.parts)
    assert all(chart.startswith("<svg") and "identity" in chart for chart in browser.charts)
    assert len(browser.charts) == 2
    table = app.dataframe[0].value
    assert table["reported"][0] == "1.2402 [computed]"
    assert table["measured"][0].startswith("1.24")
    assert labels(app) == ["All claims", "Run again (a few seconds)"]
    assert "convex-functions" not in text


def test_seeds_that_disagree_are_named() -> None:
    text = said(opened(claim="cover-or-collapse"))
    assert "3 of 5 seeds; seeds 1 and 3 failed" in text


def test_a_reference_says_why_and_has_no_button_to_run() -> None:
    app = opened(claim="inception-scores")
    assert labels(app) == ["All claims"]
    assert "Not run here" in words(app)
    assert "from memory" in words(app)


@pytest.mark.parametrize("name", ["convex-functionss", "<script>", "p1-distanc"])
def test_a_claim_that_there_is_not_is_told(name: str, browser: Browser) -> None:
    app = opened(claim=name)
    assert "there is no experiment" in said(app)
    assert browser.names == list(experiments())


def test_what_ran_here_comes_first(home: Path) -> None:
    outcomes = [measure_seed("convex-functions", seed, False) for seed in (0, 1)]
    write(result_of("convex-functions", outcomes, False), home / "experiments" / "results")
    assert "2 seeds, run here" in said(opened(claim="convex-functions"))


def test_a_result_of_another_version_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otviz.experiments.results.SHIPPED", home / "none")
    folder = home / "experiments" / "results"
    folder.mkdir(parents=True)
    (folder / "convex-functions.json").write_text('{"format": 99}')
    assert "format in convex-functions.json must be a whole number from 1 to 1; got 99" in said(
        opened(claim="convex-functions")
    )


def test_it_runs_again_in_the_background(home: Path) -> None:
    app = opened(claim="sample-weights")
    press(app, "Run again (a few seconds)")
    assert "Cancel" in labels(app)
    end = time.monotonic() + PATIENCE
    while "Cancel" in labels(app) and time.monotonic() < end:
        time.sleep(0.3)
        app.run()
        assert not app.exception
    assert read("sample-weights", home / "experiments" / "results") is not None
    assert "5 seeds, run here" in said(app)
    assert any(label.startswith("Run again (") for label in labels(app)), "as long as it has just taken"
