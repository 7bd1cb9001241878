"""Diagnose: is this mode collapse? Give real data and samples of any generator, and see what is missing."""

import streamlit as st

from pages._ui.diagnose import choosing, diagnose_view
from pages._ui.shell import frame, links, placing

frame.require()
link = links.open_link("diagnose")
examples = st.container()
panel, result = placing.columns(link)
with panel:
    chosen = choosing.choose(link)
with examples:
    choosing.show_examples(link, chosen.example)
with result:
    shown = diagnose_view.show(link, chosen)
diagnose_view.show_numbers(shown)
link.publish()
