"""Train: pick a distribution and a method, and watch a generator learn it live."""

import streamlit as st

from pages._ui import details, following, frame, lessons, links, own_target, placing, running, setup

frame.require()
link = links.open_link("train")
panel, picture = placing.columns(link)

with panel:
    go = st.container(key="go")
    target_box, method_box, source_box = st.container(), st.container(gap="small"), st.container()
with picture:
    steering, canvas, under = st.container(), st.container(), st.container()

run = running.find(link)
shown = [] if run is None else [run]
drawn = following.state(shown)
living = running.alive(run)
locked = living is not None

with source_box:
    source = setup.choose_distribution(link, "source", "gaussian", locked)
with target_box:
    board = setup.Board(canvas, source) if run is None else None
    target = setup.choose_distribution(link, "target", "ring", locked, board=board)
if run is None and not (board and board.used):
    with canvas:
        if not lessons.show_recorded(link, key="train"):
            following.show_preview(target, source)
with method_box:
    method = setup.choose_method(link, locked, locked)
    plan = None
    if method is not None:
        plan = setup.choose_plan(link, method.name, method.default_steps, method.compilable, locked)
config = setup.config_of(method, target, source, plan)

if run is not None:
    running.settle(link, run, config, setup.address(run.config, run.id))

with go:
    if living is not None:
        st.caption(running.beside(living))
    else:
        pressed = st.button(
            lessons.train_label(link), type="primary", width="stretch", disabled=config is None, shortcut="T"
        )
        if config and (pressed or (run is None and running.asked_to_start(link))):
            running.begin(link, config)
    if run is not None and running.unfinished(run) and st.button("Go on with this run", width="stretch"):
        running.go_on(link, run.id)

with steering:
    if living is not None:
        running.steer(link, living)
    else:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            running.tell(run, own_target.invitation(running.INVITATION))
            with st.container(horizontal=True, gap="small", width="content"):
                own_target.offer(link, target)
        own_target.tell(link)
if run is not None:
    with canvas:
        following.show(shown, drawn)
with under:
    details.show(link, run, method)
link.publish({"run": "" if run is None else run.id})
