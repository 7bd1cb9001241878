"""The bytes of the player: what comes back is what went in, up to the rounding that the format states."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from otviz.core.container import MAGIC
from otviz.player.wire import STATUSES, PanelUpdate, decode, encode, news, thin
from otviz.runs.snapshots import Curve, Scene, Snapshot

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
BOX = (-3.0, 5.0, -2.0, 2.0)
# u16 over the box and a margin of a quarter on each side: half a grid cell, and float32 rounding of the result
GRID_STEP = 1.5 * 8.0 / 65534 / 2 * 1.01 + 1e-6


def points(n: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.uniform((BOX[0], BOX[2]), (BOX[1], BOX[3]), (n, 2)).astype(np.float32)


def scene(n: int = 10, **changes: object) -> Scene:
    made = Scene("Sinkhorn, ε = 0.1", BOX, points(n), points(n, 1), points(4, 2), "potential", 500, (0.25, 0.03))
    return replace(made, **changes)  # type: ignore[arg-type]


def snapshot(sequence: int = 0, n: int = 10, heat: int = 6, arrows: int = 4, grid: int = 5) -> Snapshot:
    rng = np.random.default_rng(sequence)
    return Snapshot(
        sequence=sequence,
        step=10 * sequence,
        progress=sequence / 50,
        seconds=0.25 * sequence,
        generated=points(n, sequence + 3),
        potential=rng.normal(size=(heat, heat)).astype(np.float32) if heat else None,
        arrows=rng.normal(size=(arrows, arrows, 2)).astype(np.float32) if arrows else None,
        manifold=points(grid * grid, sequence + 4).reshape(grid, grid, 2) if grid else None,
        generator_loss=0.5,
        adversary_loss=math.nan,
        alpha=None,
        meter={"modes_covered": 7, "modes_total": 8, "mode_shares": [0.25] * 4, "w2": 0.31, "samples": 1000},
    )


def one(update: PanelUpdate) -> PanelUpdate:
    (back,) = decode(encode([update]))
    return back


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 300),
    heat=st.integers(0, 9),
    arrows=st.integers(0, 6),
    grid=st.integers(0, 6),
    frames=st.integers(0, 4),
    losses=st.lists(st.floats(width=32), max_size=20),
    status=st.sampled_from(STATUSES),
    message=st.text(max_size=20),
)
def test_round_trip(
    n: int, heat: int, arrows: int, grid: int, frames: int, losses: list[float], status: str, message: str
) -> None:
    sent = [snapshot(k, n, heat, arrows, grid) for k in range(frames)]
    values = np.array(losses, np.float32)
    curve = Curve(np.arange(len(losses)), values, values[::-1])
    back = one(PanelUpdate("run", BOX, scene(n), sent, curve, status, message, 12.5))

    assert (back.run, back.box, back.status, back.message, back.steps_per_second) == ("run", BOX, status, message, 12.5)
    assert back.scene is not None
    assert (back.scene.title, back.scene.steps, back.scene.loss_floor) == ("Sinkhorn, ε = 0.1", 500, (0.25, 0.03))
    np.testing.assert_allclose(back.scene.target, scene(n).target, atol=GRID_STEP)
    np.testing.assert_array_equal(back.curve.generator, values)
    np.testing.assert_array_equal(back.curve.step, curve.step)
    for ours, theirs in zip(sent, back.snapshots, strict=True):
        same_frame(ours, theirs)


def same_frame(ours: Snapshot, theirs: Snapshot) -> None:
    assert (theirs.sequence, theirs.step, theirs.alpha, theirs.meter) == (ours.sequence, ours.step, None, ours.meter)
    assert theirs.generator_loss == 0.5
    assert math.isnan(theirs.adversary_loss)
    np.testing.assert_allclose(theirs.generated, ours.generated, atol=GRID_STEP)
    steps = (("potential", np.ptp, 255 * 2), ("arrows", lambda v: np.abs(v).max(), 127 * 2))
    for name, size, levels in steps:
        a, b = getattr(ours, name), getattr(theirs, name)
        assert (a is None) == (b is None)
        if a is not None:  # half a level, and float32 rounding
            np.testing.assert_allclose(b, a, atol=float(size(a)) / levels * 1.001 + 1e-6)
    assert (ours.manifold is None) == (theirs.manifold is None)
    if ours.manifold is not None and theirs.manifold is not None:
        np.testing.assert_allclose(theirs.manifold, ours.manifold, atol=GRID_STEP)


def test_a_verdict_comes_back_and_may_be_missing() -> None:
    said = PanelUpdate(
        "run", BOX, verdict="collapsed: 3 of 8 modes left", verdict_kind="collapsed", verdict_text="3 of 8 modes. ε"
    )
    back = one(said)
    assert (back.verdict, back.verdict_kind, back.verdict_text) == (
        "collapsed: 3 of 8 modes left",
        "collapsed",
        "3 of 8 modes. ε",
    )
    _, version, _, length = struct.unpack_from("<4sHHI", data := encode([said]))
    header = json.loads(data[12 : 12 + length])
    for key in ("verdict", "verdict_kind", "verdict_text"):  # as in a timeline recorded before there were verdicts
        del header["panels"][0][key]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    (old,) = decode(struct.pack("<4sHHI", MAGIC, version, 0, len(text)) + text + data[12 + length :])
    assert (old.run, old.verdict, old.verdict_kind, old.verdict_text) == ("run", "", "", "")


def test_points_beyond_the_margin_are_flagged_and_not_moved_to_its_edge() -> None:
    far = np.array([[0, 0], [5.5, 0], [50, 0], [math.nan, 0], [math.inf, 0], [0, -1e30]], np.float32)
    (frame,) = one(PanelUpdate("run", BOX, None, [replace(snapshot(), generated=far)])).snapshots
    np.testing.assert_allclose(frame.generated[:2], far[:2], atol=GRID_STEP)  # (5.5, 0) is in the margin
    assert np.isnan(frame.generated[2:]).all()
    header = encode([PanelUpdate("run", BOX, None, [replace(snapshot(), generated=far)])])
    assert b'"outside":5' in header  # all that the box does not show


def test_values_that_are_not_finite_do_not_break_a_frame() -> None:
    potential = np.array([[1.0, math.nan], [math.inf, 3.0]], np.float32)
    arrows = np.full((2, 2, 2), math.nan, np.float32)
    bad = replace(snapshot(), potential=potential, arrows=arrows, meter={"w2": math.nan, "mode_shares": [math.nan]})
    (frame,) = one(PanelUpdate("run", BOX, None, [bad])).snapshots
    assert frame.potential is not None
    np.testing.assert_allclose(frame.potential, [[1, 1], [3, 3]], atol=0.01)
    assert frame.meter == {"mode_shares": [0.0]}


def test_a_frame_is_small() -> None:
    frame = snapshot(3, n=1000, heat=60, arrows=20, grid=16)
    frame.meter["mode_shares"] = [1 / 7] * 8
    empty, full = len(encode([PanelUpdate("run", BOX)])), len(encode([PanelUpdate("run", BOX, None, [frame])]))
    assert full - empty <= 10 * 1024


def test_a_file_of_several_runs_and_an_empty_message() -> None:
    back = decode(encode([PanelUpdate("a", BOX, scene()), PanelUpdate("b", BOX, scene(centres=None, loss_floor=None))]))
    assert [panel.run for panel in back] == ["a", "b"]
    assert back[1].scene is not None
    assert back[1].scene.centres is None
    assert decode(encode([])) == []


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_garbage_raises_value_error_and_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(encode([PanelUpdate("run", BOX, scene(), [snapshot()])]))
    kind = data.draw(st.sampled_from(["noise", "cut", "flipped"]))
    if kind == "noise":
        whole = bytearray(
            data.draw(st.sampled_from([b"", MAGIC, MAGIC + b"\1\0\0\0"])) + data.draw(st.binary(max_size=60))
        )
    elif kind == "cut":
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        for _ in range(data.draw(st.integers(1, 5))):
            whole[data.draw(st.integers(0, 900))] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(whole))
    except ValueError:
        return
    assert kind == "flipped"  # a flipped digit may still be a timeline


@pytest.mark.parametrize(
    "header", [b"[]", b"{}", b'{"margin":0.25,"panels":[{}]}', b'{"margin":null,"panels":[]}', b"[" * 9000]
)
def test_a_header_of_another_shape_raises_value_error(header: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        decode(struct.pack("<4sHHI", MAGIC, 1, 0, len(header)) + header)


def test_errors_say_what_to_do() -> None:
    with pytest.raises(ValueError, match="version must be 1 or 2; got 7"):
        decode(struct.pack("<4sHHI", MAGIC, 7, 0, 0))
    with pytest.raises(ValueError, match="status must be one of ready, queued"):
        encode([PanelUpdate("run", BOX, status="happy")])
    with pytest.raises(ValueError, match="low < high"):
        encode([PanelUpdate("run", (1, 1, 0, 1))])


def test_news_are_what_came_later_and_thin_keeps_the_ends() -> None:
    kept = [snapshot(k, 1, 0, 0, 0) for k in (0, 1, 2, 4, 8, 16, 17)]
    assert [s.sequence for s in news(kept, -1)] == [0, 1, 2, 4, 8, 16, 17]
    assert [s.sequence for s in news(kept, 8)] == [16, 17]
    assert news(kept, 17) == []
    assert news([], 3) == []
    assert [s.sequence for s in thin(kept, 3)] == [0, 4, 17]
    assert thin(kept, 10) == kept
    with pytest.raises(ValueError, match="limit must be >= 2"):
        thin(kept, 1)
