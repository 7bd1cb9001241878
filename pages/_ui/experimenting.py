"""Experiments on a page: the table of claims, one of them in full, and running it again here."""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING, Any

import streamlit as st

from otviz.durations import in_words
from pages._ui import controls, frame, reading
from pages._ui.links import Link, plain, shorten

if TYPE_CHECKING:
    from otviz.experiments import Experiment, Verdict
    from otviz.experiments.results import Result
    from otviz.experiments.running import Running

POLL = 1.0
SEEDS = 5
NOT_RUN = "not run yet"
PAPERS = {"": "All papers", "000": "000 Fuge, notebook", "001": "001 OT-GAN", "002": "002 Vu", "003": "003 UOTM-SD"}
VERDICTS = {
    word: word for word in ("holds", "holds in part", "does not hold here", "cannot be told", "reference only", NOT_RUN)
}
_COLUMNS = {
    "id": st.column_config.TextColumn(width=110),
    "paper": st.column_config.TextColumn(width=60),
    "where": st.column_config.TextColumn(width=170),
    "claim": st.column_config.TextColumn(width="large", help="In short; the row opens what the paper says"),
    "verdict": st.column_config.TextColumn(width=130),
    "seeds": st.column_config.TextColumn(width=90, help="Seeds that agree with every part of the claim, of those run"),
}


class Stage:
    """What runs for one browser session; closing the tab ends it: what is done stays on disk."""

    def __init__(self) -> None:
        self.name = ""
        self.running: Running | None = None

    @property
    def working(self) -> bool:
        """Whether seeds are being measured."""
        return self.running is not None and not self.running.over

    def play(self, experiment: Experiment) -> None:
        """Run an experiment again, into a folder of what runs here. Raises OSError or ValueError when that cannot be."""
        from otviz.experiments.running import Running, experiments_folder

        self.end()
        self.name = experiment.name
        self.running = Running([experiment], SEEDS, folder=experiments_folder() / "results")

    def end(self) -> None:
        """Stop what runs. Streamlit calls this when the tab is closed or reloaded."""
        if self.running is not None:
            self.running.stop()


@st.cache_resource(scope="session", on_release=Stage.end, show_spinner=False)
def _stage() -> Stage:
    return Stage()


def find(link: Link) -> Experiment | None:
    """The claim that the address names, or None; one that there is not is told."""
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


def show_table(link: Link) -> None:
    """All claims; a click opens one."""
    with st.spinner("Reading the claims …"):
        from otviz.experiments import experiments

        known = experiments()
    st.markdown(
        "Claims are measured here over seeds and judged part by part, each with its effect and a 95 % interval. **Click a row** to see the "
        "numbers, what the paper reports beside them, and to run it again."
    )
    left, right = st.columns(2, gap="small")
    with left:
        paper = controls.choice(link, "paper", PAPERS, default="", label="Paper")
    with right:
        verdict = controls.choice(link, "verdict", {"": "All verdicts", **VERDICTS}, default="", label="Verdict")
    rows = [_row(cls()) for cls in known.values() if paper in ("", cls.paper)]
    shown = [row for row in rows if verdict in ("", row["verdict"])]
    if not shown:
        st.info("No claim has this verdict; choose another paper or verdict.")
        return
    event = st.dataframe(
        shown, key=f"claims:{paper}:{verdict}", hide_index=True, width="stretch",
        height=min(36 * len(shown) + 40, 640),
        on_select="rerun", selection_mode="single-row", column_config=_COLUMNS,
    )  # fmt: skip
    reading.how("experiments/table")
    st.caption("  \n".join(_counts([cls() for cls in known.values() if paper in ("", cls.paper)], rows)))
    chosen = event["selection"]["rows"]
    if chosen and chosen[0] < len(shown):
        link.go({"claim": str(shown[chosen[0]]["id"])})


def _row(each: Experiment) -> dict[str, Any]:
    result, _ = result_of(each.name, own=False)
    verdict = _verdict(each, result)
    seeds = ""
    if verdict is not None and result is not None:
        seeds = f"{len(result.outcomes) - len(verdict.seeds_that_disagree)} of {len(result.outcomes)}"
    return {
        "id": each.name, "paper": each.paper, "where": each.place, "claim": each.title,
        "verdict": NOT_RUN if verdict is None else verdict.word, "seeds": seeds,
    }  # fmt: skip


def _counts(shown: list[Experiment], rows: list[dict[str, Any]]) -> list[str]:
    """How many claims got which word: identities and formulas, trainings, and those not run."""
    from otviz.experiments.report import counted

    words = {row["id"]: row["verdict"] for row in rows}
    return [
        f"{counts.total()} {kind}: {', '.join(f'{counts[word]} {word}' for word in VERDICTS if counts[word])}."
        for kind, counts in counted(shown, words).items() if counts.total()
    ]  # fmt: skip


def result_of(name: str, own: bool = True) -> tuple[Result | None, str]:
    """The result to show and whose it is: what ran here if there is any and it is asked for, else what is shipped."""
    from otviz.experiments.results import SHIPPED, read
    from otviz.experiments.running import experiments_folder

    problems = []
    for folder, whose in ((experiments_folder() / "results", "run here"), (SHIPPED, "shipped with otviz"))[
        0 if own else 1 :
    ]:
        try:
            found = read(name, folder)
        except ValueError as error:
            problems.append(str(error))
            continue
        if found is not None:
            return found, whose
    return None, "; ".join(problems)


