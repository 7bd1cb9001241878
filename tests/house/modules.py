"""The modules of the project as text and as syntax trees, each read and parsed once for all house rules."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def lines(path: Path) -> list[str]:
    """The lines of a module."""
    return path.read_text(encoding="utf-8").splitlines()


@cache
def tree(path: Path) -> ast.Module:
    """A module, parsed."""
    return ast.parse("\n".join(lines(path)))


@cache
def imports(path: Path) -> set[str]:
    """First parts of all names imported anywhere in a module."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def forget() -> None:
    """Drop what is kept: some 100 MB."""
    for kept in (lines, tree, imports):
        kept.cache_clear()
