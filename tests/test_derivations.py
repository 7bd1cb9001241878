"""What the derivations say, recomputed: tables, closed forms and identities, by code that the text does not share."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import linear_sum_assignment, minimize, minimize_scalar
from scipy.spatial.distance import cdist, jensenshannon
from scipy.special import logsumexp, rel_entr

from otviz.content.explanations import derivations

Array = NDArray[np.float64]


def table(topic: str) -> list[list[str]]:
    """The rows of the one table of a derivation, without its head."""
    rows = [line.strip("|").split(" | ") for line in derivations()[topic].text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def decimals(text: str) -> float:
    """Half of the last digit shown, and a hair."""
    return 0.5001 * 10.0 ** -len(text.partition(".")[2])


def shows(text: str, value: float) -> bool:
    return abs(float(text) - value) <= decimals(text)


def entropy(name: str) -> tuple[Callable[[float], float], float]:
    """Psi as the literature has it, and up to where it is finite."""

    def xlogx(t: float) -> float:
        return t * np.log(t) if t > 0 else 0.0

    return {
        "kl": (lambda t: xlogx(t) - t + 1, 40.0),
        "chi2": (lambda t: (t - 1) ** 2, 40.0),
        "softplus": (lambda t: xlogx(t) + xlogx(2 - t), 2.0),
    }[name]


def conjugate(name: str, x: float, alpha: float = 1.0) -> tuple[float, float]:
    """sup_t [t x - alpha Psi(t)] and where it is reached, by search."""
    if name == "identity":
        return x, 1.0  # Psi is infinite off t = 1
    psi, most = entropy(name)
    most = 1000.0 if name == "kl" else most
    found = minimize_scalar(
        lambda t: alpha * psi(t) - t * x, bounds=(0, most), method="bounded", options={"xatol": 1e-11}
    )
    return float(-found.fun), float(found.x)


def test_the_table_of_bounds() -> None:
    x, y = np.array([0.0, 1.0]), np.array([1.0, 3.0])
    cost = (x[:, None] - y) ** 2
    rows = table("kantorovich")
    bounds = []
    for v1, v3, u0, u1, bound in (map(float, row) for row in rows):
        c_transform = (cost - np.array([v1, v3])).min(axis=1)
        assert c_transform.tolist() == [u0, u1]
        assert c_transform.mean() + (v1 + v3) / 2 == bound
        bounds.append(bound)
    least = cost[linear_sum_assignment(cost)].mean()
    most = cost[linear_sum_assignment(cost, maximize=True)].mean()
    assert max(bounds) == bounds[1] == least == 2.5
    assert most == 4.5
    assert "cost 2.5 and 4.5" in derivations()["kantorovich"].text


def sinkhorn(cost: Array, epsilon: float, sweeps: int = 400) -> tuple[Array, Array, Array]:
    """Plan and potentials for uniform weights, in the log domain, as the textbook has it."""
    n, m = cost.shape
    f, g = np.zeros(n), np.zeros(m)
    for _ in range(sweeps):
        f = -epsilon * (logsumexp((g - cost) / epsilon, axis=1) - np.log(m))
        g = -epsilon * (logsumexp((f[:, None] - cost) / epsilon, axis=0) - np.log(n))
    return np.exp((f[:, None] + g - cost) / epsilon) / (n * m), f, g


def test_squaring_a_plan_halves_epsilon() -> None:
    import ot

    rng = np.random.default_rng(0)
    cost = cdist(rng.normal(size=(12, 2)), rng.normal(size=(15, 2)) + 1, "sqeuclidean") / 2
    plan, f, g = sinkhorn(cost, 0.4)
    density = plan * plan.size
    assert density**2 == pytest.approx(np.exp((f[:, None] + g - cost) / 0.2))
    # squared and brought back to its marginals it is the plan at half the temperature
    squared = density**2
    for _ in range(600):
        squared /= squared.mean(axis=1, keepdims=True)
        squared /= squared.mean(axis=0, keepdims=True)
    a, b = np.full(12, 1 / 12), np.full(15, 1 / 15)
    assert squared / squared.size == pytest.approx(ot.sinkhorn(a, b, cost, 0.2, numItermax=20_000), abs=1e-7)


def test_the_entropic_cost_is_the_sum_of_potentials_and_differs_from_002_by_a_constant() -> None:
    rng = np.random.default_rng(1)
    cost, epsilon = rng.random((6, 8)), 0.3
    plan, f, g = sinkhorn(cost, epsilon)
    divergence = rel_entr(plan, np.full_like(plan, 1 / plan.size)).sum()
    assert (plan * cost).sum() + epsilon * divergence == pytest.approx(f.mean() + g.mean())
    own_entropy = -(plan * np.log(plan)).sum()
    assert divergence == pytest.approx(np.log(6) + np.log(8) - own_entropy)


def test_the_kernel_of_002_is_nearly_uniform() -> None:
    assert "$e^{-2} = 0.135$" in derivations()["entropic"].text
    assert shows("0.135", np.exp(-2.0))


def test_the_energy_distance_on_a_line() -> None:
    x, y = np.array([-1.0, 0.5, 2.0]), np.array([0.0, 0.7, 4.0, 4.5])
    places = np.sort(np.concatenate([x, y]))
    gaps = np.diff(places)
    steps = [(x <= place).mean() - (y <= place).mean() for place in places[:-1]]
    expected = 2 * float((np.array(steps) ** 2 * gaps).sum())

    def spread(a: Array, b: Array) -> float:
        return float(np.abs(a[:, None] - b).mean())

    assert 2 * spread(x, y) - spread(x, x) - spread(y, y) == pytest.approx(expected)


def test_a_distance_is_a_sum_of_waves() -> None:
    """In one dimension |u| = (1 / pi) int (1 - cos t u) / t^2 dt."""
    for u in (0.3, 1.7):
        near, _ = quad(lambda t, u=u: (1 - np.cos(t * u)) / t**2, 1e-9, 400, limit=2000)
        far = 1 / 400  # the mean of 1 - cos is 1
        assert 2 * (near + far) / np.pi == pytest.approx(u, rel=2e-3)


def test_squared_distances_see_only_means() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(40, 3)), 5 * rng.normal(size=(50, 3)) + 1

    def spread(a: Array, b: Array) -> float:
        return float(cdist(a, b, "sqeuclidean").mean())

    left = 2 * ((x.mean(0) - y.mean(0)) ** 2).sum()
    assert 2 * spread(x, y) - spread(x, x) - spread(y, y) == pytest.approx(left)


def test_a_kernel_s_distance_gives_twice_its_mmd() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(9, 2)), rng.normal(size=(7, 2)) + 1

    def kernel(a: Array, b: Array) -> Array:
        return np.exp(-cdist(a, b, "sqeuclidean"))

    def distance(a: Array, b: Array) -> float:
        return float((2 - 2 * kernel(a, b)).mean())

    mmd = kernel(x, x).mean() + kernel(y, y).mean() - 2 * kernel(x, y).mean()
    assert 2 * distance(x, y) - distance(x, x) - distance(y, y) == pytest.approx(2 * mmd)


def test_a_plan_held_fixed_gives_the_gradient_with_entropy() -> None:
    rng = np.random.default_rng(4)
    x, y, epsilon, step = rng.normal(size=(6, 2)), rng.normal(size=(7, 2)) + 0.5, 0.5, 1e-5

    def both(points: Array) -> tuple[float, float]:
        cost = cdist(points, y, "sqeuclidean") / 2
        plan, f, g = sinkhorn(cost, epsilon)
        return float((plan * cost).sum()), float(f.mean() + g.mean())

    plan, _, _ = sinkhorn(cdist(x, y, "sqeuclidean") / 2, epsilon)
    held = plan.sum(1)[:, None] * x - plan @ y
    slopes = np.zeros((2, *x.shape))
    for i, k in np.ndindex(*x.shape):
        moved = np.zeros_like(x)
        moved[i, k] = step
        slopes[:, i, k] = (np.array(both(x + moved)) - both(x - moved)) / (2 * step)
    without, with_entropy = slopes
    assert held == pytest.approx(with_entropy, abs=1e-7)
    assert np.abs(held - without).max() > 0.01


def test_r1_gives_a_linear_potential_its_minimum() -> None:
    mean, weight = np.array([0.7, -1.2]), 0.05
    found = minimize(lambda w: -w @ mean + weight * w @ w, np.zeros(2))
    assert found.x == pytest.approx(mean / (2 * weight), abs=1e-4)
    assert found.fun == pytest.approx(-(mean @ mean) / (4 * weight))


def test_the_potential_between_gaussians() -> None:
    m, s, tau = 1.3, 0.6, 0.2

    def v(y: float) -> float:
        return tau * (y**2 - (y - m) ** 2 / s)

    def mean(function: Callable[[float], float], centre: float, std: float) -> float:
        weighed = lambda z: function(centre + std * z) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)  # noqa: E731
        return float(quad(weighed, -9, 9)[0])

    def least(x: float) -> tuple[float, float]:
        found = minimize_scalar(lambda y: tau * (x - y) ** 2 - v(y))
        return float(found.x), float(found.fun)

    for x in (-1.0, 0.0, 2.0):
        assert least(x)[0] == pytest.approx(m + s * x, abs=1e-6)
    value = mean(lambda x: least(x)[1], 0.0, 1.0) + mean(v, m, s)
    assert value == pytest.approx(tau * (m**2 + (s - 1) ** 2), abs=1e-6)


def test_the_table_of_conjugates() -> None:
    rows = table("uotm")
    assert [row[0].partition(":")[0] for row in rows] == ["identity", "softplus", "kl", "chi2"]
    for row in rows:
        name = row[0].partition(":")[0]
        assert shows(row[1], conjugate(name, 1)[0]), row
        assert shows(row[2], conjugate(name, -1)[0]), row
        if name == "identity":
            assert (row[3], row[4]) == ("none", "1")
            continue
        assert shows(row[3], conjugate(name, -60)[0]), row
        low, high = row[4].split(" to ")
        assert conjugate(name, -60)[1] == pytest.approx(float(low), abs=1e-6)
        if high == "2":
            assert conjugate(name, 60)[1] == pytest.approx(2, abs=1e-6)
        else:
            assert high == r"$\infty$"
            assert conjugate(name, 6)[1] > 3.9
        at_one = minimize_scalar(lambda x, name=name: conjugate(name, x)[0] - x, bounds=(-1, 1), method="bounded")
        assert at_one.fun == pytest.approx(0, abs=1e-9)  # Psi(1) = sup [x - g(x)] = 0, reached at x = 0
        assert at_one.x == pytest.approx(0, abs=1e-3)


def unbalanced(cost: Array, weigh: float) -> tuple[float, Array]:
    """Eq. 6 between uniform weights with KL on both sides, by minimising over plans."""
    n, m = cost.shape

    def value(logs: Array) -> float:
        plan = np.exp(logs.reshape(n, m))
        rows, columns = plan.sum(1) * n, plan.sum(0) * m
        missed = (rows * np.log(rows) - rows + 1).mean() + (columns * np.log(columns) - columns + 1).mean()
        return float((plan * cost).sum() + weigh * missed)

    found = minimize(value, np.full(n * m, -np.log(n * m)), options={"gtol": 1e-9, "maxiter": 5000})
    return float(found.fun), np.exp(found.x.reshape(n, m))


COST = np.array([[0.2, 1.5, 3.0], [0.9, 0.1, 1.0]])


def semi_dual(v: Array, weigh: float) -> float:
    """Eq. 7 with KL of weight `weigh`."""
    c_transform = (COST - v).min(axis=1)
    return float(-weigh * (np.expm1(-c_transform / weigh).mean() + np.expm1(-v / weigh).mean()))


def test_the_semi_dual_is_the_unbalanced_cost() -> None:
    primal, _ = unbalanced(COST, 1.0)
    best = max(
        (minimize(lambda v: -semi_dual(v, 1.0), start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-13, "maxiter": 20_000})
         for start in (np.zeros(3), np.array([0.5, 0.0, 1.0]))), key=lambda found: -found.fun,
    )  # fmt: skip
    assert -best.fun == pytest.approx(primal, abs=1e-4)


def test_slopes_are_the_mass_that_is_served() -> None:
    _, plan = unbalanced(COST, 1.0)
    served = plan.sum(0) * 3
    # at the optimum c = u + v on the support, and u = -log of what the rows are served
    u = -np.log(plan.sum(1) * 2)
    v = (COST - u[:, None]).min(axis=0)
    assert np.exp(-v) == pytest.approx(served, abs=2e-3)


def test_without_cost_the_potential_is_a_critic() -> None:
    rng = np.random.default_rng(5)
    generated, data = rng.normal(size=20) * 2, rng.normal(size=30) * 2
    of_table = [[conjugate("softplus", x)[0] for x in values] for values in (generated, -data)]
    critic = np.logaddexp(0, generated).mean() + np.logaddexp(0, -data).mean()
    assert np.mean(of_table[0]) + np.mean(of_table[1]) == pytest.approx(2 * critic - 4 * np.log(2), abs=1e-6)


P, Q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.2, 0.7])


def _best(loss: Callable[[Array], float]) -> tuple[Array, float]:
    found = minimize(loss, np.zeros(3))
    return found.x, float(found.fun)


def test_the_best_potential_without_cost() -> None:
    constant = 2 * np.log(2)
    v, value = _best(lambda v: Q @ (2 * np.logaddexp(0, v) - constant) + P @ (2 * np.logaddexp(0, -v) - constant))
    assert v == pytest.approx(np.log(P / Q), abs=1e-4)
    assert value == pytest.approx(-4 * jensenshannon(P, Q) ** 2, abs=1e-7)


def test_the_best_logit_pays_jensen_shannon() -> None:
    v, value = _best(lambda v: Q @ np.logaddexp(0, v) + P @ np.logaddexp(0, -v))
    assert v == pytest.approx(np.log(P / Q), abs=1e-4)
    assert value == pytest.approx(2 * np.log(2) - 2 * jensenshannon(P, Q) ** 2, abs=1e-7)
    apart = jensenshannon([1.0, 0.0], [0.0, 1.0]) ** 2
    assert apart == pytest.approx(np.log(2))
    assert shows("1.386", 2 * np.log(2))


def test_the_table_of_alpha() -> None:
    rows = table("schedule")
    assert [row[0] for row in rows] == ["0.2", "1", "5"]
    for alpha, *cells in rows:
        found = [conjugate(name, x, float(alpha))[0] for name in ("softplus", "kl") for x in (1, -1)]
        assert [cell for cell, value in zip(cells, found, strict=True) if not shows(cell, value)] == []


@pytest.mark.parametrize(("name", "bend"), [("softplus", 0.5), ("chi2", 0.5), ("kl", 1.0)])
def test_a_large_alpha_straightens_as_told(name: str, bend: float) -> None:
    alpha, x = 50.0, 0.8
    assert conjugate(name, x, alpha)[0] - x == pytest.approx(bend / (2 * alpha) * x**2, rel=0.02)


def test_the_table_of_weights() -> None:
    for row in table("sample-weights"):
        found = [conjugate(row[0], s)[1] for s in (-2, 0, 2)]
        # near t = 0 chi2 is flat: the search ends a hair beside it
        assert [
            cell for cell, slope in zip(row[2:], found, strict=True) if abs(float(cell) - slope) > decimals(cell) + 1e-6
        ] == []


def test_the_table_of_the_bound() -> None:
    squared = 1.5**2
    for tau, alpha, mass, missed, bound in table("bound"):
        t, a = float(tau), float(alpha)

        def divergences(m: float, a: float = a) -> float:
            return 2 * a * (m * np.log(m) - m + 1)

        best = minimize_scalar(
            lambda m, t=t: t * squared * m + divergences(m),
            bounds=(1e-9, 1),
            method="bounded",
            options={"xatol": 1e-12},
        )
        assert shows(mass, best.x)
        assert best.x == pytest.approx(np.exp(-t * squared / (2 * a)), abs=1e-6)
        assert shows(missed, divergences(best.x))
        assert float(bound) == pytest.approx(t * squared)
        assert divergences(best.x) <= t * squared


def test_the_bound_holds_for_plans_with_both_terms() -> None:
    exact = COST[:, :2]
    least = exact[linear_sum_assignment(exact)].mean()
    for weigh in (0.3, 1.0, 4.0):
        value, plan = unbalanced(exact, weigh)
        missed = value - float((plan * exact).sum())
        assert missed <= least
        assert value <= least + 1e-9


def test_every_table_is_tested() -> None:
    tested = set(re.findall(r'table\("([a-z-]+)"\)', open(__file__, encoding="utf-8").read()))  # noqa: SIM115
    assert {topic for topic, each in derivations().items() if "\n|---" in each.text} == tested
