"""Lessons on pages: only their controls are drawn, all settings apply, and leaving a lesson keeps them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from streamlit.testing.v1 import AppTest

from otviz.content import lessons
from otviz.content.lessons import Lesson
from otviz.core.addresses import LONG, pack, unpack
from otviz.runs.registry import Registry
from pages._ui.shell import frame
from pages._ui.shell.lesson_view import shown
from pages._ui.shell.links import plain
from tests.pages.asking import address, unfold, words
from tests.waiting import PATIENCE, until

Open = Callable[..., AppTest]
PAGES = frame.PAGES
HEAD = """+++
title = "Own"
page = "{page}"
learn = "It."
minutes = 1
settings = "{settings}"
show = {show}
+++
{body}
"""


@pytest.fixture
def open_page(registry: Registry, alone: None) -> Open:
    """Open a page with these settings in the address."""

    def run(page: str, **query: str) -> AppTest:
        (path,) = PAGES.glob(f"*_{page}.py")
        app = AppTest.from_file(str(path), default_timeout=PATIENCE)
        for key, text in query.items():
            app.query_params[key] = text
        app.run()
        assert not app.exception
        return app

    return run


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., None]:
    """Write a teacher's own lesson, called own."""
    (tmp_path / "lessons").mkdir()

    def write(page: str = "train", settings: str = "", show: str = "", body: str = "Look.") -> None:
        text = HEAD.format(page=page, settings=settings, show=[key for key in show.split(",") if key], body=body)
        (tmp_path / "lessons" / "own.md").write_text(text, encoding="utf-8")

    return write


def labels(app: AppTest) -> list[str]:
    """The controls that are drawn, buttons apart; a slider and the box beside it are one."""
    kinds = (
        app.slider,
        app.select_slider,
        app.selectbox,
        app.toggle,
        app.number_input,
        app.text_input,
        app.button_group,
    )
    return sorted(each.label for kind in kinds for each in kind if "#" not in each.key)


def said(app: AppTest) -> str:
    return re.sub(r"\\(.)", r"\1", " ".join(warning.value for warning in app.warning))


@pytest.mark.parametrize("lesson", lessons.lessons()[0], ids=lambda lesson: lesson.name)
def test_each_shipped_lesson_opens_with_its_settings_and_only_its_controls(open_page: Open, lesson: Lesson) -> None:
    app = open_page(lesson.page, lesson=lesson.name)
    assert not app.warning
    assert not app.error
    assert address(app) == {"lesson": lesson.name}
    on_the_page = [key for key in lesson.show if key != "blur"]  # the board has that slider
    assert len(labels(app)) == len(on_the_page)
    assert plain(lesson.title) in words(app)
    next(button for button in app.button if button.label == "All controls").click().run()
    assert not app.exception
    assert len(labels(unfold(app))) > 8
    left = address(app)
    assert "lesson" not in left
    assert left == dict(lesson.settings)  # they differ from the defaults, and are written as a page writes them


def test_hidden_knobs_are_in_force(open_page: Open, put: Callable[..., None], registry: Registry) -> None:
    put(settings="method=uotm&tau=0.2&alpha=2.0&steps=3&seed=7&target=gaussian&target.centre=1.0,2.0", show="tau")
    app = open_page("train", lesson="own")
    assert labels(app) == ["Transport cost τ"]
    app.select_slider[0].set_value(1.0).run()
    assert address(app) == {"lesson": "own", "tau": "1"}
    next(button for button in app.button if button.label.startswith("Train")).click().run()
    (run,) = registry.runs()
    until(lambda: run.status == "done")
    assert (run.config.method.tau, run.config.method.alpha) == (1.0, 2.0)  # type: ignore[attr-defined]
    assert (run.config.steps, run.config.seed, run.config.target.centre) == (3, 7, (1.0, 2.0))  # type: ignore[attr-defined]
    assert address(app) == {"lesson": "own", "tau": "1", "run": run.id}


def test_the_link_overrides_what_is_shown_and_nothing_else(open_page: Open, put: Callable[..., None]) -> None:
    put(settings="method=uotm&tau=0.2&seed=7", show="tau")
    app = open_page("train", lesson="own", tau="3.0", seed="8", method="uotm")
    assert "The lesson holds 'seed'; what the link says of it is not used." in said(app)
    assert address(app) == {"lesson": "own", "tau": "3"}


def test_a_knob_at_the_default_of_the_page_is_written_when_the_lesson_has_another(
    open_page: Open, put: Callable[..., None]
) -> None:
    put(settings="method=uotm&tau=0.2", show="tau")
    app = open_page("train", lesson="own", tau="0.05")
    assert address(app) == {"lesson": "own", "tau": "0.05"}
    next(button for button in app.button if button.label == "All controls").click().run()
    assert address(app) == {"method": "uotm"}


def test_the_way_out_keeps_a_link_that_no_page_was_drawn_for(open_page: Open, put: Callable[..., None]) -> None:
    """A busy browser sends the click together with an address: what is on its way out is the address, not nothing."""
    put(settings="method=uotm&seed=7", show="tau")
    app = open_page("train", lesson="own", tau="0.3")
    app.query_params["tau"] = "0.4"
    next(button for button in app.button if button.label == "All controls").click().run()
    assert address(app) == {"method": "uotm", "seed": "7", "tau": "0.4"}


