"""A diagnosis as one HTML file that opens without a server and without internet access.

All texts are escaped, there are no scripts, and a content security policy forbids loading and sending anything.
"""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

from otviz.core import __version__
from otviz.evaluation.diagnosis import Diagnosis, Samples, Timeline
from otviz.viz.diagnosis import parts, pictures

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_FRAME = Path(__file__).parents[1] / "exports" / "report.css"
_OWN = """
.plane { max-width: 100%; height: auto; border: 1px solid var(--edge); border-radius: 8px; background: #fff; }
.key { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 10px 0 6px; font-size: 14px; }
.key span::before { content: ""; display: inline-block; width: 9px; height: 9px; margin-right: 7px; background: #56b4e9; opacity: 0.6; }
.key .b::before { background: #ff7a1a; border-radius: 50%; }
.key .c::before { width: 12px; height: 12px; opacity: 1; outline: 1.5px solid #0b4f7d; }
.key .d::before { width: 12px; height: 12px; opacity: 1; background: #ff7a1a; border-radius: 50%; outline: 1.5px solid #8a3200; }
.key .e::before { background: none; border: 2px solid #b65fd0; border-radius: 50%; opacity: 1; }
.clusters { max-width: 900px; }
"""


def report(timeline: Timeline, real: Samples, link: str = "") -> bytes:
    """The report on one or more sets of generated samples.

    Args:
        timeline: their diagnoses, in order; the last is shown in full.
        real: the real samples, for examples of what is missing.
        link: address that opens the same diagnosis in otviz; empty: none.
    """
    last = timeline.diagnoses[-1]
    title = f"What {last.names[1]} misses of {last.names[0]}"
    sections = [
        parts.answer(last, last.stage != "complete"),
        parts.helps(last),
        _picture(last),
        f"<h2>Shares of the clusters</h2>{parts.clusters(last, pictures.examples(last, real), pictures.places(last, real))}",
        f"<h2>Over time</h2>{parts.over_time(timeline, len(timeline.steps) - 1)}" if len(timeline.steps) > 1 else "",
        f"<h2>The numbers</h2>{parts.numbers(last)}",
        _foot(last, link),
    ]
    sheet = _FRAME.read_text(encoding="utf-8") + parts.style() + _OWN
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><title>{escape(title)}</title><style>{sheet}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{''.join(sections)}</main></body></html>"
    ).encode()


def _picture(diagnosis: Diagnosis) -> str:
    data = base64.b64encode(pictures.plane(diagnosis)).decode()
    holes, strays = int(diagnosis.real.alone.sum()), int(diagnosis.generated.alone.sum())
    words = f"Real and generated samples in the plane; {holes} real samples have nothing near, {strays} generated ones are strays."
    copied = '<span class="e">copies of real ones</span>' if diagnosis.generated.copies.any() else ""
    return (
        f'<h2>Where</h2><p class="key"><span class="a">real</span><span class="b">generated</span>'
        f'<span class="c">missing: nothing generated is near</span><span class="d">too much: nothing real is near</span>{copied}</p>'
        f'<img class="plane" alt="{escape(words)}" src="data:image/png;base64,{data}"><p class="small">The plane: {escape(diagnosis.plane)}.</p>'
    )


def _foot(diagnosis: Diagnosis, link: str) -> str:
    real, generated = (len(side.index) for side in (diagnosis.real, diagnosis.generated))
    lines = [
        f"{real:,} of {diagnosis.totals[0]:,} real samples ({diagnosis.names[0]}) and {generated:,} of {diagnosis.totals[1]:,} generated "
        f"ones ({diagnosis.names[1]}), by otviz {__version__}.",
        *([f"The same diagnosis in otviz: {link}"] if link else []),
    ]
    return "<h2>Samples</h2>" + "".join(f'<p class="small">{escape(line)}</p>' for line in lines)
