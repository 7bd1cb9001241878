"""Home: see optimal transport make generative models."""

import streamlit as st

from pages._ui.home import home_view
from pages._ui.shell import frame, torch_warmup

frame.require()

words, picture = home_view.arrange()
with words:
    st.title("Why does one generator forget modes and the other none?", anchor=False)
    st.markdown(
        "Both learn the same clusters (*modes*) of points from the same seed. The right one also pays for how far it "
        "moves each point: the **transport cost τ**. Drag it and see what it does."
    )
    home_view.explain()
with picture:
    if not home_view.show():
        st.info("The demonstration is not recorded yet. Make it: `python -m otviz record`.")

home_view.cards()
torch_warmup.show_device()
