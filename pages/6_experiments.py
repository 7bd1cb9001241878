"""Experiments: every claim of the papers, measured and judged."""

import streamlit as st

from pages._ui import experimenting, frame, links

frame.require()
link = links.open_link("experiments")
claim = experimenting.find(link)

if claim is None:
    experimenting.show_table(link)
else:
    words, picture = st.columns([5, 6], gap="medium")
    with words:
        experimenting.show_claim(link, claim)
    with picture:
        experimenting.show_numbers(claim)
link.publish({"claim": "" if claim is None else claim.name})
