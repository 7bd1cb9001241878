"""POT comes without scikit-learn, which comes when it is asked for."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from otviz.core import imports

CHECK = """
import sys
import numpy as np
from otviz.ot.exact import exact_coupling
plan = exact_coupling(np.array([[0.0, 1.0], [1.0, 0.0]]))
assert np.allclose(plan, np.eye(2) / 2), plan
assert not {"sklearn", "networkx", "pandas"} & set(sys.modules), sorted(sys.modules)
from otviz.core.imports import scikit_learn
assert scikit_learn("cluster").KMeans(1, n_init=1).fit([[0.0], [2.0]]).cluster_centers_ == 1
"""


def test_an_exact_plan_imports_no_scikit_learn_and_leaves_it_importable() -> None:
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr


def test_scikit_learn_waits_for_the_end_of_an_import_of_pot(monkeypatch: pytest.MonkeyPatch) -> None:
    began, may_end = threading.Event(), threading.Event()

    def slow(name: str) -> str:
        began.set()
        if name == "ot":
            may_end.wait(20)
        return name

    monkeypatch.setattr(imports.importlib, "import_module", slow)
    monkeypatch.setitem(sys.modules, "sklearn", sys)  # as if it were imported: nothing is to be hidden
    first = threading.Thread(target=imports.pot)
    first.start()
    assert began.wait(20)
    found: list[str] = []
    second = threading.Thread(target=lambda: found.append(imports.scikit_learn("cluster")))
    second.start()
    second.join(0.2)
    assert found == []
    may_end.set()
    second.join(20)
    first.join(20)
    assert found == ["sklearn.cluster"]
