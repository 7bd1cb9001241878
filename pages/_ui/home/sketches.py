"""Sketches of lessons and derivations as SVG, in the colours of the roles; they show no real results."""

from __future__ import annotations

import base64
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence

Point = tuple[float, float]
WIDTH, HEIGHT = 240, 120
EIGHT = tuple(math.pi * k / 4 for k in range(8))

# Neutral lines are grey, to be visible on light and dark backgrounds: an image does not know the theme.
_STYLE = (
    ".target{fill:#56B4E9}.generated{fill:#FF7A1A}.source{fill:none;stroke:#8A8F98;stroke-width:1.5}"
    ".lost{fill:none;stroke:#E05252;stroke-width:1.5}"
    ".line,.arrow{fill:none;stroke:#8A94A3;stroke-width:1.5}.guide{fill:none;stroke:#8A8F98;stroke-dasharray:5 4}"
    ".warm{fill:none;stroke:#E69F00;stroke-width:2.2}.cold{fill:none;stroke:#009E73;stroke-width:2.2}"
    ".pink{fill:none;stroke:#CC79A7;stroke-width:2.2}"
)


def image(kind: str, name: str) -> str:
    """The sketch of a lesson or derivation as HTML; a cloud and a ring by default, as for a teacher's own."""
    return picture(SKETCHES.get(f"{kind}/{name}", _cloud_and_ring)())


def picture(body: str) -> str:
    """The marks and lines of a sketch as HTML."""
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"><style>{_STYLE}</style>{body}</svg>'
    )
    return f'<img class="sketch" alt="" src="data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}">'


def marks(role: str, points: Iterable[Point], size: float = 3.0) -> str:
    if role in ("target", "lost"):
        return "".join(
            f'<rect class="{role}" x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size:.1f}" height="{2 * size:.1f}"/>'
            for x, y in points
        )
    return "".join(f'<circle class="{role}" cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>' for x, y in points)


def path(role: str, points: Sequence[Point]) -> str:
    return f'<path class="{role}" d="M{" L".join(f"{x:.1f} {y:.1f}" for x, y in points)}"/>'


def arrow(start: Point, end: Point, role: str = "arrow") -> str:
    turn = math.atan2(end[1] - start[1], end[0] - start[0])
    heads = [(end[0] - 6 * math.cos(turn + side), end[1] - 6 * math.sin(turn + side)) for side in (-0.5, 0.5)]
    return path(role, [start, end]) + path(role, [heads[0], end, heads[1]])


def curve(role: str, of: Callable[[float], float], low: float = 0.0, high: float = 1.0) -> str:
    """The graph of a function from [0, 1] to [0, 1] over the whole sketch."""
    xs = [low + (high - low) * k / 60 for k in range(61)]
    return path(role, [(20 + 200 * x, 105 - 90 * min(max(of(x), 0.0), 1.0)) for x in xs])


def around(centre: Point, spread: float, n: int, seed: int = 0) -> list[Point]:
    draw = random.Random(seed)
    return [(centre[0] + draw.gauss(0, spread), centre[1] + draw.gauss(0, spread)) for _ in range(n)]


def ring(centre: Point, radius: float) -> list[Point]:
    return [(centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)) for angle in EIGHT]


def on(modes: Sequence[Point], each: int, spread: float = 3.0) -> str:
    return "".join(marks("generated", around(mode, spread, each, seed), 2.2) for seed, mode in enumerate(modes))


def _cloud_and_ring() -> str:
    modes = ring((120, 60), 44)
    return marks("target", modes, 5) + marks("source", around((120, 60), 9, 18)) + "".join(
        arrow((120 + 0.45 * (x - 120), 60 + 0.45 * (y - 60)), (120 + 0.82 * (x - 120), 60 + 0.82 * (y - 60))) for x, y in modes
    )  # fmt: skip


def _collapse() -> str:
    left, right = ring((64, 60), 42), ring((176, 60), 42)
    kept = [left[0], left[1], left[5]]
    lost = "".join(marks("lost", [mode], 6) for mode in left if mode not in kept)
    return lost + marks("target", [*kept, *right], 6) + on(kept, 24, 4.5) + on(right, 8, 3.5)


