"""Compare: train several methods in step on the same data and see which cover it and which collapse."""

import streamlit as st

from pages._ui import compare_views, comparing, following, frame, lessons, links, running, steering

frame.require()
link = links.open_link("compare")
panel, picture = lessons.columns(link, 3, 10)

with panel:
    go, settings = st.container(), st.container(gap="small")
with picture:
    buttons, canvas, under = st.container(), st.container(), st.container()

runs = comparing.find(link)
drawn = following.state(runs)
living = any(running.alive(run) for run in runs)

with settings:
    chosen = comparing.choose(link, locked=living)
comparing.settle(link, runs, chosen)

with go:
    if living:
        st.caption("The knobs that are open act on these runs at once.")
    else:
        pressed = st.button("Train all", type="primary", width="stretch", disabled=not chosen.configs, shortcut="T")
        if chosen.configs and (pressed or (not runs and running.asked_to_start(link))):
            comparing.begin(link, chosen.configs)
with buttons:
    comparing.tell(runs, chosen)
    steering.steer(link, runs, comparing.labels_of(runs), chosen.configs)
with canvas:
    comparing.show(runs, chosen, drawn)
with under:
    compare_views.show(link, runs, chosen)
link.publish({"runs": ",".join(run.id for run in runs)})
