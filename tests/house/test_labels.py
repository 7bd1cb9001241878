"""Texts cite sources by author, year and place: no numbers of papers, no line numbers, no ids that only we understand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from otviz.experiments import experiments

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("otviz", "pages", "tests", "benchmarks", "docs", "explanations", "lessons", "checkpoints", "results", ".ci")
KINDS = {".py", ".md", ".toml", ".js", ".css", ".svg", ".json", ".txt", ""}

# A number of a paper stands alone: it is no part of 0.001, 10 000, 1,000, #000, a hash, or a file such as 001.png.
NUMBER = re.compile(r"(?<![\w.,#/+-])(?<!\d[ '\u00a0\u202f])00[0-3](?![\w%]|[.,]\d|\.[a-z])")
FOLDER = re.compile(r"papers?/0\d\d", re.IGNORECASE)
LINES = re.compile(r"(?<![\w$\\])L\d{2,4}(?:[-–]L?\d{2,4})?(?![\w.]\d|\w)")
# Ids that claims had before they had names; the changelog may say so.
CLAIM = re.compile(r"(?<![\w-])(?:u-(?:tau|arc|plan|alpha|schedule|two|traps)|[nou]\d{1,2}-[a-z]{4,}|r[2-6]-[a-z]{4,})")


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the project by its name, but this one."""
    for path in sorted([*ROOT.iterdir(), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]):
        if path.is_file() and path.suffix in KINDS and "__pycache__" not in path.parts and path != Path(__file__):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize(
    ("pattern", "kinds"),
    [(NUMBER, KINDS), (FOLDER, KINDS), (LINES, KINDS - {".svg"}), (CLAIM, KINDS - {".css"})],
    ids=["number of a paper", "folder of papers", "line numbers", "id of a claim"],
)
def test_no_text_has_a_label(pattern: re.Pattern[str], kinds: set[str]) -> None:
    found = [
        f"{name}:{at}: {line.strip()[:100]}"
        for name, text in texts()
        if Path(name).suffix in kinds and pattern.search(text) and (pattern, name) != (CLAIM, "CHANGELOG.md")
        for at, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"{len(found)} lines have a label:\n" + "\n".join(found[:40])


def test_experiments_have_names_in_words() -> None:
    assert not [name for name in experiments() if re.match(r"[nour]\d|u-", name)]


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (NUMBER, ["see 003", "001-figure-2", '"000"', "(002, Fig 1)"], ["0.001", "10 000", "1,000", "#000", "001.png"]),
        (FOLDER, ["papers/003", "Papers/001"], ["papers", "a paper/page"]),
        (LINES, ["L72-85", "(11.1.2, L110-162)", "L66"], ["L2", "HTML50", "L_12", r"\L10"]),
        (CLAIM, ["n7-floor", "the claim u-tau", "u7-cifar"], ["uotm-sd", "mnist8-uotm", "r1", "o1 mini"]),
    ],
)
def test_the_patterns_tell_labels_from_numbers(pattern: re.Pattern[str], yes: list[str], no: list[str]) -> None:
    assert [text for text in yes if not pattern.search(text)] == []
    assert [text for text in no if pattern.search(text)] == []
