"""Pages with made-up contents: ?demo=player, board or pad. Each says itself what else its address may ask for."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

script = Path(__file__).with_name(f"{st.query_params['demo']}_demo.py")
exec(compile(script.read_text(encoding="utf-8"), script, "exec"), {"__name__": "__main__"})
