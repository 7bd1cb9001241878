"""Figures of the transport analyses: what they show is what they were given, apart in grey, on any background."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from otviz.clouds.problem import Problem, clouds
from otviz.clouds.solve import coarse
from otviz.clouds.studies.convergence import Sharpened, Step
from otviz.clouds.studies.sweeps import Limits, Point
from otviz.clouds.unbalanced import KeptMass, ReachPoint
from otviz.data.distributions.gaussian import Gaussian
from otviz.data.distributions.ring import Ring
from otviz.viz.style import as_html
from otviz.viz.transport.blur_curve import blur_curve
from otviz.viz.transport.convergence_curves import convergence
from otviz.viz.transport.sharpening import sharpening
from otviz.viz.transport.transport_picture import transport_picture
from otviz.viz.transport.unbalanced_plan import kept_mass, kept_points, reach_curve

POINTS = [Point(blur, blur**2, 2.9 - blur, 2.9 + blur, 2.9 + blur / 2, 0.1) for blur in (0.01, 0.1, 1.0)]
LIMITS = Limits(2.9, 0.0, 4.8)
STEPS = [Step(solver, k, 0.01, 0.5**k) for solver in ("squaring", "scaled", "plain") for k in (1, 2, 3)]
Y = np.float32([[3, 0], [0, 3], [-3, 0]])
KEPT = [
    KeptMass(tau, alpha, 0.5, 2.9, np.ones(2, np.float32), np.float32([0.2, 0.5, 1.1]))
    for tau in (0.1, 1)
    for alpha in (0.2, 5)
]
PLANS = [Sharpened(blur, blur**2, np.full((4, 4), 1 / 16, np.float32), 4.0) for blur in (1.0, 0.1)]
REACHED = [ReachPoint(reach, 0.5, 0.1, 0.6) for reach in (0.5, 1.0, 2.0)]


def _picture():
    problem = Problem(n=60)
    x, y = clouds(problem, Gaussian(), Ring())
    return coarse(problem, x.points, y.points)


FIGURES = {
    "blur_curve": lambda: blur_curve(POINTS, LIMITS, 2, blur=0.05),
    "convergence": lambda: convergence(STEPS, 0.05),
    "sharpening": lambda: sharpening(PLANS),
    "kept_mass": lambda: kept_mass(KEPT, 3.0),
    "kept_points": lambda: kept_points(KEPT[0], Y),
    "reach_curve": lambda: reach_curve(REACHED, reach=1.5),
    "transport_picture": lambda: transport_picture(_picture(), lines=True),
}


@pytest.mark.parametrize("name", FIGURES)
def test_background_is_the_page_s_and_lines_differ_in_grey(name):
    figure = FIGURES[name]()
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    looks = [
        (trace.line.dash, trace.marker.symbol)
        for trace in figure.data
        if trace.type == "scatter" and trace.mode != "markers" and trace.line.dash and trace.xaxis in (None, "x")
    ]
    assert len(set(looks)) == len(looks)
    assert figure.to_json()


def test_blur_curve_shows_its_numbers():
    figure = FIGURES["blur_curve"]()
    assert [tuple(trace.y) for trace in figure.data] == [
        tuple(p.sinkhorn_divergence for p in POINTS),
        tuple(p.entropic_cost for p in POINTS),
        tuple(p.transport_cost for p in POINTS),
    ]
    heights = {shape.y0 for shape in figure.layout.shapes if shape.y0 == shape.y1}
    assert heights == {2.9, 0.0, 4.8}
    texts = " ".join(a.text for a in figure.layout.annotations)
    assert "exact (linear programme), 2.9" in texts
    assert "half squared difference of means" in texts
    assert "half energy distance" in " ".join(a.text for a in blur_curve(POINTS, LIMITS, 1).layout.annotations)
    (chosen,) = [a for a in figure.layout.annotations if a.text == "blur 0.05"]
    assert chosen.x == pytest.approx(math.log10(0.05))  # where Plotly wants an annotation of a logarithmic axis


def test_sharpening_shares_one_scale_in_the_root():
    figure = FIGURES["sharpening"]()
    assert all(trace.coloraxis == "coloraxis" for trace in figure.data)
    np.testing.assert_allclose(figure.data[0].z, 0.25)
    assert figure.layout.coloraxis.cmax == 0.25
    assert figure.layout.coloraxis.colorbar.ticktext[-1] == "0.062"  # the mass itself, 1/16


def test_kept_points_show_mass_by_size_and_opacity():
    marker = FIGURES["kept_points"]().data[0].marker
    assert list(np.diff(marker.size) > 0) == [True, True]
    assert max(marker.opacity) == pytest.approx(1.0)  # a share above 1 is drawn as 1


def test_reach_curve_has_the_outliers_first():
    figure = FIGURES["reach_curve"]()
    assert [trace.name for trace in figure.data] == ["outliers", "other target points", "all"]
    assert tuple(figure.data[0].y) == (0.1, 0.1, 0.1)


def test_picture_as_html_needs_no_network():
    html = as_html(FIGURES["transport_picture"](), "transport")
    assert not re.search(r"<(script|link)[^>]+(src|href)=", html)
    assert len(html) > 1_000_000  # Plotly itself is inside
    assert '"format": "svg"' in html


def test_picture_draws_what_is_asked_for():
    picture = _picture()
    full = transport_picture(picture, lines=True)
    assert [trace.name for trace in full.data] == ["potential", "target", "source", "map", "force"]
    arrow = np.stack([full.data[-1].x[:2], full.data[-1].y[:2]], axis=1)
    np.testing.assert_allclose(arrow[1] - arrow[0], picture.force[0], atol=1e-5)
    assert [trace.name for trace in transport_picture(picture, field=False, arrows=False).data] == ["target", "source"]


def test_marks_are_as_large_as_their_mass():
    rng = np.random.default_rng(0)
    a = np.array([0.1, 0.4, 0.25, 0.25])
    weighed = coarse(Problem(), rng.standard_normal((4, 2)), rng.standard_normal((6, 2)), a)
    figure = transport_picture(weighed, field=False, arrows=False)
    target, source = figure.data
    assert np.square(source.marker.size) == pytest.approx(25 * 4 * a)
    assert target.marker.size == 5
