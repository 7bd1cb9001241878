"""Images: train any method on images and watch them grow sharper."""

import streamlit as st

from pages._ui.controls import image_setup
from pages._ui.player import live_view, run_controls, settings_history, sync_settings
from pages._ui.shell import frame, links, placing
from pages._ui.train import image_details, start_from_model

frame.require()
link = links.open_link("images")
panel, picture = placing.columns(link)

with panel:
    go, tools = st.container(key="go"), st.container()
    images_box, method_box = st.container(), st.container(gap="small")
with picture:
    steering, canvas, under = st.container(), st.container(), st.container()

run = run_controls.find(link, "images")
origin = start_from_model.origin(link) if run is None else None
shown = [] if run is None else [run]
drawn = live_view.state(shown)
living = run_controls.alive(run)

with images_box:
    images = image_setup.choose_images(link)
    available = image_setup.are_available(link, images)
if run is None and available:
    with canvas:
        live_view.show_preview(images, None, key="images")
with method_box:
    method, networks, plan = image_setup.choose_training(link, images)
config = image_setup.config_of(images, method, networks, plan)
missing = image_setup.missing(images, available, config is not None)
link.keep()

if run is not None:
    sync_settings.sync_settings(link, run, config, image_setup.address(run.config, run.id))

with go:
    if living is not None:
        with st.container(key="beside"):
            st.caption(sync_settings.note(run) or run_controls.effect_of_settings(living))
    elif st.button("Train", type="primary", width="stretch", disabled=bool(missing), shortcut="T") and config:
        start_from_model.begin(link, config, origin)
    if missing:
        st.warning(missing)
    if run is not None and run_controls.unfinished(run) and st.button("Go on with this run", width="stretch"):
        run_controls.resume(link, run.id)

with steering:
    if living is not None:
        run_controls.show_controls(link, living)
    elif origin is not None:
        start_from_model.show_origin(link, origin)
    else:
        run_controls.show_status(run, "" if missing else "Press **Train** and watch noise turn into images like these.")
if run is not None:
    with canvas:
        live_view.show(shown, drawn, key="images")
with under:
    image_details.show(link, run, method)
link.publish({"run": "" if run is None else run.id, start_from_model.FROM: "" if origin is None else origin.name})
settings_history.row(link, tools, run)
