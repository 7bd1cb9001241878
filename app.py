"""otviz in the browser: `streamlit run app.py`."""

from streamlit.starlette import App

from pages._ui.shell import channel, frame, sessions, shutdown

# Streamlit imports this file once, to serve `app`, and runs it for every visit and every click.
app = App(__file__, routes=channel.routes(), middleware=sessions.middleware(), lifespan=shutdown.lifespan)
if __name__ == "__main__":
    frame.run()
