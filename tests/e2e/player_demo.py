"""A page with nothing but the player and made-up runs. What is shown is chosen by the address:

?panels=6, ?mode=live|recorded|ready|empty|failed, ?points=1000, ?loop=1, ?narrow=1
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import streamlit as st

from otviz.evaluation.verdicts import Judgement
from otviz.player.wire import PanelUpdate, encode
from otviz.player.wire.stages import Stage
from otviz.runs.snapshots import Curve, Scene, Snapshot
from pages._ui.player.player_canvas import known, player
from pages._ui.shell import channel

BOX = (-6.0, 6.0, -6.0, 6.0)
TITLES = (
    "Sinkhorn GAN", "Unified OT (softplus)", "OT-GAN", "WGAN-GP", "Monge map", "UOTM, tau 0.001",
    "UOTM-SD with a cosine schedule, tau 0.001", "GAN", "DAN-S",
)  # fmt: skip
VERDICTS = (
    ("covers", "covers"), ("collapsed: 7 of 8 modes left", "collapsed"), ("mixes modes", "mixes modes"), ("off target", "off target"),
    ("unbalanced", "unbalanced"), ("too narrow", "too narrow"),
)  # fmt: skip
MARKS = ((800, "tau 0.05 → 0.5"), (1500, "potential frozen"))
STAGES = (
    Stage("source", "source x", "Where mass starts."), Stage("map", "generator T", "The network."),
    Stage("generated", "generated points", "What it makes."), Stage("field", "potential v", "High on data."),
    Stage("loss", "loss", "What is descended."),
)  # fmt: skip
STEPS, FRAMES_PER_SECOND, STEPS_PER_FRAME = 5000, 8, 20
ANGLES = np.arange(8) * math.tau / 8
CENTRES = (4 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], -1)).astype(np.float32)


@st.cache_resource
def scene(index: int, points: int) -> Scene:
    rng = np.random.default_rng(index)
    return Scene(
        title=TITLES[index % len(TITLES)],
        box=BOX,
        target=(CENTRES[rng.integers(8, size=points)] + 0.15 * rng.normal(size=(points, 2))).astype(np.float32),
        source=rng.normal(size=(points, 2)).astype(np.float32),
        centres=CENTRES,
        adversary=("potential", "critic")[index % 2],
        steps=STEPS,
        loss_floor=(0.27, 0.03),
    )


@st.cache_resource
def snapshot(index: int, points: int, sequence: int) -> Snapshot:
    """Points that move from the source to their modes; one mode is missed in every second panel."""
    s, rng = scene(index, points), np.random.default_rng(99)
    step = sequence * STEPS_PER_FRAME
    progress = 1 - math.exp(-step / (900 + 300 * index))
    modes = rng.integers(8, size=points) % (8 - index % 2)
    goal = CENTRES[modes] + 0.2 * rng.normal(size=(points, 2))
    turn = 0.6 * (1 - progress) * math.sin(step / 150 + index)
    swirl = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    generated = ((1 - progress) * 1.2 * s.source + progress * goal) @ swirl
    generated[:3] *= 2.4 if sequence % 40 < 20 else 1
    axis = np.linspace(-6, 6, 60)
    x, y = np.meshgrid(axis, axis)
    potential = sum(
        np.exp(-((x - a) ** 2 + (y - b) ** 2) / 3) * (1 + math.sin(step / 300 + k + index))
        for k, (a, b) in enumerate(CENTRES)
    )
    slope = np.stack(np.gradient(potential, axis, axis)[::-1], -1)[1::3, 1::3]
    line = np.linspace(-2, 2, 16)
    grid = np.stack(np.meshgrid(line, line), -1)
    bent = grid * (1 + progress * 1.2 * np.abs(np.sin(2 * np.arctan2(grid[..., 1], grid[..., 0])))[..., None])
    shares = np.bincount(modes, minlength=8) / points * min(1.0, 1.2 * progress)
    return Snapshot(
        sequence=sequence,
        step=step,
        progress=step / STEPS,
        seconds=sequence / FRAMES_PER_SECOND,
        generated=generated.astype(np.float32),
        potential=potential.astype(np.float32),
        arrows=slope.astype(np.float32),
        manifold=(bent @ swirl).astype(np.float32),
        generator_loss=float(generator_losses(step)),
        adversary_loss=float(adversary_losses(step)),
        alpha=1.0 + progress,
        meter={
            "modes_covered": int((shares >= 0.01).sum()),
            "modes_total": 8,
            "mode_shares": shares.tolist(),
            "high_quality": 0.92 * progress,
            "true_shares": [0.125] * 8,
            "mode_mixture": 0.3 * (1 - progress) + 0.02,
            "precision": 0.9 * progress,
            "recall": 0.8 * progress,
            "diversity": 8.02 * progress,
            "diversity_target": 8.02,
            "w2": 3.0 * (1 - progress) + 0.29,
            "w2_floor": 0.27,
            "w2_floor_std": 0.03,
            "samples": points,
        },
    )


def generator_losses(step: Any) -> Any:
    return 0.3 + 2.2 * np.exp(-step / 700) + 0.06 * np.sin(step / 37) + 40.0 * (step == 200)


def adversary_losses(step: Any) -> Any:
    return -0.4 - 0.8 * np.exp(-step / 1200) + 0.1 * np.cos(step / 53)


def curve(upto: int) -> Curve:
    step = np.arange(0, upto + 1, STEPS_PER_FRAME)
    return Curve(step, generator_losses(step).astype(np.float32), adversary_losses(step).astype(np.float32))


def update(
    index: int, points: int, sequences: range, with_scene: bool, status: str, judged: bool = False
) -> PanelUpdate:
    kept = [snapshot(index, points, k) for k in sequences]
    word, kind = VERDICTS[index % len(VERDICTS)] if judged or status == "done" else ("", "")
    return PanelUpdate(
        run=f"run-{index}",
        box=BOX,
        scene=scene(index, points) if with_scene else None,
        snapshots=kept,
        curve=curve(sequences[-1] * STEPS_PER_FRAME) if kept else PanelUpdate("", BOX).curve,
        status=status,
        message="The loss is not finite (nan) at step 1200: lower the learning rate." if status == "failed" else "",
        steps_per_second=STEPS_PER_FRAME * FRAMES_PER_SECOND if status == "running" else 0.0,
        words=[Judgement("too wide", "too wide", f"As at step {shot.step}.", "The rule of one look.") for shot in kept],
        verdict=word,
        verdict_kind=kind,
        verdict_text="7 of 8 modes hold a quarter of their due. The rule stands here." if word else "",
        verdict_step=(sequences.stop - 1) * STEPS_PER_FRAME,
        left="about 40 s left",
        marks=MARKS,
        stages=STAGES if with_scene else (),
        unstable="The loss shakes." if word and index % 2 else "",
    )


def still(panels: int, points: int, mode: str, loop: bool) -> None:
    sequences = range(0) if mode in ("empty", "ready") else range(121)
    status = {"ready": "ready", "empty": "queued", "recorded": "done", "failed": "failed"}[mode]
    updates = [update(i, points, sequences, True, status) for i in range(panels)]
    player(encode(updates), key="demo", autoplay=mode == "recorded", loop=loop)


def live(panels: int, points: int) -> None:
    """The player asks; now and then the news come with frames that it already has."""
    started = st.session_state.setdefault("started", time.monotonic())
    judged = st.session_state.setdefault("judged", [False])
    ended: dict[str, int] = st.session_state.setdefault("ended", {})

    def answer(question: bytes) -> channel.Reply:
        newest = min(40 + int((time.monotonic() - started) * FRAMES_PER_SECOND), STEPS // STEPS_PER_FRAME)
        if judged[0]:
            newest = ended.setdefault("at", newest)
        over, has = judged[0] or newest == STEPS // STEPS_PER_FRAME, known(question)
        status = "done" if over else "running"
        updates = []
        for i in range(panels):
            title, last = has.get(f"run-{i}", ("", -1))
            first = max(0, last - 8) if title and newest % 2 else max(0, last + 1)
            updates.append(update(i, points, range(first, newest + 1), not title, status, judged=judged[0]))
        return channel.Reply(encode(updates), {"again": 0.25, "changed": False})

    player(b"", key="demo", channel=channel.opened("demo", answer))


st.set_page_config(page_title="Player", layout="wide")
st.html(
    "<style>[data-testid=stMainBlockContainer] {padding-inline: clamp(1rem, 2.5vw, 3rem)}</style>"
)  # as app.py does
st.subheader("Player")
query = st.query_params
shown, count, kind = int(query.get("panels", 1)), int(query.get("points", 700)), query.get("mode", "live")
place = st.columns([1, 1])[1] if "narrow" in query else st.container()
with place:
    if kind == "live":
        live(shown, count)
    else:
        still(shown, count, kind, "loop" in query)
st.button("Run the page again")
st.button("Judge the runs", key="judge", on_click=lambda: st.session_state.judged.__setitem__(0, True))
