"""A convex function g(x) that a user typed, as a `Conjugate`: read as a syntax tree, walked over a short list of operations.

Nothing of the text is ever run: numbers, x, + - * / ** and FUNCTIONS are all there is, and every other thing is refused.
What g1 and g2 need (Choi et al. 2024, section 3.1) is checked on [-RANGE, RANGE]: g(0) = 0, g'(0) = 1, rising, convex.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from otviz.ot.conjugates import CONJUGATES, KL_LIMIT, Conjugate

RANGE = 20.0
"""g is checked for |x| <= RANGE and continued by its tangent beyond, so that it stays finite and convex."""

STEEPEST = math.exp(KL_LIMIT)
"""Slope at which g goes over into its tangent already within that range, as e^x - 1 does in CONJUGATES."""

LENGTH, DEPTH, LARGEST = 200, 20, 1e6
"""Most characters, levels of nesting, and size of a number."""

TRIES = 5
"""Attempts to parse a text."""

TOLERANCE = 1e-3
"""Of g(0) = 0 and g'(0) = 1: a constant rounded to four digits will do."""

_POINTS, _PAIRS = 4001, 4000  # the grid holds every multiple of 0.01

_Function = tuple[int, Callable[..., Tensor], str, int]

FUNCTIONS: dict[str, _Function] = {
    "exp": (1, torch.exp, "e^{{{}}}", 3),
    "expm1": (1, torch.expm1, "e^{{{}}} - 1", 1),
    "log": (1, torch.log, r"\log\left({}\right)", 4),
    "log1p": (1, torch.log1p, r"\log\left(1 + {}\right)", 4),
    "sqrt": (1, torch.sqrt, r"\sqrt{{{}}}", 5),
    "abs": (1, torch.abs, r"\left|{}\right|", 5),
    "tanh": (1, torch.tanh, r"\tanh\left({}\right)", 4),
    "sigmoid": (1, torch.sigmoid, r"\sigma\left({}\right)", 4),
    "softplus": (1, F.softplus, r"\log\left(1 + e^{{{}}}\right)", 4),
    "relu": (1, F.relu, r"\max\left(0,\,{}\right)", 4),
    "max": (2, torch.maximum, r"\max\left({},\,{}\right)", 4),
    "min": (2, torch.minimum, r"\min\left({},\,{}\right)", 4),
}
"""Each function: how many arguments, what it does to tensors, its LaTeX, how tightly that binds. softplus is log(1 + e^x),
without the factor 2 of the papers' SP."""

_OPERATORS: dict[type[ast.operator], tuple[str, Callable[..., Tensor], str, int, tuple[int, ...]]] = {
    ast.Add: ("+", torch.add, "{} + {}", 1, (1, 1)),
    ast.Sub: ("-", torch.sub, "{} - {}", 1, (1, 2)),
    ast.Mult: ("*", torch.mul, r"{}\cdot {}", 2, (2, 2)),
    ast.Div: ("/", torch.div, r"\frac{{{}}}{{{}}}", 4, (0, 0)),
    ast.Pow: ("**", torch.pow, "{}^{{{}}}", 3, (5, 0)),
}
"""Each operator: sign, what it does, LaTeX, how tightly that binds, and how tightly its operands must."""

Watch = Callable[[str, list[Tensor]], None]


@dataclass(frozen=True)
class _Node:
    """A checked expression: an operation on others, a number, or x (neither of both).

    Attributes:
        latex, rank, needs: its LaTeX over its parts, how tightly that binds (5 is an atom), and how tightly parts must.
    """

    name: str = "x"
    apply: Callable[..., Tensor] | None = None
    parts: tuple[_Node, ...] = ()
    number: float | None = None
    latex: str = ""
    rank: int = 5
    needs: tuple[int, ...] = ()

    def value(self, x: Tensor, watch: Watch | None = None) -> Tensor:
        """Elementwise, the shape of x, or () without x in it."""
        if self.apply is None:
            return x if self.number is None else x.new_full((), self.number)
        values = [part.value(x, watch) for part in self.parts]
        if watch is not None:
            watch(self.name, values)
        return self.apply(*values)

    def tex(self, x: str) -> str:
        """LaTeX with x written as given."""
        if self.apply is None:
            return x if self.number is None else f"{self.number:g}"
        texts = [part.tex(x) for part in self.parts]
        return self.latex.format(
            *(
                text if part.rank >= least and not (least == 5 and "frac" in text) else rf"\left({text}\right)"
                for part, text, least in zip(self.parts, texts, self.needs, strict=True)
            )
        )


