"""The explanations hang together: links lead somewhere, every knob and picture is explained, equations are the papers'."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from otviz.clouds.laboratory.slider_figures import FLIPBOOKS
from otviz.clouds.problem import LOSSES
from otviz.content import lessons
from otviz.content.explanations import EXPLANATIONS, derivations, glossary, matching, readings
from otviz.content.syllabus import after, syllabus
from otviz.data.distributions import distributions
from otviz.methods import methods
from pages._ui.compare import compare_views
from pages._ui.gallery import gallery_compare, gallery_model
from pages._ui.gallery.gallery_settings import SampleSettings
from pages._ui.home import sketches
from pages._ui.home.sketches import SKETCHES
from pages._ui.learn.declared import declared
from pages._ui.player.flipbook import PLAYED
from pages._ui.runs import run_list
from pages._ui.shell import reading
from pages._ui.shell.frame import cards
from pages._ui.train import image_details, run_details
from pages._ui.train.exactness_view import Rematch
from pages._ui.train.laboratory_view import OwnFunction
from pages._ui.transport import transport_views

ROOT = EXPLANATIONS.parent
PAGE_OF_TEXT = 540  # words that fit on a page beside a few formulas
SHORT = 130  # words of a text beside a picture

VIEWS = {
    "train": run_details.VIEWS,
    "compare": compare_views.VIEWS,
    "images": image_details.VIEWS,
    "gallery": gallery_model.VIEWS,
    "gallery-compare": gallery_compare.VIEWS,
    "transport": transport_views.VIEWS,
    "runs": run_list.VIEWS,
}
ALONE = {
    "home/recorded", "transport/board", "train/player", "compare/player", "images/player", "gallery/shelf", "gallery/study",
    "experiments/cards", "experiments/claim", "diagnose/picture", "diagnose/numbers",
}  # fmt: skip


def words_of(text: str) -> int:
    """Words of a text, a formula counting as one."""
    return len(re.sub(r"\$\$.*?\$\$|\$.*?\$", "x", text, flags=re.DOTALL).split())


# Words


def test_words_are_explained_in_a_few_sentences() -> None:
    for word in glossary().values():
        assert 4 <= words_of(word.text) <= 60, word.name
        assert word.text.endswith((".", "?")), word.name


@pytest.mark.parametrize("name", sorted(declared()))
def test_every_knob_is_in_the_glossary_or_shapes_a_distribution(name: str) -> None:
    """Knobs that only give a distribution or a set of images its shape say all in their help, with a unit or in whole numbers."""
    explained = {knob for word in glossary().values() for knob in word.knobs}
    if name in explained:
        return
    for each in declared()[name]:
        assert each.kind in ("distribution", "data set"), (
            f"{name} of {each.owner} needs an entry in explanations/glossary"
        )
        assert each.knob.doc


@pytest.mark.parametrize("cls", [SampleSettings, Rematch, OwnFunction])
def test_knobs_of_pages_are_in_the_glossary(cls: type) -> None:
    from otviz.core.params import params_of

    explained = {knob for word in glossary().values() for knob in word.knobs}
    assert {knob.name for knob in params_of(cls)} <= explained


def test_no_knob_has_two_entries_and_every_named_one_exists() -> None:
    from otviz.core.params import params_of

    named = [knob for word in glossary().values() for knob in word.knobs]
    assert sorted(set(named)) == sorted(named)
    pages = {knob.name for cls in (SampleSettings, Rematch, OwnFunction) for knob in params_of(cls)}
    assert set(named) <= set(declared()) | pages


def test_columns_and_scores_on_screen_are_words() -> None:
    told = " ".join(f"{word.title} {word.elsewhere}" for word in glossary().values()).lower()
    for column in ("modes", "on modes", "between modes", "precision", "recall", "diversity", "loss spread", "verdict"):
        assert column in compare_views._COLUMNS or column == "modes"
        assert column in told
    for score in ("fréchet", "precision", "recall", "density", "coverage", "classes"):
        assert score in told


NOTATION = [
    "a",
    "adversary",
    "alpha",
    "b",
    "blur",
    "coupling",
    "critic",
    "debias",
    "diversity",
    "energy_distance",
    "entropic_cost",
    "epsilon",
    "g1",
    "g2",
    "g3",
    "generated",
    "generator",
    "high_quality",
    "lr",
    "marginals",
    "mode_mixture",
    "modes_covered",
    "noise",
    "p",
    "penalty",
    "penalty_weight",
    "potential",
    "potential_x",
    "potential_y",
    "reach",
    "scaling",
    "sinkhorn_divergence",
    "source",
    "target",
    "tau",
    "transport_cost",
]  # names of the quantities in code, figures and JSON


def test_words_of_the_notation_are_there() -> None:
    everything = {part for word in glossary().values() for part in (word.name, *word.knobs)}
    other = {"potential_x": "dual-potential", "potential_y": "dual-potential", "a": "weight", "b": "weight"}
    said = {name: other.get(name, name.replace("_", "-")) for name in NOTATION}
    assert not {name for name, word in said.items() if word not in everything and name not in everything}


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("tau", "tau"),
        ("Blur", "blur"),
        ("penalty_weight", "penalty-weight"),
        ("noise fl", "noise-floor"),
        ("FID", "frechet-distance"),
    ],
)
def test_search_finds_what_is_meant_first(asked: str, first: str) -> None:
    assert matching(glossary().values(), asked)[0].name == first


def test_search_may_find_nothing() -> None:
    assert matching(glossary().values(), "<script>") == []


def test_links_between_words_and_derivations_hold() -> None:
    topics, words = derivations(), glossary()
    assert not {name for word in words.values() for name in word.derivations} - set(topics)
    assert not {name for each in topics.values() for name in each.words} - set(words)


# Derivations


@pytest.mark.parametrize("topic", sorted(derivations()))
def test_a_derivation_is_a_page_or_less(topic: str) -> None:
    assert 150 < words_of(derivations()[topic].text) <= PAGE_OF_TEXT


@pytest.mark.parametrize("topic", sorted(derivations()))
def test_what_a_derivation_names_is_there(topic: str) -> None:
    each = derivations()[topic]
    assert each.code
    assert each.views
    assert each.tests
    for module, names in each.code:
        found = importlib.import_module(module)
        for name in names:
            thing: object = found
            for part in name.split("."):
                thing = getattr(thing, part)
    for test in each.tests:
        path, _, name = test.partition("::")
        assert re.search(rf"^\s*def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), test
    assert {view.page for view in each.views} <= {card.name for card in cards()}


def test_every_method_and_loss_has_one_derivation() -> None:
    of_methods = [name for each in derivations().values() for name in each.methods]
    of_losses = [name for each in derivations().values() for name in each.losses]
    assert sorted(of_methods) == sorted(methods())
    assert sorted(of_losses) == sorted(LOSSES)


def test_formulas_are_closed() -> None:
    for path in EXPLANATIONS.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert text.count("$$") % 2 == 0, path.name
        assert text.replace("$$", "").count("$") % 2 == 0, path.name


def cited() -> set[tuple[str, str, int]]:
    """(topic, source, equation) of every equation that a derivation cites."""
    found = set()
    for path in sorted((EXPLANATIONS / "derivations").glob("*.md")):
        for source, where in re.findall(r"\{\{(\w+), (Eqs?\. [^{}]+)\}\}", path.read_text(encoding="utf-8")):
            found |= {(path.stem.partition("_")[2], source, int(number)) for number in re.findall(r"\d+", where)}
    return found


# Equation numbers in the papers, as far as our copies have them.
PRINTED = {"salimans": {1, 2, 4, 5, 6, 7, 8}, "vu": {1, 2, 3, 4, 5, 6, 7}, "choi": {1, 2, 3, 4, 5, 6, 7, 8, 9}}


def test_equations_beyond_our_copy_are_marked() -> None:
    beyond = {(topic, number) for topic, source, number in cited() if number not in PRINTED[source]}
    assert {number for _, number in beyond} == {11, 12, 13}
    assert all("ends at Eq. 9" in derivations()[topic].text for topic, _ in beyond)


@pytest.mark.parametrize("source", sorted(PRINTED))
def test_cited_equations_stand_in_the_paper(source: str) -> None:
    own = {number for _, of, number in cited() if of == source} - {11, 12, 13}
    assert own
    assert own <= PRINTED[source]


def test_citations_are_written_out_and_the_first_is_a_link() -> None:
    text = derivations()["kantorovich"].text
    assert "{{choi" not in text
    assert text.count("[Choi et al. 2024, Eq. 1](https://arxiv.org/abs/2310.02611)") == 1
    assert "(Choi et al. 2024, Eq. 2)" in text


def test_every_figure_named_is_there_and_every_figure_is_named() -> None:
    named = {figure for each in derivations().values() for _, figure in each.parts if figure}
    assert named == {*FLIPBOOKS, *PLAYED}
    assert set(PLAYED.values()) <= set(lessons.names())
    assert "{{" not in "".join(text for each in derivations().values() for text, _ in each.parts)


# The syllabus


def test_the_order_has_every_shipped_lesson_and_derivation_once() -> None:
    stops = [(stop.kind, stop.name) for part in syllabus() for stop in part.stops]
    assert len(set(stops)) == len(stops)
    assert set(stops) >= {("derivation", topic) for topic in derivations()}
    assert set(stops) >= {("lesson", each.name) for each in lessons.shipped()}
    topics = [name for kind, name in stops if kind == "derivation"]
    assert topics == list(derivations())  # the list of derivations has the same order
    assert {f"{kind}/{name}" for kind, name in stops} == set(SKETCHES)


def test_next_leads_through_the_whole_order_and_ends() -> None:
    parts = syllabus()
    stops = [stop for part in parts for stop in part.stops]
    here, walked = stops[0], [stops[0]]
    while (found := after(parts, here.kind, here.name)) is not None:
        here = found
        walked.append(found)
    assert walked == stops
    assert after(parts, "lesson", "not-there") is None


def test_a_lesson_of_a_teacher_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    (tmp_path / "lessons").mkdir()
    head = '+++\ntitle = "Own"\npage = "train"\nlearn = "It."\nminutes = 1\n+++\n'
    (tmp_path / "lessons" / "own.md").write_text(f"{head}Look.\n", encoding="utf-8")
    assert [stop.title for stop in syllabus()[-1].stops] == ["Own"]


def test_an_item_of_the_order_that_cannot_be_understood_is_quoted(tmp_path: Path) -> None:
    text = '[[part]]\ntitle = "Part"\nabout = ""\nread = [{ essay = "blur" }]\n'
    (tmp_path / "syllabus.toml").write_text(text, encoding="utf-8")
    (more,) = syllabus(tmp_path)
    assert "part.0.read.0 in syllabus.toml must be { lesson = name } or { derivation = topic }" in more.about


@pytest.mark.parametrize("name", sorted(SKETCHES))
def test_every_sketch_is_a_small_picture(name: str) -> None:
    import base64
    from xml.etree import ElementTree

    kind, _, of = name.partition("/")
    (drawn,) = re.findall(r"base64,([^\"]+)", sketches.image(kind, of))
    assert len(drawn) < 30_000
    root = ElementTree.fromstring(base64.b64decode(drawn))
    assert len(root) > 1


# Pictures


@pytest.mark.parametrize("page", sorted(VIEWS))
def test_every_view_can_be_read(page: str) -> None:
    known = readings()
    lacking = [name for name in VIEWS[page] if name not in reading.NO_PICTURE and f"{page}/{name}" not in known]
    assert not lacking, f"add '## {lacking[0]}: title' to explanations/reading/{page}.md"


def test_no_text_is_for_a_picture_that_there_is_not() -> None:
    shown = {f"{page}/{name}" for page, views in VIEWS.items() for name in views if name not in reading.NO_PICTURE}
    assert set(readings()) == shown | ALONE


@pytest.mark.parametrize("name", sorted(ALONE))
def test_every_single_picture_has_its_button(name: str) -> None:
    picture = name.partition("/")[2]
    sources = [*(ROOT / "pages").glob("*.py"), *(ROOT / "pages" / "_ui").rglob("*.py")]
    calls = (f'reading.how("{name}")', f'readings()["{name}"]', f'picture="{picture}"')
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    assert any(call in text for call in calls)


def test_pages_choose_their_views_with_the_button() -> None:
    """A choice of "view" that is not `reading.choose_view` would have none; the page Learn is all text."""
    direct = [
        path.name
        for path in (ROOT / "pages").rglob("*.py")
        if 'controls.choice(link, "view"' in path.read_text(encoding="utf-8")
    ]
    assert sorted(direct) == ["7_learn.py", "reading.py"]


def test_texts_beside_pictures_are_short() -> None:
    long = {name: words_of(each.text) for name, each in readings().items() if words_of(each.text) > SHORT}
    assert long.pop("transport/board", 0) <= 170
    assert not long


# Files


@pytest.mark.parametrize(
    ("folder", "name", "text", "said"),
    [
        ("glossary", "a.md", "## Tau: x\n\ntext.", "'## name: title'"),
        ("glossary", "a.md", "## tau: x\n\ntext.\n\n- Colour: red", "no fact 'Colour'"),
        ("glossary", "a.md", "## tau: x\n\ntext.\n\n## tau: y\n\ntext.", "twice"),
        ("derivations", "01_x.md", "# X\n\ntext", "Where it is"),
        ("derivations", "x.md", "# X\n\ntext\n\n## Where it is\n\n- Code: otviz", "<order>_<topic>"),
        ("derivations", "01_x.md", "# X\n\ntext\n\n## Where it is\n\n- Show: train", "[label](page?settings)"),
        ("derivations", "01_x.md", "# X\n\ntext\n\n## Where it is\n\nwords", "only be facts"),
    ],
)
def test_a_file_that_cannot_be_understood_is_named(
    tmp_path: Path, folder: str, name: str, text: str, said: str
) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / name).write_text(text)
    with pytest.raises(ValueError, match=re.escape(said)) as error:
        {"glossary": glossary, "derivations": derivations}[folder](tmp_path)
    assert name in str(error.value)


def test_a_knob_says_which_it_is_of() -> None:
    assert {each.owner for each in declared()["tau"]} >= {"OTM", "UOTM", "UOTM-SD"}
    assert {each.kind for each in declared()["std"]} == {"distribution"}
    assert len(distributions()) > 10
