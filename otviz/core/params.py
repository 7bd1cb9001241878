"""Knobs: tunable dataclass fields that carry their range, unit and meaning.

One declaration, `blur: float = param(0.05, 1e-3, 10, doc="...", unit="length", log=True)`, feeds the
widgets of a page, the flags of the command line, the record of a run and the link to it.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin, get_type_hints

GROUPS = OBJECTIVE, OPTIMISER, NETWORK, RUN = "Objective", "Optimiser", "Network", "Run"
"""Headings among all settings, in this order."""
GREEK = {"tau": "τ", "alpha": "α", "lambda": "λ", "epsilon": "ε"}
LEAST, MOST = 1e-30, 1e30
"""Lengths that arithmetic can bear: the limits where data come in units of their own."""


@dataclasses.dataclass(frozen=True)
class Param:
    """What is known of one knob: `kind` is float, int, bool, str or tuple; a str without `choices` is free text.

    `name` is what links, flags and records call it, `label` what a screen does.
    """

    name: str
    kind: type
    default: Any
    low: float | None
    high: float | None
    doc: str
    unit: str
    symbol: str
    log: bool
    live: bool
    label: str
    group: str
    optional: bool
    choices: tuple[str, ...]
    length: int | None = None  # how many numbers a tuple holds; None: any

    def says(self, value: Any) -> str:
        """A value with its name, in few words: "τ = 0.05", "batch size 64"."""
        text = f"{value:g}" if self.kind is float and value is not None else self.write(value)
        if self.symbol:
            return f"{GREEK.get(self.symbol, self.symbol)} = {text}"
        words = self.label or self.name.replace("_", " ")
        return f"{words[:1].lower()}{words[1:]} {text}"

    def at_any_scale(self) -> Param:
        """The same for data in units of their own: a length may be of any size, > 0 if it must be so at unit scale."""
        if self.unit != "length" or self.low is None:
            return self
        low = LEAST if self.low > 0 else -MOST if self.low < 0 else 0.0
        return dataclasses.replace(self, low=low, high=MOST)

    def check(self, value: Any) -> Any:
        """Return `value` in this knob's type, or raise ValueError naming value, limit and mend."""
        if value is None and self.optional:
            return None
        if self.kind is tuple:
            return self._numbers(value)
        if self.kind is bool:
            return self._flag(value)
        if self.kind is str:
            return self._text(value)
        return self._number(value, self.kind)

    def parse(self, text: str) -> Any:
        """Read a value written in a link or a text field; lists are separated by commas."""
        if self.optional and text.lower() in ("none", ""):
            return None
        if self.kind is tuple:
            return self.check([part for part in text.replace(",", " ").split() if part])
        return self.check(text)

    def write(self, value: Any) -> str:
        """Write a value so that `parse` reads the same one back."""
        if value is None:
            return "none"
        if self.kind is tuple:
            return ",".join(repr(item) for item in value)
        return repr(value) if self.kind is float else str(value)

    def _text(self, value: Any) -> str:
        if self.choices and value not in self.choices:
            raise ValueError(f"{self.name} must be one of {', '.join(self.choices)}; got {value!r}")
        if not isinstance(value, str):
            raise ValueError(f"{self.name} must be text; got {value!r}")
        return value

    def _flag(self, value: Any) -> bool:
        named = {"true": True, "1": True, "false": False, "0": False}
        if isinstance(value, bool):
            return value
        if str(value).lower() not in named:
            raise ValueError(f"{self.name} must be true or false; got {value!r}")
        return named[str(value).lower()]

    def _numbers(self, value: Any) -> tuple[float, ...]:
        # A text is iterable too, but "12" is one number and not the numbers 1 and 2.
        wanted = "numbers" if self.length is None else f"{self.length} numbers"
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise ValueError(f"{self.name} must be a list of {wanted}; got {value!r}")
        numbers = tuple(self._number(item, float) for item in value)
        if self.length not in (None, len(numbers)):
            raise ValueError(f"{self.name} must be {wanted}; got {len(numbers)}: {value!r}")
        return numbers

    def _number(self, value: Any, kind: type) -> Any:
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        try:
            number = kind(value)
            good = float(value) == number and math.isfinite(number) and low <= number <= high
        except (TypeError, ValueError, OverflowError):
            good = False
        if not good:
            name = "a whole number" if kind is int else "a number"
            unit = f" ({self.unit})" if self.unit else ""
            raise ValueError(f"{self.name} must be {name} from {low:g} to {high:g}{unit}; got {value!r}")
        return number


def param(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    doc: str,
    unit: str = "",
    symbol: str = "",
    log: bool = False,
    live: bool = False,
    label: str = "",
    group: str = "",
) -> Any:
    """Declare a knob.

    Args:
        default: its value when nobody chooses.
        low, high: smallest and largest value allowed, both inclusive (for numbers).
        doc: for a user: what it does, and what too small or too large a value does.
        unit: unit of the value, such as "length in data units"; empty if it has none.
        symbol: the sign it has in the papers, such as "tau".
        log: drawn on a logarithmic slider (needs low > 0).
        live: may change while a run trains.
        label: its name on screen, such as "Transport cost τ"; empty: its name in the code, as words.
        group: heading under which it stands among all settings, one of GROUPS, or "".
    """
    meta = {"low": low, "high": high, "doc": doc, "unit": unit, "symbol": symbol}
    meta |= {"log": log, "live": live, "label": label, "group": group}
    return dataclasses.field(default=default, metadata={"param": meta})


