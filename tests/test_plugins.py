"""The registration rule, on packages written for the test."""

import importlib
import itertools
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from otviz.core.params import Knobs
from otviz.core.plugins import choose, discover

NUMBER = itertools.count()  # a new package per test, since Python caches imports


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write modules, name -> source, as a new package on the path; return its dotted name."""
    name = f"plugins_of_test_{next(NUMBER)}"

    def write(**modules: str) -> str:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        for module, source in modules.items():
            (folder / f"{module}.py").write_text("from otviz.core.params import Knobs\n" + dedent(source))
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        return name

    yield write
    for module in [key for key in sys.modules if key.split(".")[0] == name]:
        del sys.modules[module]


def test_finds_named_subclasses_in_alphabetical_order(package) -> None:
    name = package(
        z="class A(Knobs):\n    name = 'zebra'",
        a="class B(Knobs):\n    name = 'ant'\nclass C(Knobs):\n    name = 'mole'",
    )
    assert list(discover(name, Knobs)) == ["ant", "mole", "zebra"]


def test_skips_abstract_unnamed_imported_and_foreign_classes(package) -> None:
    name = package(
        real="class Real(Knobs):\n    name = 'real'\nAlias = Real",
        other="""
            from abc import ABC, abstractmethod
            from fractions import Fraction
            from .real import Real
            class Unnamed(Knobs): pass
            class Foreign: name = 'foreign'
            class Abstract(Knobs, ABC):
                name = 'abstract'
                @abstractmethod
                def f(self): ...
        """,
    )
    assert list(discover(name, Knobs)) == ["real"]


def test_two_plugins_of_one_name_are_an_error(package) -> None:
    name = package(one="class A(Knobs):\n    name = 'same'", two="class B(Knobs):\n    name = 'same'")
    with pytest.raises(ValueError, match=r"two plug-ins are named 'same'.*one\.A.*two\.B"):
        discover(name, Knobs)


def test_inheriting_a_name_by_mistake_is_an_error(package) -> None:
    name = package(one="class A(Knobs):\n    name = 'same'\nclass B(A): pass")
    with pytest.raises(ValueError, match="two plug-ins are named 'same'"):
        discover(name, Knobs)


@pytest.mark.parametrize(
    ("source", "error"),
    [("import no_such_module_anywhere", ModuleNotFoundError), ("1 / 0", ZeroDivisionError), ("def", SyntaxError)],
)
def test_a_module_that_does_not_import_is_not_hidden(package, source: str, error: type[Exception]) -> None:
    name = package(good="class A(Knobs):\n    name = 'good'", bad=source)
    for _ in range(2):  # and is not forgotten at the second look
        with pytest.raises(error):
            discover(name, Knobs)


def test_the_answer_can_be_changed_without_harm(package) -> None:
    name = package(one="class A(Knobs):\n    name = 'one'")
    discover(name, Knobs).clear()
    assert list(discover(name, Knobs)) == ["one"]


def test_choose_lists_the_names(package) -> None:
    plugins = discover(package(one="class A(Knobs):\n    name = 'one'\nclass B(Knobs):\n    name = 'two'"), Knobs)
    assert choose(plugins, "two", "beast").name == "two"
    with pytest.raises(ValueError, match="beast must be one of one, two; got 'three'"):
        choose(plugins, "three", "beast")