def test_the_way_out_keeps_what_was_moved(open_page: Open, put: Callable[..., None]) -> None:
    put(settings="method=uotm&seed=7", show="tau")
    app = open_page("train", lesson="own", tau="0.3")
    next(button for button in app.button if button.label == "All controls").click().run()
    assert address(app) == {"method": "uotm", "seed": "7", "tau": "0.3"}
    assert app.session_state["train:method"] == "uotm"


def test_undo_and_reset_bring_back_what_the_lesson_has(open_page: Open, put: Callable[..., None]) -> None:
    put(settings="method=uotm&tau=0.2&seed=7", show="tau")
    app = open_page("train", lesson="own")
    for label in ("Undo", "Reset"):
        app.select_slider[0].set_value(1.0).run()
        assert address(app) == {"lesson": "own", "tau": "1"}
        next(button for button in app.button if button.label == label).click().run()
        assert not app.exception
        assert address(app) == {"lesson": "own"}
        assert app.select_slider[0].value == 0.2


def test_images_have_lessons_too(open_page: Open, put: Callable[..., None]) -> None:
    put("images", settings="method=uotm&network.width=8", show="tau,seed")
    app = open_page("images", lesson="own")
    assert labels(app) == ["Seed", "Transport cost τ"]


@pytest.mark.parametrize(
    ("page", "settings", "show", "sentence"),
    [
        ("train", "method=uotm&taau=1", "tau", "lessons/own.md, settings: 'taau' is no setting of this page; did you mean 'tau'?"),
        ("train", "method=uotm", "tau,blurr", "lessons/own.md, show: 'blurr' is no setting of this page"),
        ("train", "method=uotm&tau=-1", "seed", "lessons/own.md, settings: tau must be a number from 0 to 100; got '-1'"),
        ("train", "method=uotmm", "seed", "lessons/own.md, settings: method must be one of"),
        ("trane", "", "", "lessons/own.md, page: page must be one of"),
        ("compare", "", "", "The lesson own belongs to another page; open /compare?lesson=own."),
    ],
)  # fmt: skip
def test_a_broken_lesson_is_a_sentence(
    open_page: Open, put: Callable[..., None], page: str, settings: str, show: str, sentence: str
) -> None:
    put(page, settings, show)
    app = open_page("train", lesson="own")
    assert sentence in said(app).replace("\u200b", "")
    assert len(app.warning) == 1


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "nothing-there", "A" * 3000, "own\0", "<b>x</b>"])
def test_a_name_that_is_no_lesson_leaves_the_page_whole(open_page: Open, name: str) -> None:
    app = open_page("train", lesson=name, seed="3")
    assert "The lesson cannot be shown" in said(app)
    assert address(app) == {"seed": "3"}
    assert len(labels(unfold(app))) > 8


def test_a_long_link_is_packed_and_opens(open_page: Open) -> None:
    knobs = {
        "tau": "0.2",
        "alpha": "2",
        "lr": "0.002",
        "adversary_lr": "0.003",
        "g1": "kl",
        "g2": "chi2",
        "batch_size": "64",
    }
    knobs |= {
        "penalty": "gp",
        "penalty_weight": "0.3",
        "freeze_after": "1234",
        "hidden": "32",
        "beta1": "0.25",
        "ema": "0.5",
    }
    settings = {"preset": "own", "methods": ",".join(["uotm"] * 9)}
    settings |= {f"{at}.{name}": text for at in range(1, 10) for name, text in knobs.items()}
    assert len(urlencode(settings)) > LONG > 2 * len(urlencode(pack(settings)))
    app = open_page("compare", **pack(settings))
    assert not app.warning
    assert set(address(app)) == {"v", "packed"}
    assert unpack(address(app)).settings == settings
    app.session_state[f"compare:open:methods:own:{settings['methods']}"] = 0  # the first method's settings are opened
    unfold(app.run()).segmented_control(key="compare:1.own.uotm.g1").set_value("chi2").run()
    assert unpack(address(app)).settings == {**settings, "1.g1": "chi2"}


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"packed": "%%%"}, "The packed part of the link"),
        ({"v": "7", "seed": "3", "hologram": "on"}, "The link is from a newer otviz"),
        ({f"k{i}": "1" for i in range(60)}, "and 55 more are no settings of this page"),
        ({f"k{i}": "1" for i in range(900)}, "The link has 900 settings"),
    ],
)
def test_a_hostile_link_is_one_sentence(open_page: Open, query: dict[str, str], sentence: str) -> None:
    app = open_page("train", **query)
    assert sentence in said(app)
    assert said(app).count("\n- ") == 1
    assert address(app) == ({"seed": "3"} if "seed" in query else {})


def test_an_image_from_elsewhere_is_no_image() -> None:
    assert "![" not in shown("![x](http://evil.example/x.png) ![y][1]")


def test_the_list_has_a_card_for_each_and_a_sentence_for_what_is_broken(
    registry: Registry, app: AppTest, put: Callable[..., None]
) -> None:
    put("trane")
    app.switch_page("pages/7_learn.py")
    app.run()
    assert not app.exception
    assert all(plain(each.learn) in words(app) for each in lessons.lessons()[0])
    assert "lessons/own.md, page: page must be one of" in said(app)
