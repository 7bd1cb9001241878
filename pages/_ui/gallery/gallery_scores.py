"""The card and the scores of a model, compared with real images and with the papers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

import streamlit as st

from otviz.checkpoints import CHECKPOINTS, Card
from otviz.content.bibliography import cite_link
from otviz.content.published_scores import Reported, reported
from otviz.core.numbers import whole
from pages._ui.shell.links import plain

SCORES = (
    ("Fréchet ↓", "frechet", ".1f"),
    ("Precision ↑", "precision", ".2f"),
    ("Recall ↑", "recall", ".2f"),
    ("Density ↑", "density", ".2f"),
    ("Coverage ↑", "coverage", ".2f"),
    ("Classes ↑", "classes_effective", ".1f"),
    ("As asked ↑", "as_asked", ".0%"),
)
REPORTED = (("FID ↓", "fid"), ("Precision ↑", "precision"), ("Recall ↑", "recall"), ("Inception ↑", "inception_score"))
TIPS = {
    "frechet": "Distance to real images in features of our own classifier; lower is better. It is not an FID.",
    "precision": "Share of the generated images that lie among real ones; high after a collapse, too.",
    "recall": "Share of the real images that have a similar one among the generated; higher is better.",
    "density": "How many real images lie around each generated one; about 1 for real images.",
    "coverage": "Share of the real images with a generated one nearby; higher is better.",
    "classes_effective": "The exponential of the entropy of the class shares; higher is better.",
    "as_asked": "Share of the images in which the classifier sees the class that was asked for.",
}
TILES = """<style>
.tiles {display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: 13.5px}
.tile {white-space: nowrap; color: color-mix(in srgb, var(--st-text-color) 72%, transparent)}
.tile b {color: var(--st-text-color); font-size: 14.5px}
.tile small {font-size: 12px}
</style>"""
NO_FID = (
    "The Fréchet distance uses 64 features of our own small classifier. It is not an FID: compare it only between models of the "
    "same data set, and with the value of real images. Classes: the exponential of the entropy of the class shares. Precision "
    "alone is misleading: it is high after a collapse."
)


def show_scores(cards: Sequence[Card], heads: Sequence[str] = ()) -> None:
    """A table with a column for each model and one for real images.

    Args:
        cards: of the models.
        heads: names of the columns; empty: the titles.
    """
    named = dict(zip((card.name for card in cards), heads, strict=True)) if heads else {}
    judged = [card for card in cards if card.metrics]
    for card in cards:
        if not card.metrics:
            st.caption(plain(f"{card.title}: {card.record.get('unjudged') or 'not judged.'}"))
    if not judged:
        return
    same = len({card.target for card in judged}) == 1
    head = [plain(named.get(card.name, card.title)) if len(cards) > 1 else "This model" for card in judged]
    lines = ["| | " + " | ".join(head) + (" | Real images |" if same else " |")]
    lines.append("|---" * (len(head) + 1 + same) + "|")
    for label, key, form in SCORES:
        scores = [card.metrics for card in judged if key in card.metrics]
        if not scores:
            continue
        row = [format(card.metrics[key], form) if key in card.metrics else "–" for card in judged]
        row += [format(scores[0]["floor"][key], form)] if same else []
        lines.append(f"| {label} | " + " | ".join(row) + " |")
    st.markdown("\n".join(lines))
    if any("as_asked" in card.metrics for card in judged):
        st.caption("As asked: share of the images in which the classifier sees the class that was asked for.")
    n = min(card.metrics["samples"] for card in judged)
    st.caption(
        f"Measured on {whole(n)} images. {NO_FID}"
        + ("" if same else " These models belong to different data sets: do not compare their scores.")
    )


def show_reported(cards: Sequence[Card]) -> None:
    """Scores that the papers report for these methods: in a closed section, since data and scores differ."""
    found: dict[str, Reported] = {}
    for card in cards:
        scores = reported(card.method, str(card.record["method"].get("matching", "optimal")))
        if scores is not None:
            found.setdefault(card.method, scores)
    if not found:
        return
    columns = [
        (label, key) for label, key in REPORTED if any(getattr(scores, key) is not None for scores in found.values())
    ]
    lines = ["| Reported | " + " | ".join(label for label, _ in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, scores in found.items():
        values = [getattr(scores, key) for _, key in columns]
        numbers = " | ".join("–" if value is None else f"{value:g}" for value in values)
        lines.append(f"| {plain(name)} | {numbers} |")
    where = "; ".join(dict.fromkeys(f"{plain(scores.data)} ({cite_link(*scores.source)})" for scores in found.values()))
    with st.expander("What the papers report on CIFAR-10"):
        st.markdown("\n".join(lines))
        st.caption(
            f"{where}. Other data, larger networks and another score: compare the order of methods, never the values."
        )


def show_claims(card: Card) -> None:
    """What a model is there to show."""
    if card.claims:
        st.markdown("**What it is there to show**")
        st.markdown("\n".join(f"- {plain(claim)}" for claim in card.claims))


def show_tiles(card: Card) -> None:
    """The scores of a model in a row, each with that of real images and the better direction."""
    scores = card.metrics
    if not scores:
        st.caption(plain(f"No scores: {card.record.get('unjudged') or 'not judged'}."))
        return
    tiles = [
        f'<span class="tile" title="{escape(TIPS[key])}"><span>{label}</span> <b>{format(scores[key], form)}</b> '
        f"<small>real {format(scores['floor'][key], form)}</small></span>"
        for label, key, form in SCORES if key in scores
    ]  # fmt: skip
    n = whole(scores["samples"])
    st.html(f'{TILES}<div class="tiles">{"".join(tiles)}<span class="tile"><b>{n}</b> images</span></div>')


def show_card(card: Card) -> None:
    """The card in words."""
    record, method = card.record, dict(card.record["method"])
    st.markdown(
        f"Trained for {_number(record.get('steps'))} steps with seed {_number(record.get('seed'))} on "
        f"{plain(str(record.get('device', '')).upper())} in {_number(record.get('seconds'))} s: "
        f"{_number(record.get('steps_per_second'))} steps and {_number(record.get('images_per_second'))} images a second."
    )
    knobs = {name: method[name] for name in ("tau", "penalty", "penalty_weight", "epsilon", "matching", "batch_size", "lr")
             if name in method}  # fmt: skip
    st.caption(
        plain(
            "Settings: "
            + ", ".join(
                f"{name.replace('lr', 'learning rate').replace('_', ' ')} {_value(value)}"
                for name, value in knobs.items()
            )
            + "."
        )
    )
    st.caption(
        plain(
            f"Licence: {record.get('licence', 'unknown')}. Checksum of the weights (SHA-256): {str(record['sha256'])[:16]}…"
        )
    )
    if record.get("command"):
        st.code(str(record["command"])[:500], language="bash")
    with st.expander("The whole card"):
        st.json(json.dumps(dict(record)), expanded=1)


def _number(value: object) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "an unknown number of"
    return whole(value) if value >= 100 or value == int(value) else f"{value:.3g}"


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def weights(card: Card) -> bytes:
    """The weights of a shipped model, for download."""
    return (CHECKPOINTS / card.name / "generator.safetensors").read_bytes()
