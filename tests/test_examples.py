"""The notebooks in examples/ and the Python in the README run from start to end, and show what they say."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

from otviz.data.datasets.folder import Folder
from otviz.methods import named
from otviz.runs.config import RunConfig
from otviz.training.presets import preset
from tests.forked import output

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"


def run(source: str, folder: Path) -> str:
    """What a program prints that is started in `folder`, as a user would."""
    return output(source, cwd=folder, env={"OTVIZ_HOME": str(folder / "home")})


def cells(name: str, kind: str) -> list[str]:
    notebook = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def numbers(text: str, pattern: str) -> list[float]:
    return [float(found) for found in re.findall(pattern, text)]


def test_transport_of_two_clouds(tmp_path: Path) -> None:
    printed = run("\n".join(cells("transport.ipynb", "code")), tmp_path)
    costs, divergences = numbers(printed, r"blur .*cost ([\d.]+)"), numbers(printed, r"divergence ([\d.]+)")
    assert costs == sorted(costs)  # more blur, more cost
    # From radius r, Rayleigh with mean 0.5 sqrt(pi / 2), to the ring straight outwards: E (2 - r)^2 / 2 + 0.1^2 / 2 = 1.0
    assert [costs[0], divergences[0]] == pytest.approx([1.0, 1.0], rel=0.1)
    balanced, unbalanced = numbers(printed, r"outlier ([\d.]+)")
    assert balanced == pytest.approx(1 / 301, abs=1e-5)
    assert unbalanced < balanced / 10


def test_collapse_against_coverage(tmp_path: Path) -> None:
    printed = run("\n".join(cells("collapse.ipynb", "code")), tmp_path)
    without_cost, with_cost = numbers(printed, r"(\d) of 8 modes")
    assert without_cost <= 6
    assert with_cost == 8


def test_the_readme_trains_on_a_table_and_draws_the_result(tmp_path: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(block.strip().splitlines()) <= 10
    printed = run(re.sub(r"steps=\d+", "steps=30", block), tmp_path)
    assert numbers(printed, r"'w2': ([\d.]+)")[0] > 0
    assert "plotly" in (tmp_path / "result.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_stored_without_outputs(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert all(not cell["outputs"] for cell in notebook["cells"] if cell["cell_type"] == "code")
    assert cells(path.name, "markdown")[0].startswith("# ")


def test_flowers_are_a_set_of_images_that_a_method_trains_on(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("flowers.zip", "again.zip")]
    for path in paths:
        subprocess.run([sys.executable, EXAMPLES / "draw_flowers.py", path, "--count", "60"], check=True)
    assert paths[0].read_bytes() == paths[1].read_bytes()  # a seed draws the same flowers
    flowers = Folder(file=str(paths[0]), size=64)
    assert flowers.shape == (3, 64, 64)
    assert [name.split()[0] for name in flowers.class_names] == ["4", "5", "6", "7", "8"]
    found = preset("uotm-sd", flowers)
    config = RunConfig(
        method=found.applied(named("uotm-sd"), batch_size=4), target=flowers, steps=2, networks=found.networks
    )
    training = config.begin()
    losses = [training.advance().generator_loss for _ in range(2)]
    assert all(loss is not None and math.isfinite(loss) for loss in losses)
