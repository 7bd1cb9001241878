"""Layout of a training page: controls and picture side by side, or the picture first on narrow screens."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages._ui.shell import lesson_view
from pages._ui.shell.links import Link

# On phones and tablets the picture comes first, and the train buttons stay at the bottom of the screen.
_STYLE = """<style>
@media (max-width: 820px) {
  [data-testid=stMain] {--otviz-bar: 3.9rem}
  [data-testid=stMainBlockContainer] {padding-bottom: 6rem}
  [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn] .st-key-picture) {flex-direction: column; flex-wrap: nowrap}
  [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn] .st-key-picture) > [data-testid=stColumn] {
    width: 100%; min-width: 100%; flex: none}
  [data-testid=stHorizontalBlock] > [data-testid=stColumn]:has(.st-key-picture) {order: -1}
  .st-key-go:has(button), .st-key-pace {
    position: fixed; inset: auto 0 0 0; z-index: 99; width: auto !important; padding: 0.6rem 1rem;
    background: color-mix(in srgb, Canvas 70%, transparent); backdrop-filter: blur(14px); border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent)}
  .st-key-pace {flex-wrap: nowrap !important; overflow-x: auto}
  .st-key-pace > * {flex: none !important}
}
</style>"""


def columns(link: Link, widths: tuple[int, int] = (3, 8)) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Containers of the controls and of the picture, with these widths."""
    st.html(_STYLE)
    panel, picture = lesson_view.columns(link, *widths)
    return panel, picture.container(key="picture")