def conjugate(name: str) -> Conjugate:
    """The conjugate of that name in CONJUGATES, or the one that the text describes. Raises ValueError as `typed` does."""
    return CONJUGATES[name] if name in CONJUGATES else typed(name)


@functools.lru_cache(maxsize=64)
def typed(text: str) -> Conjugate:
    """The conjugate g that `text` describes, as in "exp(x) - 1" or "2*softplus(x) - 2*log(2)".

    Raises ValueError, one sentence that says what is wrong, where and how to fix it, for anything that is not an
    expression of the kind above, or not finite, g(0) = 0, g'(0) = 1, non-decreasing and convex.
    """
    node = _parse(text)
    _check(node)
    ends = torch.tensor([-RANGE, _upper(node)], dtype=torch.float64)
    tangents = tuple(_with_slope(node, ends)[1].tolist())
    g = functools.partial(_extended, node, tuple(ends.tolist()), tangents)
    scaled = node.tex(r"\tfrac{x}{\alpha}")
    return Conjugate(
        name=text.strip(),
        title=f"Typed: {text.strip()}",
        formula=node.tex("x"),
        formula_alpha=rf"\alpha\left({scaled}\right)",
        g=g,
        g_slope=functools.partial(_slope, g),
    )


def _parse(text: str) -> _Node:
    if len(text) > LENGTH:
        raise ValueError(f"g(x) must have at most {LENGTH} characters; got {len(text)}: shorten it")
    if not text.strip():
        raise ValueError("g(x) is empty: write for example exp(x) - 1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _tree(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError("g(x) cannot be read: check brackets and signs, as in 2*log(1 + exp(x)) - 2*log(2)") from error
    return _read(tree.body, 1)


def _tree(text: str) -> ast.Expression:
    """The syntax tree. Python 3.11 counts its depth for all threads together: one that parses meanwhile makes it fail."""
    for _ in range(TRIES - 1):
        with contextlib.suppress(SystemError):
            return ast.parse(text, mode="eval")
    return ast.parse(text, mode="eval")


def _read(node: ast.expr, depth: int) -> _Node:
    if depth > DEPTH:
        raise ValueError(f"g(x) may nest at most {DEPTH} operations; this one is deeper: simplify it")
    if isinstance(node, ast.Constant):
        return _number(node.value)
    if isinstance(node, ast.Name) and node.id == "x":
        return _Node()
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        part = _read(node.operand, depth + 1)
        return _Node("-", torch.neg, (part,), None, "-{}", 1, (2,)) if isinstance(node.op, ast.USub) else part
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        name, apply, latex, rank, needs = _OPERATORS[type(node.op)]
        parts = (_read(node.left, depth + 1), _read(node.right, depth + 1))
        return _Node(name, apply, parts, None, latex, rank, needs)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
        raise ValueError("g(x) has ^: write ** for a power")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
        return _call(node.func.id, node, depth)
    shown = ast.unparse(node.func if isinstance(node, ast.Call) else node)[:30]
    raise ValueError(f"g(x) may hold only numbers, x, + - * / ** and {', '.join(FUNCTIONS)}: leave out {shown!r}")


def _number(value: object) -> _Node:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"g(x) may hold only real numbers: leave out {str(value)[:30]!r}")
    if not abs(value) <= LARGEST:
        raise ValueError(f"a number in g(x) must be at most {LARGEST:g}; got {str(value)[:30]}: scale it down")
    return _Node("number", number=float(value))


def _call(name: str, node: ast.Call, depth: int) -> _Node:
    count, apply, latex, rank = FUNCTIONS[name]
    given = len(node.args) + len(node.keywords)
    if given != count or node.keywords or any(isinstance(part, ast.Starred) for part in node.args):
        raise ValueError(
            f"{name} takes {count} value{'s' if count > 1 else ''} in brackets; got {given}: correct the call"
        )
    parts = tuple(_read(part, depth + 1) for part in node.args)
    return _Node(name, apply, parts, None, latex, rank, (1,) * count)


def _with_slope(node: _Node, at: Tensor) -> tuple[Tensor, Tensor]:
    """g and g', both detached and of the shape of `at`."""
    with torch.enable_grad():
        x = at.detach().requires_grad_()
        value = node.value(x) + 0 * x
        (slope,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), slope


