"""What is declared of knobs: every one says what it does in words, and what matters most stands first."""

from __future__ import annotations

import pytest

from otviz.declared import declared
from otviz.methods import methods
from otviz.params import GROUPS, Knobs, Param, params_of
from otviz.runs.plan import Plan
from otviz.transport.problem import Problem

ALL = [(each.owner, each.knob) for some in declared().values() for each in some]
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


@pytest.mark.parametrize(("owner", "knob"), ALL, ids=[f"{owner}-{knob.name}" for owner, knob in ALL])
def test_a_knob_is_called_by_words(owner: str, knob: Param) -> None:
    assert knob.doc
    label = (knob.label or knob.name.replace("_", " ")).lower()
    assert not set(label.split()) & set(ABBREVIATIONS), f"{owner}: {label}"
    assert "_" not in label


@pytest.mark.parametrize(
    ("owner", "knob"), [(o, k) for o, k in ALL if k.live], ids=lambda part: getattr(part, "name", part)
)
def test_a_knob_that_may_change_in_a_run_says_what_too_small_does(owner: str, knob: Param) -> None:
    assert "too small" in knob.doc.lower(), f"{owner}: {knob.name}"
