"""Verdicts on made-up runs whose state is known: samples are placed by hand, measured, and strung into a history."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from otviz.core.params import param
from otviz.data.distributions import distributions, named
from otviz.data.distributions.distribution import Distribution
from otviz.data.distributions.grid import Grid
from otviz.data.distributions.mixture import LopsidedMixture
from otviz.data.distributions.moons import Moons
from otviz.data.distributions.points import PointsFile
from otviz.data.distributions.ring import Ring
from otviz.data.distributions.spiral import Spiral
from otviz.data.target import Mixture
from otviz.evaluation.metrics import coverage, measure, real_scores
from otviz.evaluation.verdicts import Judgement, Verdict, judge, loss_spread, notebook_diversity_example, verdict
from otviz.runs.probe import scores

RING = Ring(radius=2.0, std=0.1)
STEPS = 1000
CALM = np.stack([0.05 * np.sin(np.arange(STEPS)), np.zeros(STEPS)], axis=1)
ALL = range(8)


def _on(modes, seed=0, n=1000, ring=RING):
    """n samples, as many on each of the modes."""
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * np.resize(list(modes), n) / ring.modes
    circle = ring.radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return (circle + ring.std * rng.standard_normal((n, 2))).astype(np.float32)


def _meter(samples, target=RING, seed=100):
    """As a probe measures 1000 samples, 400 of them against held-out points."""
    some = samples[:400]
    real = target.sample(len(some), np.random.default_rng(seed))
    found = {"samples": len(samples), **scores(some, real), **real_scores(target, len(some))}
    return found if target.mixture() is None else {**found, **coverage(samples, target.mixture())}


def _bridged(share):
    """All modes, with a share of the samples half way between neighbours."""
    samples = _on(ALL)
    k = round(share * len(samples))
    angles = (np.arange(k) % 8 + 0.5) * np.pi / 4
    between = RING.radius * np.cos(np.pi / 8) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # every second one goes, so that modes stay balanced and the first 150 are as mixed as all
    samples[np.random.default_rng(3).permutation(1000)[:k]] = between
    return samples


def _judge(samples, losses=CALM, target=RING, steps=STEPS, **more) -> Verdict:
    """The verdict on a run that has looked like these samples all along."""
    return _over([samples] * 20, losses, target, steps, **more)


def _over(looks, losses=CALM, target=RING, steps=STEPS, **more):
    every = len(losses) // len(looks)
    measured = {id(samples): _meter(samples, target) for samples in looks}
    history = [((k + 1) * every, measured[id(samples)] | more) for k, samples in enumerate(looks)]
    return verdict(history, losses, steps)


def test_a_good_fit_covers():
    found = _judge(RING.sample(1000, np.random.default_rng(0)))
    assert (found.kind, found.word, found.words, found.stability) == ("covers", "covers", "covers", "steady")
    assert "8 of 8 modes" in found.sentence
    assert "of 1000 samples" in found.sentence
    assert "floor" in found.sentence
    assert "every mode is found" in found.rule


@pytest.mark.parametrize(("modes", "word"), [((0, 4), "2 of 8"), ((0, 1, 2, 4, 5, 6, 7), "7 of 8"), ((3,), "1 of 8")])
def test_lost_modes_are_counted(modes, word):
    found = _judge(_on(modes))
    assert (found.kind, found.word) == ("collapsed", f"collapsed: {word} modes left")


def test_a_point_away_from_all_modes_is_a_collapse_too():
    assert _judge(np.full((1000, 2), 0.01, np.float32)).word == "collapsed: 0 of 8 modes left"


def test_bridges_mix_modes_but_thin_ones_do_not():
    assert _judge(_bridged(0.4)).word == "mixes modes"
    assert "40% between modes" in _judge(_bridged(0.4)).sentence
    assert _judge(_bridged(0.2)).word == "covers"


def test_a_smear_mixes_even_where_its_modes_hold_too_little_to_count():
    ring = np.random.default_rng(0).standard_normal((1000, 2)) * 1.6
    found = _judge(ring.astype(np.float32))
    assert coverage(ring, RING.mixture())["high_quality"] < 0.1
    assert found.word == "mixes modes"


def test_right_modes_with_wrong_weights_are_unbalanced():
    crowded = _on([0] * 8 + [1] * 8 + list(range(2, 8)))
    found = _judge(np.random.default_rng(0).permutation(crowded))
    assert found.word == "unbalanced"
    assert re.search("4[78]% of the mass", found.sentence)  # 16/22 where 2/8 belongs: 48 %


def test_outliers_far_away_are_off_target_by_w2_alone():
    samples = _on(ALL)
    samples[::20] = (12.0, 0.0)
    found = _judge(np.random.default_rng(0).permutation(samples))
    assert found.word == "off target"
    assert "above 2 times its floor" in found.rule


def test_a_target_with_unequal_weights_is_judged_by_them():
    target = LopsidedMixture()
    rng = np.random.default_rng(0)
    assert _judge(target.sample(1000, rng), target=target).word == "covers"
    even = target.mixture().centres[np.arange(1000) % 5] + target.std * rng.standard_normal((1000, 2))
    assert _judge(even, target=target).word == "unbalanced"


def test_modes_too_light_to_be_seen_are_not_asked_for():
    target = Ring(radius=2.0, std=0.1, weights=(1, 1, 1, 1, 1, 1, 1, 0.001))
    found = _judge(_on(range(7)), target=target)
    assert found.word == "covers"
    assert "Too light to be missed among 1000 samples: 1 of 8 modes" in found.sentence


def test_nan_is_unstable_and_says_since_when():
    losses = CALM.copy()
    losses[700:] = np.nan
    found = _judge(_on(ALL), losses)
    assert (found.word, found.stability) == ("not judged", "unstable")
    assert "generator loss is not a finite number from step 701 on" in found.sentence
    assert _judge(_on(ALL), np.full((STEPS, 2), np.nan)).stability == "unstable"
    only_generator = CALM.copy()
    only_generator[:, 1] = np.nan  # a method without adversary
    assert _judge(_on(ALL), only_generator).word == "covers"
    late = CALM.copy()
    late[:5, 0] = np.nan  # OT-GAN updates its critic first
    assert _judge(_on(ALL), late).word == "covers"


def test_too_early_is_not_finished_whatever_it_looks_like():
    found = _judge(_on((0, 4)), steps=2 * STEPS)
    assert found.word == "not finished"
    assert "1000 of 2000 steps" in found.sentence
    assert "2 of 8 modes" in found.sentence
    assert verdict([], np.zeros((0, 2)), 100).word == "not finished"
    assert "nothing is measured" in verdict([(1, {"samples": 9})], np.zeros((9, 2)), 9).sentence


def test_coming_and_going_is_unstable_even_if_it_ends_well():
    even, odd, whole = _on((0, 2, 4, 6)), _on((1, 3, 5, 7)), _on(ALL)
    found = _over([even, odd] * 10)
    assert (found.word, found.stability) == ("collapsed: 4 of 8 modes left", "unstable")
    assert "came back" in found.shaking
    assert _over([even, odd] * 9 + [whole] * 2).words == "covers, unstable"


def test_the_word_is_on_the_last_look_and_one_look_without_a_mode_is_no_shaking():
    whole, some = _on(ALL), _on(range(5))
    assert _over([whole] * 17 + [some] + [whole] * 2).words == "covers"
    assert _over([whole] * 19 + [some]).words == "collapsed: 5 of 8 modes left"


@pytest.mark.parametrize("spread", [3, 1000])
def test_an_unsteady_loss_is_a_word_of_its_own(spread):
    """OTM: its loss spreads 20 times as much as UOTM's, and all modes are there."""
    loud = CALM.copy()
    loud[:, 0] = spread * np.random.default_rng(0).standard_normal(STEPS)
    found = _judge(_on(ALL), loud)
    assert (found.kind, found.stability, found.words) == ("covers", "unstable", "covers, unstable")
    assert "unsteady" in found.shaking
    assert _judge(_on(ALL)).shaking == ""


