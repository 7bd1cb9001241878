"""Serves the script that OTVIZ_SCRIPT names beside the channels, as `app.py` serves the pages."""

import os

from streamlit.starlette import App

from pages._ui import channel, ending

app = App(os.environ["OTVIZ_SCRIPT"], routes=channel.routes(), lifespan=ending.lifespan)