def _springs() -> str:
    starts, ends = [(70.0, 25.0 + 23 * k) for k in range(4)], [(180.0, 18.0 + 28 * k) for k in range(4)]
    springs = (
        path(
            "line",
            [(x + (u - x) * k / 16, y + (v - y) * k / 16 + (5 * (-1) ** k if 2 < k < 14 else 0)) for k in range(17)],
        )
        for (x, y), (u, v) in zip(starts, ends, strict=True)
    )
    return "".join(springs) + marks("source", starts, 5) + marks("generated", ends, 5)


def _too_dear() -> str:
    modes = ring((64, 60), 42), ring((176, 60), 42)
    short = [(176 + 0.55 * (x - 176), 60 + 0.55 * (y - 60)) for x, y in modes[1]]
    return marks("target", [*modes[0], *modes[1]], 6) + on(modes[0], 6) + on(short, 6, 5)


def _blur() -> str:
    plans = (_matrix(20 + 72 * k, 30, 11, width) for k, width in enumerate((0.5, 1.8, 5.0)))
    return "".join(plans)


def _matrix(left: float, top: float, n: int, width: float) -> str:
    """A transport plan: bright where row and column differ by less than `width`."""
    side = 60 / n
    return "".join(
        f'<rect class="generated" x="{left + side * j:.1f}" y="{top + side * i:.1f}" width="{side:.1f}" height="{side:.1f}" opacity="{share:.2f}"/>'
        for i in range(n) for j in range(n) if (share := math.exp(-(((i - j) / width) ** 2) / 2)) > 0.02
    )  # fmt: skip


def _coupling() -> str:
    left, right = [(60.0, 22.0 + 25 * k) for k in range(4)], [(180.0, 22.0 + 25 * k) for k in range(4)]
    moves = "".join(arrow((x + 7, y), (u - 8, v)) for (x, y), (u, v) in zip(left, right, strict=True))
    return moves + path("guide", [left[0], right[2]]) + path("guide", [left[3], right[1]]) + marks("source", left, 5) + marks("target", right, 5)  # fmt: skip


def _divergence() -> str:
    return (
        curve("warm", lambda x: 0.75 - 0.45 / (1 + math.exp(9 - 16 * x)))
        + curve("cold", lambda x: 0.75 + 0.22 / (1 + math.exp(9 - 16 * x)))
        + curve("guide", lambda _: 0.75)
    )


def _energy() -> str:
    points, data = [(90.0, 50.0), (112.0, 78.0)], [(160.0, 30.0), (178.0, 66.0), (150.0, 92.0)]
    pulls = "".join(arrow(p, (p[0] + 0.6 * (d[0] - p[0]), p[1] + 0.6 * (d[1] - p[1]))) for p in points for d in data)
    apart = arrow(points[0], (76, 32), "pink") + arrow(points[1], (103, 101), "pink")
    return pulls + apart + marks("generated", points, 6) + marks("target", data, 5)


def _overlap() -> str:
    def bell(middle: float) -> Callable[[float], float]:
        return lambda x: 0.85 * math.exp(-(((x - middle) / 0.13) ** 2))

    return (
        curve("warm", bell(0.3)) + curve("cold", bell(0.62)) + curve("guide", lambda x: 1 / (1 + math.exp(8 - 17 * x)))
    )


def _slope() -> str:
    kinked = lambda x: min(0.1 + 0.9 * max(x - 0.15, 0), 0.75)  # noqa: E731
    return curve("warm", kinked) + curve("guide", lambda x: 1 / (1 + math.exp(12 - 25 * x)))


def _functions() -> str:
    def scaled(g: Callable[[float], float]) -> Callable[[float], float]:
        return lambda x: 0.4 + 0.17 * g(5 * x - 2.5)

    def softplus(x: float) -> float:
        return 2 * math.log1p(math.exp(x)) - 2 * math.log(2)

    return (
        curve("guide", scaled(lambda x: x))
        + curve("warm", scaled(softplus))
        + curve("cold", scaled(math.expm1), 0, 0.83)
    )