def test_a_drift_of_the_loss_is_no_spread():
    noise = np.random.default_rng(0).standard_normal(4000)
    drift = 0.01 * np.arange(4000) + 0.1 * noise
    assert loss_spread(drift) == pytest.approx(0.1, rel=0.1)
    assert np.isnan(loss_spread(np.zeros(3)))


def test_samples_that_fly_away_are_unstable():
    near, far = _on(ALL) * 0.01, _on(ALL) + 60
    assert _over([near] * 5 + [far] * 15).stability == "unstable"


class TestWithoutModes:
    def _run(self, ratios, losses=CALM):
        history = [
            (50 * (k + 1), {"w2": 0.2 * r, "w2_floor": 0.2, "modes_covered": None}) for k, r in enumerate(ratios)
        ]
        return verdict(history, losses, STEPS)

    def test_no_modes_are_spoken_of(self):
        found = self._run([5.0] * 10 + [1.2] * 10)
        assert found.word == "covers"
        assert "W2 is 0.24 (floor 0.20)" in found.sentence
        assert "modes hold" not in found.sentence
        assert self._run([2.4] * 20).word == "off target"

    def test_a_fit_that_is_lost_is_unstable(self):
        assert self._run([1.2] * 17 + [6.0, 1.3, 1.2]).words == "covers, unstable"
        assert self._run([6.0] * 17 + [1.2] * 3).words == "covers"  # it only got better

    def test_what_lies_elsewhere_is_off_target(self):
        rng = np.random.default_rng(5)
        moons, spiral = Moons().sample(1000, rng), Spiral().sample(1000, rng)
        noise = rng.uniform(moons.min(0), moons.max(0), moons.shape)
        assert _word(np.where(rng.random((1000, 1)) < 0.2, noise, moons), Moons()) == "off target"
        assert _word(spiral + 0.3 * rng.standard_normal(spiral.shape), Spiral()) == "off target"
        assert _word(moons * 0.2, Moons()) == "off target"

    def test_what_is_a_part_has_collapsed(self):
        moons = Moons().sample(2000, np.random.default_rng(5))
        assert _word(moons[np.random.default_rng(6).integers(100, size=1000)], Moons()).startswith(
            "collapsed: recall 0."
        )
        assert _word(moons[moons[:, 1] > np.median(moons[:, 1])], Moons()).startswith("collapsed: recall 0.")

    def test_the_right_places_with_the_wrong_masses_are_unbalanced(self):
        moons = Moons().sample(20_000, np.random.default_rng(5))
        upper = moons[:, 1] > np.median(moons[:, 1])
        mixed = np.concatenate([moons[upper][:850], moons[~upper][:150]])
        assert _word(np.random.default_rng(0).permutation(mixed), Moons()) == "unbalanced"


