"""The page Diagnose: the answer, the picture, the numbers, over time, and the files to keep."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz.checkpoints.diagnoses import Found, read
from otviz.checkpoints.diagnoses.examples import EXAMPLES
from otviz.checkpoints.diagnoses.job import DiagnosisJob, Request
from otviz.evaluation.diagnosis import Advice, Diagnosis
from otviz.viz import diagnosis as drawn
from pages._ui.diagnose import picture
from pages._ui.diagnose.choosing import Chosen
from pages._ui.shell import reading
from pages._ui.shell.downloads import download
from pages._ui.shell.links import Link, plain, shorten

SWAPPED = "Are the two sides swapped"
"""Beginning of a note that asks."""

POLL = 0.4  # seconds between looks at a diagnosis that is being made
_STYLE = """
.st-key-verdict .stVerticalBlock {gap: 0.25rem}
@media (max-width: 1100px) {
  .st-key-verdict [data-testid=stHorizontalBlock] {flex-direction: column}
  .st-key-verdict .stColumn {width: 100%; flex: none}
}
"""
KEPT = 4  # finished diagnoses of a session, so that going back shows them at once


class Desk:
    """The diagnoses of a browser session."""

    def __init__(self) -> None:
        self.jobs: dict[Request, DiagnosisJob] = {}

    def job(self, chosen: Chosen) -> DiagnosisJob:
        """The diagnosis of what is chosen, begun if it is new; others in progress are stopped."""
        assert chosen.request is not None
        for request, job in list(self.jobs.items()):
            if request != chosen.request and not job.over:
                job.stop()
                del self.jobs[request]
        if chosen.request not in self.jobs:
            for request in list(self.jobs)[: max(0, len(self.jobs) + 1 - KEPT)]:
                del self.jobs[request]
            self.jobs[chosen.request] = DiagnosisJob(chosen.request, chosen.runs)
        return self.jobs[chosen.request]

    def forget(self, request: Request) -> None:
        """Let the next visit begin anew."""
        self.jobs.pop(request, None)

    def end(self) -> None:
        """Stop everything. Streamlit calls this when the tab is closed or reloaded."""
        for job in self.jobs.values():
            job.stop()


@st.cache_resource(scope="session", on_release=Desk.end, show_spinner=False)
def _desk() -> Desk:
    return Desk()


class Origin(NamedTuple):
    """Where a generator of ours can be trained again: page, settings, and its method's knobs; empty for others."""

    page: str = ""
    settings: Mapping[str, str] = {}
    knobs: Mapping[str, Any] = {}


class Shown(NamedTuple):
    """What the page shows: everything that was found, and the place of the diagnosis."""

    found: Found
    at: int


def show(link: Link, chosen: Chosen) -> Shown | None:
    """Draw the answer and the picture of what is chosen, or what is missing for one; returns what is shown."""
    if chosen.example:
        return _show_example(link, chosen.example)
    if chosen.request is None:
        st.info(chosen.missing)
        return None
    return _show_own(link, chosen)


def show_numbers(shown: Shown | None) -> None:
    """Draw the numbers, and the files to keep."""
    if shown is None:
        return
    reading.how("diagnose/numbers")
    st.html(drawn.numbers(shown.found.timeline.diagnoses[shown.at]))
    _downloads(*shown)


def _show_example(link: Link, name: str) -> Shown | None:
    example = EXAMPLES[name]
    st.caption(plain(f"Example. {example.line}"))
    try:
        found = read(name)
    except ValueError as error:
        st.error(plain(f"{error}."))
        return None
    return _show_found(link, found, name, Origin(example.page, example.settings))


def _show_own(link: Link, chosen: Chosen) -> Shown | None:
    assert chosen.request is not None
    desk = _desk()
    job = desk.job(chosen)
    if not job.over:
        st.fragment(_progress, run_every=POLL)(job, job.version)
    elif job.error:
        st.error(plain(f"{shorten(job.error, 600)}."))
        st.button("Try again", on_click=desk.forget, args=(chosen.request,))
    elif job.found is None or job.found.timeline.diagnoses[-1].stage != "complete":
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Stopped. What was found until then is kept.")
            st.button("Judge it again", on_click=desk.forget, args=(chosen.request,))
    found = job.found
    if found is not None:
        _ask_for_order(link, chosen.request, found.timeline.diagnoses[-1])
    return None if found is None else _show_found(link, found, str(id(job)), _origin(chosen))


