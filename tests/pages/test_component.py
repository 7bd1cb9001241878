"""The files of a component make one module: what a browser refuses, seen without one."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from pages._ui.shell.component import module


@pytest.mark.parametrize("name", ["player", "board", "pad", "claims"])
def test_a_component_is_one_module(name: str) -> None:
    text = module(name)
    assert text.count("\nexport default function ") == 1  # and more than one line, or it would be taken for a path
    declared = Counter(re.findall(r"^(?:function|const|let) (\w+)", text, re.MULTILINE))
    assert not [word for word, times in declared.items() if times > 1], "declared twice: the module would not load"
