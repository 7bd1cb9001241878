"""Several methods on one page: which, with what knobs, and the runs that train them in step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from otviz.params import params_of
from pages._ui import boxes, controls, following, inside, running, setup
from pages._ui.following import tuned
from pages._ui.leases import registry
from pages._ui.links import Link, plain

if TYPE_CHECKING:
    from otviz.compare import Preset
    from otviz.distributions import Distribution
    from otviz.methods import Method
    from otviz.runs.config import RunConfig
    from otviz.runs.recorded import Recorded
    from otviz.runs.run import Run

HEIGHT = 760
OWN = "own"
OWN_METHODS = ("wgan", "uotm")


@dataclass(frozen=True)
class Chosen:
    """What the left of the page says: the methods, None where a knob is bad, and on what they train."""

    preset: Preset | None
    methods: tuple[Method | None, ...]
    target: Distribution | None
    source: Distribution | None
    configs: tuple[RunConfig, ...]


def find(link: Link) -> list[Run | Recorded]:
    """The runs that the address names, those that are still there."""
    from otviz.compare import MOST

    ids = list(dict.fromkeys(filter(None, link.text("runs").split(","))))
    if len(ids) > MOST:
        link.complain(f"runs must name at most {MOST} runs; got {len(ids)}: the first {MOST} are shown.")
    found = [running.named(link, run_id) for run_id in ids[:MOST]]
    return [run for run in found if run is not None]


def choose(link: Link, locked: bool) -> Chosen:
    """Draw preset, target, methods, steps and seed. While runs are alive (`locked`) only live knobs are open."""
    from otviz.compare import presets

    known = presets()
    titles = {name: preset.title for name, preset in known.items()} | {OWN: "Your own choice"}
    name = controls.choice(link, "preset", titles, default="table-1", label="What to compare", disabled=locked)
    preset = known.get(name)
    target = setup.choose_distribution(link, "target", (preset and preset.target) or "ring", locked, scope=name)
    methods = _choose_methods(link, name, preset, locked)
    steps, compilable = preset.steps if preset else 5000, any(method and method.compilable for method in methods)
    plan = setup.choose_plan(link, f"compare-{name}", steps, compilable, locked)
    source = setup.choose_distribution(link, "source", "gaussian", locked)
    made = [setup.config_of(method, target, source, plan) for method in methods]
    complete = tuple(config for config in made if config is not None)
    return Chosen(preset, methods, target, source, complete if len(complete) == len(methods) else ())


def _choose_methods(link: Link, name: str, preset: Preset | None, locked: bool) -> tuple[Method | None, ...]:
    from otviz.compare import MOST, labels
    from otviz.methods import methods
    from otviz.methods import named as method_named

    first = tuple(method.name for method in preset.methods) if preset else OWN_METHODS
    text, last = link.take("methods"), st.session_state.get("otviz.compare.preset", name)
    if text is None:
        text = link.text("methods", ",".join(first)) if last == name else ",".join(first)
    st.session_state["otviz.compare.preset"] = name
    names = [one for one in text.split(",") if one in methods()][:MOST] or list(first)
    if ",".join(names) != text:
        link.complain(
            f"methods must be 1 to {MOST} of {', '.join(methods())}, joined by commas; the others are left out."
        )
    link.put("methods", ",".join(names), ",".join(first))
    made = []
    for at, one in enumerate(names):
        given = preset.methods[at] if preset and at < len(first) and first[at] == one else None
        label = labels(preset.methods)[at] if preset and given else method_named(one).title
        with boxes.section(link, f"{at + 1}. {plain(label)}", prefix=f"{at + 1}.", scope=name):
            made.append(
                controls.knobs(
                    link, method_named(one), prefix=f"{at + 1}.", scope=name, locked=locked,
                    defaults=given.as_dict() if given else None,
                )
            )  # fmt: skip
            removable = link.shows("methods") and not locked and len(names) > 1
            if removable and st.button("Remove", key=f"remove-{at}"):
                link.go(_without(link, at, names))
    if not locked and len(names) < MOST:
        _offer(link, names, {name: cls.title for name, cls in methods().items()})
    return tuple(made)


def _offer(link: Link, names: Sequence[str], titles: dict[str, str]) -> None:
    def fill() -> None:
        for name, title in titles.items():
            if st.button(title, key=f"add-{name}", width="stretch"):
                link.go({**_settings(link), "methods": ",".join([*names, name])})

    boxes.menu(link, "methods", "Add a method", fill, width="stretch")


def _settings(link: Link) -> dict[str, str]:
    """The address without runs, which no longer fit once the methods change."""
    return {key: text for key, text in link.said.items() if key != "runs"}


def _without(link: Link, at: int, names: Sequence[str]) -> dict[str, str]:
    """The address without the method at this place: the knobs of those after it move up."""
    kept = {}
    for key, text in _settings(link).items():
        place, dot, knob = key.partition(".")
        if not (dot and place.isdigit()) or int(place) <= at:
            kept[key] = text
        elif int(place) > at + 1:
            kept[f"{int(place) - 1}.{knob}"] = text
    return {**kept, "methods": ",".join([*names[:at], *names[at + 1 :]])}


def begin(link: Link, configs: Sequence[RunConfig]) -> None:
    """Start runs in step with the settings on the page, and show them."""
    try:
        runs = registry().submit_together(configs)
    except ValueError as error:
        st.error(plain(str(error)))
        return
    running.remember_begun(runs)
    link.publish({"runs": ",".join(run.id for run in runs)})
    st.rerun()


def go_to(link: Link, runs: Sequence[Run | Recorded]) -> None:
    """Show these runs, with the settings that they have."""
    first = runs[0].config
    found = {"preset": OWN, "methods": ",".join(run.config.method.name for run in runs)}
    found |= {"target": first.target.name, "steps": str(first.steps), "seed": str(first.seed), "device": first.device}
    found |= _knobs("target.", first.target)
    for at, run in enumerate(runs, start=1):
        found |= _knobs(f"{at}.", run.config.method)
    link.go({**found, "runs": ",".join(run.id for run in runs)})


def _knobs(prefix: str, of: Method | Distribution) -> dict[str, str]:
    return {
        prefix + knob.name: knob.write(getattr(of, knob.name))
        for knob in params_of(type(of))
        if knob.name in of.changed()
    }


def settle(link: Link, runs: Sequence[Run | Recorded], chosen: Chosen) -> None:
    """Keep knobs and runs together, as `running.settle` does for one: moved here they go to the run, moved elsewhere they come."""
    if not runs:
        return
    begun = running.begun_here(runs[0])
    fits = [
        method is None or type(method) is type(run.config.method)
        for run, method in zip(runs, chosen.methods, strict=False)
    ]
    if len(runs) != len(chosen.methods) or not all(fits):
        if begun or not any(run.id in tuned() for run in runs):
            _remember(runs)
            go_to(link, runs)
        return
    for run, method in zip(runs, chosen.methods, strict=True):
        living, before = running.alive(run), tuned().get(run.id)
        tuned()[run.id] = run.config.method
        if living is None or method is None:
            continue
        elsewhere = method != run.config.method if before is None else before != run.config.method
        if elsewhere or (begun and not running.retunes(run.config, method)):
            _remember(runs)
            go_to(link, runs)
        if before is not None:
            running.retune(living, running.moved(before, method))


def _remember(runs: Sequence[Run | Recorded]) -> None:
    for run in runs:
        tuned()[run.id] = run.config.method


def labels_of(runs: Sequence[Run | Recorded]) -> list[str]:
    """Titles of the panels: what tells the runs apart, frozen ones marked."""
    from otviz.compare import labels

    return labels([run.config.method for run in runs], ["frozen" if run.frozen else "" for run in runs])


def tell(runs: Sequence[Run | Recorded], chosen: Chosen) -> None:
    """What to look for, and how it is done."""
    with st.container(key="told"):
        if chosen.preset is not None:
            st.markdown(plain(chosen.preset.look_for))
        elif not runs:
            st.markdown(
                "Press **Train all**: the methods on the left learn from the same data with the same seed, in step."
            )
    for run, label in zip(runs, labels_of(runs), strict=True):
        if run.message:
            st.warning(plain(f"{label}: {run.message}. The others go on."))
    inside.tell_convergence(runs, labels_of(runs))


def show(runs: Sequence[Run | Recorded], chosen: Chosen, drawn: following.State) -> None:
    """The panels of the runs, or of what would be trained."""
    columns = chosen.preset.columns if chosen.preset and len(runs) == len(chosen.preset.methods) else None
    if runs:
        following.show(runs, drawn, labels=labels_of(runs), key="compare", height=HEIGHT, columns=columns)
    else:
        following.show_preview(chosen.target, chosen.source)