def _ask_for_order(link: Link, request: Request, last: Diagnosis) -> None:
    """Ask, with a button, if the sides look as if each were the other."""
    question = next((note for note in last.notes if note.startswith(SWAPPED)), "")
    if question and request.real and len(request.generated) == 1:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.warning(plain(question))
            if st.button("Swap them"):
                link.go({**link.settings, "real": request.generated[0], "generated": request.real})


def _progress(job: DiagnosisJob, version: int) -> None:
    if job.version != version:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.progress(job.share, text=plain(f"{job.phase} …"))
        st.button("Cancel", on_click=job.stop, help="What is known so far stays")


def _origin(chosen: Chosen) -> Origin:
    from otviz.checkpoints.diagnoses.sides import MODEL, RUN, config_of
    from pages._ui.controls import image_setup, point_setup

    assert chosen.request is not None
    first = chosen.request.generated[0]
    if not first.startswith((MODEL, RUN)):
        return Origin()
    config = config_of(first, chosen.runs)
    images = config.target.kind == "images"
    settings = (image_setup if images else point_setup).address(config, "")
    kept = {key: text for key, text in settings.items() if text}
    return Origin("images" if images else "train", kept, config.method.as_dict())


def _show_found(link: Link, found: Found, serial: str, origin: Origin) -> Shown:
    st.html(f"<style>{drawn.style()}{_STYLE}</style>")
    verdict, time = st.container(key="verdict"), st.container(gap="small")
    with time:
        at = _step(link, found, st.container())
    diagnosis = found.timeline.diagnoses[at]
    with verdict:
        answer, helps = st.columns([8, 4], gap="medium")
        answer.html(drawn.answer(diagnosis, diagnosis.stage == "first look"))
        with helps:
            _helps(diagnosis, origin)
    picture.show(found, at, serial)
    reading.how("diagnose/picture")
    return Shown(found, at)


def _step(link: Link, found: Found, table: DeltaGenerator) -> int:
    """Draw what happened over time, and the choice of a step; returns its place. The last one is shown at first."""
    steps = [f"{step:g}" for step in found.timeline.steps]
    asked = link.take("step")
    if len(steps) < 2:
        return 0
    key = f"diagnose:step:{len(steps)}:{steps[-1]}"
    if link.first(key) or st.session_state[key] not in steps:
        st.session_state[key] = asked if asked in steps else steps[-1]
    chosen = str(st.select_slider("Step that is shown", steps, key=key))
    link.put("step", chosen, steps[-1])
    table.html(drawn.over_time(found.timeline, steps.index(chosen)))
    return steps.index(chosen)


def _helps(diagnosis: Diagnosis, origin: Origin) -> None:
    """What usually helps; for generators of ours with a link that trains them with the knob moved."""
    if not diagnosis.helps:
        return
    st.html(drawn.helps(diagnosis))
    each = next((each for each in diagnosis.helps if each.method), None)
    if origin.page and each is not None and str(origin.knobs.get(each.knob, "")) != each.value:
        _link_to_training(origin, each)


def _link_to_training(origin: Origin, advice: Advice) -> None:
    settings = origin.settings
    kept = {key: text for key, text in settings.items() if key.startswith(("target", "source")) or key == "seed"}
    kept = dict(settings) if settings.get("method") == advice.method else kept
    moved = {advice.knob: advice.value} if advice.knob and advice.value else {}
    label = f"Train {advice.method}" + "".join(f" with {name} = {text}" for name, text in moved.items())
    path = {"train": "pages/2_train.py", "images": "pages/4_images.py"}[origin.page]
    if st.button(label, icon=":material/tune:", type="tertiary", help="On the page where it can be trained"):
        st.switch_page(path, query_params={**kept, "method": advice.method, **moved})


def _downloads(found: Found, at: int) -> None:
    timeline, last = found.timeline, found.timeline.diagnoses[at]
    record: dict[str, Any] = timeline.record() if len(timeline.steps) > 1 else last.record()
    with st.container(horizontal=True, gap="small"):
        download("Report (HTML)", functools.partial(drawn.report, timeline, found.real), "diagnosis.html", "text/html")
        download("Numbers (JSON)", json.dumps(record, indent=1, allow_nan=False), "diagnosis.json", "application/json")
    st.caption("The report is one file that opens without a server and without internet.")
