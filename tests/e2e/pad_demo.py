"""A page with nothing but the pad, which keeps what is drawn: ?strokes=... (a drawing), ?brush=0.3, ?others=1"""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages._ui.controls.pad import pad

st.set_page_config(page_title="Pad", layout="wide")
query = st.query_params
state = st.session_state
state.setdefault("strokes", query.get("strokes", ""))
if st.button("A drawing of the page"):
    state.strokes = "AgBAQMDA"
angle = np.linspace(0, 2 * np.pi, 300)
ring = np.stack([2 * np.cos(angle), 2 * np.sin(angle)], -1).astype(np.float32) if "others" in query else None


@st.fragment
def drawing() -> None:
    drawn = pad(state.strokes, key="demo", label="source", brush=float(query.get("brush", 0.3)), others=ring)
    if drawn is not None:
        state.strokes = drawn
        state.count = state.get("count", 0) + 1
    st.text(f"heard {state.get('count', 0)} {state.strokes}")


drawing()
