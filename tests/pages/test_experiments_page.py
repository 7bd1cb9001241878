"""The page of claims without a browser: the table, one claim, links good and bad, and running one again."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from asking import address, words
from streamlit.testing.v1 import AppTest

from otviz.experiments import experiments
from otviz.experiments.results import read, result_of, write
from otviz.experiments.running import run_here
from pages._ui import experimenting
from tests.waiting import PATIENCE


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    return tmp_path


def script() -> None:
    from pages._ui import experimenting, links

    link = links.open_link("experiments")
    claim = experimenting.find(link)
    if claim is None:
        experimenting.show_table(link)
    else:
        experimenting.show_claim(link, claim)
        experimenting.show_numbers(claim)
    link.publish({"claim": "" if claim is None else claim.name})


def opened(**query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=PATIENCE)
    for key, text in query.items():
        app.query_params[key] = text
    app.run()
    assert not app.exception
    return app


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


@pytest.fixture(autouse=True)
def _no_page_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one page in these tests, which cannot link to others."""
    monkeypatch.setattr(experimenting, "_offer_live", lambda each: None)


def test_all_claims_are_in_the_table() -> None:
    app = opened()
    assert address(app) == {}
    assert list(app.dataframe[0].value["id"]) == list(experiments())


def test_formulas_and_trainings_are_counted_apart() -> None:
    costs = [cls.cost for cls in experiments().values()]
    text = words(opened())
    assert f"{costs.count('seconds')} identities and formulas: " in text
    assert f"{costs.count('minutes')} trainings: " in text
    assert f"{costs.count('reference')} only reported: {costs.count('reference')} reference only." in text


def test_filters_go_into_the_link() -> None:
    app = opened(paper="000", verdict="does not hold here")
    assert set(app.dataframe[0].value["paper"]) == {"000"}
    assert set(app.dataframe[0].value["verdict"]) == {"does not hold here"}
    assert address(app) == {"paper": "000", "verdict": "does not hold here"}
    app.selectbox[1].select("reference only").run()
    assert not app.exception
    assert "No claim has this verdict" in words(app)


def test_a_claim_opens_from_its_link() -> None:
    app = opened(claim="u2")
    assert address(app) == {"claim": "u2"}
    text = words(app).replace("\\", "")
    assert experiments()["u2"].title in text
    assert "Holds." in text
    assert "It holds if every part does" in text
    for each in experiments()["u2"].parts:
        assert f"- **holds**: {each.says}: 5 of 5 seeds" in text
    table = app.dataframe[0].value
    assert table["reported"][0] == "1.2402 [computed]"
    assert table["measured"][0].startswith("1.24")
    assert labels(app) == ["All claims", "Run it again here"]
    app.button[0].click().run()
    assert not app.exception
    assert address(app) == {}
    assert len(app.dataframe[0].value) == len(experiments())


def test_a_reference_says_why_and_has_no_button_to_run() -> None:
    app = opened(claim="o8")
    assert labels(app) == ["All claims"]
    assert "Not run here" in words(app)
    assert "from memory" in words(app)


@pytest.mark.parametrize("name", ["u222", "<script>", "n12-manhatan"])
def test_a_claim_that_there_is_not_is_told(name: str) -> None:
    app = opened(claim=name)
    assert "there is no experiment" in words(app).replace("\\", "")
    assert len(app.dataframe[0].value) == len(experiments())


def test_what_ran_here_comes_first(home: Path) -> None:
    write(result_of("u2", [run_here("u2", seed, False) for seed in (0, 1)], False), home / "experiments" / "results")
    assert "2 seeds, run here" in words(opened(claim="u2")).replace("\\", "")


def test_a_result_of_another_version_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otviz.experiments.results.SHIPPED", home / "none")
    folder = home / "experiments" / "results"
    folder.mkdir(parents=True)
    (folder / "u2.json").write_text('{"format": 99}')
    assert "format 99" in words(opened(claim="u2")).replace("\\", "")


def test_it_runs_again_in_the_background(home: Path) -> None:
    app = opened(claim="u11")
    app.button[1].click().run()
    assert not app.exception
    assert "Cancel" in labels(app)
    end = time.monotonic() + PATIENCE
    while "Cancel" in labels(app) and time.monotonic() < end:
        time.sleep(0.3)
        app.run()
        assert not app.exception
    assert read("u11", home / "experiments" / "results") is not None
    assert "5 seeds, run here" in words(app).replace("\\", "")
    assert "Run it again here" in labels(app)
