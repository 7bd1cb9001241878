"""Compare: train several methods in step on the same data and see which cover it and which collapse."""

import streamlit as st

from pages._ui.compare import compare_views, comparison_controls, comparison_setup
from pages._ui.player import live_view, run_controls
from pages._ui.shell import frame, links, placing

frame.require()
link = links.open_link("compare")
panel, picture = placing.columns(link, (3, 10))

with panel:
    message, settings = st.container(), st.container(gap="small")
with picture:
    buttons, canvas, under = st.container(), st.container(), st.container()

runs = comparison_setup.find(link)
drawn = live_view.state(runs)
living = any(run_controls.alive(run) for run in runs)

with settings:
    chosen = comparison_setup.choose(link, locked=living)
runs = comparison_setup.sync_settings(link, runs, chosen)
if living:
    message.caption(comparison_setup.LOCKED)
recording = "" if runs else comparison_setup.recording_of(link, chosen)

with buttons:
    if run_controls.start_requested(link) and not runs and chosen.configs:
        comparison_setup.begin(link, chosen.configs)
    comparison_setup.show_status(link, runs, chosen, recording)
    if runs:
        comparison_controls.show_controls(link, runs, comparison_setup.labels_of(runs), chosen.configs)
with canvas:
    comparison_setup.show(runs, chosen, drawn, recording)
with under:
    compare_views.show(link, runs, chosen)
link.publish({"runs": ",".join(run.id for run in runs)})
