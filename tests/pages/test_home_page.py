"""Home without a browser: the options of the demonstration, and that its texts match its recorded runs."""

from __future__ import annotations

import json
import urllib.parse

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from otviz.checkpoints import recordings
from otviz.checkpoints.recordings import store, table
from otviz.methods import named
from otviz.player import wire
from pages._ui.home import home_view
from pages._ui.shell import frame

ATLAS, BODY, START = home_view._atlas()
GROUPS = ATLAS["groups"]


def test_two_runs_are_played_on_arrival(app: AppTest) -> None:
    app.run()
    assert not app.exception
    assert [title.value for title in app.title] == ["Why does one generator forget modes and the other none?"]
    left, right = wire.decode(BODY)
    assert (left.status, right.status) == ("recorded", "recorded")
    assert (left.verdict_kind, right.verdict_kind) == ("collapsed", "covers")
    assert 0 < START < left.snapshots[-1].step
    assert left.scene is not None
    assert right.scene is not None
    np.testing.assert_array_equal(left.scene.target, right.scene.target)
    np.testing.assert_array_equal(left.scene.source, right.scene.source)


def test_every_page_has_a_card(app: AppTest) -> None:
    app.run()
    labels = {element.proto.label for element in app.get("page_link")}
    assert {f"**{card.title}**" for card in frame.cards()[1:]} <= labels


def test_without_recordings_home_says_how_to_make_them(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "names", lambda: ())
    home_view._atlas.cache_clear()
    try:
        app.run()
        assert not app.exception
        assert "python -m otviz record" in app.info[0].value
    finally:
        home_view._atlas.cache_clear()


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_written_under_the_slider_is_what_the_runs_did(group: str) -> None:
    panels = wire.decode(recordings.read(home_view.PREFIX + group))
    said = GROUPS[group]
    assert len(panels) == len(ATLAS["values"]) == len(said["links"])
    for panel, kind, meaning in zip(panels, said["kinds"], said["meaningOf"], strict=True):
        assert panel.verdict_kind == kind
        meter = panel.snapshots[-1].meter
        lost = int(meter["modes_total"] - meter["modes_covered"])
        if kind == "collapsed":
            words = [f"{lost} of {int(meter['modes_total'])} modes {end}" for end in ("lost", "out of reach")]
            assert meaning in words
        if "near their start" in meaning or "out of reach" in meaning:
            assert panel.scene is not None
            moved = np.nanmean(np.linalg.norm(panel.snapshots[-1].generated - panel.scene.source, axis=1))
            needed = recordings.about(home_view.PREFIX + group).panels[ATLAS["at"]].moved
            assert moved < 0.65 * needed


@pytest.mark.parametrize("group", GROUPS)
def test_train_it_live_leads_to_the_two_runs_shown(group: str) -> None:
    configs = table.recordings()[home_view.PREFIX + group].configs
    for config, link in zip(configs, GROUPS[group]["links"], strict=True):
        page, _, query = link.partition("?")
        found = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        assert (page, found["preset"], found["start"]) == ("compare", "own", "1")
        assert float(found["2.tau"]) == config.method.tau
        assert (int(found["steps"]), int(found["seed"])) == (config.steps, config.seed)
        assert table.target_of(found) == config.target
        for place, name in enumerate(found["methods"].split(","), start=1):
            knobs = {key[2:]: text for key, text in found.items() if key.startswith(f"{place}.")}
            assert named(name).parse(knobs) == (configs[0] if place == 1 else config).method


def test_the_channel_gives_recordings_and_nothing_else() -> None:
    first = next(iter(GROUPS))
    reply = home_view._answer(json.dumps({"recording": first}).encode())
    assert reply.body == store.packed(home_view.PREFIX + first)
    for question in (b"", b"[]", b'{"recording": "../../card"}', b'{"recording": "nothing"}', b'{"run": 1}'):
        with pytest.raises(ValueError, match="record"):
            home_view._answer(question)


def test_picking_panels_keeps_their_bytes() -> None:
    whole = recordings.read(home_view.PREFIX + next(iter(GROUPS)))
    for places in ([0, 4], [8], [3, 3, 1]):
        panels = wire.decode(whole)
        picked = wire.decode(wire.pick(whole, places))
        assert [panel.run for panel in picked] == [panels[place].run for place in places]
        for panel, place in zip(picked, places, strict=True):
            for ours, theirs in zip(panel.snapshots, panels[place].snapshots, strict=True):
                np.testing.assert_array_equal(ours.generated, theirs.generated)
                np.testing.assert_array_equal(ours.potential, theirs.potential)
            np.testing.assert_array_equal(panel.curve.step, panels[place].curve.step)
    with pytest.raises(ValueError, match="OTVZ"):
        wire.pick(b"nothing", [0])
