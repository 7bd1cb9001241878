"""What the documents promise holds: their examples run, their links and pictures exist."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

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
    # Each point lies near one of the two axes: within 5 std of it.
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


def test_the_readme_gives_the_two_commands_first() -> None:
    blocks = re.findall(r"```bash\n(.*?)\n```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks[:2] == [
        "python -m pip install -r requirements.txt && streamlit run app.py",
        "python -m pip install -r requirements-dev.txt && python -m pytest",
    ]
    assert blocks[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
