"""The page Learn without a browser: derivations, glossary, links good and bad."""

from __future__ import annotations

from pathlib import Path

import pytest
from asking import address, words
from streamlit.testing.v1 import AppTest

from otviz.content.explanations import derivations, glossary
from otviz.content.lessons import lesson
from pages._ui.shell.frame import cards
from pages._ui.shell.links import plain


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    return tmp_path


def opened(app: AppTest, page: str = "learn", **query: str) -> AppTest:
    app.switch_page(str(next(card.path for card in cards() if card.name == page)))
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


def warnings(app: AppTest) -> str:
    return " ".join(part.value for part in app.warning).replace("\\", "")


@pytest.mark.parametrize("topic", derivations())
def test_a_derivation_opens_from_its_link(app: AppTest, topic: str) -> None:
    opened(app, view="derivations", topic=topic)
    shown = derivations()[topic]
    assert not app.warning
    said = [part.value for part in app.markdown]
    assert all(text.strip() in map(str.strip, said) for text, _ in shown.parts)
    assert app.radio[0].value == topic
    first = topic == next(iter(derivations()))
    assert address(app) == {"view": "derivations", **({} if first else {"topic": topic})}


@pytest.mark.parametrize("word", ["tau", "blur", "noise-floor", "truncation", "cost"])
def test_a_word_opens_from_its_link(app: AppTest, word: str) -> None:
    opened(app, view="glossary", word=word)
    assert not app.warning
    assert glossary()[word].text in [part.value for part in app.markdown]
    assert address(app) == {"view": "glossary", "word": word}


def test_ranges_and_defaults_are_those_of_the_knobs(app: AppTest) -> None:
    from otviz.core.params import params_of
    from otviz.methods import named

    opened(app, view="glossary", word="tau")
    knob = next(knob for knob in params_of(named("otm")) if knob.name == "tau")
    table = next(part.value for part in app.markdown if "from, to" in part.value).replace("\\", "")
    assert f"| {knob.low:g} to {knob.high:g} | {knob.default:g} |" in table


@pytest.mark.parametrize(
    ("given", "shown"), [("penalty_weight", "penalty-weight"), ("TAU", "tau"), ("adversary_updates", "k-v")]
)
def test_a_knob_s_name_leads_to_its_word(app: AppTest, given: str, shown: str) -> None:
    opened(app, view="glossary", word=given)
    assert not app.warning
    assert address(app)["word"] == shown


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"view": "glossary", "word": "taau"}, "There is no word 'taau' here; near it are tau"),
        (
            {"view": "glossary", "word": "<script>alert(1)</script>"},
            "There is no word '<script>alert(1)</script>' here",
        ),
        ({"view": "derivations", "topic": "utom"}, "near it are"),
        ({"view": "derivations", "topic": "../../etc/passwd"}, "There is no topic '../../etc/passwd' here"),
        ({"view": "derivations", "nonsense": "1"}, "is no setting of this page"),
    ],
)
def test_a_bad_link_is_told_and_something_is_shown(app: AppTest, query: dict[str, str], said: str) -> None:
    opened(app, **query)
    assert said in warnings(app)
    assert len(app.radio) == 1


def test_a_view_there_is_not_is_told_above_the_lessons(app: AppTest) -> None:
    opened(app, view="lesson")
    assert "view must be one of" in warnings(app)
    assert plain(lesson("what-blur-does").learn) in words(app)


def test_the_search_narrows_the_list_and_stands_in_the_link(app: AppTest) -> None:
    opened(app, view="glossary", word="tau")
    app.text_input[0].set_value("floor").run()
    assert not app.exception
    assert app.radio[0].value == "noise-floor"
    assert len(app.radio[0].options) < 12
    assert address(app) == {"view": "glossary", "search": "floor"}  # the first word found needs no saying
    app.text_input[0].set_value("no such word").run()
    assert not app.exception
    assert f"None of the {len(glossary())} words" in words(app)
    app.text_input[0].set_value("").run()
    assert len(app.radio[0].options) == len(glossary())


def test_a_search_comes_by_link(app: AppTest) -> None:
    opened(app, view="glossary", search="x" * 300)
    assert f"None of the {len(glossary())} words" in words(app)


def test_one_can_go_from_view_to_view(app: AppTest) -> None:
    opened(app, view="glossary", word="blur")
    view = app.segmented_control(key="learn:view")
    view.set_value("derivations").run()
    assert not app.exception
    app.radio[0].set_value("gan").run()
    assert address(app) == {"view": "derivations", "topic": "gan"}
    app.segmented_control(key="learn:view").set_value("glossary").run()
    assert address(app) == {"view": "glossary", "word": "blur"}


def test_the_formula_leads_to_its_derivation(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages._ui.learn import glossary_view

    asked: list[str] = []
    monkeypatch.setattr(glossary_view, "link_to", lambda topic, label: asked.append(topic))
    opened(app, "train", method="ot-gan")
    opened(app, "transport", loss="energy", n="60", method="")
    assert asked == ["ot-gan", "energy-distance"]
