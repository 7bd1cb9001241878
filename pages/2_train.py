"""Train: pick a distribution and a method, and watch a generator learn it live."""

import streamlit as st

from pages._ui import details, following, frame, history, lessons, links, own_target, placing, running, settling, setup

frame.require()
link = links.open_link("train")
panel, picture = placing.columns(link)

with panel:
    go, tools = st.container(key="go"), st.container()
    target_box, method_box, source_box = st.container(), st.container(gap="small"), st.container()
with picture:
    steering, canvas, under = st.container(), st.container(), st.container()

run = running.find(link)
shown = [] if run is None else [run]
drawn = following.state(shown)
living = running.alive(run)

with source_box:
    source = setup.choose_source(link)
with target_box:
    board = setup.Board(canvas, source) if run is None else None
    target = setup.choose_distribution(link, "target", "ring", card=False, board=board)
if run is None and not (board and board.used):
    with canvas:
        if not lessons.show_recorded(link, key="train"):
            following.show_preview(target, source)
with method_box:
    method, plan = setup.choose_training(link)
config = setup.config_of(method, target, source, plan)
missing = own_target.lacking(setup.missing(target, source, method, plan))
link.keep()

if run is not None:
    settling.sync_settings(link, run, config, setup.address(run.config, run.id))

with go:
    if living is not None:
        with st.container(key="beside"):
            st.caption(settling.note(run) or running.beside(living))
    else:
        pressed = st.button(
            lessons.train_label(link), type="primary", width="stretch", disabled=config is None, shortcut="T"
        )
        if config and (pressed or (run is None and running.asked_to_start(link))):
            running.begin(link, config)
    if missing:
        st.warning(missing)
    if run is not None and running.unfinished(run) and st.button("Go on with this run", width="stretch"):
        running.go_on(link, run.id)

with steering:
    if living is not None:
        running.steer(link, living)
    else:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            running.tell(run, own_target.invitation("" if missing else lessons.invitation(link, running.INVITATION)))
            with st.container(horizontal=True, gap="small", width="content"):
                own_target.offer(link, target)
        own_target.tell(link)
if run is not None:
    with canvas:
        following.show(shown, drawn)
with under:
    details.show(link, run, method)
link.publish({"run": "" if run is None else run.id})
history.row(link, tools, run)
