"""Public functions with three or more parameters document them, and what they raise."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.modules import tree

ROOT = Path(__file__).resolve().parents[2]
PARAMETERS = 3


def public(module: ast.Module) -> Iterator[tuple[ast.FunctionDef, str, list[str]]]:
    """Public functions and methods, with their docstring and parameters; a constructor is documented by its class."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node, ast.get_docstring(node) or "", parameters(node)
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        for method in (part for part in node.body if isinstance(part, ast.FunctionDef)):
            owner = node if method.name == "__init__" else method
            inherited = bool(node.bases) and ast.get_docstring(owner) is None  # as `inspect.getdoc` has it
            if not inherited and (method.name == "__init__" or not method.name.startswith("_")):
                yield method, ast.get_docstring(owner) or "", parameters(method)[not is_static(method) :]


def parameters(node: ast.FunctionDef) -> list[str]:
    given = node.args
    return [
        each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg) if each
    ]


def documented(docstring: str) -> list[str]:
    """Names in the section `Args:`."""
    _, _, section = docstring.partition("Args:\n")
    entries = re.findall(r"^    (\w+(?:, \w+)*): ", re.split(r"\n(?=\S)", section)[0], re.MULTILINE)
    return [name for entry in entries for name in entry.split(", ")]


def is_static(node: ast.FunctionDef) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in node.decorator_list)


def raises(node: ast.FunctionDef) -> bool:
    """Whether an exception that callers may handle leaves the function itself, not one that it calls or defines."""
    inner = {
        id(part)
        for child in ast.walk(node)
        if child is not node and isinstance(child, ast.FunctionDef | ast.Lambda)
        for part in ast.walk(child)
    }
    return any(
        isinstance(part, ast.Raise) and part.exc is not None and id(part) not in inner for part in ast.walk(node)
    )


def undocumented() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "otviz").rglob("*.py")):
        for node, docstring, names in public(tree(path)):
            if len(names) < PARAMETERS:
                continue
            lacking = [
                word for word in ("Args:", "Raises") if word not in docstring and (word == "Args:" or raises(node))
            ]
            if lacking:
                found.setdefault(path.relative_to(ROOT).as_posix(), []).append(
                    f"{node.lineno} {node.name}: {', '.join(lacking)}"
                )
    return found


def test_parameters_are_documented() -> None:
    assert not (found := undocumented()), f"without a section in the docstring: {found}"


def test_documented_parameters_exist() -> None:
    wrong = [
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno} {node.name}: {name}"
        for path in sorted((ROOT / "otviz").rglob("*.py"))
        for node, docstring, names in public(tree(path))
        for name in documented(docstring)
        if name not in names
    ]
    assert not wrong, f"documented, but no parameter: {wrong}"
