"""A claim: the statement of the source, the measurements, and a button to run it."""

from __future__ import annotations

import functools
import urllib.parse
from typing import TYPE_CHECKING

import streamlit as st

from otviz.core.numbers import duration_in_words
from pages._ui.experiments.claim_cards import FILTERS, takes
from pages._ui.experiments.job_stage import JobStage
from pages._ui.shell import frame, reading
from pages._ui.shell.component import mount
from pages._ui.shell.links import Link, plain, shorten

if TYPE_CHECKING:
    from otviz.experiments import Experiment, Finding, Verdict
    from otviz.experiments.experiment_job import ExperimentJob
    from otviz.experiments.results import Result

POLL = 1.0
BADGES = {
    "holds": ":green-badge[holds]", "holds in part": ":orange-badge[holds in part]", "fails": ":red-badge[fails]",
    "does not hold here": ":red-badge[does not hold here]", "cannot be told": ":gray-badge[cannot be told]",
    "reference only": ":gray-badge[reported only]", "not run yet": ":gray-badge[not run yet]",
}  # fmt: skip


@st.cache_resource(scope="session", on_release=JobStage.end, show_spinner=False)
def _stage() -> JobStage[ExperimentJob]:
    return JobStage()


def find(link: Link) -> Experiment | None:
    """The claim in the link, or None, with a message for an unknown name."""
    from otviz.experiments import named

    name = link.text("claim")
    if not name:
        return None
    try:
        with st.spinner("Reading the claim …"):
            return named(name)
    except ValueError as error:
        link.complain(f"{error}; all claims are shown.")
        return None


def show(link: Link, each: Experiment) -> None:
    """Draw the claim with its chart, verdict, numbers, live view, and the button to run it."""
    from otviz.experiments.report import NOT_RUN, SOURCE_TEXTS

    for key in FILTERS:
        link.put(key, link.text(key))
    if st.button("All claims", icon=":material/arrow_back:", type="tertiary"):
        link.go({key: text for key in FILTERS if (text := link.text(key))})
    result, verdict, whose = _result(each)
    st.header(plain(each.title.replace("-", "\u2011")), anchor=False)  # names such as DAN-S must not break
    st.markdown(f"{BADGES[NOT_RUN if verdict is None else verdict.word]} {each.citation_link}")
    if each.paper in SOURCE_TEXTS:
        st.caption(plain(SOURCE_TEXTS[each.paper]))
    chart, words = st.columns([6, 5], gap="large")
    with chart:
        _chart(each, result)
        _how(each, result, whose)
    with words:
        _said(each)
        _found(each, result, verdict)
        with st.container(horizontal=True):
            _offer_live(each)
        if each.cost != "reference":
            stage = _stage()
            st.fragment(_rerun, run_every=POLL if stage.working else None)(
                stage, each, takes(each, result), stage.working
            )
    if verdict is not None and verdict.findings:
        _show_parts(verdict)
    _show_numbers(each, result)


def _result(each: Experiment) -> tuple[Result | None, Verdict | None, str]:
    """The user's own result, or the shipped one, its verdict and its origin; draws a warning for one that is damaged."""
    from otviz.experiments.report import stored, verdict_of
    from otviz.experiments.results import SHIPPED, experiments_folder

    for folder, whose in ((experiments_folder() / "results", "run here"), (SHIPPED, "shipped with otviz")):
        try:
            found, verdict = stored(each, folder)
        except ValueError as error:
            st.warning(plain(f"The result {whose} is not shown: {error}."))
            continue
        if found is not None:
            return found, verdict, whose
    return None, verdict_of(each, None), ""


def _chart(each: Experiment, result: Result | None) -> None:
    from otviz.viz.claim import CARD, PAGE, claim_svg

    if each.chart is None:
        st.info("There are no numbers to draw for this claim.")
        return
    outcomes = () if result is None else result.outcomes
    wide, narrow = (claim_svg(each.chart, outcomes, each.title, size) for size in (PAGE, CARD))
    mount("claims", key="chart", options={"wide": wide, "narrow": narrow}, body=b"", trigger="opened")
    reading.how("experiments/claim")


def _said(each: Experiment) -> None:
    st.markdown(f"**What the source says.** {plain(each.claim)}")
    if each.formula:
        st.latex(r"\begin{gathered}" + r" \\[3pt] ".join(each.formula) + r"\end{gathered}")


def _found(each: Experiment, result: Result | None, verdict: Verdict | None) -> None:
    from otviz.experiments.claim_summaries import in_words, seeds_in_words

    if verdict is None:
        command = f"python -m otviz experiment {each.name}"
        st.info(f"Not run yet. Run it below, or with `{command}`.")
        return
    summary = in_words(each, () if result is None else result.outcomes, verdict)
    why = "" if each.cost == "reference" else f" {seeds_in_words(verdict)} {verdict.sentence}"
    st.markdown(f"**What was measured here.** {plain(summary + why)}")


