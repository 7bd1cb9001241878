"""The live picture of runs: the player polls for updates, without reruns of the page."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from otviz.data.datasets import ImageSet
from otviz.data.distributions import Distribution
from otviz.data.target import Target
from otviz.player import wire
from otviz.player.wire.stages import flow
from otviz.runs.run_view import ENDED, RunView
from otviz.runs.snapshots import preview_of
from pages._ui.controls import own_target
from pages._ui.player import live_map
from pages._ui.player.player_canvas import known, player
from pages._ui.shell import channel
from pages._ui.shell.sessions import registry

if TYPE_CHECKING:
    from otviz.methods import Method
    from otviz.runs.session_runs import SessionRuns

POLL, POLL_MANY = 0.4, 0.6  # seconds between polls of at most two runs, and of more, for a single viewer
POLL_MOST = 2.0  # seconds; with several viewers, each further page polls less often, up to this
FIRST = 160  # largest number of snapshots sent at first; fewer per run if there are several
AROUND = 215  # px of the window above and below the picture: navigation, buttons, the row of views
KEYS = {"T": "train", "P": "pause or resume training"}
DROP = f".st-key-{own_target.FILE}"  # the uploader that receives files dropped on the picture, if any

State = tuple[tuple[str, bool, bool, bool], ...]


def state(runs: Sequence[RunView]) -> State:
    """The state on which buttons and views depend; read first, so that no change during a rerun is missed."""
    return tuple((run.status, run.frozen, bool(run.snapshots), run.unresponsive) for run in runs)


def show(
    runs: Sequence[RunView], drawn: State, *, labels: Sequence[str] = (), key: str = "train", **options: Any
) -> None:
    """Draw the runs and update them while they train; rerun the page when their state differs from `drawn`.

    Args:
        runs: one panel each.
        drawn: their `state` at the start of the rerun.
        labels: titles of the panels; by default those of the methods.
        key: key of the player.
        options: options of the player.
    """
    watch = Watch(tuple(runs), drawn, tuple(labels), seen_methods(), registry())
    player(
        b"",
        key=key,
        channel=channel.opened(key, watch.answer),
        **{"fill": None if "height" in options else AROUND, "keys": KEYS, "drop": DROP, **options},
    )


def seen_methods() -> dict[str, Method]:
    """The method of each run when this session last saw it, by run id."""
    methods: dict[str, Method] = st.session_state.setdefault("otviz.tuned", {})
    return methods


def show_preview(target: Target | None, source: Distribution | None, key: str = "train") -> None:
    """Draw target and source, or real images, before a training."""
    if target is None or (source is None and target.kind == "points"):
        st.info("The picture appears here once the settings on the left are complete.")
        return
    scene = preview_of(target, source)
    name = hashlib.sha256(f"{target!r}{source!r}".encode()).hexdigest()[:12]
    update = wire.PanelUpdate(
        f"preview-{name}", scene.box, scene, status="ready", shape=scene.shape,
        stages=flow(target.kind),
    )  # fmt: skip
    player(wire.encode([update]), key=key, fill=AROUND, keys=KEYS, drop=DROP)


@dataclass(frozen=True)
class Watch:
    """The runs of a player, and the state of its page."""

    runs: Sequence[RunView]
    drawn: State
    labels: Sequence[str]
    seen: dict[str, Method]
    registry: SessionRuns

    def answer(self, question: bytes) -> channel.Reply:
        """New snapshots for a player, and whether its page is out of date. Raises ValueError for an invalid question."""
        has, now = known(question), state(self.runs)
        updates = [self._update(at, has) for at in range(len(self.runs))]
        changed = now != self.drawn or any(
            run.config.method != self.seen.get(run.id, run.config.method)
            or self._saved_again(run)
            or self._continued(run)
            for run in self.runs
        )
        return channel.Reply(wire.encode(updates), {"again": self._again(now), "changed": changed})

    def _again(self, now: State) -> float | None:
        """Seconds until the player should ask again; None if there will be no news. A failed run may be continued."""
        found = [status for status, *_ in now]
        if all(status in ENDED for status in found):
            return POLL_MOST if "failed" in found else None
        return self._pause()

    def _continued(self, run: RunView) -> bool:
        """Whether the run goes on as another one: in another process, or because of another tab."""
        return self.registry.find(run.id) not in (None, run)

    def _saved_again(self, run: RunView) -> bool:
        """Whether a run that another process trains is not as it was read."""
        if run.status != "elsewhere":
            return False
        try:
            now = self.registry.stored.read(run.id)
        except ValueError:  # deleted
            return True
        return (now.status, now.step, now.seconds) != (run.status, run.step, run.seconds)

    def _pause(self) -> float:
        watching = max(self.registry.holders(run.id) for run in self.runs)
        return min((POLL if len(self.runs) < 3 else POLL_MANY) * max(watching, 1), POLL_MOST)

    def _update(self, at: int, has: dict[str, tuple[str, int]]) -> wire.PanelUpdate:
        from otviz.player.wire.run_panel import panel_of

        run, panels = self.runs[at], len(self.runs)
        # A continued run is a new one for the player, which then follows it.
        name, label = f"{run.id}.{id(run):x}", self.labels[at] if self.labels else ""
        status, scene, looks = run.status, run.scene, run.watch()
        if scene is None or not looks:
            scene, looks = preview_of(run.config.target, run.config.source), ()
        title, last = has.get(name, ("", -1))
        same = title == (label or scene.title)  # a frozen run changes its title, so its scene is sent again
        if not same:
            last = -1
        whole = not same or (bool(looks) and last < 0)
        chosen = wire.select_snapshots(looks, last, max(FIRST // panels, 60), panels)
        plane, images = None, run.config.target
        if panels == 1 and isinstance(images, ImageSet) and (plane := live_map.real_points(images)):
            chosen = live_map.with_places(chosen, images)
        update = panel_of(run, scene, chosen, name=name, panels=panels, label=label, status=status, whole=whole)
        return replace(update, plane=plane if whole else None)
