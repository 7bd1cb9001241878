"""Compare: train several methods in step on the same data and see which cover it and which collapse."""

import streamlit as st

from pages._ui import compare_views, comparing, following, frame, links, placing, running, steering

frame.require()
link = links.open_link("compare")
panel, picture = placing.columns(link, (3, 10))

with panel:
    said, settings = st.container(), st.container(gap="small")
with picture:
    buttons, canvas, under = st.container(), st.container(), st.container()

runs = comparing.find(link)
drawn = following.state(runs)
living = any(running.alive(run) for run in runs)

with settings:
    chosen = comparing.choose(link, locked=living)
runs = comparing.sync_settings(link, runs, chosen)
if living:
    said.caption(comparing.LOCKED)
recording = "" if runs else comparing.recording_of(link, chosen)

with buttons:
    if running.asked_to_start(link) and not runs and chosen.configs:
        comparing.begin(link, chosen.configs)
    comparing.tell(link, runs, chosen, recording)
    if runs:
        steering.steer(link, runs, comparing.labels_of(runs), chosen.configs)
with canvas:
    comparing.show(runs, chosen, drawn, recording)
with under:
    compare_views.show(link, runs, chosen)
link.publish({"runs": ",".join(run.id for run in runs)})