def _word(samples, target=RING) -> str:
    return judge(_meter(samples, target)).word


def _blobs(target=RING, std=1.0, beside=0.0, weights=None, n=1000):
    """n samples of a mixture with wider blobs, each displaced from its centre in its own direction."""
    rng, mixture = np.random.default_rng(2), target.mixture()
    which = rng.choice(len(mixture.centres), size=n, p=mixture.weights if weights is None else weights)
    angles = rng.uniform(0, 2 * np.pi, len(mixture.centres))
    moved = mixture.centres + beside * mixture.std * np.stack([np.cos(angles), np.sin(angles)], 1)
    return (moved[which] + std * mixture.std * rng.standard_normal((n, 2))).astype(np.float32)


WEIGHTS = (0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05)
MIXTURES = {
    "ring": RING, "the notebook's": Ring(), "unequal": Ring(radius=2.0, std=0.1, weights=WEIGHTS), "grid": Grid(),
    "small": Ring(radius=0.1, std=0.005), "large": Ring(radius=20.0, std=1.0), "three": Ring(modes=3, std=0.2),
}  # fmt: skip


@pytest.mark.parametrize("target", MIXTURES.values(), ids=MIXTURES)
class TestOnMixturesOfAllSizes:
    def test_points_at_the_centres_are_too_narrow(self, target):
        assert _word(_blobs(target, std=0), target) == "too narrow"
        assert _word(_blobs(target, std=0.2), target) == "too narrow"

    def test_blobs_beside_their_centres_are_off_target(self, target):
        assert _word(_blobs(target, beside=2.5), target) == "off target"
        assert _word(_blobs(target, beside=2.5, std=0), target) == "off target"

    def test_double_width_is_too_wide(self, target):
        assert _word(_blobs(target, std=2), target) == "too wide"

    def test_a_mode_with_a_tenth_of_its_due_is_lost(self, target):
        weights = target.mixture().weights.copy()
        weights[0] *= 0.08
        total = len(weights)
        assert (
            _word(_blobs(target, weights=weights / weights.sum()), target)
            == f"collapsed: {total - 1} of {total} modes left"
        )

    def test_a_few_points_again_and_again_are_too_narrow(self, target):
        points = target.sample(120, np.random.default_rng(1))
        word = _word(points[np.random.default_rng(2).integers(len(points), size=1000)], target)
        assert word == "too narrow"


