"""Declarations of knobs: every one has a description, and the most important come first."""

from __future__ import annotations

import pytest

from otviz.clouds.problem import Problem
from otviz.core.params import GROUPS, Knobs, params_of
from otviz.methods import methods
from otviz.training.plan import Plan
from pages._ui.learn.declared import declared

ABBREVIATIONS = ("lr", "std", "ema", "dim", "param")


@pytest.mark.parametrize("cls", [*methods().values(), Plan, Problem], ids=lambda cls: cls.name)
def test_the_basic_knobs_are_a_few_that_there_are(cls: type[Knobs]) -> None:
    names = [knob.name for knob in params_of(cls)]
    assert cls.basic
    assert set(cls.basic) < set(names)
    assert len(set(cls.basic)) == len(cls.basic) <= 5


@pytest.mark.parametrize("cls", methods().values(), ids=lambda cls: cls.name)
def test_a_method_says_what_it_does_and_each_of_its_knobs_has_a_heading(cls: type) -> None:
    assert 0 < len(cls.line) <= 36  # a line of a list
    assert {knob.group for knob in params_of(cls)} <= set(GROUPS)
    labels = [knob.label for knob in params_of(cls)]
    assert len(set(labels)) == len(labels), "two controls of one name"


@pytest.mark.parametrize("name", declared())
def test_a_knob_is_called_by_words(name: str) -> None:
    for each in declared()[name]:
        assert each.knob.doc
        label = (each.knob.label or name.replace("_", " ")).lower()
        assert not set(label.split()) & set(ABBREVIATIONS), f"{each.owner}: {label}"
        assert "_" not in label
        assert not each.knob.live or "too small" in each.knob.doc.lower(), f"{each.owner}: what too small does"


def test_some_knobs_may_change_in_a_run() -> None:
    assert any(each.knob.live for some in declared().values() for each in some)
