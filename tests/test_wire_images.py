"""Images in the player's bytes: unchanged by the way, few at a time, and no trouble to those who know points only."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otviz.player.wire import PanelUpdate, decode, encode, select_snapshots
from otviz.player.wire.updates import RealPoints
from otviz.runs.snapshots import Scene, Snapshot

BOX = (-1.0, 1.0, -1.0, 1.0)
SHAPES = st.tuples(st.sampled_from([1, 3]), st.integers(1, 9), st.integers(1, 9))


def images(n: int, dim: int, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(256, size=(n, dim), dtype=np.uint8)


def snapshot(sequence: int, n: int, dim: int, raw: bool = True) -> Snapshot:
    return Snapshot(
        sequence, 10 * sequence, 0.1, 0.5, images(n, dim, sequence), None, None, None, 0.5, math.nan, None,
        {"frechet": 12.3, "class_shares": [0.25] * 4}, images(n, dim, sequence + 1) if raw else None,
    )  # fmt: skip


def panel(shape: tuple[int, int, int], n: int, source: int, raw: bool, frames: int) -> PanelUpdate:
    dim = math.prod(shape)
    scene = Scene(
        "UOTM", BOX, images(n, dim, 7), images(source, dim, 8), None, "potential", 500, (0.25, 0.03), shape,
        ("cat", "dög"), "Judged by nobody.",
    )  # fmt: skip
    return PanelUpdate("run", BOX, scene, [snapshot(k, n, dim, raw) for k in range(frames)], shape=shape)


@settings(max_examples=60, deadline=None)
@given(SHAPES, st.integers(1, 9), st.sampled_from([0, 4]), st.booleans(), st.integers(0, 3))
def test_images_come_back_to_the_byte(shape: tuple[int, int, int], n: int, source: int, raw: bool, frames: int) -> None:
    sent = panel(shape, n, source, raw, frames)
    (back,) = decode(encode([sent]))
    assert back.shape == shape
    assert sent.scene is not None
    assert back.scene is not None
    for name in ("title", "steps", "loss_floor", "shape", "classes", "judge", "centres"):
        assert getattr(back.scene, name) == getattr(sent.scene, name), name
    np.testing.assert_array_equal(back.scene.target, sent.scene.target)
    np.testing.assert_array_equal(back.scene.source, sent.scene.source)
    for ours, theirs in zip(sent.snapshots, back.snapshots, strict=True):
        np.testing.assert_array_equal(theirs.generated, ours.generated)
        assert (theirs.raw is None) == (ours.raw is None)
        if ours.raw is not None:
            np.testing.assert_array_equal(theirs.raw, ours.raw)  # type: ignore[arg-type]
        assert theirs.meter == ours.meter
        assert theirs.potential is theirs.arrows is theirs.manifold is None


def test_real_points_come_back_and_are_absent_without() -> None:
    plane = RealPoints([0.0, 1.5, -2.0, 0.25], [("cat", 1.0, 2.0)], "two components")
    sent = replace(panel((1, 4, 4), 2, 0, False, 1), plane=plane)
    assert [back.plane for back in decode(encode([sent, panel((1, 4, 4), 2, 0, False, 1)]))] == [plane, None]


def test_only_messages_with_images_have_the_new_version() -> None:
    def version(data: bytes) -> int:
        return int(struct.unpack_from("<4sHHI", data)[1])

    assert version(encode([PanelUpdate("points", BOX)])) == 1
    assert version(encode([PanelUpdate("points", BOX), panel((1, 8, 8), 4, 0, True, 1)])) == 2


def test_points_and_images_stand_side_by_side() -> None:
    points = np.zeros((5, 2), np.float32)
    moving = replace(snapshot(0, 1, 1, raw=False), generated=points)
    back = decode(encode([PanelUpdate("points", BOX, None, [moving]), panel((3, 4, 4), 9, 9, True, 2)]))
    assert [update.shape for update in back] == [(2,), (3, 4, 4)]
    assert back[0].snapshots[0].generated.shape == (5, 2)
    assert back[1].snapshots[1].generated.shape == (9, 48)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_raises_value_error_and_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(encode([panel((1, 4, 4), 4, 4, True, 2)]))
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(whole))
    except ValueError:
        return


@pytest.mark.parametrize("dim", [64, 784, 3072])
def test_one_message_brings_no_more_images_than_fit(dim: int) -> None:
    kept = [snapshot(k, 64, dim) for k in range(60)]
    past = select_snapshots(kept, -1, 160)
    assert len(past) <= 40
    assert (past[0].sequence, past[-1].sequence) == (0, 59)
    assert sum(look.image_bytes for look in past) <= 4_000_000
    fresh = select_snapshots(kept, 49, 160)
    assert fresh[-1].sequence == 59
    assert min(look.sequence for look in fresh) > 49
    assert sum(look.image_bytes for look in fresh) <= max(400_000, 2 * kept[0].image_bytes)
    assert select_snapshots([], -1, 160) == []


def test_of_points_all_news_are_sent() -> None:
    kept = [replace(snapshot(k, 1, 1, raw=False), generated=np.zeros((5, 2), np.float32)) for k in range(60)]
    assert len(select_snapshots(kept, -1, 160)) == 60
    assert [look.sequence for look in select_snapshots(kept, 57, 160)] == [58, 59]
