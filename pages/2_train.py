"""Train: pick a distribution and a method, and watch a generator learn it live."""

import streamlit as st

from pages._ui import details, frame, links, running, setup
from pages._ui.links import plain

frame.require()
link = links.open_link("train")
panel, picture = st.columns([3, 8], gap="medium")

with panel:
    go = st.container()
    target_box, method_box, source_box = st.container(), st.container(), st.container()
with picture:
    steering, canvas, under = st.container(), st.container(), st.container()

run, news = running.find(link.text("run"))
alive = run is not None and run.status not in ("done", "stopped", "failed")

with target_box:
    target = setup.choose_distribution(link, "target", "ring", alive)
with source_box:
    source = setup.choose_distribution(link, "source", "gaussian", alive)
if run is None and target is not None and source is not None:
    with canvas:
        running.show_preview(target, source)
with method_box:
    method = setup.choose_method(link, alive, alive)
    plan = None if method is None else setup.choose_plan(link, method, alive)
config = setup.config_of(method, target, source, plan)

with go:
    if alive:
        st.caption("Training now: the knobs that are open act on the run at once.")
    elif st.button("Train", type="primary", width="stretch", disabled=config is None, shortcut="T") and config:
        running.begin(link, config)
    if news:
        st.warning(plain(news))
    if not alive and running.unfinished(link.text("run")) and st.button("Go on with this run", width="stretch"):
        running.go_on(link, link.text("run"))

if run is not None:
    with steering:
        running.steer(run)
    with canvas:
        running.show(run)
    if alive and method is not None:
        setup.retune(run, method)
with under:
    details.show(link, run)
link.publish({"run": link.text("run")})
