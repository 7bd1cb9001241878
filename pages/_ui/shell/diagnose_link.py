"""The way from a run or a model to the page Diagnose."""

from __future__ import annotations

import streamlit as st

PAGE = "pages/6_diagnose.py"


def show(source: str) -> None:
    """Draw the button that judges its samples against what it was trained on.

    Args:
        source: "run:" and an id, or "model:" and a name.
    """
    words = "Is anything missing? Compares fresh samples with the real data"
    if st.button("Diagnose", icon=":material/troubleshoot:", type="tertiary", help=words, key=f"diagnose:{source}"):
        st.switch_page(PAGE, query_params={"generated": source})
