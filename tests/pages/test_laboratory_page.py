"""The laboratory's sections without a browser: short runs, runs before their first step, unsuitable methods, invalid input."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from otviz.data.distributions.ring import Ring
from otviz.methods import named
from otviz.runs.config import RunConfig
from otviz.runs.run import Run
from otviz.runs.scheduling import Slots
from pages._ui.train.laboratory_view import titles
from tests.waiting import PATIENCE

RING = Ring(radius=2.0, std=0.1)
KNOBS = {"hidden": 8, "layers": 1, "batch_size": 32}


def config(name: str, seed: int = 0, **knobs: object) -> RunConfig:
    return RunConfig(named(name)(**{**KNOBS, **knobs}), RING, steps=20, seed=seed)


@pytest.fixture(scope="module")
def done() -> dict[str, Run]:
    """A short run of some methods, and one before its first step."""
    slots = Slots(8)
    names = ("uotm-sd", "otm", "ot-gan", "sinkhorn", "uotm-typed")
    found = {name: Run(f"laboratory-{name}", config(name), slots).start() for name in names}
    assert all(run.wait(PATIENCE) and run.status == "done" for run in found.values())
    found["queued"] = Run("laboratory-queued", config("uotm"))
    found["queued-ot-gan"] = Run("laboratory-queued-ot-gan", config("ot-gan"))
    return found


def page(section: str, shown: list) -> None:
    from pages._ui.shell import links
    from pages._ui.train import exactness_view, laboratory_view

    link = links.open_link("laboratory")
    if section == "show_convergence":
        exactness_view.show_convergence(shown, [run.config.method.title for run in shown])
        return
    module = exactness_view if section in ("show_exact", "show_matchings") else laboratory_view
    getattr(module, section)(link, shown)
    link.publish()


def drawn(section: str, runs: list[Run], **query: str) -> AppTest:
    app = AppTest.from_function(page, kwargs={"section": section, "shown": runs}, default_timeout=PATIENCE)
    for key, text in query.items():
        app.query_params[key.replace("__", ".")] = text
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    return " ".join(part.value for part in (*app.markdown, *app.caption, *app.warning, *app.error)).replace("\\", "")


def charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


SECTIONS = ("show_convex", "show_sample_weights", "show_exact", "show_matchings")


@pytest.mark.parametrize("section", SECTIONS)
def test_nothing_to_show_is_a_sentence(section: str, done: dict[str, Run]) -> None:
    for runs in ([], [done["queued"], done["queued-ot-gan"]]):
        app = drawn(section, runs)
        assert charts(app) == (section == "show_convex")  # curves need no training
        assert words(app)
        assert not app.error


@pytest.mark.parametrize(
    ("section", "name", "sentence"),
    [
        ("show_sample_weights", "sinkhorn", "Only the methods from WGAN to UOTM-SD"),
        ("show_matchings", "otm", "Only OT-GAN matches minibatches"),
        ("show_convex", "ot-gan", "None of the runs has convex functions"),
    ],
)
def test_a_method_that_does_not_fit_is_told(section: str, name: str, sentence: str, done: dict[str, Run]) -> None:
    assert sentence in words(drawn(section, [done[name]]))


class TestConvex:
    def test_curves_of_the_runs_with_formulas(self, done: dict[str, Run]) -> None:
        app = drawn("show_convex", [done["uotm-sd"], done["otm"], done["uotm-typed"]])
        assert charts(app) == 1
        assert "Softplus: g₁ and g₂ of UOTM-SD" in words(app)
        assert "identity, for every α: OTM" in words(app)
        assert len(app.latex) == 2
        assert not app.error

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("log(x)", "log of a negative number at x = -0.01"),
            ("exp(x)", "g(0) must be 0; it is 1: subtract 1"),
            ("-x**2 + x", "g must not decrease"),
            ("open('x')", "leave out 'open'"),
        ],
    )
    def test_a_typed_g_that_cannot_be_used_says_why(self, text: str, reason: str, done: dict[str, Run]) -> None:
        app = drawn("show_convex", [done["otm"]])
        app.text_input[0].input(text).run()
        assert not app.exception
        assert reason in app.error[0].value.replace("\\", "")
        assert charts(app) == 1

    def test_a_typed_g_is_drawn_and_kept_in_the_link(self, done: dict[str, Run]) -> None:
        app = drawn("show_convex", [done["otm"]], g__own="exp(x) - 1", g__alpha="0.5")
        assert not app.error
        assert r"g^\alpha(x) = \alpha\left(e^{\tfrac{x}{\alpha}} - 1\right)" in app.latex[-1].value
        assert app.query_params["g.own"] in ("exp(x) - 1", ["exp(x) - 1"])


class TestSampleWeights:
    def test_one_bent_and_one_exact_by_themselves(self, done: dict[str, Run]) -> None:
        app = drawn("show_sample_weights", [done["otm"], done["sinkhorn"], done["uotm-sd"]])
        assert [box.value for box in app.selectbox] == ["1", "0"]
        assert charts(app) == 2
        assert "1000 points of each" in words(app)

    def test_one_alone(self, done: dict[str, Run]) -> None:
        assert charts(drawn("show_sample_weights", [done["uotm-sd"]])) == 1


class TestExact:
    def test_costs_bound_and_rates(self, done: dict[str, Run]) -> None:
        app = drawn("show_exact", [done["uotm-sd"], done["otm"]])
        assert app.metric[0].label == "Cost of the map"
        assert len(app.metric) == 4
        assert "τ W2²" in app.metric[3].delta
        assert charts(app) == 2
        assert "is a squared length and not bounded by this" in words(app)

    def test_exact_marginals_and_other_methods_have_no_bound(self, done: dict[str, Run]) -> None:
        assert len(drawn("show_exact", [done["otm"]]).metric) == 3
        app = drawn("show_exact", [done["ot-gan"]])
        assert len(app.metric) == 3
        assert charts(app) == 1


class TestMatchings:
    def test_matrices_lines_and_entropy(self, done: dict[str, Run]) -> None:
        app = drawn("show_matchings", [done["ot-gan"], done["otm"]])
        assert charts(app) == 3
        assert "32 points in each minibatch" in words(app)
        assert "of 32" in words(app)

    def test_a_matching_that_has_not_converged_says_so(self, done: dict[str, Run]) -> None:
        app = drawn("show_convergence", [done["ot-gan"], done["otm"], done["queued-ot-gan"]])
        assert len(app.warning) == 1
        assert "OT-GAN: The matching has not converged: after 10 normalisations" in words(app)

    def test_another_epsilon_and_pair_by_link(self, done: dict[str, Run]) -> None:
        app = drawn("show_matchings", [done["ot-gan"]], match__epsilon="1.0", pair="5")
        assert "the run has 0.02" in words(app)
        assert "W(Y, Y′)" in words(app)


def tau_page() -> None:
    from otviz.data.distributions.gaussian import Gaussian
    from otviz.data.distributions.ring import Ring
    from otviz.methods import named
    from pages._ui.shell import links
    from pages._ui.train import laboratory_view

    link = links.open_link("laboratory")
    chosen = [named("wgan")(), named("otm")(), named("uotm-sd")(), named("uotm-kl")(tau=10.0)]
    laboratory_view.show_tau(link, chosen, Ring(radius=2.0, std=0.1), Gaussian())
    laboratory_view.show_tau(link, [named("sinkhorn")()], Ring(), Gaussian())


def test_tau_before_training() -> None:
    app = AppTest.from_function(tau_page, default_timeout=PATIENCE).run()
    assert not app.exception
    table = app.dataframe[0].value
    assert list(table["method"]) == ["OTM", "UOTM-SD, start of α", "UOTM-SD, end of α", "UOTM (KL)"]
    assert table["mass kept"][0] == 1
    assert table["mass kept"][1] < table["mass kept"][2] < 1
    assert table["inward bias (length)"][3] > table["inward bias (length)"][1] > 0
    assert "UOTM (KL): tau = 10 is above the useful range for this data" in words(app)
    assert len(app.warning) == 1  # UOTM-SD begins above the range and comes through it
    assert "None of these methods has a cost" in words(app)


def test_runs_are_told_apart() -> None:
    runs = [Run(str(i), c) for i, c in enumerate((config("otm"), config("uotm"), config("otm", tau=0.5)))]
    assert titles(runs) == ["OTM, τ = 0.05", "UOTM", "OTM, τ = 0.5"]
    assert titles([Run("a", config("otm")), Run("b", config("otm", seed=1))]) == ["OTM, seed 0", "OTM, seed 1"]
    assert titles([Run("a", config("otm")), Run("b", config("otm"))]) == ["OTM (1)", "OTM (2)"]
