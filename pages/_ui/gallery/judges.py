"""The way from a claim in the gallery to the experiments that judge it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import streamlit as st

from otviz.checkpoints.shelf import Judge
from pages._ui.shell import frame

PAGE = "experiments"


def show(judges: Iterable[Judge]) -> None:
    """Draw a link to each experiment."""
    for judge in dict.fromkeys(judges):
        st.page_link(path(), label=words(judge), icon=":material/fact_check:", query_params={"claim": judge.experiment})


def words(judge: Judge) -> str:
    """The label of a link."""
    return f"Does it hold {judge.where}?"


def path() -> Path:
    """The file of the page Experiments."""
    return next(card.path for card in frame.cards() if card.name == PAGE)
