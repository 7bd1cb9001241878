"""The list of claims: search, filters, and a card for each claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from otviz.content.bibliography import BIBLIOGRAPHY, cite
from otviz.core.machine import cores
from otviz.core.numbers import duration_in_words
from otviz.core.params import GREEK
from pages._ui.controls import controls
from pages._ui.shell import reading
from pages._ui.shell.component import mount
from pages._ui.shell.links import Link

if TYPE_CHECKING:
    from otviz.experiments import Experiment
    from otviz.experiments.results import Result

FILTERS = ("search", "paper", "verdict", "kind")
"""Keys of the list in the link, which are kept while a claim is open."""

NAMES = {"fuge": "Fuge's notebook", "vu": "Vu's report"}
KINDS = {"minutes": "Trained", "seconds": "Formulas"}
VERDICTS = {
    "holds": ("Holds", "holds"), "holds in part": ("Holds in part", "part"), "does not hold here": ("Does not hold here", "fails"),
    "cannot be told": ("Cannot be told", "open"), "reference only": ("Reported only", "open"), "not run yet": ("Not run yet", "open"),
}  # fmt: skip
"""Label of a verdict, and the tone of its badge."""


def show(link: Link) -> None:
    """Draw the matching claims; a click on one opens it."""
    st.header("Does it hold? What four sources claim, measured again", anchor=False)
    st.markdown(
        "Two papers, Fuge's course notebook (chapter 11, *Optimal Transport for Generative Models*) and Vu's report on OT-GAN. Each card "
        "is one claim, measured here with several seeds. Open one to see the numbers and to run it again."
    )
    with st.spinner("Reading the claims …"):
        cards = all_cards()
    asked = _asked(link, cards)
    shown = [card for card in cards if _fits(card, asked)]
    if not shown:
        st.info("No claim fits. Search for less, or choose another source or verdict.")
        return
    name = mount("claims", key="claims", options={"cards": shown}, body=b"", trigger="opened")
    if name:
        link.go({"claim": str(name), **{key: text for key, text in asked.items() if text}})


@st.cache_data(show_spinner=False)
def all_cards() -> list[dict[str, Any]]:
    """Every claim as plain values, with the shipped results."""
    from otviz.experiments import experiments

    return [_card(cls()) for cls in experiments().values()]


def _card(each: Experiment) -> dict[str, Any]:
    from otviz.experiments.claim_summaries import in_words, seeds_in_words
    from otviz.experiments.report import NOT_RUN, stored
    from otviz.viz.claim import claim_svg

    damage, result, verdict = "", None, None
    try:
        result, verdict = stored(each)
    except ValueError as error:
        damage = f"Its result cannot be shown: {error}."
    outcomes = () if result is None else result.outcomes
    word = NOT_RUN if verdict is None else verdict.word
    summary = damage if verdict is None else f"{in_words(each, outcomes, verdict)} {seeds_in_words(verdict)}".strip()
    time = takes(each, result)
    return {
        "name": each.name, "title": each.title, "paper": each.paper, "kind": each.cost, "verdict": VERDICTS[word][0],
        "word": word, "tone": VERDICTS[word][1], "citation": each.citation, "url": BIBLIOGRAPHY[each.paper].url, "claim": each.claim,
        "svg": "" if each.chart is None else claim_svg(each.chart, outcomes, each.title),
        "told": summary, "takes": f"Runs again in {time}" if time else "",
    }  # fmt: skip


def takes(each: Experiment, result: Result | None) -> str:
    """Expected duration of a run on this computer, judged by a result, in words; empty if unknown."""
    from otviz.experiments.claim_summaries import expected_seconds

    seconds = expected_seconds(each, result, each.seeds, cores())
    return "" if seconds is None else duration_in_words(seconds)


def _asked(link: Link, cards: list[dict[str, Any]]) -> dict[str, str]:
    """Draw the search field and the filters, each with the number of claims that remain after the previous ones."""
    papers = {key: NAMES.get(key, cite(key)) for key in BIBLIOGRAPHY}
    words = {word: called for word, (called, _) in VERDICTS.items() if any(card["word"] == word for card in cards)}
    names = {"paper": ("All sources", papers), "verdict": ("Any verdict", words), "kind": ("Any kind", KINDS)}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        asked = {"search": controls.search(link, "Search the claims", "Search: tau, collapse, batch …", width=280)}
        for key, (every, called) in names.items():
            asked[key] = _filter(link, key, called, every, cards, asked)
        reading.how("experiments/cards")
    return asked


def _filter(
    link: Link, key: str, names: Mapping[str, str], every: str, cards: list[dict[str, Any]], asked: Mapping[str, str]
) -> str:
    field = {"verdict": "word"}.get(key, key)
    left = Counter(card[field] for card in cards if _fits(card, asked))
    options = {"": f"{every} · {left.total()}", **{name: f"{called} · {left[name]}" for name, called in names.items()}}
    return controls.choice(link, key, options, default="", label=f"Filter: {key}", in_a_row=True)


def _fits(card: Mapping[str, Any], asked: Mapping[str, str]) -> bool:
    """Whether a card matches the search words and the filters."""
    text = " ".join(str(card[key]) for key in ("title", "claim", "citation", "told", "name", "verdict")).lower()
    found = all(word in text or GREEK.get(word, word) in text for word in asked.get("search", "").lower().split())
    chosen = (("paper", "paper"), ("verdict", "word"), ("kind", "kind"))
    return found and all(asked.get(key, "") in ("", card[field]) for key, field in chosen)
