"""A page with nothing but the board and made-up answers. What is shown is chosen by the address:

?points=1000, ?loss=mmd (no plan), ?wait=0.2 (seconds per answer), ?rough=1 (first answers are coarse), ?width=870,
?warning=1, ?reach=0.5, ?problem=a, ?empty=1
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from otviz.core.container import pack
from pages._ui.shell import channel
from pages._ui.transport.board_canvas import Asked, board, read_question

BINS, LINES, SIDE = 64, 8, 64
Array = NDArray[Any]


@st.cache_data
def clouds(n: int, centre: float) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2)) * 0.55 + [-0.6, -0.4]
    angle = rng.uniform(0, 2 * np.pi, n)
    y = 2 * np.stack([np.cos(angle), np.sin(angle)], -1) + 0.12 * rng.normal(size=(n, 2)) + [centre, 0.5]
    return x.astype("f4"), y.astype("f4")


def plan_of(x: Array, y: Array, blur: float, reach: float | None) -> dict[str, Array]:
    """Partners by angle and distance around the centre: not optimal, but similar to a plan, and dependent on blur."""
    rng, n = np.random.default_rng(1), len(x)
    turn = lambda p: np.arctan2(p[:, 1] - p[:, 1].mean(), p[:, 0] - p[:, 0].mean())  # noqa: E731
    rank_x, rank_y = np.argsort(np.argsort(turn(x))), np.argsort(turn(y))
    spread = max(1, int(blur * n / 6))
    near = (rank_x[:, None] + rng.integers(-spread, spread + 1, (n, LINES))) % n
    lines_to = rank_y[near].astype("i4")
    share = rng.dirichlet(np.full(LINES, 1.5 + blur), n)
    order = np.argsort(-share, 1)
    lines_to, share = np.take_along_axis(lines_to, order, 1), np.take_along_axis(share, order, 1).astype("f4")
    distance = np.linalg.norm(x - y[lines_to[:, 0]], axis=1)
    mass = np.ones(n) if reach is None else np.exp(-((distance / (3 * reach)) ** 2))
    bin_x, bin_y = rank_x * BINS // n, np.argsort(rank_y) * BINS // n
    matrix = np.zeros((BINS, BINS))
    np.add.at(matrix, (np.repeat(bin_x, LINES), bin_y[lines_to.ravel()]), (share * mass[:, None]).ravel())
    return {
        "map": np.einsum("nk,nkd->nd", share, y[lines_to]).astype("f4"),
        "partner": lines_to[:, 0],
        "lines_to": lines_to,
        "lines_share": share,
        "matrix": (255 * np.sqrt(matrix / matrix.max())).astype("u1"),
        "bin_x": bin_x.astype("u2"),
        "bin_y": bin_y.astype("u2"),
        "mass_x": mass.astype("f4"),
        "mass_y": mass[np.argsort(rank_y)].astype("f4"),
    }


def field(centre: tuple[float, float], blur: float) -> Array:
    axis = np.linspace(-4, 4, SIDE)
    x, y = np.meshgrid(axis, axis)
    ring = np.hypot(x - centre[0], y - centre[1])
    values = (ring - 2) ** 2 / (1 + blur) + 0.3 * np.sin(3 * x)
    return (255 * (values - values.min()) / np.ptp(values)).clip(0, 255).astype("u1")


def numbers(blur: float, finished: bool, mass: float) -> list[dict[str, Any]]:
    rows = [
        ("Sinkhorn divergence", "S_ε", 1.2345 / (1 + blur), "length²", "OT between the clouds minus half of each with itself"),
        ("entropic cost", "OT_ε", 1.61 / (1 + blur), "length²", "the optimum with its entropy term"),
        ("transport cost", "⟨P, C⟩", 1.31 + 0.1 * blur, "length²", "what the plan costs, without its entropy"),
        ("exact cost", "OT₀", 1.2791 if finished else None, "length²", "least cost by linear programme"),
        ("mass moved", "m", mass, "", "1 if balanced"),
        ("marginal error", "", 3.2e-5, "", "share of the mass that a marginal of the plan misses"),
        ("sweeps", "", 43, "", "of the solver at all temperatures"),
    ]  # fmt: skip
    return [
        {"name": name, "symbol": symbol, "value": f"{value:.4g}", "unit": unit, "meaning": meaning}
        for name, symbol, value, unit, meaning in rows
        if value is not None
    ]


def answer(asked: Asked, problem: str, points: int, has_plan: bool, finished: bool, warn: bool, sent: int) -> bytes:
    x, y = clouds(points, 0.9 if problem == "a" else -0.9)
    plan = plan_of(x, y, asked.blur, asked.reach) if has_plan else {}
    goal = plan["map"] if has_plan else np.roll(y, 7, 0)
    mass = plan.get("mass_x", np.ones(points))
    force = (goal - x) * mass[:, None] / (1 + asked.blur)
    arrays = {
        "x": x, "y": y, "force": force.astype("f4"),
        "potential_x": np.linalg.norm(x, axis=1), "potential_y": -np.linalg.norm(y, axis=1),
        "field_x": field((0.9, 0.5), asked.blur), "field_y": field((-0.6, -0.4), asked.blur), **plan,
    }  # fmt: skip
    header = {
        "serial": asked.serial, "problem": problem, "sent": sent, "stage": "full" if finished else "coarse", "finished": finished, "complete": finished,
        "box": [-4, 4, -4, 4], "blur": asked.blur, "epsilon": asked.blur**2, "p": 2, "reach": asked.reach,
        "loss": "sinkhorn" if has_plan else "energy", "cost": "half-squared", "n": points,
        "numbers": numbers(asked.blur, finished, float(mass.mean())), "has_plan": has_plan,
        "warning": "The marginals are missed by 4 %: raise blur, or bring scaling nearer to 1." if warn else "",
        "notes": ["A first answer with 300 of the points."] if not finished else [],
        "field_x": {"low": -1.31, "high": 4.2}, "field_y": {"low": -0.4, "high": 3.1},
    }  # fmt: skip
    return pack(header, arrays)


def conversation(problem: str, query: dict[str, str]) -> None:
    """Keeps the newest answer of the problem and makes another one when the board asks."""
    state = st.session_state.setdefault(f"state {problem}", {"sent": 0, "message": b""})
    first = Asked(0, 0.05, float(query["reach"]) if "reach" in query else None, "first")
    rough, points, has_plan = "rough" in query, int(query.get("points", 1000)), query.get("loss") != "mmd"

    def solve(asked: Asked) -> None:
        state["sent"] += 1
        finished = not rough or asked.stage == "refine"
        state["message"] = answer(asked, problem, points, has_plan, finished, "warning" in query, state["sent"])

    def reply(question: bytes) -> channel.Reply:
        asked = read_question(question)
        if asked.stage != "shown":
            time.sleep(float(query.get("wait", 0)))
            solve(asked)
        return channel.Reply(state["message"])

    if not state["message"] and "empty" not in query:
        solve(first)
    board(channel.opened("demo", reply), key="demo", problem=problem, sent=state["sent"])


st.set_page_config(page_title="Board", layout="wide")
question = st.query_params.to_dict()
name = st.segmented_control("Problem", ["a", "b"], default="a") or "a"
if "width" in question:
    with st.container(width=int(question["width"])):
        conversation(name, question)
else:
    conversation(name, question)