def _how(each: Experiment, result: Result | None, whose: str) -> None:
    if each.how:
        st.markdown(f"**How it was measured.** {plain(each.how)}")
    if result is not None:
        machine = f"{result.machine.get('cores')} cores, {result.machine.get('processor')}"
        st.caption(plain(f"{len(result.outcomes)} seeds, {whose}; {machine}, otviz {result.otviz}."))


def _show_parts(verdict: Verdict) -> None:
    """Show the evidence for each part of the claim, and the rules."""
    lines = [
        f"- {BADGES[each.word]} **{_part(each)}**  \n  :small[{plain(_sentence(each.evidence))}]"
        for each in verdict.findings
    ]
    st.subheader("Part by part", anchor=False)
    st.markdown("\n".join(lines))
    st.caption(plain(verdict.rule))


def _part(found: Finding) -> str:
    return plain(f"Instead: {found.says}" if found.instead else _sentence(found.says))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _offer_live(each: Experiment) -> None:
    page, _, query = each.live.partition("?")
    card = next((card for card in frame.cards() if card.name == page), None)
    if card is not None:
        values = dict(urllib.parse.parse_qsl(query))
        st.page_link(card.path, label=f"See it live: {card.title}", icon=":material/play_circle:", query_params=values)


def _rerun(stage: JobStage[ExperimentJob], each: Experiment, time: str, drawn_working: bool) -> None:
    """The button that runs the claim, or the progress."""
    job = stage.job
    if job is not None and stage.working:
        _show_progress(stage, job, time if each.name in job.names else "", each)
        return
    if drawn_working:
        st.rerun()
    if job is not None and job.error:
        st.error(plain(f"Not all seeds could be measured: {shorten(job.error, 300)}."))
    if job is not None and each.name in job.unmeasured:
        st.info(plain(f"{job.unmeasured[each.name].capitalize()}."))
    if st.button(
        f"Run again ({time})" if time else "Run again",
        type="primary",
        icon=":material/replay:",
        help=HELP.format(each.seeds),
    ):
        stage.begin(functools.partial(_again, each), "It could not begin")


def _again(each: Experiment) -> ExperimentJob:
    from otviz.experiments.experiment_job import ExperimentJob
    from otviz.experiments.results import experiments_folder

    return ExperimentJob([each], each.seeds, folder=experiments_folder() / "results")


HELP = (
    "Measures {} seeds on all cores of this machine. What is done is kept when you cancel. Trainings that another claim has done already "
    "are not repeated."
)


def _show_progress(stage: JobStage[ExperimentJob], job: ExperimentJob, time: str, each: Experiment) -> None:
    done, left = len(job.outcomes), job.seconds_left
    first = f"{time} in all" if time else "the first one takes a while"
    when = first if left is None else f"{duration_in_words(left)} left"
    which = "" if each.name in job.names else "Another claim: "
    st.progress(done / max(1, job.total), text=plain(f"{which}{done} of {job.total} seeds are done, {when}"))
    st.button("Cancel", on_click=stage.end, help="Seeds that are done are kept; you can go on later")


def _show_numbers(each: Experiment, result: Result | None) -> None:
    """A table of reported and measured numbers."""
    from otviz.experiments.report import measured, reported

    outcomes = () if result is None else result.outcomes
    rows = [
        {"quantity": n.what, "reported": reported(n), "measured": measured(each, outcomes, n)} for n in each.numbers
    ]  # fmt: skip
    if not rows:
        return
    spread = f"Mean ± standard deviation over {len(outcomes)} seeds"
    columns = {
        "quantity": st.column_config.TextColumn("Quantity", width="large"),
        "reported": st.column_config.TextColumn("Reported", help="What the source prints, or where else it is from"),
        "measured": st.column_config.TextColumn("Measured here", help=spread if outcomes else None),
    }
    st.subheader("All numbers", anchor=False)
    st.dataframe(rows, key=f"numbers:{each.name}", hide_index=True, width="stretch", column_config=columns)
    _explain_sources(each)


def _explain_sources(each: Experiment) -> None:
    from otviz.experiments import SOURCES

    used = {number.source for number in each.numbers if number.reported and number.source != "paper"}
    summary = "; ".join(f"[{word}] {SOURCES[word]}" for word in SOURCES if word in used)
    if summary:
        st.caption(plain(f"Reported numbers without a mark are printed in the source. {summary}."))
