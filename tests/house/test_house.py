"""House rules that a machine can check: format, types, import directions, sizes, words that must not appear."""

from __future__ import annotations

import ast
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.modules import imports, lines, tree

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted([ROOT / "app.py", *(ROOT / "otviz").rglob("*.py"), *(ROOT / "pages").rglob("*.py")])
PAGES = [path for path in (ROOT / "pages").glob("*.py") if path.name[0].isdigit()]
OTVIZ = sorted((ROOT / "otviz").rglob("*.py"))

PAGE_LINES = 80
MODULE_LINES, MODULE_LINES_AT_MOST = 250, 300
FUNCTION_LINES = 40
LONGER: set[str] = set()  # functions allowed to be longer: none


def run(*command: str) -> None:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_ruff_finds_nothing() -> None:
    run("-m", "ruff", "check", "--no-cache", ".")


def test_ruff_would_format_nothing() -> None:
    run("-m", "ruff", "format", "--no-cache", "--check", ".")


def test_types_are_strict() -> None:
    run("-m", "mypy")


def test_imports_go_one_way() -> None:
    run("-c", "from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])")


def test_pages_are_short() -> None:
    long = [name(path) for path in PAGES if len(lines(path)) > PAGE_LINES]
    assert not long, f"a page is layout and calls, at most {PAGE_LINES} lines: {long}"


def test_modules_are_short() -> None:
    counts = {name(path): code_lines(path, tree(path)) for path in CODE}
    long = {path: count for path, count in counts.items() if count > MODULE_LINES}
    if long:
        warnings.warn(f"modules of more than {MODULE_LINES} lines of code: {long}", stacklevel=1)
    assert max(counts.values()) <= MODULE_LINES_AT_MOST, long


def test_functions_are_short() -> None:
    long = [
        f"{name(path)}:{node.lineno} {node.name}"
        for path in CODE
        for node in functions(tree(path))
        if code_lines(path, node) > FUNCTION_LINES and node.name not in LONGER
    ]
    assert not long, f"more than {FUNCTION_LINES} lines of code: {long}"


def test_everything_public_says_what_it_is() -> None:
    mute = [f"{name(path)}: module" for path in CODE if ast.get_docstring(tree(path)) is None]
    for path in OTVIZ:
        for node in tree(path).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and ast.get_docstring(node) is None:
                mute.append(f"{name(path)}:{node.lineno} {node.name}")
    assert not mute, f"without docstring: {mute}"


@pytest.mark.parametrize("word", ["eval", "exec", "print"])
def test_no_call_of(word: str) -> None:
    """`print` belongs to the command line and its reports alone."""
    found = [
        f"{name(path)}:{node.lineno}"
        for path in CODE
        if not (word == "print" and path.parent.name == "cli")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == word
    ]
    assert not found, found


def test_nothing_is_unpickled() -> None:
    for path in CODE:
        # dask_pool.py hands tasks to Dask through joblib, and gets JSON texts back
        loaded = imports(path) - ({"joblib"} if path.name == "dask_pool.py" else set())
        assert not loaded & {"pickle", "dill", "joblib", "marshal", "shelve"}, name(path)
        assert "joblib.load" not in path.read_text(encoding="utf-8"), name(path)
        assert "allow_pickle=True" not in path.read_text(encoding="utf-8"), name(path)
        assert "torch.load(" not in path.read_text(encoding="utf-8"), name(path)


def test_computation_knows_no_user_interface() -> None:
    assert not [name(path) for path in OTVIZ if "streamlit" in imports(path)]


def test_pages_compute_nothing() -> None:
    assert not [name(path) for path in (ROOT / "pages").rglob("*.py") if "torch" in imports(path)]


def test_what_every_page_needs_is_free_of_plotly() -> None:
    shared = [*(ROOT / "pages" / "_ui").rglob("*.py"), ROOT / "pages" / "0_home.py", ROOT / "app.py"]
    assert not [name(path) for path in shared if "plotly" in imports(path)]


def test_what_is_imported_without_torch_and_home_is_drawn_before_it() -> None:
    """One after the other in one process: what is not there after all of it was not there before."""
    run("-c", WITHOUT_TORCH)


WITHOUT_TORCH = """
import importlib, sys
for module in ("otviz", "otviz.data.distributions", "otviz.player.wire", "pages._ui.controls.controls"):
    importlib.import_module(module)
    assert "torch" not in sys.modules, module
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=300).run()
assert not app.exception
assert not {"torch", "matplotlib"} & set(sys.modules)
"""


def test_matplotlib_is_imported_only_to_draw() -> None:
    run(
        "-c",
        "import sys, otviz.viz.exports, otviz.viz.overviews, otviz.cli.main; assert 'matplotlib' not in sys.modules",
    )


def functions(module: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef))


def test_every_test_module_has_a_name_of_its_own() -> None:
    """pytest cannot collect two modules of one name, but reports it only if both are selected."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)


def code_lines(path: Path, node: ast.FunctionDef | ast.Module) -> int:
    """Lines of a body without docstrings, blank lines and comments."""
    if not node.body:
        return 0
    quiet = {
        line
        for part in ast.walk(node)
        if isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) and isinstance(part.value.value, str)
        for line in range(part.lineno, (part.end_lineno or part.lineno) + 1)
    }
    text = lines(path)
    body = range(node.body[0].lineno, (node.body[-1].end_lineno or 0) + 1)
    return sum(bool(text[i - 1].strip()) and not text[i - 1].strip().startswith("#") for i in body if i not in quiet)
