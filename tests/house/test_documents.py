"""What the documents promise holds: their examples run, their links and pictures exist."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import grimp
import networkx as nx
import numpy as np
import pytest

from otviz.data.distributions import Distribution

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "checkpoints" / "README.md"])
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], ModuleType]:
    """Import a source text as a module of a name that nothing else has."""

    def from_text(source: str, name: str) -> ModuleType:
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        return importlib.import_module(name)

    return from_text


def test_the_example_of_a_distribution_samples(load: Callable[[str, str], ModuleType]) -> None:
    cross: Distribution = load(EXAMPLES[0], "contributed_cross").Cross()
    points = cross.sample(500, np.random.default_rng(0))
    assert points.shape == (500, 2)
    assert points.dtype == np.float32
    # Each point is within 5 std of one of the two axes.
    assert np.abs(points).min(axis=1).max() < 0.5
    assert np.abs(points).max() < 3.5


def test_the_example_of_a_method_trains(load: Callable[[str, str], ModuleType]) -> None:
    from otviz.data.distributions import named
    from otviz.training.loop import train

    method = load(EXAMPLES[1], "contributed_energy").Energy(batch_size=64)
    steps = list(train(method, named("ring")(), steps=3, seed=0))
    assert all(np.isfinite(float(step.generator_loss)) for step in steps)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_local_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (path.parent / target).exists()]
    assert not missing


def test_the_diagram_shows_the_packages_and_the_imports_that_others_follow_from() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    drawn = nx.DiGraph(re.findall(r"^    (\w+) --> (\w+)$", text, re.MULTILINE))
    listed = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert sorted(listed) == sorted(drawn)

    graph, real = grimp.build_graph("otviz", "pages"), nx.DiGraph()
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            real.add_edge(*(name.split(".")[name.startswith("otviz.")] for name in (module, other)))
    real.remove_nodes_from(["otviz", "__main__"])  # both stand above all packages
    real.remove_edges_from(nx.selfloop_edges(real))
    assert sorted(drawn.edges) == sorted(nx.transitive_reduction(real).edges)


def test_no_import_goes_in_a_circle() -> None:
    """Also within a package, and for imports inside functions; only those for type checkers are left out."""
    graph, modules = grimp.build_graph("otviz", "pages", exclude_type_checking_imports=True), nx.DiGraph()
    for module in graph.modules:
        modules.add_edges_from((module, other) for other in graph.find_modules_directly_imported_by(module))
    assert [circle for circle in nx.strongly_connected_components(modules) if len(circle) > 1] == []


def test_the_architecture_is_two_pages() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) <= 120


def test_the_architecture_says_what_every_dependency_is_for() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    lists = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("requirements*.txt"))
    named = re.findall(
        r"[\w-]+", " ".join(re.findall(r"^\| ([^|]+) \|", text[text.index("## Dependencies") :], re.MULTILINE))
    )
    assert [name for name in re.findall(r"^([\w-]+)==", lists, re.MULTILINE) if name not in named] == []


EXAMPLE_FILES = {
    "otviz/data/distributions/cross.py",
    "otviz/methods/energy.py",
    "otviz/data/datasets/stripes.py",
    "otviz/experiments/claims/equal_clouds.py",
    "otviz/viz/views/spread.py",
    "checkpoints/digits-otm",
}


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/decisions.md"])
def test_files_and_modules_that_are_named_exist(name: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", text)
    under = [ROOT, ROOT / "otviz", ROOT / "pages"]
    missing = [path for path in named if path not in EXAMPLE_FILES and not any((top / path).exists() for top in under)]
    modules = [module for module in re.findall(r"`(otviz(?:\.\w+)+)", text) if not importable(module)]
    assert not missing + modules


def importable(name: str) -> bool:
    """Whether this is a module, or something in one."""
    module, _, last = name.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), last) or importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def test_the_readme_gives_the_two_commands_first() -> None:
    blocks = re.findall(r"```bash\n(.*?)\n```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks[:2] == [
        "python -m pip install -r requirements.txt && streamlit run app.py",
        "python -m pip install -r requirements-dev.txt && python -m pytest",
    ]
    assert blocks[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
