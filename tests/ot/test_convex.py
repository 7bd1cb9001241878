"""Typed convex functions: the known ones typed in, finite differences, refusals that name their reason, hostile text."""

from __future__ import annotations

import math
import re
import time

import numpy as np
import pytest
import torch

from otviz.ot.conjugates import CONJUGATES
from otviz.ot.convex import typed

KNOWN = {
    "x": "identity",
    "2*softplus(x) - 2*log(2)": "softplus",
    "2*log(1 + exp(x)) - 2*log(2)": "softplus",
    "exp(x) - 1": "kl",
    "expm1(x)": "kl",
    "max(0, 1 + x/2)**2 - 1": "chi2",
    "relu(1 + x/2)**2 - 1": "chi2",
}


@pytest.mark.parametrize(("text", "name"), KNOWN.items())
@pytest.mark.parametrize("alpha", [1.0, 0.4])
def test_known_functions_typed_in(text, name, alpha):
    x = torch.linspace(-7.9, 7.9, 991, dtype=torch.float64)  # x / alpha within the range that is checked
    found, known = typed(text), CONJUGATES[name]
    # the tangent of e^x begins at the slope e^8, found by bisection
    assert torch.allclose(found.value(x, alpha), known.value(x, alpha), rtol=1e-9, atol=1e-12)
    assert torch.allclose(found.slope(x, alpha), known.slope(x, alpha), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "text", ["x + sqrt(x**2 + 1) - 1", "exp(x) - 1", "0.5*(exp(x) - 1) + 0.5*x", "4*sigmoid(x/2)*0 + x"]
)
def test_slope_is_that_of_differences(text):
    g = typed(text)
    x = torch.linspace(-25.01, 25, 500, dtype=torch.float64)  # beyond the range too, off the kinks
    h = 1e-5
    differences = (g.value(x + h) - g.value(x - h)) / (2 * h)
    assert torch.allclose(g.slope(x), differences, rtol=1e-6, atol=1e-6)


def test_beyond_its_range_it_goes_on_straight():
    g = typed("x + sqrt(x**2 + 1) - 1")
    far = torch.tensor([20.0, 1e3, 1e4], dtype=torch.float64)
    slope = 1 + 20 / math.sqrt(401)
    expected = 20 + math.sqrt(401) - 1 + slope * (far - 20)
    assert torch.allclose(g.value(far), expected, rtol=1e-12)
    assert torch.isfinite(typed("exp(x) - 1").value(torch.tensor([1e6, -1e6]))).all()


def test_it_trains():
    """A loss with it has a gradient, in float32, for batches and for alpha given as a tensor."""
    v = torch.randn(16, requires_grad=True)
    loss = typed("2*softplus(x) - 2*log(2)").value(-v, torch.tensor(0.7)).mean()
    (gradient,) = torch.autograd.grad(loss, v)
    expected = -2 / (1 + np.exp(v.detach().numpy() / 0.7)) / 16
    np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-4)
    assert loss.dtype == torch.float32


def test_formulas_keep_their_brackets():
    assert typed("exp(x) - 1").formula == "e^{x} - 1"
    assert typed("exp(x) - 1").formula_alpha == r"\alpha\left(e^{\tfrac{x}{\alpha}} - 1\right)"
    assert typed("x - (1 - 1)").formula == r"x - \left(1 - 1\right)"
    assert typed("(exp(x) - 1)*1").formula == r"\left(e^{x} - 1\right)\cdot 1"
    assert typed("((x + 22)**2 - 484)/44").formula == r"\frac{\left(x + 22\right)^{2} - 484}{44}"


REFUSED = {
    "exp(x)": "g(0) must be 0; it is 1: subtract 1",
    "x - 0.5": "add 0.5 to get g(0) = 0",
    "exp(2*x) - 1": "g'(0) must be 1; it is 2: divide by 2 to get g'(0) = 1",
    "-x": "choose one that rises there",
    "2*max(x, 0)": "one slope at 0; it is 0 on the left and 2 on the right",
    "x + x**2/4": "g must not decrease, but it does at x = -2.01: use max(x, -2) instead of x",
    "tanh(x)": "g must be convex, but it bends down at x = ",
    "x + 0.01*x**3": "bends down at x = -0.0",
    "log(x + 3.2)": "log of a negative number at x = -3.21",
    "sqrt(x)": "sqrt of a negative number at x = -0.01",
    "x**0.5": "a fractional power of a negative number",
    "x/x": "division by 0 at x = 0",
    "0*x**-1 + x": "a negative power of 0 at x = 0",
    "log1p(x)": "log1p of a number that is not above -1 at x = -1",
    "exp(exp(x)) - exp(1)": "not a finite number",
    "sqrt(x**2)*0 + x": "the slope of g is not a finite number at x = 0",
    "": "is empty",
    "exp(x": "cannot be read",
    "x ^ 2": "write ** for a power",
    "max(x)": "max takes 2 values in brackets; got 1",
    "softplus(x, beta=2)": "softplus takes 1 value in brackets; got 2",
    "max(*x, x)": "correct the call",
    "2e6*x": "at most 1e+06",
}


@pytest.mark.parametrize(("text", "words"), REFUSED.items())
def test_what_is_violated_where_and_how_to_mend_it(text, words):
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        typed(text)
    assert "\n" not in str(caught.value)


def test_the_mend_mends():
    assert typed("(exp(2*x) - 1)/2")
    assert typed("max(x, -2) + max(x, -2)**2/4")


def test_convexity_is_seen_between_wide_points_too():
    """A wave too flat for neighbours on the grid: its second difference is one in 1e12 of its value."""
    with pytest.raises(ValueError, match="convex"):
        typed("exp(x) - 1 - 0.000001*x**4")


HOSTILE = (
    "__import__('os')", "__import__('os').system('true')", "x.__class__", "().__class__.__bases__", "x[0]", "eval('x')",
    "exp.__globals__", "(lambda: x)()", "[x for x in range(9)]", "x if x else 1", "x := 3", "f'{x}'", "'a'*10**9",
    "10**10**10", "9**9**9**9**9", "(10**10**10)*x", "1" + "0" * 150, "1e999*x", "1j*x", "True*x", "None", "x, x", "{x}",
    "-" * 150 + "x", "(" * 90 + "y" + ")" * 90, "exp(" * 40 + "x" + ")" * 40, "x" + "+x" * 90, "x**" * 60 + "x", "x" * 100_000,
    "(" * 100_000, "x\x00", "import os", "x; x", "x\nx", "y", "exp", "~x", "not x", "x < 1", "x and x", "x @ x", "x // 1", "x % 2",
    "await x", "*x", "...", "b'x'", "\u221e", "x\u00b2",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:20])
def test_hostile_text_is_refused_quickly(text):
    start = time.process_time()
    with pytest.raises(ValueError, match="g") as caught:
        typed(text)
    assert time.process_time() - start < 0.5  # milliseconds on an idle machine
    assert len(str(caught.value)) < 300