def _upper(node: _Node) -> float:
    """Where the slope reaches STEEPEST, by bisection, or RANGE if it never does."""
    low, high = 0.0, RANGE
    for _ in range(60):
        middle = (low + high) / 2
        steep = float(_with_slope(node, torch.tensor([middle], dtype=torch.float64))[1]) > STEEPEST
        low, high = (low, middle) if steep else (middle, high)
    return low


def _extended(node: _Node, ends: tuple[float, float], tangents: tuple[float, float], x: Tensor) -> Tensor:
    inside = x.clamp(*ends)
    outside = x - inside  # 0 with slope 0 from end to end, the ends included
    return node.value(inside) + tangents[0] * outside.clamp(max=0) + tangents[1] * outside.clamp(min=0)


def _slope(g: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with torch.enable_grad():
        at = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(g(at).sum(), at)
    return slope


def _check(node: _Node) -> None:
    x = torch.linspace(-RANGE, RANGE, _POINTS, dtype=torch.float64)
    x = (x * 100).round() / 100
    node.value(x, functools.partial(_check_domain, x))
    value, slope = _with_slope(node, x)
    for name, numbers in (("g", value), ("the slope of g", slope)):
        _refuse_at(x, ~torch.isfinite(numbers), f"{name} is not a finite number")
    _check_origin(node)
    falls = slope < -1e-9 * (1 + value.abs())
    if bool(falls.any()):
        least = float(x[value.argmin()])
        mend = f"use max(x, {least:g}) instead of x" if 0 > least > -RANGE else "choose one that never decreases"
        _refuse_at(x, falls, "g must not decrease, but it does", mend)
    _check_convex(node, x, value)


def _refuse_at(x: Tensor, bad: Tensor, what: str, mend: str = f"keep it finite for |x| <= {RANGE:g}") -> None:
    """Raise ValueError if anything is bad, naming the place nearest to 0."""
    if bool(bad.any()):
        at = float(x[torch.where(bad, x.abs(), torch.inf).argmin()]) + 0.0  # no -0
        raise ValueError(f"{what} at x = {at:g}: {mend}")


def _check_domain(x: Tensor, name: str, values: list[Tensor]) -> None:
    first = values[0].expand_as(x)
    last = values[-1].expand_as(x)
    for bad, what in {
        "log": ((first < 0, "log of a negative number"), (first == 0, "log of 0")),
        "log1p": ((first <= -1, "log1p of a number that is not above -1"),),
        "sqrt": ((first < 0, "sqrt of a negative number"),),
        "/": ((last == 0, "division by 0"),),
        "**": (
            ((first < 0) & (last != last.round()), "a fractional power of a negative number"),
            ((first == 0) & (last < 0), "a negative power of 0"),
        ),
    }.get(name, ()):
        _refuse_at(x, bad, what)


def _check_origin(node: _Node) -> None:
    at = torch.tensor([-1e-4, 0, 1e-4], dtype=torch.float64)
    values, slopes = (numbers.tolist() for numbers in _with_slope(node, at))
    if abs(values[1]) > TOLERANCE:
        mend = f"{'subtract' if values[1] > 0 else 'add'} {abs(values[1]):.6g} to get g(0) = 0"
        raise ValueError(f"g(0) must be 0; it is {values[1]:.6g}: {mend}")
    if abs(slopes[2] - slopes[0]) > 0.01 * (1 + abs(slopes[1])):
        raise ValueError(
            f"g must have one slope at 0; it is {slopes[0]:.4g} on the left and {slopes[2]:.4g} on the right: smooth it"
        )
    if abs(slopes[1] - 1) > TOLERANCE:
        mend = f"divide by {slopes[1]:.6g} to get g'(0) = 1" if slopes[1] > 0 else "choose one that rises there"
        raise ValueError(f"g'(0) must be 1; it is {slopes[1]:.6g}: {mend}")


def _check_convex(node: _Node, x: Tensor, value: Tensor) -> None:
    mend = "choose a convex one, such as exp, softplus or max of straight lines"
    bend = value[2:] - 2 * value[1:-1] + value[:-2]
    size = value[2:].abs() + value[:-2].abs() + 1
    _refuse_at(x[1:-1], bend < -1e-10 * size, "g must be convex, but it bends down", mend)
    pairs = (torch.rand(2, _PAIRS, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1) * RANGE
    middle = pairs.mean(0)
    left, right, between = node.value(pairs[0]), node.value(pairs[1]), node.value(middle)
    over = between - (left + right) / 2 > 1e-10 * (1 + left.abs() + right.abs())
    _refuse_at(middle, over, "g must be convex, but it lies above a chord", mend)
