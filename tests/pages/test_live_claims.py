"""Whatever claim offers "See it live", and what derivations show: links lead to a page, with nothing left over and nothing to complain about.

Every setting of every link is read by the knob it belongs to. Pages are drawn once for each view and method that links name.
"""

from __future__ import annotations

import urllib.parse
from pathlib import Path

import pytest
from asking import address, words
from streamlit.testing.v1 import AppTest

from otviz import methods
from otviz.clouds.problem import Problem
from otviz.content.explanations import derivations
from otviz.core.params import Knobs, params_of
from otviz.data.datasets import datasets
from otviz.data.distributions import distributions
from otviz.experiments import experiments
from otviz.networks import Networks
from otviz.training.compare import presets
from otviz.training.plan import Plan
from pages._ui.shell import frame
from tests.waiting import PATIENCE

PAGES = Path(__file__).resolve().parents[2] / "pages"
CLAIMS = [cls.live for cls in experiments().values() if cls.live]
VIEWS = [f"{view.page}?{view.query}" for each in derivations().values() for view in each.views]
LINKS = sorted({*CLAIMS, *VIEWS}, key=lambda live: (len(live), live))  # the longest of a kind is drawn
TRAINED = [name for name, cls in experiments().items() if cls.cost == "minutes"]
SIDES = {"train": "ring", "images": "digits", "transport": "ring"}


def settings(live: str) -> dict[str, str]:
    query = live.partition("?")[2]
    return dict(urllib.parse.parse_qsl(query, strict_parsing=bool(query)))


def kind(live: str) -> tuple[str, ...]:
    asked = settings(live)
    return (live.partition("?")[0], asked.get("view", ""), asked.get("method", ""), str("methods" in asked))


DRAWN = {kind(live): live for live in LINKS}


def owner(key: str, page: str, asked: dict[str, str]) -> list[type[Knobs]]:
    """Who has the knob that this key of a link sets."""
    side = key.rpartition(".")[0]
    if side in ("source", "target"):
        return [{**distributions(), **datasets()}[asked.get(side, "gaussian" if side == "source" else SIDES[page])]]
    if side == "network":
        return [Networks]
    return [Problem] if page == "transport" else [Plan, methods.named(asked.get("method", "uotm-sd"))]


@pytest.mark.parametrize("live", LINKS)
def test_every_setting_of_a_link_is_a_value_of_what_it_sets(live: str) -> None:
    page, asked = live.partition("?")[0], settings(live)
    assert page in {card.name for card in frame.cards()}
    names = {
        "preset": ["own", *presets()],
        "methods": methods.methods(),
        "method": methods.methods(),
        "source": distributions(),
        "target": datasets() if page == "images" else distributions(),
        "points": ["drawn", "notebook"],
    }
    for key, text in asked.items():
        if key in names:
            assert set(text.split(",")) <= set(names[key]), key
        elif key not in ("view", "sweep.knob"):  # links with these are drawn below
            name = key.rpartition(".")[2]
            found = [knob for cls in owner(key, page, asked) for knob in params_of(cls) if knob.name == name]
            assert found, f"{key} is no setting of {page}"
            found[0].parse(text)


@pytest.mark.usefixtures("registry", "alone")
@pytest.mark.parametrize("live", DRAWN.values())
def test_a_link_to_a_page_opens_as_it_stands(live: str) -> None:
    path = next(card.path for card in frame.cards() if card.name == live.partition("?")[0])
    app = AppTest.from_file(str(PAGES / path.name), default_timeout=PATIENCE)
    asked = settings(live)
    for key, text in asked.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    assert not app.error, [error.value for error in app.error]
    assert "Part of this link could not be used" not in words(app)
    # The address afterwards has the requested settings, without defaults.
    assert set(address(app)) <= {*asked, "run"}
    assert {key: plain(text) for key, text in address(app).items() if key in asked} == {
        key: plain(asked[key]) for key in address(app) if key in asked
    }


def plain(text: str) -> str | float:
    """A number whatever its spelling, or the text."""
    try:
        return float(text)
    except ValueError:
        return text


@pytest.mark.parametrize("name", TRAINED)
def test_every_claim_that_trains_can_be_seen_live(name: str) -> None:
    assert experiments()[name].live.partition("?")[0] in ("train", "compare", "images")
