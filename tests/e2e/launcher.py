"""Serves the script that OTVIZ_SCRIPT names beside the channels, as `app.py` serves the pages."""

import os

from streamlit.starlette import App

from pages._ui.shell import channel, shutdown

app = App(os.environ["OTVIZ_SCRIPT"], routes=channel.routes(), lifespan=shutdown.lifespan)
