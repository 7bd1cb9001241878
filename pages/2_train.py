"""Train: pick a distribution and a method, and watch a generator learn it live."""

import streamlit as st

from pages._ui.controls import own_target, point_setup
from pages._ui.player import live_view, run_controls, settings_history, sync_settings
from pages._ui.shell import frame, lesson_view, links, placing
from pages._ui.train import run_details

frame.require()
link = links.open_link("train")
panel, picture = placing.columns(link)

with panel:
    go, tools = st.container(key="go"), st.container()
    target_box, method_box, source_box = st.container(), st.container(gap="small"), st.container()
with picture:
    steering, canvas, under = st.container(), st.container(), st.container()

run = run_controls.find(link)
shown = [] if run is None else [run]
drawn = live_view.state(shown)
living = run_controls.alive(run)

with source_box:
    source = point_setup.choose_source(link)
with target_box:
    board = point_setup.Board(canvas, source) if run is None else None
    target = point_setup.choose_distribution(link, "target", "ring", card=False, board=board)
if run is None and not (board and board.used):
    with canvas:
        if not lesson_view.show_recorded(link, key="train"):
            live_view.show_preview(target, source)
with method_box:
    method, plan = point_setup.choose_training(link)
config = point_setup.config_of(method, target, source, plan)
missing = own_target.missing_before_run(point_setup.missing(target, source, method, plan))
link.keep()

if run is not None:
    sync_settings.sync_settings(link, run, config, point_setup.address(run.config, run.id))

with go:
    if living is not None:
        with st.container(key="beside"):
            st.caption(sync_settings.note(run) or run_controls.effect_of_settings(living))
    else:
        pressed = st.button(
            lesson_view.train_label(link), type="primary", width="stretch", disabled=config is None, shortcut="T"
        )
        if config and (pressed or (run is None and run_controls.start_requested(link))):
            run_controls.begin(link, config)
    if missing:
        st.warning(missing)
    if run is not None and run_controls.unfinished(run) and st.button("Go on with this run", width="stretch"):
        run_controls.resume(link, run.id)

with steering:
    if living is not None:
        run_controls.show_controls(link, living)
    else:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            run_controls.show_status(
                run, own_target.invitation("" if missing else lesson_view.invitation(link, run_controls.INVITATION))
            )
            with st.container(horizontal=True, gap="small", width="content"):
                own_target.offer(link, target)
        own_target.show_error(link)
if run is not None:
    with canvas:
        live_view.show(shown, drawn)
with under:
    run_details.show(link, run, method)
link.publish({"run": "" if run is None else run.id})
settings_history.row(link, tools, run)
