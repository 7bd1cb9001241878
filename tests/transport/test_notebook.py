"""Every number that the notebook prints, or that an independent run of it gave, comes out again."""

from __future__ import annotations

import numpy as np
import pytest

from otviz.clouds.studies.notebook_findings import blur_range, far_source, giant_step, slider, target, traps


def _check(findings, known=()):
    """The findings by name; all agree with what was reported but those in `known`."""
    found = list(findings)
    off = [(f.what, f.reported, f.ours) for f in found if f.agrees == (f.what in known)]
    assert not off
    assert all(np.isfinite(f.ours) and f.comment for f in found)
    return {f.what: f for f in found}


def test_n1_counts():
    assert sum(f.ours for f in _check(target()).values()) == 2000


def test_n2_n3_divergence_and_giant_step():
    """Two calls of geomloss at 2000 points, by far the slowest of this file: seconds each on an idle core."""
    # geomloss at scaling 0.9 gives the reported 0.0033 there, an unfinished solve; solved to the end it is 0.0065
    found = _check(giant_step(), known=["S after x − n ∇S"])
    assert round(found["S at blur 0.01"].ours, 4) == 2.7932
    assert round(found["OT_ε at blur 0.01 (debias off)"].ours, 4) == 2.7939
    assert found["S after x − n ∇S"].ours < 0.01 < 0.8 < found["S after x + n ∇S (as printed)"].ours


def test_n4_slider():
    assert len(_check(slider())) == 14


def test_n5_full_range():
    found = _check(blur_range())
    assert len(found) == 16


def test_n11_far_source():
    """A cloud at 20: Sinkhorn pulls by the distance, the energy distance by 1, a Gaussian kernel not at all."""
    pulls = [f.ours for f in _check(far_source()).values()]
    assert pulls[0] == pytest.approx(20, rel=0.01)
    assert pulls[1] == pytest.approx(1, rel=0.05)
    assert pulls[2] == pytest.approx(0, abs=1e-6)


def test_n12_traps():
    found = _check(traps())
    assert found["diversity with 2 of 8 modes left"].ours == pytest.approx(4.56, abs=0.1)
    # over all directions the mean of |cos| + |sin| is 4 / pi
    assert found["mean city-block distance over mean p = 1 cost"].ours == pytest.approx(4 / np.pi, rel=0.03)
