"""Pages run in Streamlit's own test harness: no browser, no JavaScript."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


@pytest.fixture
def app() -> AppTest:
    """The whole app, not run yet."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
