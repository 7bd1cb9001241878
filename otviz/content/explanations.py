"""Explanations as editable Markdown: a glossary, derivations, and how to read each picture.

    explanations/glossary/<subject>.md           `## word: title`, a text, facts
    explanations/derivations/<order>_<topic>.md  `# title`, the text, `## Where it is`, facts
    explanations/reading/<page>.md               `## picture: title`, a text

In derivations `{{choi, Eq. 1}}` cites a source of `otviz.content.bibliography`, and a line `{{figure: name}}` inserts a live
figure. Facts are a final list of `- Key: value`. Files are read at every call, so that edits show at the next click.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from otviz.content.bibliography import BIBLIOGRAPHY, cite, cite_link
from otviz.core.files import ROOT

EXPLANATIONS = ROOT / "explanations"

WHERE = "Where it is"
"""Heading of the facts of a derivation."""

_WORD_FACTS = ("Symbol", "Unit", "Elsewhere", "Knobs", "Derivations")
_DERIVATION_FACTS = ("Learn", "Code", "Methods", "Losses", "Words", "Show", "Tests")
_FACT = re.compile(r"- ([A-Z][a-z]+): (.+)")
_LINK = re.compile(r"\[([^]]+)\]\((\w+)(?:\?([^)]*))?\)")
_CODE = re.compile(r"([\w.]+)(?: \(([^)]*)\))?")
_CITED = re.compile(r"\{\{(\w+)(?:, ([^{}]+))?\}\}")
_FIGURE = re.compile(r"^\{\{figure: ([a-z0-9-]+)\}\}$", re.MULTILINE)
WORDS_A_MINUTE = 60
"""Reading speed; a formula counts as one word."""


@dataclass(frozen=True)
class Word:
    """An entry of the glossary; `name` is its key in links, `knobs` are the knobs that it explains."""

    name: str
    title: str
    text: str
    symbol: str
    unit: str
    elsewhere: str
    knobs: tuple[str, ...]
    derivations: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """A page with settings: its name, and the query of its link."""

    label: str
    page: str
    query: str


@dataclass(frozen=True)
class Derivation:
    """The derivation of a loss, on one page.

    Attributes:
        topic: its key in links.
        text: Markdown, with citations written out.
        learn: what the reader learns, in a sentence.
        code: modules, each with its relevant names.
        methods, losses: names of the methods and transport losses that it derives.
        words: names of glossary entries.
        views: pages that show it.
        tests: tests of its statements, as `file::test`.
    """

    topic: str
    title: str
    text: str
    learn: str
    code: tuple[tuple[str, tuple[str, ...]], ...]
    methods: tuple[str, ...]
    losses: tuple[str, ...]
    words: tuple[str, ...]
    views: tuple[View, ...]
    tests: tuple[str, ...]

    @property
    def minutes(self) -> int:
        """Reading time in minutes."""
        words = len(re.sub(r"\$\$.*?\$\$|\$.*?\$", "x", self.text, flags=re.DOTALL).split())
        return max(1, round(words / WORDS_A_MINUTE))

    @property
    def parts(self) -> list[tuple[str, str]]:
        """The text split at its figures: each part with the name of the figure after it, empty for the last."""
        cut = _FIGURE.split(self.text)
        return list(zip(cut[::2], [*cut[1::2], ""], strict=True))


@dataclass(frozen=True)
class Reading:
    """How to read one picture; `name` is `page/picture`."""

    name: str
    title: str
    text: str


def glossary(folder: Path = EXPLANATIONS) -> dict[str, Word]:
    """All words by name, sorted by title. Raises ValueError for an invalid file."""
    found: dict[str, Word] = {}
    for path in sorted((folder / "glossary").glob("*.md")):
        for name, title, body in _sections(path):
            if name in found:
                raise ValueError(f"{path.name}: the word {name!r} is there twice; keep one")
            text, facts = _facts(path, body, _WORD_FACTS)
            single = {key: "; ".join(facts[key]) for key in ("Symbol", "Unit", "Elsewhere")}
            found[name] = Word(
                name, title, text, single["Symbol"], single["Unit"], single["Elsewhere"],
                _names(facts["Knobs"]), _names(facts["Derivations"]),
            )  # fmt: skip
    return dict(sorted(found.items(), key=lambda item: item[1].title.lower()))


def words_of_knobs(words: Collection[Word]) -> dict[str, str]:
    """By knob, the name of the word that explains it; a word also explains the knob of its own name."""
    return {knob: word.name for word in words for knob in word.knobs} | {word.name: word.name for word in words}


def derivations(folder: Path = EXPLANATIONS) -> dict[str, Derivation]:
    """All derivations by topic, in the order of the numbers in the file names. Raises ValueError as `glossary` does."""
    paths = sorted((folder / "derivations").glob("*.md"))
    return {found.topic: found for found in map(_derivation, paths)}


def readings(folder: Path = EXPLANATIONS) -> dict[str, Reading]:
    """How to read every picture, by `page/picture`. Raises ValueError as `glossary` does."""
    found = {}
    for path in sorted((folder / "reading").glob("*.md")):
        for name, title, body in _sections(path):
            found[f"{path.stem}/{name}"] = Reading(f"{path.stem}/{name}", title, body)
    return found


def matching(words: Collection[Word], asked: str) -> list[Word]:
    """Search results: first the words whose name, title or symbol starts with the query, then those that mention it."""
    wanted = asked.strip().lower()
    ranked = [(_rank(word, wanted), word) for word in words]
    return [word for rank, word in sorted(ranked, key=lambda pair: pair[0]) if rank < _NEVER]


_NEVER = 9


def _rank(word: Word, wanted: str) -> int:
    names = [word.name, word.title, word.symbol.strip("$\\"), *word.knobs]
    heads = [name.lower().replace("_", " ") for name in names]
    wanted = wanted.replace("_", " ")
    if wanted in heads:
        return 0
    if any(head.startswith(wanted) for head in heads):
        return 1
    if any(wanted in head for head in heads):
        return 2
    return 3 if wanted in f"{word.elsewhere} {word.text} {word.unit}".lower() else _NEVER


def _derivation(path: Path) -> Derivation:
    named = re.fullmatch(r"\d+_([a-z0-9-]+)\.md", path.name)
    text = path.read_text(encoding="utf-8")
    head, _, rest = text.partition("\n")
    body, heading, where = rest.partition(f"\n## {WHERE}\n")
    if named is None or not head.startswith("# ") or not heading:
        raise ValueError(f"{path.name} must be <order>_<topic>.md and have '# title' first and '## {WHERE}' last")
    left, facts = _facts(path, where, _DERIVATION_FACTS)
    if left:
        raise ValueError(f"{path.name}: below '{WHERE}' there may only be facts; got {left[:60]!r}")
    return Derivation(
        topic=named[1], title=head[2:].strip(), text=_cited(path, body.strip()), learn="; ".join(facts["Learn"]),
        code=tuple((match[1], _names([match[2] or ""])) for match in _CODE.finditer("; ".join(facts["Code"]))),
        methods=_names(facts["Methods"]), losses=_names(facts["Losses"]), words=_names(facts["Words"]),
        views=tuple(_view(path, show) for show in facts["Show"]), tests=_names(facts["Tests"]),
    )  # fmt: skip


def _cited(path: Path, text: str) -> str:
    """The text with citations written out; the first of each source is a link."""
    seen: set[str] = set()

    def write(match: re.Match[str]) -> str:
        key, where = match[1], match[2] or ""
        if key not in BIBLIOGRAPHY:
            raise ValueError(f"{path.name} cites {key!r}; there are {', '.join(BIBLIOGRAPHY)}")
        first = key not in seen
        seen.add(key)
        return cite_link(key, where) if first else cite(key, where)

    return _CITED.sub(write, text)


def _view(path: Path, show: str) -> View:
    match = _LINK.fullmatch(show)
    if match is None:
        raise ValueError(f"{path.name}: Show must be [label](page?settings); got {show!r}")
    return View(match[1], match[2], match[3] or "")


def _sections(path: Path) -> Iterator[tuple[str, str, str]]:
    """Name, title and body of each `## name: title`."""
    for part in re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        match = re.fullmatch(r"([a-z0-9-]+): (.+)", head.strip())
        if match is None:
            raise ValueError(f"{path.name}: a heading must be '## name: title'; got {head!r}")
        yield match[1], match[2], body.strip()


def _facts(path: Path, body: str, known: Collection[str]) -> tuple[str, dict[str, list[str]]]:
    """The text before the final list, and the facts by key, with all their values."""
    lines, facts = body.strip().splitlines(), dict[str, list[str]]((key, []) for key in known)
    while lines and (match := _FACT.fullmatch(lines[-1])):
        if match[1] not in known:
            raise ValueError(f"{path.name}: there is no fact {match[1]!r}; there are {', '.join(known)}")
        facts[match[1]].insert(0, match[2])
        lines.pop()
    return "\n".join(lines).strip(), facts


def _names(values: Collection[str]) -> tuple[str, ...]:
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())