def test_blobs_far_beside_their_centres_are_off_target_and_not_lost():
    assert _word(_blobs(beside=6)) == "off target"


def test_one_blob_beside_its_centre_is_off_target():
    samples = _blobs()
    near = np.hypot(*(samples - RING.mixture().centres[2]).T) < 0.5
    samples[near] += (0.0, 0.33)
    assert _word(samples) == "off target"


def test_a_fifth_of_uniform_noise_is_off_target():
    rng = np.random.default_rng(0)
    noise = rng.uniform(-3, 3, (1000, 2)).astype(np.float32)
    assert _word(np.where(rng.random((1000, 1)) < 0.2, noise, RING.sample(1000, rng))) == "off target"


@dataclass(frozen=True)
class _Scaled(Distribution):
    """The ring at a scale that its knobs do not allow."""

    scale: float = param(1.0, 0, 1e6, doc="Factor")

    def mixture(self):
        ring = RING.mixture()
        return Mixture(ring.centres * np.float32(self.scale), ring.std * self.scale, ring.weights)

    def sample(self, n, rng):
        return RING.sample(n, rng) * np.float32(self.scale)


@pytest.mark.parametrize("scale", [100.0, 0.01])
def test_the_scale_of_the_data_does_not_matter(scale):
    for samples in (RING.sample(1000, np.random.default_rng(3)), _blobs(std=2), _blobs(std=0), _blobs(beside=2.5)):
        assert _word(samples * np.float32(scale), _Scaled(scale=scale)) == _word(samples)


def _menu():
    return {name: cls for name, cls in distributions().items() if not cls.needs_file}


@pytest.mark.parametrize("name", [*_menu(), "unequal", "three"])
@pytest.mark.parametrize("n", [1000, 100])
def test_true_draws_cover(name, n):
    """In at least 98 %: of 12 draws each here, of 200 with OTVIZ_TRUE_DRAWS=200."""
    tries = int(os.environ.get("OTVIZ_TRUE_DRAWS", "12"))
    target = MIXTURES[name] if name in MIXTURES and name not in _menu() else named(name)()
    draws = (target.sample(n, np.random.default_rng([k, 5])) for k in range(tries))
    words = [judge(_meter(samples, target, seed=1000 + k)).word for k, samples in enumerate(draws)]
    assert words.count("covers") >= int(0.98 * tries), words


LEARNED = np.load(Path(__file__).parent / "samples" / "learned.npz")
"""1000 samples of generators at their defaults and last step on the ring, seeds 0 to 4; `tau6`: UOTM-SD on the notebook's
ring, its tau moved to 6 at step 1600 and its potential frozen at 2950."""

