"""Images: train any method on images and watch them grow sharper."""

import streamlit as st

from pages._ui import continuing, following, frame, history, image_details, imaging, links, placing, running, settling

frame.require()
link = links.open_link("images")
panel, picture = placing.columns(link)

with panel:
    go, tools = st.container(key="go"), st.container()
    images_box, method_box = st.container(), st.container(gap="small")
with picture:
    steering, canvas, under = st.container(), st.container(), st.container()

run = running.find(link, images=True)
origin = continuing.origin(link) if run is None else None
shown = [] if run is None else [run]
drawn = following.state(shown)
living = running.alive(run)

with images_box:
    images = imaging.choose_images(link)
    there = imaging.are_there(images)
if run is None and there:
    with canvas:
        following.show_preview(images, None, key="images")
with method_box:
    method, networks, plan = imaging.choose_training(link, images)
config = imaging.config_of(images, method, networks, plan)
missing = imaging.missing(images, there, config is not None)
link.keep()

if run is not None:
    settling.sync_settings(link, run, config, imaging.address(run.config, run.id))

with go:
    if living is not None:
        with st.container(key="beside"):
            st.caption(settling.note(run) or running.beside(living))
    elif st.button("Train", type="primary", width="stretch", disabled=bool(missing), shortcut="T") and config:
        continuing.begin(link, config, origin)
    if missing:
        st.warning(missing)
    if run is not None and running.unfinished(run) and st.button("Go on with this run", width="stretch"):
        running.go_on(link, run.id)

with steering:
    if living is not None:
        running.steer(link, living)
    elif origin is not None:
        continuing.tell(link, origin)
    else:
        running.tell(run, "" if missing else "Press **Train** and watch noise turn into images like these.")
if run is not None:
    with canvas:
        following.show(shown, drawn, key="images")
with under:
    image_details.show(link, run, method)
link.publish({"run": "" if run is None else run.id, continuing.FROM: "" if origin is None else origin.name})
history.row(link, tools, run)
