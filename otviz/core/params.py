"""Knobs: dataclass fields with a range, a unit and a description.

One declaration, `blur: float = param(0.05, 1e-3, 10, doc="...", unit="length", log=True)`, defines the widget on a page, the
flag on the command line, the entry in the record of a run and the key in a link.
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
"""Limits of lengths for data in units of a file, which keep arithmetic finite."""


@dataclasses.dataclass(frozen=True)
class Param:
    """The declaration of a knob: `kind` is float, int, bool, str or tuple; a str without `choices` is free text.

    `name` is its name in links, flags and records, `label` on screen.
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
    length: int | None = None  # length of a tuple; None: any

    def in_words(self, value: Any) -> str:
        """A value with its name: "τ = 0.05", "batch size 64"."""
        text = f"{value:g}" if self.kind is float and value is not None else self.write(value)
        if self.symbol:
            return f"{GREEK.get(self.symbol, self.symbol)} = {text}"
        words = self.label or self.name.replace("_", " ")
        return f"{words[:1].lower()}{words[1:]} {text}"

    def at_any_scale(self) -> Param:
        """The same knob for data at any scale: lengths lose their limits, but stay > 0 where they must be."""
        if self.unit != "length" or self.low is None:
            return self
        low = LEAST if self.low > 0 else -MOST if self.low < 0 else 0.0
        return dataclasses.replace(self, low=low, high=MOST)

    def check(self, value: Any) -> Any:
        """Return `value` in this knob's type. Raises ValueError that names the value, the limit and the fix."""
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
        """Parse the text of a link or a text field; lists are separated by commas."""
        if self.optional and text.lower() in ("none", ""):
            return None
        if self.kind is tuple:
            return self.check([part for part in text.replace(",", " ").split() if part])
        return self.check(text)

    def write(self, value: Any) -> str:
        """The text that `parse` reads back as this value."""
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
        # A str is iterable too, but "12" is not the numbers 1 and 2.
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
        default: default value.
        low, high: smallest and largest value, inclusive (for numbers).
        doc: for the user: what it does, and the effect of too small and too large values.
        unit: unit of the value, such as "length in data units"; empty without one.
        symbol: symbol in the papers, such as "tau".
        log: use a logarithmic slider (needs low > 0).
        live: may change while a run trains.
        label: name on screen, such as "Transport cost τ"; empty: the field's name, as words.
        group: heading under All settings, one of GROUPS, or "".
    """
    meta = {"low": low, "high": high, "doc": doc, "unit": unit, "symbol": symbol}
    meta |= {"log": log, "live": live, "label": label, "group": group}
    return dataclasses.field(default=default, metadata={"param": meta})


class Knobs:
    """Base class of frozen dataclasses of knobs; values are checked when an instance is made.

    Class variables: `name` and `title`; `basic`, names of the knobs that are always shown, in this order, while the others
    are under All settings (empty: all are shown).
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    basic: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def taken(cls) -> tuple[Param, ...]:
        """The knobs with the limits that instances are checked against: as declared, unless a subclass widens them."""
        return params_of(cls)

    def __post_init__(self) -> None:
        for knob in self.taken():
            object.__setattr__(self, knob.name, knob.check(getattr(self, knob.name)))

    @classmethod
    def parse(cls, values: Mapping[str, str], any_scale: bool = False) -> Self:
        """Make an instance from texts by knob name, as in links: within the declared limits, or those of `taken`.

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
        """Texts by `prefix` and name, as `parse` reads them: of all knobs, or of `only` those."""
        return {
            prefix + knob.name: knob.write(getattr(self, knob.name))
            for knob in params_of(type(self))
            if only is None or knob.name in only
        }

    def as_dict(self) -> dict[str, Any]:
        """All knobs by name, as JSON-compatible values."""
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
    """The knobs of a dataclass, its own before those of its bases. Raises TypeError for a field without `param`."""
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
    """How far up the bases a field is first declared: knobs that only this class has come first."""
    return -max(depth for depth, base in enumerate(reversed(cls.__mro__)) if _starts(base, name))


def _starts(base: type, name: str) -> bool:
    inherited = any(name in vars(above).get("__annotations__", {}) for above in base.__mro__[1:])
    return name in vars(base).get("__annotations__", {}) and not inherited


def _kind(hint: Any) -> tuple[type, tuple[str, ...], int | None, bool]:
    """Type, choices, length (of a tuple) and whether None is allowed, from a field's annotation."""
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
