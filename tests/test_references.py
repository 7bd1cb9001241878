"""docs/references.md lists every work that the project cites, and nothing else."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from otviz.content.bibliography import BIBLIOGRAPHY, Source

ROOT = Path(__file__).resolve().parents[1]
REFERENCES = ROOT / "docs" / "references.md"
FOLDERS = ("otviz", "pages", "tests", "benchmarks", "docs", "explanations", "lessons")
NAME = r"[A-Z][a-z][\w-]*"
# "Feydy et al. 2019", "Szekely and Rizzo (2013", "Genevay, Peyré and Cuturi 2018"; alone only without a bracket: "Cuturi 2013"
MANY = re.compile(rf"\b({NAME})(?:(?:, {NAME})*,? (?:and {NAME}|et al\.),?)(?: in)? \(?((?:19|20)\d\d)\b")
ALONE = re.compile(rf"(?<!and )(?<!, )\b({NAME}) (1[89]\d\d|20[012]\d)(?=[;,.)])")
ROW = re.compile(r"^\| \**([^|*]+?)\** \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
LINK = re.compile(
    r"\[(?:arXiv:(\d{4}\.\d{4,5})\]\(https://arxiv\.org/abs/\1\)|doi:10\.\S+\]\(https://doi\.org/10\.\S+\)|PDF\]\(https://\S+\))"
)


def plain(text: str) -> str:
    """Without accents: code writes Sejourne, pages Séjourné."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def works() -> dict[tuple[str, str], tuple[str, ...]]:
    """The rows by first author and year, without the head of the table."""
    rows = [row for row in ROW.findall(REFERENCES.read_text(encoding="utf-8")) if row[0] not in ("Cited as", "---")]
    return {key(cited): (cited, *rest) for cited, *rest in rows}


def key(cited: str) -> tuple[str, str]:
    year = re.search(r"\d{4}$", cited)
    return plain(cited.split()[0]), "" if year is None else year[0]


def cited() -> dict[tuple[str, str], str]:
    """First author and year of every citation, with a file that has it."""
    files = [*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")))]
    return {
        (author, year): path.relative_to(ROOT).as_posix()
        for path in files
        if path.suffix in (".py", ".md", ".js") and path not in (REFERENCES, Path(__file__))
        for pattern in (MANY, ALONE)
        for author, year in pattern.findall(plain(path.read_text(encoding="utf-8")))
    }


def test_every_citation_is_listed() -> None:
    listed = works()
    assert len(listed) > 40
    missing = {name: file for name, file in cited().items() if name not in listed}
    assert not missing


def test_every_listed_work_is_cited() -> None:
    found = {*cited(), *(key(source.short) for source in BIBLIOGRAPHY.values())}
    assert not [name for name in works() if name not in found]


def test_works_are_in_order_and_can_be_found() -> None:
    rows = list(works().values())
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), key=lambda name: plain(name).lower())
    assert not [row[0] for row in rows if not LINK.fullmatch(row[3]) and row[3] != "not published"]


@pytest.mark.parametrize("source", BIBLIOGRAPHY.values(), ids=BIBLIOGRAPHY)
def test_the_measured_sources_are_listed_as_pages_cite_them(source: Source) -> None:
    row = works()[key(source.short)]
    assert row[0] == source.short
    assert source.title in row[1]
    assert row[2] == source.where
    assert (f"({source.url})" in row[3]) if source.url else row[3] == "not published"


def test_the_patterns_tell_citations_from_other_numbers() -> None:
    texts = (
        "Feydy et al. 2019",
        "Szekely and Rizzo (2013)",
        "Genevay, Peyre and Cuturi 2018",
        "by Liero et al. (2018)",
    )
    assert [MANY.findall(text)[0] for text in texts] == [
        ("Feydy", "2019"), ("Szekely", "2013"), ("Genevay", "2018"), ("Liero", "2018"),
    ]  # fmt: skip
    assert ALONE.findall("(Cuturi 2013; White 2016), that of Wilson 1927.") == [
        ("Cuturi", "2013"), ("White", "2016"), ("Wilson", "1927"),
    ]  # fmt: skip
    assert not ALONE.findall("The (2000, 2) points, ICLR 2018, step 2000, POT (numItermax 2000; 5 ms)")