SEEN = {
    "ot-gan-0": "off target", "ot-gan-2": "too wide", "sinkhorn": "mixes modes", "gan-0": "mixes modes", "wgan-0": "mixes modes",
    "uotm-no-cost-0": "collapsed: 2 of 8 modes left", "tau6": "off target",
}  # fmt: skip
"""What a look at the picture says, where it is not that they cover: arms beside two modes, wide modes with bridges, ..."""


@pytest.mark.parametrize("name", LEARNED.files)
def test_the_word_on_a_learned_generator_is_what_one_sees(name):
    target = Ring() if name.startswith("tau6") else RING
    found = judge(_meter(LEARNED[name].astype(np.float32), target))
    assert found.word == SEEN.get(name, SEEN.get(name[:-2], "covers"))


def test_too_few_samples_are_not_judged():
    assert _word(RING.sample(20, np.random.default_rng(0))) == "not judged: too few samples"


def test_what_was_measured_at_another_step_is_not_judged():
    samples = _blobs(std=0.5)
    meter = _meter(samples) | {"precision": 0.1, "recall": 0.1, "w2": 50.0, "measured_at": 30}
    assert judge(meter, 30).kind != "covers"
    found: Judgement = judge(meter, 40)
    assert found.kind == "covers"
    assert "W2" not in found.sentence


def test_precision_and_recall_are_told_where_they_are_known():
    assert "precision is 0.91 and recall 0.80" in _judge(_on(ALL), precision=0.91, recall=0.8).sentence


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"steps, 2"):
        verdict([], np.zeros(5), 5)
    with pytest.raises(ValueError, match="8 numbers"):
        verdict([(9, _meter(_on(ALL)))], np.zeros((9, 2)), 9, weights=[0.5, 0.5])


def test_the_notebook_s_diversity_does_not_see_what_the_verdict_sees():
    example = notebook_diversity_example()
    assert example.target_diversity == 4.5625
    assert example.diversity == pytest.approx(4.57, abs=0.03)  # the number found for two opposite modes
    assert example.verdict.word == "collapsed: 2 of 8 modes left"
    assert "not a run" in example.label


def test_a_file_with_few_rows_is_judged_as_what_it_was_drawn_from(tmp_path: Path) -> None:
    """Rows drawn again and again coincide: neither empty balls nor floors of 0 may speak against new points."""
    moons, rng = Moons(), np.random.default_rng(0)
    rows = moons.sample(100, rng)
    np.savetxt(tmp_path / "rows.csv", rows, delimiter=",", header="x,y", comments="")
    own = PointsFile(file=str(tmp_path / "rows.csv"))
    half = rows[rows[:, 0] > np.median(rows[:, 0])]
    again = rng.integers(50, size=1000)

    def word(points: np.ndarray) -> str:
        samples = own.units.to_data(points).astype(np.float32)
        return judge(measure(samples, own, np.random.default_rng(1), n=500)).kind

    assert word(moons.sample(1000, rng)) == "covers", "what a perfect generator would give"
    assert word(half[again] + 0.03 * rng.standard_normal((1000, 2))) == "collapsed"
    assert word(rows[rng.integers(10, size=1000)]) == "collapsed"
    assert word(moons.sample(1000, rng) + np.float32([1, 0])) == "off target"


def test_five_places_repeated_in_a_file_are_judged_without_floors(tmp_path: Path) -> None:
    places = np.array([[0, 0], [1, 0], [0, 1], [3, 3], [2, 5]])
    np.savetxt(tmp_path / "five.csv", np.tile(places, (60, 1)), delimiter=",", header="x,y", comments="")
    own = PointsFile(file=str(tmp_path / "five.csv"))
    there, nearby = own.sample(1000, np.random.default_rng(0)), np.random.default_rng(1).normal(0, 0.02, (1000, 2))
    for samples in (there, there + nearby, nearby):
        meter = measure(samples.astype(np.float32), own, np.random.default_rng(1), n=500)
        assert judge(meter).kind
        assert verdict([(step, meter) for step in range(0, 101, 10)], np.zeros((100, 2)), 100).kind
    assert judge(measure(nearby.astype(np.float32), own, np.random.default_rng(1), n=500)).kind != "covers"
