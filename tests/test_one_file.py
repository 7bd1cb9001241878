"""A method, a distribution, an image set, a claim, a view and a page are one file each: with it they are there, without it they are gone."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from otviz.cli.main import main
from otviz.core import plugins
from otviz.experiments.evidence import Outcome
from otviz.viz.views import views
from pages._ui.shell import frame

TEXT = (Path(__file__).resolve().parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
PAGE = next(block for block in re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL) if "st.button" in block)
PLUGINS = {
    "distributions": ("otviz.data.distributions", "cross", EXAMPLES[0]),
    "methods": ("otviz.methods", "energy", EXAMPLES[1]),
    "datasets": ("otviz.data.datasets", "stripes", EXAMPLES[2]),
    "experiments": ("otviz.experiments.claims", "equal-clouds", EXAMPLES[3]),
}
"""By kind, as `otviz list` has it: the package, the name and the text of the example in CONTRIBUTING.md."""


@pytest.fixture
def one_more_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], str]]:
    """Put a file beside those of a package, as far as Python can tell, and take it away again."""
    module = "contributed_example"
    package = ""

    def add(into: str, source: str) -> str:
        nonlocal package
        package = into
        (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
        monkeypatch.setattr(
            importlib.import_module(package), "__path__", [*sys.modules[package].__path__, str(tmp_path)]
        )
        plugins._discover.cache_clear()
        return f"{package}.{module}"

    yield add
    monkeypatch.undo()
    sys.modules.pop(f"{package}.{module}", None)
    vars(sys.modules[package]).pop(module, None)
    plugins._discover.cache_clear()


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    assert main(["list", "--json"]) == 0
    found: dict[str, dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("kind", PLUGINS)
def test_a_plugin_is_there_with_its_file_alone(
    kind: str, one_more_file: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    package, name, source = PLUGINS[kind]
    before = listed(capsys)
    one_more_file(package, source)
    after = listed(capsys)
    assert {key: [each for each in after[key] if each not in before[key]] for key in after} == {
        key: [name] if key == kind else [] for key in after
    }


def test_a_plugin_is_gone_without_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    """After the fixture above has taken its files away."""
    found = listed(capsys)
    assert not [name for kind, (_, name, _) in PLUGINS.items() if name in found[kind]]


def test_the_example_of_a_method_is_trained_on_that_of_a_distribution(
    one_more_file: Callable[[str, str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    one_more_file(*PLUGINS["methods"][::2])
    words = ["train", "energy", "--target", "moons", "--steps", "3", "--hidden", "8", "--batch-size", "16", "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["method"] == "energy"


def test_the_example_of_an_image_set_has_the_images_it_declares(one_more_file: Callable[[str, str], str]) -> None:
    images = importlib.import_module(one_more_file(*PLUGINS["datasets"][::2])).Stripes()
    for which, count in zip(("train", "test"), images.counts, strict=True):
        split = images.split(which)
        assert split.pixels.shape == (count, *images.shape)
        assert (split.pixels.sum(axis=(1, 2, 3)) == 8 * 255).all()
        assert set(split.labels) == {0, 1}


def test_the_example_of_a_claim_holds(one_more_file: Callable[[str, str], str]) -> None:
    claim = importlib.import_module(one_more_file(*PLUGINS["experiments"][::2])).EqualClouds()
    outcomes = [Outcome(seed, claim.measure(seed, quick=True), 0.0) for seed in (0, 1)]
    assert claim.judge(outcomes).word == "holds"


def test_a_view_is_on_the_pages_that_it_names(one_more_file: Callable[[str, str], str]) -> None:
    before = {page: list(views(page)) for page in ("train", "images", "compare")}
    one_more_file("otviz.viz.views", EXAMPLES[4])
    added = {page: [name for name in views(page) if name not in before[page]] for page in before}
    assert added == {"train": ["spread"], "images": [], "compare": ["spread"]}
    points = np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32)
    run = SimpleNamespace(snapshots=[SimpleNamespace(step=step, generated=points * step) for step in (1, 2)])
    (line,) = views("train")["spread"].figure({"one": run}).data
    assert (line.name, list(line.x)) == ("one", [1, 2])
    assert list(line.y) == pytest.approx([1, 2], rel=0.1)


def test_a_page_is_one_file(tmp_path: Path) -> None:
    for path in frame.PAGES.glob("[0-9]*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = frame.cards(tmp_path)
    (tmp_path / "2_contributed.py").write_text(PAGE, encoding="utf-8")
    assert [card.name for card in frame.cards(tmp_path) if card.name not in {each.name for each in before}] == [
        "contributed"
    ]