def _losses() -> str:
    wild = lambda x: 0.72 + (0.04 + 0.2 * x) * math.sin(34 * x) * math.cos(11 * x)  # noqa: E731
    return curve("pink", wild) + curve("cold", lambda x: 0.18 + 0.25 * math.exp(-5 * x))


def _rising() -> str:
    steps = curve("guide", lambda x: 0.1 + 0.2 * min(int(x / 0.75 * 5), 4))
    return steps + curve("warm", lambda x: 0.1 + 0.8 * (1 - math.cos(math.pi * min(x / 0.75, 1))) / 2)


def _family() -> str:
    def bent(alpha: float) -> Callable[[float], float]:
        return lambda x: 0.4 + 0.17 * alpha * 2 * (math.log1p(math.exp((5 * x - 2.5) / alpha)) - math.log(2))

    return curve("guide", lambda x: 0.4 + 0.17 * (5 * x - 2.5)) + "".join(
        curve(role, bent(alpha)) for role, alpha in (("pink", 0.2), ("warm", 1.0), ("cold", 5.0))
    )


def _weights() -> str:
    sizes = (2.0, 3.0, 4.5, 6.5, 9.0)
    row = [(40.0 + 40 * k, 78 - 9 * math.sin(k)) for k in range(5)]
    data = "".join(marks("target", [place], size) for place, size in zip(row, sizes, strict=True))
    above = [(x, y - 45) for x, y in row]
    return data + "".join(marks("generated", [place], size) for place, size in zip(above, reversed(sizes), strict=True))


def _bars() -> str:
    heights = ((0.95, "line"), (0.3, "warm"), (0.22, "cold"))
    bars = (
        f'<rect class="{role}" x="{50 + 52 * k}" y="{105 - 88 * height:.1f}" width="36" height="{88 * height:.1f}"/>'
        for k, (height, role) in enumerate(heights)
    )
    return "".join(bars) + path("guide", [(30, 21), (210, 21)])


def _six() -> str:
    corners = {"a": (85.0, 28.0), "b": (155.0, 28.0), "c": (85.0, 92.0), "d": (155.0, 92.0)}
    pulls = (("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"))
    lines = "".join(path("line", [corners[one], corners[two]]) for one, two in pulls)
    apart = path("pink", [corners["a"], corners["b"]]) + path("pink", [corners["c"], corners["d"]])
    return lines + apart + marks("target", [corners["a"], corners["b"]], 9) + marks("generated", [corners["c"], corners["d"]], 10)  # fmt: skip


def _tangle() -> str:
    left, right = [(30.0 + 14 * k, 28.0) for k in range(6)], [(30.0 + 14 * k, 92.0) for k in range(6)]
    order = (3, 0, 5, 1, 4, 2)
    straight = "".join(path("line", [a, b]) for a, b in zip(left, right, strict=True))
    moved = [(x + 110, y) for x, y in left], [(x + 110, y) for x, y in right]
    tangle = "".join(path("line", [moved[0][k], moved[1][order[k]]]) for k in range(6))
    return straight + tangle + marks("target", [*left, *moved[0]], 4) + marks("generated", [*right, *moved[1]], 4)


SKETCHES: Mapping[str, Callable[[], str]] = {
    "lesson/why-gans-collapse": _collapse, "lesson/what-the-cost-does": _too_dear, "lesson/what-blur-does": _cloud_and_ring,
    "lesson/what-convexity-does": _losses, "lesson/schedule-of-alpha": _rising, "lesson/matching": _tangle,
    "derivation/kantorovich": _coupling, "derivation/entropic": _blur, "derivation/sinkhorn-divergence": _divergence,
    "derivation/energy-distance": _energy, "derivation/ot-gan": _six, "derivation/wgan": _slope, "derivation/otm": _springs,
    "derivation/uotm": _functions, "derivation/no-cost": _collapse, "derivation/schedule": _family,
    "derivation/sample-weights": _weights, "derivation/bound": _bars, "derivation/gan": _overlap,
}  # fmt: skip
