"""Sketches of the pages for the cards on Home, in the colours of the roles; they show no real results."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from pages._ui.home.sketches import WIDTH, around, arrow, curve, marks, on, path, picture, ring


def image(page: str) -> str:
    """The sketch of a page as HTML, or empty."""
    draw = PAGES.get(page)
    return picture(draw()) if draw else ""


def _transport() -> str:
    starts, ends = around((58, 60), 14, 13, 3), around((182, 60), 17, 13, 5)
    starts, ends = sorted(starts, key=lambda point: point[1]), sorted(ends, key=lambda point: point[1])
    paths = "".join(path("line", [(x + 6, y), (u - 7, v)]) for (x, y), (u, v) in zip(starts, ends, strict=True))
    return paths + marks("source", starts, 4) + marks("target", ends, 4.5)


def _train() -> str:
    modes = ring((78, 60), 44)
    falling = [(146.0 + 7 * k, 92 - 62 * (1 - math.exp(-0.42 * k)) + 5 * math.sin(2.1 * k)) for k in range(12)]
    return marks("target", modes, 6) + on(modes, 7, 3.5) + path("warm", [(x, 122 - y) for x, y in falling])


def _compare() -> str:
    parts = []
    for k, lost in enumerate(((), (1, 2, 6), (0, 4, 5, 7))):
        modes = ring((42 + 78 * k, 60), 29)
        parts.append(marks("target", modes, 4.5) + on([mode for i, mode in enumerate(modes) if i not in lost], 5, 2.4))
    return "".join(parts)


_SEVEN = ("11111", "00001", "00010", "00100", "00100")
_FOUR = ("10010", "10010", "11111", "00010", "00010")
_TWO = ("01110", "10001", "00110", "01000", "11111")


def _digit(rows: tuple[str, ...], left: float, top: float, role: str, size: float = 7.0) -> str:
    return "".join(
        f'<rect class="{role}" x="{left + size * j:.1f}" y="{top + size * i:.1f}" width="{size - 1}" height="{size - 1}"/>'
        for i, row in enumerate(rows) for j, cell in enumerate(row) if cell == "1"
    )  # fmt: skip


def _images() -> str:
    digits = ((_SEVEN, "generated"), (_FOUR, "target"), (_TWO, "generated"))
    return "".join(_digit(rows, 28 + 68 * k, 42, role) for k, (rows, role) in enumerate(digits))


def _gallery() -> str:
    tiles = []
    for at, rows in enumerate((_TWO, _SEVEN, _FOUR, _FOUR, _TWO, _SEVEN, _SEVEN, _FOUR)):
        left, top = 34 + 46 * (at % 4), 14 + 50 * (at // 4)
        tiles.append(f'<rect class="line" x="{left - 5}" y="{top - 3}" width="36" height="42" rx="4"/>')
        tiles.append(_digit(rows, left, top + 4, "generated", 5.2))
    return "".join(tiles)


def _diagnose() -> str:
    """A ring of which two modes have nothing generated near them, with the bars of their shares."""
    modes = ring((70, 60), 44)
    lost = [modes[1], modes[4]]
    bars = [(26 + 21 * k, share) for k, share in enumerate((0.9, 0.06, 0.75, 0.05))]
    return (
        marks("target", modes, 6) + on([mode for mode in modes if mode not in lost], 7, 3.5)
        + "".join(path("warm", _circle(mode, 15)) for mode in lost)
        + "".join(path("cold", [(146, y), (216, y)]) + path("warm", [(146, y + 8), (146 + 70 * share, y + 8)]) for y, share in bars)
    )  # fmt: skip


def _circle(middle: tuple[float, float], radius: float) -> list[tuple[float, float]]:
    """A circle as a path."""
    turns = [2 * math.pi * k / 24 for k in range(25)]
    return [(middle[0] + radius * math.cos(turn), middle[1] + radius * math.sin(turn)) for turn in turns]


def _experiments() -> str:
    floor = f'<rect class="source" x="20" y="86" width="{WIDTH - 40}" height="12"/>'
    wild = lambda x: 0.25 + 2.4 * (x - 0.52) ** 2  # noqa: E731
    return floor + curve("pink", wild) + curve("cold", lambda x: 0.27 + 0.3 * (x - 0.5) ** 2)


def _learn() -> str:
    left, right = (64, 60), (176, 60)
    modes = ring(left, 38)
    return (
        marks("target", modes, 5) + marks("source", around(left, 7, 12, 2), 3)
        + "".join(arrow((64 + 0.4 * (x - 64), 60 + 0.4 * (y - 60)), (64 + 0.8 * (x - 64), 60 + 0.8 * (y - 60))) for x, y in modes)
        + "".join(path("line", [(right[0] - 42, 28 + 16 * k), (right[0] + (42, 30, 38, 20, 34)[k], 28 + 16 * k)]) for k in range(5))
    )  # fmt: skip


def _runs() -> str:
    rows = []
    for k, (role, share) in enumerate((("cold", 1.0), ("warm", 0.7), ("pink", 0.42), ("cold", 0.88))):
        y = 24.0 + 24 * k
        rows.append(marks("generated" if k % 2 else "target", [(34, y)], 5))
        rows.append(path("guide", [(54, y), (214, y)]) + path(role, [(54, y), (54 + 160 * share, y)]))
    return "".join(rows)


PAGES: Mapping[str, Callable[[], str]] = {
    "transport": _transport, "train": _train, "compare": _compare, "images": _images, "gallery": _gallery,
    "diagnose": _diagnose,
    "experiments": _experiments, "learn": _learn, "runs": _runs,
}  # fmt: skip
