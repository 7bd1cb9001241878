"""Home: see optimal transport make generative models."""

from pathlib import Path

import streamlit as st

from pages._ui import frame, reading, warm
from pages._ui.player import player

frame.require()

RECORDED = Path(__file__).resolve().parents[1] / "checkpoints" / "ring-uotm-sd" / "timeline.bin"
PLACEHOLDER = Path(__file__).parent / "_ui" / "icons" / "transport.svg"

with st.container(gap="xsmall"):
    st.title("Watch optimal transport learn", anchor=False)
    st.markdown(
        "A generator is a map that carries noise to data; optimal transport asks for the map that moves it least. "
        "Here such maps are trained before your eyes, step by step, beside the potential that drives them. "
        "Turn a knob while it runs, compare methods on the same points, and share what you see as a link.",
        width=1000,
    )

if RECORDED.is_file():
    player(RECORDED.read_bytes(), key="home", loop=True, height=550)
    reading.how("home/recorded")
else:
    with st.container(horizontal_alignment="center"):
        st.image(
            PLACEHOLDER, width=420, alt="Orange points on their way from a grey cloud to eight blue groups on a circle"
        )

with st.container(horizontal=True, gap="small"):
    for card in frame.cards()[1:]:
        with st.container(border=True, width=290, height="stretch", gap=None):
            st.page_link(card.path, label=f"**{card.title}**")
            st.caption(card.text[:1].upper() + card.text[1:])

warm.show_device()
