"""What tests ask of a page, and how they wait."""

from __future__ import annotations

import time
from collections.abc import Callable

from streamlit.testing.v1 import AppTest


def address(app: AppTest) -> dict[str, str]:
    """What stands in the address now."""
    return {key: "".join(text) for key, text in app.query_params.items()}


def words(app: AppTest) -> str:
    """What the page says, joined."""
    return " ".join(part.value for part in (*app.markdown, *app.caption, *app.info, *app.warning, *app.error))


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for it; fails after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)
