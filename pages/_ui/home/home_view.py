"""The demonstration on Home: two recorded trainings side by side, and a slider for the transport cost."""

from __future__ import annotations

import contextlib
import json
import urllib.parse
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from otviz.checkpoints import recordings
from otviz.checkpoints.recordings import About, Panel
from otviz.data import distributions
from otviz.player import wire
from pages._ui.home import page_sketches
from pages._ui.player.player_canvas import player
from pages._ui.shell import channel, frame, reading
from pages._ui.shell.links import plain

PREFIX = "home-"  # name prefix of the recordings: home-<data>-<method>
METHODS = {"uotm": "UOTM", "uotm-sd": "UOTM-SD"}
TIPS = {
    "uotm": "Unbalanced optimal transport map",
    "uotm-sd": "The same, with a weight that leads to balanced transport",
}
TITLES = {"ring": "A ring of eight modes", "off-centre": "A smaller ring, away from where points start"}
FIRST = ("ring", "uotm")
CHOSEN = 0.05  # initial tau
OTHERS = ("moons", "checkerboard", "spiral", "drawing")  # data without recordings, linked to Train
SECONDS, REST, LEAD = (
    9.0,
    4.0,
    500,
)  # seconds of playback, seconds of pause at its end, steps before the difference shows
DOTS = 44  # points of a thumbnail

# The link covers the whole card. On narrow windows the text is above the pictures, on phones below.
_STYLE = """<style>
.st-key-cards {display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 0.9rem}
.st-key-cards > div {width: auto !important; height: 100%}
[class*=st-key-card-] {position: relative; height: 100%; width: 100% !important; transition: border-color 0.15s}
[class*=st-key-card-]:hover {border-color: var(--st-primary-color, #0F6CA8)}
[class*=st-key-card-] a[data-testid=stPageLink-NavLink] {position: static; padding: 0; background: none}
[class*=st-key-card-] a[data-testid=stPageLink-NavLink]::after {content: ""; position: absolute; inset: 0; z-index: 1}
[class*=st-key-card-] [data-testid=stElementContainer] {position: static}
.st-key-cards .sketch {display: block; width: 100%; border-radius: 6px; background: rgba(138, 148, 163, 0.08)}
.st-key-hero h1 {font-size: clamp(1.5rem, 1.85vw, 2.1rem); line-height: 1.2; text-wrap: balance}
.st-key-home-reading {max-height: max(14rem, calc(100vh - 26rem)); overflow: auto}
.st-key-home-reading [class*=st-key-reading-] {justify-content: flex-start}
.st-key-home-reading :is(p, li) {font-size: 0.875rem; line-height: 1.45}
@media (max-width: 1250px) {.st-key-cards {grid-template-columns: repeat(3, minmax(0, 1fr))}}
@media (max-width: 1000px) {
  .st-key-cards {grid-template-columns: repeat(2, minmax(0, 1fr))}
  .st-key-hero [data-testid=stHorizontalBlock]:not(.stColumn *) {flex-direction: column}
  .st-key-hero [data-testid=stHorizontalBlock]:not(.stColumn *) > .stColumn {width: 100%; flex: none}
}
@media (max-width: 640px) {.st-key-hero [data-testid=stHorizontalBlock]:not(.stColumn *) {flex-direction: column-reverse}}
</style>"""

_KEY = (
    '<p style="margin:0"><span style="color:#56B4E9" aria-hidden="true">■</span> data &nbsp; '
    '<span style="color:#FF7A1A" aria-hidden="true">●</span> generated points</p>'
)

PHRASES = {
    "collapsed": "modes are lost", "covers": "all modes are covered", "mixes modes": "points lie between modes",
    "unbalanced": "modes get unequal shares", "off target": "points lie beside the data", "too narrow": "modes are too narrow",
    "too wide": "modes are too wide",
}  # fmt: skip


