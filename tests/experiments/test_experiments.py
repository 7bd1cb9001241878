"""The contract of every experiment; verdicts, results, journals and the command."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from scipy import stats

from otviz.cli.main import main
from otviz.content.bibliography import BIBLIOGRAPHY
from otviz.experiments import (
    SOURCES,
    Effect,
    Experiment,
    Number,
    Outcome,
    Part,
    experiments,
    named,
    number_of,
)
from otviz.experiments.claim_summaries import expected_seconds, in_words, seeds_in_words
from otviz.experiments.claims.clouds import notebook_clouds
from otviz.experiments.evidence import interval, wilson
from otviz.experiments.experiment_job import ExperimentJob, answers, measure_seed
from otviz.experiments.report import DOCUMENT, document, verdict_of
from otviz.experiments.results import FORMAT, SHIPPED, Result, read, write
from otviz.ot.notebook_cost import notebook_points
from otviz.training.compare import presets
from tests.waiting import PATIENCE

ALL = experiments()
FREE = [name for name, cls in ALL.items() if cls.cost == "seconds"]
REFERENCE = [name for name, cls in ALL.items() if cls.cost == "reference"]
TRAINED = [name for name, cls in ALL.items() if cls.cost == "minutes"]
PAGES = ("transport", "train", "compare", "images", "gallery")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    return tmp_path


class Coin(Experiment):
    """Made up: seeds fall on one side or the other."""

    paper: ClassVar[str] = "fuge"
    numbers = (Number("side", "side of the coin", "0.5"),)
    parts = (
        Part("it shows heads", lambda got: got["side"] == 1),
        Part("it lands", lambda got: True),
        Part("it is a coin", lambda got: got["side"] == 0, instead=True),
    )
    cost = "seconds"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        return {"side": seed % 2}


def tossed(*sides: int) -> list[Outcome]:
    return [Outcome(seed, {"side": side}, 0.1) for seed, side in enumerate(sides)]


@pytest.mark.parametrize("name", ALL)
def test_its_fields_are_filled(name: str) -> None:
    each = ALL[name]
    assert re.fullmatch(r"[a-z0-9-]+", name)
    assert each.title
    assert each.paper in BIBLIOGRAPHY
    assert each.place
    assert each.claim.endswith(".")
    assert each.claim.count(". ") == 0, "one sentence"
    assert not re.search(
        r"\bL\d|papers/|\b[nour]\d+\b", f"{each.title} {each.place} {each.claim} {each.how} {each.reason}"
    )
    assert all(number.what and number.source in SOURCES for number in each.numbers)
    assert (each.cost == "reference") == bool(each.reason)
    if each.cost == "reference":
        assert all(number.reported and not number.key for number in each.numbers)
    else:
        assert each.parts
        assert not each.parts[0].instead
        assert each.numbers
        assert each.formula
        assert each.how.endswith(".")
        assert each.summary_template.endswith(".")
        assert each.chart is not None


def test_only_trainings_of_an_hour_a_seed_have_fewer_than_5_seeds() -> None:
    assert {name: cls.seeds for name, cls in ALL.items() if cls.seeds != 5} == {
        "cost-and-recall-on-images": 3, "batches-on-cifar10": 2,
    }  # fmt: skip


@pytest.mark.parametrize("name", [name for name in ALL if ALL[name].live])
def test_its_live_page_exists(name: str) -> None:
    page, _, query = ALL[name].live.partition("?")
    assert page in PAGES
    if "preset=" in query and page == "compare":
        assert query.partition("preset=")[2].partition("&")[0] in presets()


@pytest.mark.parametrize("name", FREE)
def test_a_quick_run_is_finite_and_repeatable(name: str) -> None:
    first, second = measure_seed(name, 0, True), measure_seed(name, 0, True)
    assert first.values == second.values
    keys = [number.key for number in ALL[name].numbers if number.key]
    assert set(keys) <= set(first.values)
    assert all(math.isfinite(value) for value in first.values.values() if not isinstance(value, str))
    assert json.loads(json.dumps(first.record()))["values"] == first.values
    assert verdict_of(ALL[name](), None) is None
    assert ALL[name]().judge([first, second]).sentence


def test_the_seed_matters() -> None:
    assert measure_seed("blur-range", 0, True).values != measure_seed("blur-range", 1, True).values


@pytest.mark.parametrize("name", REFERENCE)
def test_what_is_reference_only_says_why_and_does_not_run(name: str) -> None:
    verdict = ALL[name]().judge(())
    assert verdict.word == "reference only"
    assert ALL[name].reason in verdict.sentence
    with pytest.raises(ValueError, match="cannot be run here"):
        ALL[name]().measure(0, True)


@pytest.mark.parametrize(
    ("sides", "word", "against"),
    [
        ((1, 1, 1), "holds", ()),
        ((1, 0, 1), "holds in part", (1,)),
        ((0, 1), "holds in part", (0,)),
        ((0, 0, 1), "does not hold here", (0, 1)),
    ],
)
def test_verdicts_on_made_up_outcomes(sides: tuple[int, ...], word: str, against: tuple[int, ...]) -> None:
    verdict = Coin().judge(tossed(*sides))
    assert verdict.word == word
    assert verdict.seeds_that_disagree == against
    heads, lands, instead = verdict.findings
    assert instead.instead
    assert instead.against == tuple(seed for seed in range(len(sides)) if sides[seed])
    assert all(str(seed) in heads.evidence for seed in against)
    assert f"of {len(sides)} seeds" in heads.evidence
    assert lands.word == "holds"
    assert f"with {len(sides)} seeds" in verdict.sentence
    assert verdict.rule


class Race(Experiment):
    """Made up: two trainings whose distances from the data differ by chance."""

    paper: ClassVar[str] = "fuge"
    numbers = (Number("ours", "ours (length)"), Number("theirs", "theirs (length)"))
    parts = (
        Effect(
            "ours is nearer",
            "difference of W2 (length)",
            lambda got: number_of(got, "theirs") - number_of(got, "ours"),
            low=0,
        ),
        Effect(
            "by half", "ratio of W2", lambda got: number_of(got, "theirs") / number_of(got, "ours"), low=1.5, ratio=True
        ),
        Part("ours is below 1", lambda got: number_of(got, "ours") < 1),
    )
    cost = "minutes"

    def measure(self, seed: int, quick: bool) -> dict[str, float | int | str]:
        return {}


def raced(*pairs: tuple[float, float]) -> list[Outcome]:
    return [Outcome(seed, {"ours": ours, "theirs": theirs}, 0.1) for seed, (ours, theirs) in enumerate(pairs)]


@pytest.mark.parametrize(
    ("pairs", "word", "words"),
    [
        (((0.3, 0.6), (0.4, 0.9), (0.3, 0.7), (0.4, 0.8), (0.3, 0.6)), "holds", ["holds"] * 3),
        (((0.3, 0.4), (0.4, 0.5), (0.3, 0.41), (0.4, 0.49), (0.3, 0.4)), "holds in part", ["holds", "fails", "holds"]),
        (((0.3, 0.4), (0.4, 0.3), (0.35, 0.3), (0.3, 0.34), (0.4, 0.4)), "cannot be told", ["cannot be told", "fails", "holds"]),
        (((0.6, 0.3), (0.9, 0.4), (0.7, 0.3), (1.8, 0.4), (0.6, 0.3)), "does not hold here", ["fails", "fails", "cannot be told"]),
    ],
)  # fmt: skip
def test_trainings_are_judged_by_intervals_over_seeds(
    pairs: tuple[tuple[float, float], ...], word: str, words: list[str]
) -> None:
    verdict = Race().judge(raced(*pairs))
    assert [each.word for each in verdict.findings] == words
    assert verdict.word == word
    low, high = stats.ttest_1samp([theirs - ours for ours, theirs in pairs], 0).confidence_interval(0.95)
    told = f"95 % interval {low:.3g} to {high:.3g} over 5 seeds; claimed: above 0"
    assert told.replace("-", "−") in verdict.findings[0].evidence


def test_a_training_with_no_finite_number_is_counted_against_the_claim() -> None:
    outcomes = raced((0.3, 0.6), (0.4, 0.9), (0.3, 0.7), (0.4, 0.8))
    outcomes.append(Outcome(4, {"ours": 0.3}, 0.1))
    finding = Race().judge(outcomes).findings[0]
    assert finding.word == "cannot be told"
    assert finding.against == (4,)
    assert "4 of 5 seeds; seed 4 failed" in finding.evidence
    nothing = Race().judge([Outcome(seed, {"ours": 0.3}, 0.1) for seed in range(5)]).findings[0]
    assert (nothing.word, nothing.evidence) == ("cannot be told", "difference of W2 (length): no seed measured it")


@pytest.mark.parametrize(("agree", "n"), [(5, 5), (4, 5), (0, 5), (2, 3)])
def test_the_share_of_seeds_has_wilsons_interval(agree: int, n: int) -> None:
    due = stats.binomtest(agree, n).proportion_ci(0.95, "wilson")
    assert wilson(agree, n) == pytest.approx((due.low, due.high), abs=1e-6)


def test_a_mean_of_ratios_is_the_geometric_one() -> None:
    mean, (low, high) = interval([0.5, 2.0, 1.0], ratio=True)
    due = stats.ttest_1samp(np.log([0.5, 2.0, 1.0]), 0).confidence_interval(0.95)
    assert mean == pytest.approx(1)
    assert (low, high) == pytest.approx((math.exp(due.low), math.exp(due.high)))


def test_a_part_that_few_seeds_measure_is_judged_on_those() -> None:
    part = Part("the notebook's own draw agrees", lambda got: got["side"] == 1 if "side" in got else None)
    finding = part.found([Outcome(0, {"side": 1}, 0.1), Outcome(1, {}, 0.1)], chance=False)
    assert (finding.word, finding.evidence) == ("holds", "1 of 1 seed")


def test_a_result_that_lacks_what_the_claim_rests_on_is_not_judged() -> None:
    made = Result("race", False, tuple(raced((0.3, 0.6), (0.4, 0.9))), "0.1.0", {}, {})
    assert verdict_of(Race(), made) is not None
    older = [Outcome(each.seed, {"ours": each.values["ours"]}, 0.1) for each in made.outcomes]
    assert verdict_of(Race(), dataclasses.replace(made, outcomes=tuple(older))) is None


def test_the_document_counts_formulas_and_trainings_apart(tmp_path: Path) -> None:
    write(result(), tmp_path)
    text = document(tmp_path)
    formulas, trainings = len(FREE), len(TRAINED)
    assert f"- {formulas} identities and formulas: {formulas - 1} not run yet, 1 holds." in text
    assert f"- {trainings} trainings: {trainings} not run yet." in text


def test_nothing_is_judged_that_was_not_run() -> None:
    with pytest.raises(ValueError, match="run it first"):
        Coin().judge(())


class Told(Race):
    """Made up: the race with a sentence on it."""

    summary_template = "Ours ends at {ours} ({ours:range}; {ours:each}), or {ours:percent} of 1; the gap is {part 1}."


def test_the_sentence_of_a_claim_holds_the_numbers_of_its_seeds() -> None:
    outcomes = raced((0.3, 0.6), (0.4, 0.9), (0.5, 0.7))
    verdict = Told().judge(outcomes)
    low, high = stats.ttest_1samp([0.3, 0.5, 0.2], 0).confidence_interval(0.95)
    due = f"Ours ends at 0.4 (0.3 to 0.5; 0.3, 0.4, 0.5), or 40\u00a0% of 1; the gap is 0.333 (95 % interval {low:.3g} to {high:.3g})."
    assert in_words(Told(), outcomes, verdict) == due.replace("-", "−")
    with pytest.raises(KeyError):
        in_words(Told(), [Outcome(0, {}, 0.1)], verdict)


@pytest.mark.parametrize(
    ("sides", "words"),
    [
        ((1, 1), "All 2 seeds agree with the main part."),
        ((1, 0, 1), "Seed 1 of 3 disagrees with the main part."),
        ((0, 1, 0), "Seeds 0 and 2 of 3 disagree with the main part."),
        ((0, 0), "None of 2 seeds agrees with the main part."),
    ],
)
def test_seeds_that_disagree_are_named(sides: tuple[int, ...], words: str) -> None:
    assert seeds_in_words(Coin().judge(tossed(*sides))) == words


@pytest.mark.parametrize("name", sorted(set(ALL) - set(REFERENCE)))
def test_every_shipped_result_is_said_in_words(name: str) -> None:
    found = read(name)
    assert found is not None
    verdict = ALL[name]().judge(found.outcomes)
    told = in_words(ALL[name](), found.outcomes, verdict)
    assert re.search(r"\d", told)
    assert "{" not in told
    assert "nan" not in told


def test_what_is_expected_to_take_how_long() -> None:
    made = Result("race", False, tuple(raced((1, 2), (3, 4))), "0.1.0", {}, {})
    assert expected_seconds(Race(), made, seeds=5, cores=2) == pytest.approx(0.3)  # 0.1 s a seed, three turns
    assert expected_seconds(Race(), None, seeds=5, cores=2) is None
    longer = expected_seconds(named("tau-sensitivity"), read("tau-sensitivity"), seeds=5, cores=5)
    assert longer == pytest.approx(3 * 7 * 5000 / 150)  # trainings of other claims are not counted as kept


def test_a_summary_is_mean_and_spread() -> None:
    mean, spread = Coin().summary(tossed(0, 1, 1, 1), "side")
    assert (mean, spread) == pytest.approx((np.mean([0, 1, 1, 1]), np.std([0, 1, 1, 1], ddof=1)))
    assert Coin().summary([Outcome(0, {"side": "edge"}, 0.1)] * 2, "side") == "edge"
    assert math.isnan(float(Coin().summary(tossed(1), "other")[0]))


def test_seed_0_is_the_notebooks_own_draw() -> None:
    source, target = notebook_points()
    x, y, _ = notebook_clouds(0)
    assert np.array_equal(x.numpy(), source)
    assert np.array_equal(y.numpy(), target)


def result(name: str = "convex-functions", seeds: int = 2, quick: bool = False) -> Result:
    outcomes = tuple(measure_seed(name, seed, True) for seed in range(seeds))
    return Result(name, quick, outcomes, "0.1.0", {"python": "3"}, {"cores": 2, "processor": "a fast one"})


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    made = result()
    write(made, tmp_path)
    assert read("convex-functions", tmp_path) == Result(
        made.experiment, made.quick, tuple(Outcome(o.seed, o.values, round(o.seconds, 3)) for o in made.outcomes),
        made.otviz, made.versions, made.machine,
    )  # fmt: skip
    assert read("ring-target", tmp_path) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (json.dumps({"format": FORMAT + 1}), f"format in convex-functions.json must be .* {FORMAT}; got {FORMAT + 1}"),
        (json.dumps({"format": FORMAT}), "must be an object with experiment"),
        ("[]", "must be an object; got a list"),
        ("{", "is not valid JSON"),
    ],
)
def test_a_results_file_that_cannot_be_used_is_told(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "convex-functions.json").write_text(text)
    with pytest.raises(ValueError, match=sentence) as error:
        read("convex-functions", tmp_path)
    assert "run the experiment again" in str(error.value)


@pytest.mark.parametrize("name", [path.stem for path in sorted(SHIPPED.glob("*.json"))])
def test_shipped_results_are_of_full_runs_with_all_seeds(name: str) -> None:
    found = read(name)
    assert found is not None
    assert not found.quick
    assert [outcome.seed for outcome in found.outcomes] == list(range(len(found.outcomes)))
    each = named(name)
    assert len(found.outcomes) >= each.seeds
    assert {number.key for number in each.numbers if number.key} <= set(found.outcomes[0].values)
    assert verdict_of(each, found) is not None


def test_a_quick_result_is_no_basis_for_a_verdict() -> None:
    assert verdict_of(named("convex-functions"), result(quick=True)) is None


def test_the_document_is_that_of_the_results() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run python -m otviz.experiments.report"


def test_the_document_has_every_claim_and_what_is_not_yet_there(tmp_path: Path) -> None:
    write(result(), tmp_path)
    text = document(tmp_path)
    for name, cls in ALL.items():
        assert f"[{cls.title}](#{name})" in text
        assert f'<a id="{name}"></a>' in text
    assert "not run yet" in text
    assert "reference only" in text
    assert "[memory]" in text
    assert "from memory, not looked up" in text


def test_runs_go_on_from_their_journal(home: Path, tmp_path: Path) -> None:
    journal = home / "experiments" / "convex-functions-quick.jsonl"
    journal.parent.mkdir()
    kept = {
        "otviz": "0.1.0",
        **Outcome(0, {**measure_seed("convex-functions", 0, True).values, "sp_1": 99.0}, 0.1).record(),
    }
    journal.write_text(json.dumps(kept) + '\n{"seed": 1, "val')
    running = ExperimentJob(
        [named("convex-functions"), named("inception-scores")], seeds=2, quick=True, workers=1, folder=tmp_path / "out"
    )
    assert running.wait(PATIENCE)
    assert not running.error
    assert list(running.outcomes) == [("convex-functions", 0), ("convex-functions", 1)]
    found = read("convex-functions", tmp_path / "out")
    assert found is not None
    assert [outcome.values["sp_1"] == 99.0 for outcome in found.outcomes] == [True, False]
    assert not journal.exists()


def test_a_worker_tells_what_goes_wrong() -> None:
    with pytest.raises(ValueError, match="nobody, seed 0: there is no experiment"):
        list(answers({"experiment": "nobody", "seed": 0, "quick": True}, {}))
    (told,) = answers({"experiment": "convex-functions", "seed": 0, "quick": True}, {})
    assert told[0]["index"] == 0


@pytest.mark.parametrize(("seeds", "workers"), [(0, 1), (101, 1), (5, -1)])
def test_numbers_out_of_range_are_told(seeds: int, workers: int) -> None:
    with pytest.raises(ValueError, match="must be from 1 to 100"):
        ExperimentJob([named("convex-functions")], seeds=seeds, workers=workers)


class TestCommand:
    @pytest.fixture(autouse=True)
    def _here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Seeds are measured in this process."""

        class Here:
            def __init__(self, *_: object) -> None:
                pass

            def ask(self, task: dict[str, Any]) -> Iterator[Any]:
                yield from answers(task, {})

            def end(self) -> None:
                pass

        monkeypatch.setattr("otviz.experiments.jobs.worker_pool.Worker", Here)

    def test_it_prints_a_verdict(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        assert main(["experiment", "convex-functions", "--seeds", "2", "--workers", "1", "--out", str(tmp_path)]) == 0
        out = capsys.readouterr().out
        assert "HOLDS" in out
        assert "4 of 4 parts hold, with 2 seeds" in out
        assert "- holds: the identity is not bounded: 2 of 2 seeds" in out
        assert (tmp_path / "convex-functions.json").exists()

    def test_as_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["experiment", "sample-weights", "--seeds", "1", "--quick", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)["sample-weights"]
        assert told["verdict"] == "not judged"
        assert told["parts"] == []
        assert told["quick"] is True
        assert told["numbers"][1]["measured"][0] == pytest.approx(2, abs=1e-6)
        assert told["numbers"][1]["n"] == 1
        assert told["numbers"][1]["reported"] == "2"
        assert told["numbers"][1]["source"] == "derived"

    def test_a_quick_run_prints_what_it_measured(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["experiment", "convex-functions", "--seeds", "2", "--quick"]) == 0
        out = capsys.readouterr().out
        assert "HOLDS" not in out
        assert "- SP(1): 1.24 (n = 2)" in out
        assert "- lower bound of SP: −1.386 (n = 2)" in out

    def test_an_unknown_id_suggests_the_nearest(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["experiment", "p1-distanc"]) == 2
        assert "did you mean p1-distance" in capsys.readouterr().err

    def test_list_has_them(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["list", "--json"]) == 0
        assert set(json.loads(capsys.readouterr().out)["experiments"]) == set(ALL)
