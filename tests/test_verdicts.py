"""Verdicts on made-up runs whose state is known: samples are placed by hand, measured, and strung into a history."""

from __future__ import annotations

import numpy as np
import pytest

from otviz.distributions.mixture import LopsidedMixture
from otviz.distributions.ring import Ring
from otviz.metrics import coverage, wasserstein2
from otviz.verdicts import Verdict, loss_spread, notebook_diversity_example, verdict

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


def _meter(samples, target=RING):
    real = target.sample(150, np.random.default_rng(100))
    other = target.sample(150, np.random.default_rng(101))
    found = {"samples": len(samples), "w2": wasserstein2(samples[:150], real), "w2_floor": wasserstein2(other, real)}
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
    assert (found.kind, found.word) == ("covers", "covers")
    assert "8 of 8 modes" in found.sentence
    assert "of 1000 samples" in found.sentence
    assert "floor" in found.sentence
    assert "every mode is found" in found.rule


@pytest.mark.parametrize(("modes", "word"), [((0, 4), "2 of 8"), ((0, 1, 2, 4, 5, 6, 7), "7 of 8"), ((3,), "1 of 8")])
def test_lost_modes_are_counted(modes, word):
    found = _judge(_on(modes))
    assert (found.kind, found.word) == ("collapsed", f"collapsed: {word}")


def test_a_point_away_from_all_modes_is_a_collapse_too():
    assert _judge(np.full((1000, 2), 0.01, np.float32)).word == "collapsed: 0 of 8"


def test_bridges_mix_modes_but_thin_ones_do_not():
    assert _judge(_bridged(0.4)).word == "mixes modes"
    assert "40% between modes" in _judge(_bridged(0.4)).sentence
    assert _judge(_bridged(0.2)).word == "covers"


def test_a_smear_mixes_even_where_its_modes_hold_too_little_to_count():
    ring = np.random.default_rng(0).standard_normal((1000, 2)) * 1.6
    found = _judge(ring.astype(np.float32))
    assert coverage(ring, RING.mixture())["modes_covered"] < 8
    assert found.word == "mixes modes"


def test_right_modes_with_wrong_weights_are_unbalanced():
    crowded = _on([0] * 12 + [1] * 12 + list(range(2, 8)))
    found = _judge(np.random.default_rng(0).permutation(crowded))
    assert found.word == "unbalanced"
    assert "55% of the mass" in found.sentence or "54% of the mass" in found.sentence  # 24/30 where 2/8 belongs: 55 %


def test_outliers_far_away_are_unbalanced_by_w2_alone():
    samples = _on(ALL)
    samples[::10] = (12.0, 0.0)
    found = _judge(samples)
    assert found.word == "unbalanced"
    assert "above 2 times its floor" in found.rule


def test_a_target_with_unequal_weights_is_judged_by_them():
    target = LopsidedMixture()
    assert (
        _judge(target.sample(1000, np.random.default_rng(0)), target=target, true_shares=target.mixture().weights).word
        == "covers"
    )
    even = target.mixture().centres[np.arange(1000) % 5]
    found = _judge(even, target=target, true_shares=target.mixture().weights.tolist())
    assert found.word == "unbalanced"


def test_modes_too_light_to_be_seen_are_not_asked_for():
    target = Ring(radius=2.0, std=0.1, weights=(1, 1, 1, 1, 1, 1, 1, 0.001))
    found = _judge(_on(range(7)), target=target, true_shares=target.mixture().weights)
    assert found.word == "covers"
    assert "Not counted: 1 of 8 modes" in found.sentence


def test_nan_is_unstable_and_says_since_when():
    losses = CALM.copy()
    losses[700:] = np.nan
    found = _judge(_on(ALL), losses)
    assert found.word == "unstable"
    assert "generator loss is not a finite number from step 701 on" in found.sentence
    assert _judge(_on(ALL), np.full((STEPS, 2), np.nan)).word == "unstable"
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
    assert found.word == "unstable"
    assert "came back" in found.sentence
    assert _over([even, odd] * 9 + [whole] * 2).word == "unstable"


def test_one_look_without_a_mode_is_forgiven_and_a_late_collapse_is_not():
    whole, some = _on(ALL), _on(range(5))
    assert _over([whole] * 17 + [some] + [whole] * 2).word == "covers"
    assert _over([whole] * 19 + [some]).word == "covers"  # the median of three
    assert _over([whole] * 17 + [some] * 3).word == "collapsed: 5 of 8"


def test_an_unsteady_loss_is_told_and_does_not_take_the_word():
    """OTM: its loss spreads 20 times as much as UOTM's, and all modes are there."""
    loud = CALM.copy()
    loud[:, 0] = 3 * np.random.default_rng(0).standard_normal(STEPS)
    found = _judge(_on(ALL), loud)
    assert found.word == "covers"
    assert "unsteady" in found.sentence
    assert "unsteady" not in _judge(_on(ALL)).sentence


def test_a_drift_of_the_loss_is_no_spread():
    noise = np.random.default_rng(0).standard_normal(4000)
    drift = 0.01 * np.arange(4000) + 0.1 * noise
    assert loss_spread(drift) == pytest.approx(0.1, rel=0.1)
    assert np.isnan(loss_spread(np.zeros(3)))


def test_samples_that_fly_away_are_unstable():
    near, far = _on(ALL) * 0.01, _on(ALL) + 60
    assert _over([near] * 5 + [far] * 15).word == "unstable"


class TestWithoutModes:
    def _run(self, ratios, losses=CALM):
        history = [
            (50 * (k + 1), {"w2": 0.2 * r, "w2_floor": 0.2, "modes_covered": None}) for k, r in enumerate(ratios)
        ]
        return verdict(history, losses, STEPS)

    def test_only_w2_speaks(self):
        found = self._run([5.0] * 10 + [1.2] * 10)
        assert found.word == "covers"
        assert "W2 is 0.24 (floor 0.20)" in found.sentence
        assert "modes hold" not in found.sentence
        assert self._run([2.4] * 20).word == "unbalanced"

    def test_a_fit_that_is_lost_is_unstable(self):
        assert self._run([1.2] * 17 + [6.0, 1.3, 1.2]).word == "unstable"
        assert self._run([6.0] * 17 + [1.2] * 3).word == "covers"  # it only got better

    def test_real_points_cover(self):
        from otviz.distributions.moons import Moons

        target = Moons()
        samples = target.sample(500, np.random.default_rng(5))
        assert _judge(samples, target=target).word == "covers"
        assert _judge(samples * 0.2, target=target).word == "unbalanced"


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
    assert example.verdict.word == "collapsed: 2 of 8"
    assert "not a run" in example.label