def arrange() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Containers of the text and the demonstration."""
    st.html(_STYLE)
    with st.container(key="hero"):
        words, picture = st.columns([3, 10], gap="medium")
    return words, picture


def show() -> bool:
    """Play the demonstration; returns False without recordings, with a warning if they are damaged."""
    if PREFIX + "-".join(FIRST) not in recordings.names():
        return False
    try:
        given, body, start = _atlas()
    except ValueError as error:
        st.warning(plain(f"{error}."))
        return False
    atlas = {**given, "channel": channel.opened("home", _answer)}
    player(body, key="home", loop=True, more={"atlas": atlas, "seconds": SECONDS, "rest": REST, "start": start})
    return True


def explain() -> None:
    """Explain the pictures, beside them rather than over them."""
    st.html(_KEY)
    with st.container(key="home-reading"):
        reading.how("home/recorded")


def _answer(question: bytes) -> channel.Reply:
    """All runs of a group, packed. Raises ValueError for an invalid question."""
    try:
        name = str(json.loads(question)["recording"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError('the atlas asks for {"recording": name}') from error
    if not name.startswith(PREFIX):
        name = PREFIX + name
    return channel.Reply(recordings.packed(name))


@cache
def _atlas() -> tuple[dict[str, Any], bytes, int]:
    """The options of the component, its first two runs, and the step at which playback starts."""
    found = [name.removeprefix(PREFIX) for name in recordings.names() if name.startswith(PREFIX)]
    first = "-".join(FIRST)
    body = recordings.read(PREFIX + first)
    taus = _taus(recordings.about(PREFIX + first))
    groups = {name: about for name in found if (about := _about(name, taus)) is not None}
    at = taus.index(CHOSEN)
    body = wire.pick(body, [0, at])
    methods = [name for name in METHODS if any(group.endswith(f"-{name}") for group in groups)]
    data = dict.fromkeys(
        name.removesuffix(f"-{method}") for method in methods for name in groups if name.endswith(f"-{method}")
    )
    sets = [_recorded_data(groups, name) for name in sorted(data, key=lambda name: name != FIRST[0])]
    given = {
        "data": sets + [_other_data(name) for name in OTHERS],
        "methods": [{"name": name, "title": METHODS[name], "tip": TIPS[name]} for name in methods],
        "values": [f"{tau:g}" for tau in taus],
        "at": at,
        "groups": {name: _group(about.panels, at) for name, about in groups.items()},
    }  # fmt: skip
    return given, body, _start(body)


def _about(name: str, taus: Sequence[float]) -> About | None:
    """What is known of a group; None if it is damaged, or has not these values of tau."""
    with contextlib.suppress(ValueError):
        about = recordings.about(PREFIX + name)
        _target(about)
        return about if _taus(about) == taus else None
    return None


def _taus(about: About) -> list[float]:
    return [float(panel.settings.get("tau", "nan")) for panel in about.panels]


def _target(about: About) -> distributions.Distribution:
    settings = about.panels[0].settings
    knobs = {key.removeprefix("target."): text for key, text in settings.items() if key.startswith("target.")}
    return distributions.named(settings["target"]).parse(knobs)


def _group(panels: Sequence[Panel], at: int) -> dict[str, Any]:
    """The texts around the pictures of a group, from its runs."""
    meanings = [_meaning(panel, panels[at]) for panel in panels]
    return {
        "kinds": [panel.kind for panel in panels],
        "meaningOf": meanings,
        "meanings": [meanings[0], meanings[at], meanings[-1]],
        "links": [_live(panels[0], panel) for panel in panels],
        "note": f"Recorded: seed {panels[0].seed}, {panels[0].steps} steps, about {_seconds(panels)} s each on one core. "
        f"Same data, same seed, same settings; only the transport cost differs.",
    }


def _meaning(panel: Panel, chosen: Panel) -> str:
    """The result of a run, in a few words."""
    found, all_modes = panel.modes
    held_back = panel.moved < 0.6 * chosen.moved  # how far points move at the initial tau
    if panel.kind == "collapsed" and all_modes:
        return f"{all_modes - found} of {all_modes} modes {'out of reach' if held_back else 'lost'}"
    if panel.kind == "covers" and all_modes:
        return f"all {all_modes} modes covered"
    if held_back:
        return "points stay too near their start"
    return PHRASES.get(panel.kind, panel.verdict)


def _seconds(panels: Sequence[Panel]) -> int:
    return round(float(np.median([panel.seconds for panel in panels])))


def _live(left: Panel, right: Panel) -> str:
    """The link that trains these two, relative to Home."""
    found = {"preset": "own", "methods": f"{left.settings['method']},{right.settings['method']}"}
    for place, panel in enumerate((left, right), start=1):
        for key, text in panel.settings.items():
            if key.startswith("target") or key in ("steps", "seed"):
                found[key] = text
            elif key != "method":
                found[f"{place}.{key}"] = text
    return "compare?" + urllib.parse.urlencode({**found, "start": "1"})


def _recorded_data(groups: Mapping[str, About], name: str) -> dict[str, Any]:
    target = _target(next(about for group, about in groups.items() if group.startswith(f"{name}-")))
    return {"name": name, "title": TITLES.get(name, target.title), "points": _dots(target), "href": ""}


def _other_data(name: str) -> dict[str, Any]:
    kind = distributions.named(name)
    return {"name": name, "title": kind.title, "points": _dots(kind()), "href": f"train?target={name}"}


def _dots(target: distributions.Distribution) -> list[list[int]]:
    """Some points of a distribution in a square of 40 by 40 that contains the origin, with y downwards."""
    points = target.sample(DOTS, np.random.default_rng(1)).astype(float)
    seen = np.concatenate([points, np.zeros((1, 2))])
    middle, half = (seen.max(0) + seen.min(0)) / 2, float(np.ptp(seen, axis=0).max()) / 2
    return np.round(20 + (points - middle) / half * (16, -16)).astype(int).tolist()  # type: ignore[no-any-return]


def _start(body: bytes) -> int:
    """The step shortly before the left run has finally lost modes and the right one finally covers them."""
    left, right = wire.decode(body)
    differs = [(a.kind, b.kind) == ("collapsed", "covers") for a, b in zip(left.words, right.words, strict=True)]
    since = len(differs) - next((i for i, yes in enumerate(reversed(differs)) if not yes), len(differs))
    step = left.snapshots[min(since, len(differs) - 1)].step
    return max(0, step - LEAD)


def cards() -> None:
    """The other pages as linked cards with pictures."""
    with st.container(key="cards"):
        for card in frame.cards()[1:]:
            with st.container(border=True, gap="xsmall", key=f"card-{card.name}"):
                if picture := page_sketches.image(card.name):
                    st.html(picture)
                st.page_link(card.path, label=f"**{card.title}**")
                st.caption(card.text[:1].upper() + card.text[1:])
