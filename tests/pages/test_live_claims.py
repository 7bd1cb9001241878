"""Whatever claim offers "See it live": its link opens the page it names, with nothing left over and nothing to complain about."""

from __future__ import annotations

import urllib.parse
from pathlib import Path

import pytest
from asking import address, words
from streamlit.testing.v1 import AppTest

from otviz.experiments import experiments
from pages._ui import frame
from tests.waiting import PATIENCE

PAGES = Path(__file__).resolve().parents[2] / "pages"
LINKS = {cls.live: name for name, cls in experiments().items() if cls.live}
TRAINED = [name for name, cls in experiments().items() if cls.cost == "minutes"]


pytestmark = pytest.mark.usefixtures("registry", "alone")


@pytest.mark.parametrize("live", LINKS, ids=LINKS.values())
def test_a_link_to_a_page_opens_as_it_stands(live: str) -> None:
    page, _, query = live.partition("?")
    path = next(card.path for card in frame.cards() if card.name == page)
    app = AppTest.from_file(str(PAGES / path.name), default_timeout=PATIENCE)
    asked = dict(urllib.parse.parse_qsl(query, strict_parsing=bool(query)))
    for key, text in asked.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    assert not app.error, [error.value for error in app.error]
    assert "Part of this link could not be used" not in words(app)
    # What stands in the address afterwards is what was asked for; defaults are left out of it.
    assert set(address(app)) <= set(asked)
    assert {key: plain(text) for key, text in address(app).items()} == {key: plain(asked[key]) for key in address(app)}


def plain(text: str) -> str | float:
    """A number whatever its spelling, or the text."""
    try:
        return float(text)
    except ValueError:
        return text


@pytest.mark.parametrize("name", TRAINED)
def test_every_claim_that_trains_can_be_seen_live(name: str) -> None:
    assert experiments()[name].live.partition("?")[0] in ("train", "compare", "images")
