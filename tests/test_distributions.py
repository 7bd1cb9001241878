"""Every distribution against what its definition says of moments, shares and supports."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from otviz.core.params import params_of
from otviz.data.distributions import Distribution, by_record, distributions, named, parse_distribution
from otviz.data.distributions.checkerboard import Checkerboard
from otviz.data.distributions.circles import Circles
from otviz.data.distributions.gaussian import Gaussian
from otviz.data.distributions.grid import Grid
from otviz.data.distributions.letters import Letters
from otviz.data.distributions.mixture import LopsidedMixture
from otviz.data.distributions.moons import Moons
from otviz.data.distributions.pinwheel import Pinwheel
from otviz.data.distributions.ring import Ring
from otviz.data.distributions.spiral import Spiral
from otviz.data.distributions.swiss_roll import SwissRoll
from otviz.data.distributions.two_diracs import TwoDiracs

N = 40_000


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(params=list(distributions()))
def distribution(request: pytest.FixtureRequest, tmp_path: Path) -> Distribution:
    """Every distribution with its defaults; those that need a file get one."""
    cls = named(request.param)
    if not cls.needs_file:
        return cls()
    file = tmp_path / f"some{cls.extensions[0]}"
    if ".png" in cls.extensions:
        Image.fromarray(rng(7).integers(0, 256, (40, 60), dtype=np.uint8)).save(file)
    else:
        np.savetxt(file, rng(7).normal(5, 3, (500, 2)), delimiter=",")
    return parse_distribution(cls.name, {"file": str(file)})


# Every distribution


def test_samples_are_finite_float32_pairs(distribution: Distribution) -> None:
    for n in (1, 128, 1000):
        points = distribution.sample(n, rng())
        assert points.shape == (n, 2)
        assert points.dtype == np.float32
        assert np.isfinite(points).all()
    assert distribution.sample(0, rng()).shape == (0, 2)


def test_seed_decides_the_samples(distribution: Distribution) -> None:
    first = distribution.sample(128, rng(3))
    assert np.array_equal(first, distribution.sample(128, rng(3)))
    assert not np.array_equal(first, distribution.sample(128, rng(4)))


def test_samples_are_the_callers_to_change(distribution: Distribution) -> None:
    first = distribution.sample(128, rng(3))
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(kept, distribution.sample(128, rng(3)))


def test_defaults_keep_unit_scale(distribution: Distribution) -> None:
    points = distribution.sample(N, rng())
    assert (np.abs(points) < 6).all(axis=1).mean() > 0.99
    assert 0.5 < points.std(axis=0).mean() < 2.5


def test_page_has_words_for_it(distribution: Distribution) -> None:
    assert distribution.title
    assert type(distribution).__doc__
    for knob in params_of(type(distribution)):
        assert knob.doc
        assert not knob.log or (knob.low or 0) > 0


def test_record_survives_json(distribution: Distribution) -> None:
    written = json.loads(json.dumps(distribution.record()))
    assert written["name"] == distribution.name
    assert by_record(written) == distribution


def test_knobs_survive_a_link(distribution: Distribution) -> None:
    knobs = {knob.name: knob for knob in params_of(type(distribution))}
    texts = {name: knobs[name].write(value) for name, value in distribution.as_dict().items()}
    assert parse_distribution(distribution.name, texts) == distribution


def test_every_knob_works_at_both_ends(distribution: Distribution) -> None:
    """A slider may be pulled to either end: samples stay finite."""
    for knob in params_of(type(distribution)):
        if knob.kind not in (int, float):
            continue
        for end in (knob.low, knob.high):
            points = replace(distribution, **{knob.name: end}).sample(100, rng())
            assert np.isfinite(points).all(), (knob.name, end)


# Mixtures


@pytest.fixture(params=["grid", "mixture", "ring", "two-diracs"])
def modal(request: pytest.FixtureRequest) -> Distribution:
    return named(request.param)()


def test_distributions_with_modes() -> None:
    kinds = [cls() for cls in distributions().values() if not cls.needs_file]
    assert [one.name for one in kinds if one.mixture()] == ["grid", "mixture", "ring", "two-diracs"]


def test_weights_sum_to_one(modal: Distribution) -> None:
    mixture = modal.mixture()
    assert mixture is not None
    assert mixture.centres.dtype == np.float32
    assert mixture.centres.shape == (len(mixture.weights), 2)
    assert mixture.std > 0
    assert mixture.weights.min() > 0
    assert mixture.weights.sum() == pytest.approx(1, abs=1e-12)


def test_shares_and_widths_are_as_declared(modal: Distribution) -> None:
    """Nearest-centre shares within 4 sigma of the weights; 1 - exp(-9/2) of the points within 3 std of a centre."""
    mixture = modal.mixture()
    assert mixture is not None
    points = modal.sample(N, rng(1))
    distances = np.linalg.norm(points[:, None] - mixture.centres, axis=2)
    gaps = np.linalg.norm(mixture.centres[:, None] - mixture.centres, axis=2)
    assert gaps[gaps > 0].min() > 8 * mixture.std  # else the modes overlap and nearest is not whence it came
    shares = np.bincount(distances.argmin(axis=1), minlength=len(mixture.weights)) / N
    sigma = np.sqrt(mixture.weights * (1 - mixture.weights) / N)
    assert (np.abs(shares - mixture.weights) < 4 * sigma).all()
    inside, share = (distances.min(axis=1) < 3 * mixture.std).mean(), 1 - math.exp(-4.5)
    assert abs(inside - share) < 4 * math.sqrt(share * (1 - share) / N)


def test_ring_variance() -> None:
    """Mean per-axis variance r^2/2 + s^2; 4.5625 for the defaults. Its standard error is below 0.02."""
    assert Ring().sample(N, rng()).var(axis=0).mean() == pytest.approx(4.5625, abs=0.08)


def test_ring_with_weights_is_lopsided() -> None:
    ring = Ring(modes=2, radius=2, weights=(3, 1), centre=(1, 0.5))
    # Mean: centre + 2 * (3/4 - 1/4) along x.
    assert ring.sample(N, rng()).mean(axis=0) == pytest.approx([2, 0.5], abs=0.05)
    assert (Ring(modes=2, weights=(0, 1)).sample(1000, rng())[:, 0] < 0).all()


@pytest.mark.parametrize("weights", [(1.0,), (0.0, 0.0), (1.0, 1.0, 1.0)])
def test_ring_refuses_weights_that_do_not_fit(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="weights must be 2 numbers"):
        Ring(modes=2, weights=weights)


def test_grid_variance() -> None:
    """Ticks -2..2 have variance 2, plus std^2."""
    points = Grid().sample(N, rng())
    assert points.var(axis=0) == pytest.approx([2.01, 2.01], abs=0.04)
    assert points.mean(axis=0) == pytest.approx([0, 0], abs=0.03)


@pytest.mark.parametrize("seed", range(5))
def test_lopsided_mixture_is_what_its_knobs_say(seed: int) -> None:
    mixture = LopsidedMixture(modes=6, imbalance=10, spread=3, centre=(2, -1), layout_seed=seed).mixture()
    assert mixture.weights.max() / mixture.weights.min() == pytest.approx(10)
    assert (np.linalg.norm(mixture.centres - [2, -1], axis=1) <= 3 + 1e-5).all()
    assert len(np.unique(mixture.centres, axis=0)) == 6


def test_lopsided_mixture_layouts() -> None:
    one, other = LopsidedMixture(layout_seed=1).mixture(), LopsidedMixture(layout_seed=2).mixture()
    assert not np.allclose(one.centres, other.centres)
    assert np.allclose(LopsidedMixture(imbalance=1).mixture().weights, 0.2)
    assert LopsidedMixture(modes=1, imbalance=9).mixture().weights.tolist() == [1.0]
    off = LopsidedMixture().sample(N, rng()).mean(axis=0)
    assert np.linalg.norm(off) > 0.5


def test_two_diracs() -> None:
    points = TwoDiracs(distance=3, weight=0.25, std=1e-4).sample(N, rng())
    assert np.abs(np.abs(points[:, 0]) - 1.5).max() < 1e-3
    assert (points[:, 0] > 0).mean() == pytest.approx(0.25, abs=4 * math.sqrt(0.1875 / N))
    for weight, sign in ((0.0, -1), (1.0, 1)):
        assert (np.sign(TwoDiracs(weight=weight).sample(500, rng())[:, 0]) == sign).all()


# Curves and surfaces: where the definition puts the points


def test_gaussian_moments() -> None:
    points = Gaussian(std=2, centre=(1, -3)).sample(N, rng())
    assert points.mean(axis=0) == pytest.approx([1, -3], abs=0.05)
    assert np.cov(points.T) == pytest.approx(4 * np.eye(2), abs=0.15)


def test_moons_lie_on_two_half_circles() -> None:
    points = Moons(radius=2, std=0).sample(N, rng())
    upper, lower = points - [-1, -0.5], points - [1, 0.5]
    on_upper = np.isclose(np.linalg.norm(upper, axis=1), 2, atol=1e-5) & (upper[:, 1] > -1e-5)
    on_lower = np.isclose(np.linalg.norm(lower, axis=1), 2, atol=1e-5) & (lower[:, 1] < 1e-5)
    assert (on_upper | on_lower).all()
    assert on_upper.mean() == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(N))


def test_moons_have_the_shape_of_scikit_learns() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    theirs, _ = datasets.make_moons(N, noise=None, random_state=0)
    ours = Moons(radius=1, std=0).sample(N, rng())
    assert ours.mean(axis=0) == pytest.approx(theirs.mean(axis=0) - [0.5, 0.25], abs=0.02)
    assert np.cov(ours.T) == pytest.approx(np.cov(theirs.T), abs=0.02)


def test_circles_have_two_radii() -> None:
    radii = np.linalg.norm(Circles(radius=2, ratio=0.25, std=0).sample(N, rng()), axis=1)
    assert np.allclose(np.minimum(np.abs(radii - 2), np.abs(radii - 0.5)), 0, atol=1e-5)
    assert (radii > 1).mean() == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(N))


def test_spiral_radius_follows_the_angle() -> None:
    points = Spiral(arms=2, turns=2, radius=3, std=0).sample(N, rng()).astype(float)
    radius, angle = np.linalg.norm(points, axis=1), np.arctan2(points[:, 1], points[:, 0])
    # 2 arms, half a turn apart: the angle minus that wound up to this radius is a multiple of pi.
    off = (angle - 2 * np.pi * 2 * radius / 3) / np.pi
    assert np.abs(off - np.round(off)).max() < 1e-3
    assert points.mean(axis=0) == pytest.approx([0, 0], abs=0.05)  # the arms are equally full


def test_swiss_roll_is_scikit_learns() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    theirs = datasets.make_swiss_roll(N, random_state=0)[0][:, [0, 2]] / (4.5 * np.pi)
    ours = SwissRoll(radius=1, std=0).sample(N, rng())
    assert ours.mean(axis=0) == pytest.approx(theirs.mean(axis=0), abs=0.02)
    assert np.cov(ours.T) == pytest.approx(np.cov(theirs.T), abs=0.02)


@pytest.mark.parametrize("fields", [1, 2, 3, 4, 5])
def test_checkerboard_fills_every_other_field_evenly(fields: int) -> None:
    points = Checkerboard(fields=fields, size=fields).sample(N, rng()) + fields / 2
    column, row = np.minimum(points.astype(int), fields - 1).T
    assert ((column + row) % 2 == 0).all()
    counts = np.zeros((fields, fields))
    np.add.at(counts, (row, column), 1)
    full = counts[counts > 0]
    assert len(full) == math.ceil(fields**2 / 2)
    assert np.abs(full / N * len(full) - 1).max() < 5 * math.sqrt(len(full) / N)
    assert (points % 1).mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.01)


@pytest.mark.parametrize("arms", [2, 3, 5])
def test_pinwheel_looks_the_same_from_every_arm(arms: int) -> None:
    points = Pinwheel(arms=arms).sample(N, rng()) @ np.array([1, 1j])
    # E z^k vanishes for a distribution that a turn by 2 pi / arms leaves as it is, unless arms divides k.
    assert abs((points / abs(points)).mean()) < 4 / math.sqrt(N)
    assert abs(((points / abs(points)) ** arms).mean()) > 0.1


def test_pinwheel_without_twist_is_stretched_gaussians() -> None:
    points = Pinwheel(arms=1, twist=0, length=0.3, width=0.1, radius=2).sample(N, rng())
    assert points.mean(axis=0) == pytest.approx([2, 0], abs=0.02)
    assert points.std(axis=0) == pytest.approx([0.6, 0.2], rel=0.03)


# Letters


def test_letters_fill_their_size() -> None:
    for text in ("OT", "I", "transport"):
        points = Letters(text=text, size=4).sample(N, rng())
        low, high = points.min(axis=0), points.max(axis=0)
        assert (high - low).max() == pytest.approx(4, abs=0.02)
        assert (high + low) / 2 == pytest.approx([0, 0], abs=0.02)


def test_letters_are_not_mirrored_or_upside_down() -> None:
    """Ink of an L: a stem at the left, a foot below; so both coordinates average below 0 and none is at the upper right."""
    points = Letters(text="L").sample(N, rng())
    low, high = points.min(axis=0), points.max(axis=0)
    place = (points - low) / (high - low)
    assert place.mean(axis=0).max() < 0.45
    assert ((place[:, 0] > 0.5) & (place[:, 1] > 0.5)).sum() == 0


def test_an_o_has_a_hole() -> None:
    points = Letters(text="O", size=4).sample(N, rng())
    assert (np.linalg.norm(points, axis=1) > 0.5).all()


def test_letters_are_continuous() -> None:
    """Jitter within a pixel: hardly any two of the points coincide."""
    assert len(np.unique(Letters().sample(5000, rng()), axis=0)) > 4990


def test_every_sign_of_ascii_has_ink() -> None:
    for sign in map(chr, range(33, 127)):
        assert np.isfinite(Letters(text=sign).sample(50, rng())).all(), sign


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least one letter"),
        ("   ", "at least one letter"),
        ("a" * 13, "at most 12 letters; got 13"),
        ("é", "plain ASCII.*'é'"),
        ("字", "plain ASCII"),
        ("a\nb", "plain ASCII"),
        ("\x00", "plain ASCII"),
        ("\ud800", "plain ASCII"),
    ],
)
def test_letters_refuse_what_they_cannot_draw(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Letters(text=text)


# Names, texts and records


def test_unknown_names_list_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="distribution must be one of checkerboard, circles"):
        named("rings")
    for text in ("rings", "", "\x00", "a" * 10_000, str(tmp_path)):
        with pytest.raises(ValueError, match="distribution must be one of checkerboard, circles"):
            parse_distribution(text, {})
    with pytest.raises(ValueError, match="distribution must be one of"):
        by_record({"modes": 3})


def test_unknown_knobs_and_bad_values() -> None:
    with pytest.raises(ValueError, match=r"ring has no (knob|setting) 'colour'; it has modes"):
        parse_distribution("ring", {"colour": "red"})
    with pytest.raises(ValueError, match=r"ring has no (knob|setting) 'colour'; it has modes"):
        by_record({"name": "ring", "colour": "red"})
    with pytest.raises(ValueError, match="modes must be a whole number from 1 to 32"):
        parse_distribution("ring", {"modes": "99"})
    assert parse_distribution("ring", {"modes": "3", "centre": "1,2"}) == Ring(modes=3, centre=(1, 2))


def test_a_file_is_a_distribution(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("a,b\n0,0\n1,0\n0,1\n")
    one = parse_distribution(str(path), {"scaled": "false"})
    assert one.name == "points"
    assert one == parse_distribution("points", {"file": str(path), "scaled": "false"})
    with pytest.raises(ValueError, match=r"missing\.csv"):
        parse_distribution("missing.csv", {})
    (tmp_path / "some.rtf").write_text("1 2")
    with pytest.raises(ValueError, match=r"must end in \.csv"):
        parse_distribution(str(tmp_path / "some.rtf"), {})


def test_importing_is_light() -> None:
    """Whoever only wants a ring waits for neither pandas nor torch."""
    heavy = "{'pandas', 'torch', 'PIL', 'pyarrow', 'sklearn', 'scipy'}"
    code = f"import sys; from otviz.data.distributions import distributions; distributions(); print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
