"""Home: what there is to see."""

import streamlit as st

from pages._ui import frame

frame.require()
st.title("otviz")