def _verdict(each: Experiment, result: Result | None) -> Any:
    from otviz.experiments.report import verdict_of

    return verdict_of(each, result)


def show_claim(link: Link, each: Experiment) -> None:
    """The claim, its verdict and rule, where to see it live, and running it again."""
    from otviz.experiments import PAPERS as TITLES

    if st.button("All claims", icon=":material/arrow_back:"):
        link.go({})
    st.markdown(f"#### {plain(each.title)}")
    st.caption(f"{plain(each.name)} · papers/{each.paper}, {plain(TITLES[each.paper])} · {plain(each.place)}")
    st.markdown(plain(each.claim))
    if each.formula:
        st.latex(r"\begin{gathered}" + r" \\[3pt] ".join(each.formula) + r"\end{gathered}")
    result, whose = result_of(each.name)
    verdict = _verdict(each, result)
    if verdict is None:
        st.info(f"Not run yet. {plain(whose)}".strip())
    else:
        st.markdown(f"**{plain(verdict.word.capitalize())}.** {plain(verdict.sentence)}")
        _show_parts(verdict)
        st.caption(plain(verdict.rule))
    if each.how:
        st.markdown(f":small[{plain(each.how)}]")
    if result is not None:
        machine = f"{result.machine.get('cores')} cores, {result.machine.get('processor')}"
        st.caption(plain(
            f"{len(result.outcomes)} seeds, {whose}, {result.seconds:.0f} s on {machine}, otviz {result.otviz}."
        ))  # fmt: skip
    with st.container(horizontal=True):
        _offer_live(each)
    if each.cost != "reference":
        stage = _stage()
        st.fragment(_rerun, run_every=POLL if stage.working else None)(stage, each, stage.working)


def _show_parts(verdict: Verdict) -> None:
    """What the seeds say of each part of the claim."""
    from otviz.experiments.report import part

    lines = [f"- **{plain(each.word)}**: {plain(part(each))}: {plain(each.evidence)}" for each in verdict.findings]
    if lines:
        st.markdown("\n".join(lines))


def _offer_live(each: Experiment) -> None:
    page, _, query = each.live.partition("?")
    card = next((card for card in frame.cards() if card.name == page), None)
    if card is not None:
        values = dict(urllib.parse.parse_qsl(query))
        st.page_link(card.path, label=f"See it live: {card.title}", icon=":material/play_circle:", query_params=values)


def _rerun(stage: Stage, each: Experiment, drawn_working: bool) -> None:
    """The button that runs it, or how far it is."""
    running = stage.running
    if running is not None and stage.working:
        done = len(running.done)
        left = running.seconds_left
        when = "the first takes a while" if left is None else f"{in_words(left)} left"
        st.progress(done / max(1, running.total), text=plain(f"{stage.name}: {done} of {running.total} seeds are done, {when}"))  # fmt: skip
        st.button("Cancel", on_click=stage.end, help="Seeds that are done are kept; you can go on later")
        return
    if drawn_working:
        st.rerun()
    if running is not None and running.error:
        st.error(plain(f"Not all seeds could be measured: {shorten(running.error, 300)}."))
    if running is not None and each.name in running.unmeasured:
        st.info(plain(f"{running.unmeasured[each.name].capitalize()}."))
    takes = "some seconds" if each.cost == "seconds" else "some minutes: it trains"
    if st.button("Run it again here", type="primary", help=f"{SEEDS} seeds on all cores; {takes}"):
        try:
            stage.play(each)
        except (OSError, ValueError) as error:
            st.error(plain(f"It could not begin: {error}."))
            return
        st.rerun()


def show_numbers(each: Experiment) -> None:
    """Reported beside measured, as a table and as a picture."""
    from otviz.experiments.report import measured, reported

    result, _ = result_of(each.name)
    outcomes = () if result is None else result.outcomes
    rows = [
        {"quantity": n.what, "reported": reported(n), "measured": measured(each, outcomes, n)} for n in each.numbers
    ]  # fmt: skip
    columns = {
        "quantity": st.column_config.TextColumn(width=380),
        "measured": st.column_config.TextColumn(help=f"Mean ± standard deviation over {len(outcomes)} seeds"),
    }
    if rows:
        st.dataframe(rows, key=f"numbers:{each.name}", hide_index=True, width="stretch", column_config=columns)
        _explain_sources(each)
    if rows and not outcomes and each.cost != "reference":
        st.caption(
            "Nothing is measured yet: run it here, or with the command `python -m otviz experiment " + each.name + "`."
        )
    if outcomes:
        from otviz.figures.claim import claim_figure, text_alternative

        reading.how("experiments/claim")
        st.plotly_chart(
            claim_figure(each, outcomes),
            key=f"claim:{each.name}",
            width="stretch",
            alt=text_alternative(each, outcomes),
        )


def _explain_sources(each: Experiment) -> None:
    from otviz.experiments import SOURCES

    used = {number.source for number in each.numbers if number.reported and number.source != "paper"}
    told = "; ".join(f"[{word}] {SOURCES[word]}" for word in SOURCES if word in used)
    if told:
        st.caption(plain(f"Reported numbers without a mark are printed in the paper. {told}."))
