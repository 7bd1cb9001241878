"""Knobs: round trips through text, and an error message for invalid values."""

import contextlib
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otviz.core.params import Knobs, param, params_of


@dataclass(frozen=True)
class Example(Knobs):
    name: ClassVar[str] = "example"

    blur: float = param(0.05, 1e-3, 10, doc="Width", unit="length", symbol="σ", log=True)
    steps: int = param(5, 1, 100, doc="Rounds")
    loud: bool = param(False, doc="Noise")
    word: str = param("", doc="Anything")
    mode: Literal["fast", "slow"] = param("fast", doc="Speed")
    centre: tuple[float, float] = param((0.0, 0.0), -9, 9, doc="Place")
    weights: tuple[float, ...] = param((), 0, 1e6, doc="Weights")
    reach: float | None = param(None, 0.01, 100, doc="Reach")
    free: float = param(0.0, doc="No limits")


KNOBS = {knob.name: knob for knob in params_of(Example)}


def finite(low: float | None, high: float | None) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


examples = st.builds(
    Example,
    blur=finite(1e-3, 10),
    steps=st.integers(1, 100),
    loud=st.booleans(),
    word=st.text(),
    mode=st.sampled_from(["fast", "slow"]),
    centre=st.tuples(finite(-9, 9), finite(-9, 9)),
    weights=st.lists(finite(0, 1e6), max_size=4).map(tuple),
    reach=st.none() | finite(0.01, 100),
    free=finite(None, None),
)


@given(examples)
def test_what_is_written_reads_back_the_same(example: Example) -> None:
    texts = {name: KNOBS[name].write(value) for name, value in example.as_dict().items()}
    assert all(isinstance(text, str) for text in texts.values())
    assert Example.parse(texts) == example


@given(examples)
def test_changed_knobs_alone_make_the_same_instance(example: Example) -> None:
    assert Example(**example.changed()) == example
    assert Example().changed() == {}


def test_declaration_is_kept() -> None:
    blur = KNOBS["blur"]
    assert (blur.kind, blur.default, blur.low, blur.high) == (float, 0.05, 1e-3, 10)
    assert (blur.unit, blur.symbol, blur.log, blur.doc) == ("length", "σ", True, "Width")
    assert KNOBS["mode"].choices == ("fast", "slow")
    assert KNOBS["reach"].optional
    assert not blur.optional
    assert KNOBS["centre"].length == 2
    assert KNOBS["weights"].length is None


def test_values_take_the_type_of_the_knob() -> None:
    example = Example(blur=1, steps=7.0, centre=[1, 2], loud="true")  # type: ignore[arg-type]
    assert repr(example.blur) == "1.0"
    assert repr(example.steps) == "7"
    assert example.centre == (1.0, 2.0)
    assert example.loud is True


def test_lists_may_be_separated_by_spaces() -> None:
    assert Example.parse({"centre": "1 -2.5"}).centre == (1.0, -2.5)
    assert Example.parse({"weights": "1, 2,3"}).weights == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("text", ["none", "None", ""])
def test_optional_knobs_read_none(text: str) -> None:
    assert Example.parse({"reach": text}).reach is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"blur": 0}, ["blur", "0.001", "10", "length", "got 0"]),
        ({"blur": 11}, ["blur", "got 11"]),
        ({"blur": float("nan")}, ["blur", "nan"]),
        ({"blur": float("inf")}, ["blur", "inf"]),
        ({"blur": "wide"}, ["blur", "a number", "0.001", "'wide'"]),
        ({"blur": None}, ["blur", "None"]),
        ({"blur": [1]}, ["blur", "[1]"]),
        ({"free": float("inf")}, ["free", "inf"]),
        ({"free": float("nan")}, ["free", "nan"]),
        ({"steps": 2.5}, ["steps", "whole", "2.5"]),
        ({"steps": "2.5"}, ["steps", "whole", "'2.5'"]),
        ({"steps": float("inf")}, ["steps", "inf"]),
        ({"steps": float("nan")}, ["steps", "nan"]),
        ({"steps": 10**400}, ["steps", "whole"]),
        ({"steps": 0}, ["steps", "1", "100", "got 0"]),
        ({"loud": "maybe"}, ["loud", "true", "false", "'maybe'"]),
        ({"word": None}, ["word", "text", "None"]),
        ({"word": 3}, ["word", "text", "3"]),
        ({"mode": "warp"}, ["mode", "fast, slow", "'warp'"]),
        ({"centre": (1, 2, 3)}, ["centre", "2 numbers", "got 3"]),
        ({"centre": 5}, ["centre", "2 numbers", "5"]),
        ({"centre": "12"}, ["centre", "2 numbers", "'12'"]),
        ({"centre": (1, 10)}, ["centre", "-9", "got 10"]),
        ({"centre": (1, float("nan"))}, ["centre", "nan"]),
        ({"weights": (-1,)}, ["weights", "got -1"]),
        ({"reach": 0}, ["reach", "0.01"]),
    ],
)
def test_errors_name_knob_value_and_limit(values: dict[str, object], words: list[str]) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the words are checked one by one
        Example(**values)  # type: ignore[arg-type]
    assert all(word in str(error.value) for word in words), str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("knob", KNOBS)
@given(text=st.text())
def test_no_text_raises_anything_but_value_error(knob: str, text: str) -> None:
    with contextlib.suppress(ValueError):
        Example.parse({knob: text})


def test_unknown_knob_lists_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"example has no knob 'blurr'; it has blur, steps"):
        Example.parse({"blurr": "1"})


def test_replacing_a_value_checks_it() -> None:
    with pytest.raises(ValueError, match="steps"):
        replace(Example(), steps=0)


def test_a_field_without_param_is_an_error() -> None:
    @dataclass(frozen=True)
    class Bare(Knobs):
        size: int = 3

    with pytest.raises(TypeError, match=r"Bare\.size must be declared with param"):
        params_of(Bare)


@dataclass(frozen=True)
class Nested(Knobs):
    table: dict[str, float] = param(None, doc="?")


@dataclass(frozen=True)
class Either(Knobs):
    value: int | float | None = param(None, doc="?")


@pytest.mark.parametrize("cls", [Nested, Either])
def test_a_knob_of_another_type_is_an_error(cls: type[Knobs]) -> None:
    with pytest.raises(TypeError, match="a knob is"):
        params_of(cls)