class Knobs:
    """Base of every frozen dataclass of knobs: values are checked as the instance is made.

    Class variables: `name` and `title`; `basic`, the names of the knobs that are shown at once, in this order, while the
    others stand under All settings (empty: all are shown).
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    basic: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def taken(cls) -> tuple[Param, ...]:
        """The knobs with the limits that an instance keeps to: as declared, unless a subclass takes more."""
        return params_of(cls)

    def __post_init__(self) -> None:
        for knob in self.taken():
            object.__setattr__(self, knob.name, knob.check(getattr(self, knob.name)))

    @classmethod
    def parse(cls, values: Mapping[str, str], any_scale: bool = False) -> Self:
        """Make an instance from texts by knob name, as links carry them: within the limits declared, or of `taken`.

        Raises ValueError.
        """
        known = {knob.name: knob for knob in (cls.taken() if any_scale else params_of(cls))}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(f"{cls.name} has no knob {unknown[0]!r}; it has {', '.join(known)}")
        return cls(**{name: known[name].parse(text) for name, text in values.items()})

    def changed(self) -> dict[str, Any]:
        """The knobs that differ from their defaults, by name."""
        values = {knob.name: getattr(self, knob.name) for knob in params_of(type(self))}
        return {knob.name: values[knob.name] for knob in params_of(type(self)) if values[knob.name] != knob.default}

    def written(self, prefix: str = "", only: Collection[str] | None = None) -> dict[str, str]:
        """The knobs as texts by `prefix` and name, as links carry them and `parse` reads them: all, or those named."""
        return {
            prefix + knob.name: knob.write(getattr(self, knob.name))
            for knob in params_of(type(self))
            if only is None or knob.name in only
        }

    def as_dict(self) -> dict[str, Any]:
        """All knobs by name, as plain values that JSON takes."""
        return {knob.name: getattr(self, knob.name) for knob in params_of(type(self))}

    def record(self) -> dict[str, Any]:
        """What makes the same object again, as plain values that JSON takes: its name and all knobs."""
        return {"name": self.name, **self.as_dict()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of `record`, for the class of that name. Raises ValueError for an unknown knob, or a bad value."""
        knobs = {name: value for name, value in record.items() if name != "name"}
        known = [knob.name for knob in params_of(cls)]
        if unknown := sorted(set(knobs) - set(known)):
            raise ValueError(f"{cls.name} has no setting {unknown[0]!r}; it has {', '.join(known) or 'none'}")
        return cls(**knobs)


def params_of(cls: type) -> tuple[Param, ...]:
    """The knobs of a dataclass, those of its own before those of its bases. Raises TypeError for a field without `param`."""
    return _params_of(cls)


@functools.cache
def _params_of(cls: type) -> tuple[Param, ...]:
    hints = get_type_hints(cls)
    knobs = []
    for field in sorted(dataclasses.fields(cls), key=lambda field: _first_declared(cls, field.name)):
        if "param" not in field.metadata:
            raise TypeError(f"{cls.__name__}.{field.name} must be declared with param(...)")
        kind, choices, length, optional = _kind(hints[field.name])
        meta = field.metadata["param"]
        knobs.append(
            Param(
                name=field.name,
                kind=kind,
                default=field.default,
                choices=choices,
                length=length,
                optional=optional,
                **meta,
            )
        )
    return tuple(knobs)


def _first_declared(cls: type, name: str) -> int:
    """How far up its bases a field is declared first: a knob that only this class has is what users look for."""
    return -max(depth for depth, base in enumerate(reversed(cls.__mro__)) if _starts(base, name))


def _starts(base: type, name: str) -> bool:
    inherited = any(name in vars(above).get("__annotations__", {}) for above in base.__mro__[1:])
    return name in vars(base).get("__annotations__", {}) and not inherited


def _kind(hint: Any) -> tuple[type, tuple[str, ...], int | None, bool]:
    """The type, choices, length (of a tuple) and whether None is allowed, from a field's annotation."""
    if get_origin(hint) in (Union, types.UnionType):
        inner = [part for part in get_args(hint) if part is not type(None)]
        if len(inner) == 1:
            return (*_kind(inner[0])[:3], True)
    if get_origin(hint) is Literal:
        return str, tuple(get_args(hint)), None, False
    if get_origin(hint) is tuple:
        items = get_args(hint)
        return tuple, (), None if items[-1] is Ellipsis else len(items), False
    if hint in (float, int, bool, str):
        return typing.cast(type, hint), (), None, False
    raise TypeError(f"a knob is a float, int, bool, str, Literal, tuple of floats or one of them or None; got {hint!r}")
