"""The player in a browser: it moves, obeys its controls, and keeps its state while messages come."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pages._ui.shell.component import module
from tests.e2e.helpers import Component, resize

pytestmark = pytest.mark.browser


class Player(Component):
    """What a test reads and presses."""

    def __init__(self, page: Any, url: str, frames: int = 1) -> None:
        super().__init__(page, url, "player")
        if frames:
            self.wait(lambda: self.frames >= frames)

    @property
    def step(self) -> int:
        return int(self.read("step") or 0)

    @property
    def frames(self) -> int:
        return int(self.read("frames"))

    @property
    def painted(self) -> int:
        return int(self.read("painted"))

    @property
    def playing(self) -> bool:
        return self.read("playing") == "true"

    @property
    def live(self) -> bool:
        return self.read("live") == "true"

    @property
    def newest(self) -> float:
        return float(self.root.get_by_label("Training step shown").get_attribute("max"))

    def press(self, name: str) -> None:
        self.root.get_by_role("button", name=name, exact=True).click()

    def moves(self) -> None:
        before = self.step
        self.wait(lambda: self.step != before)

    def rests(self) -> None:
        self.page.wait_for_timeout(150)
        before = self.step
        self.page.wait_for_timeout(700)
        assert self.step == before

    def picture(self, index: int = 0) -> str:
        """The pixels of a panel, as text to compare."""
        canvas = self.root.locator(".picture canvas").nth(index)
        return str(canvas.evaluate("canvas => canvas.toDataURL()"))


def test_it_follows_a_run_a_little_behind_the_newest_frame(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player")
    player.moves()
    assert player.playing
    assert player.live
    before, at = player.picture(), player.step
    player.wait(lambda: player.step > at + 100)
    assert player.picture() != before
    player.wait(lambda: 0 <= player.newest - player.step < 3 * 160)  # within 3 s of training
    label = player.root.locator("output").text_content()
    assert label.startswith("step ")
    assert label.endswith(" / 5\u202f000")


def test_pause_scrub_step_and_live(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player", frames=20)
    player.moves()
    player.press("Pause playback")
    player.wait(lambda: not player.playing)  # the next picture says so
    player.rests()
    frames = player.frames
    player.wait(lambda: player.frames > frames)  # pausing playback does not pause training
    player.slide("Training step shown", 200)
    player.wait(lambda: player.step == 200)
    player.rests()
    player.press("One frame forward (right arrow)")
    player.wait(lambda: player.step == 220)
    player.press("One frame back (left arrow)")
    player.wait(lambda: player.step == 200)
    player.press("Live")
    player.wait(lambda: player.live and player.step > 700)
    player.moves()


def test_keys(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player", frames=20)
    player.root.focus()
    page.keyboard.press("Home")
    player.wait(lambda: player.step == 0 and not player.playing)
    page.keyboard.press("ArrowRight")
    player.wait(lambda: player.step == 20)
    page.keyboard.press("ArrowLeft")
    player.wait(lambda: player.step == 0)
    page.keyboard.press("End")
    player.wait(lambda: player.step >= 800)
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    player.wait(lambda: player.playing)
    player.moves()
    page.keyboard.press("l")
    player.wait(lambda: player.live)


def test_messages_that_overlap_are_merged_and_do_not_disturb(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player", frames=20)
    player.root.evaluate("root => { root.mark = 'the same element'; }")
    player.press("source")
    page.keyboard.press("Home")
    player.wait(lambda: player.step == 0)
    frames, newest = player.frames, player.newest
    player.wait(lambda: player.frames > frames + 10)
    page.get_by_role("button", name="Run the page again").click()
    player.wait(lambda: player.frames > frames + 25)
    # one frame each 20 steps, none lost and none twice
    steps = player.root.evaluate("root => root.player.panels[0].frames.map(frame => frame.step)")
    assert steps == list(range(0, len(steps) * 20, 20))
    assert player.newest > newest
    assert player.step == 0
    assert player.root.evaluate("root => root.mark") == "the same element"
    assert player.root.get_by_role("button", name="source", exact=True).get_attribute("aria-pressed") == "true"
    assert page.locator(".otviz-player").count() == 1


def test_initialised_twice_and_cleaned_up_by_an_overtaken_call(demos: str, page: Any) -> None:
    """Streamlit may call the module twice on one root and run the first call's cleanup after the second call."""
    player = Player(page, demos + "/?demo=player")
    player.root.evaluate(
        """async (root, source) => {
            const module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
            const call = { data: null, parentElement: root.parentNode, setTriggerValue() {} };
            const first = module.default(call), second = module.default(call);
            first(); second(); module.default(call);
        }""",
        module("player"),
    )
    assert page.locator(".otviz-player").count() == 1
    player.moves()


@pytest.mark.parametrize("mode", ["live", "recorded"])
def test_it_goes_on_when_the_page_takes_it_away_and_brings_it_back(demos: str, page: Any, mode: str) -> None:
    player = Player(page, demos + f"/?demo=player&mode={mode}")
    player.moves()
    player.root.evaluate(
        """root => new Promise((done) => {
            const place = root.parentNode;
            root.remove();
            setTimeout(() => done(place.append(root)), 500);
        })"""
    )
    player.moves()
    frames = player.frames
    player.wait(lambda: mode == "recorded" or player.frames > frames)


def test_a_recorded_run_plays_to_its_end(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=recorded&panels=2")
    player.wait(lambda: 0 < player.step < 2400)
    player.root.get_by_label("Playback speed").select_option("4")
    player.wait(lambda: player.step == 2400 and not player.playing)
    player.press("Play")
    player.wait(lambda: player.playing and player.step < 2400)


def test_words_for_those_who_do_not_see_the_picture(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=failed&panels=2")
    picture = player.root.get_by_role("img", name="Unified OT (softplus), step 2400: 7 of 8 modes covered")
    picture.first.wait_for()
    assert player.root.get_by_text("lower the learning rate").count() == 2
    text = player.root.inner_text()
    for words in (
        "7 / 8 modes",
        "high quality",
        "floor 0.27 ± 0.03, n=700",
        "noise floor 0.27 ± 0.03",
        "potential v",
        "failed",
    ):
        assert words in text
    assert not any(word in text for word in ("undefined", "NaN", "null"))


def test_before_the_first_snapshot(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=empty", frames=0)
    player.root.get_by_text("Waiting for the first snapshot").wait_for()
    assert player.root.get_by_role("button", name="Play", exact=True).is_disabled()
    blank = player.picture()
    player.press("target")  # the target is already there
    player.wait(lambda: player.picture() != blank)


def test_a_run_that_nobody_started_shows_where_it_would_begin(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=ready", frames=0)
    player.root.get_by_text("ready", exact=True).wait_for()
    assert player.root.get_by_text("Waiting").count() == 0
    both = player.picture()
    player.press("target")
    player.wait(lambda: player.picture() != both)
    grey = player.root.locator(".picture canvas").evaluate(
        """canvas => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let rings = 0;
            for (let i = 0; i < data.length; i += 4) rings += Math.abs(data[i] - 0x8a) < 12 && Math.abs(data[i + 2] - 0x98) < 12;
            return rings;
        }"""
    )
    assert grey > 100


def test_one_panel_can_be_enlarged(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=recorded&panels=6")
    canvas = player.root.locator(".picture canvas").nth(4)
    small = canvas.bounding_box()["width"]
    enlarge = player.root.get_by_role("button", name="Enlarge this panel, or show all again")
    enlarge.nth(4).click()
    player.wait(lambda: canvas.bounding_box()["width"] > 1.3 * small)
    assert player.root.locator("section:visible").count() == 1
    player.root.locator("section:visible .enlarge").click()
    player.wait(lambda: player.root.locator("section:visible").count() == 6)


def test_reduced_motion_starts_on_the_newest_frame_and_rests(demos: str, new_page: Callable[..., Any]) -> None:
    player = Player(new_page(reduced_motion="reduce"), demos + "/?demo=player&mode=recorded")
    player.wait(lambda: player.step == 2400)
    player.rests()
    assert not player.playing


def test_a_viewer_who_lost_the_scene_asks_for_it(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player", frames=20)
    player.root.evaluate(
        "root => { root.player.panels[0].scene = null; root.player.panels[0].parts.title.textContent = ''; }"
    )
    player.wait(lambda: player.root.get_by_text("Sinkhorn GAN", exact=True).count() == 1)


def test_a_verdict_is_a_word_a_shape_and_a_sentence(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=recorded&panels=6")
    player.root.focus()
    page.keyboard.press("End")
    player.wait(lambda: player.step == 2400)
    badges = player.root.locator(".verdict:not([data-kind=unstable])")
    words = ["covers", "collapsed: 7 of 8 modes left", "mixes modes", "off target", "unbalanced", "too narrow"]
    assert badges.locator(".word").all_inner_texts() == words
    assert badges.locator(".when").all_inner_texts() == ["final"] * 6
    assert player.root.locator(".verdict[data-kind=unstable]").evaluate_all("all => all.map(one => !one.hidden)") == [
        False, True, False, True, False, True
    ]  # fmt: skip
    assert badges.nth(1).get_attribute("title").startswith("Final verdict: collapsed: 7 of 8 modes left. 7 of 8 modes")
    assert player.root.locator(".why").nth(1).text_content().endswith("The rule stands here. The loss shakes.")
    player.root.get_by_role("img", name="final verdict: collapsed: 7 of 8 modes left, unstable").first.wait_for()


def test_an_earlier_frame_has_the_words_of_its_own_step(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=recorded&panels=2")
    player.root.focus()
    page.keyboard.press("Home")
    player.wait(lambda: player.step == 0)
    badge = player.root.locator(".verdict").first
    assert (badge.locator(".word").inner_text(), badge.locator(".when").inner_text()) == ("too wide", "step 0")
    assert badge.get_attribute("data-final") == "false"
    assert player.root.locator(".why").first.text_content() == "As at step 0. The rule of one look."
    assert player.root.locator(".verdict[data-kind=unstable]:visible").count() == 0


def test_a_final_verdict_is_announced_once(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&panels=2")
    player.root.evaluate(
        """root => {
            root.said = [];
            const listen = () => root.said.push(root.player.parts.announcer.textContent);
            new MutationObserver(listen).observe(root.player.parts.announcer, { childList: true, characterData: true, subtree: true });
        }"""
    )
    words = player.root.locator(".verdict:visible")
    assert words.locator(".word").all_inner_texts() == ["too wide"] * 2
    assert words.locator(".when").all_inner_texts() == ["so far"] * 2
    page.get_by_role("button", name="Judge the runs").click()
    player.wait(lambda: player.root.locator(".verdict[data-kind=collapsed]").count() == 1)
    page.wait_for_timeout(700)  # messages that repeat it
    said = " ".join(player.root.evaluate("root => root.said"))
    assert said == (
        "Sinkhorn GAN: training done. Sinkhorn GAN: covers. Unified OT (softplus): training done. Unified OT (softplus): "
        "collapsed: 7 of 8 modes left, unstable."
    )


def test_the_meter_says_less_where_there_is_less_room(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=recorded&panels=3")
    player.root.press("End")
    player.wait(lambda: player.step == 2400)
    panel = player.root.locator("section").nth(1)
    player.wait(lambda: "W2" in panel.inner_text())
    assert "7/8 modes" in panel.inner_text()
    assert "(floor 0.27)" in panel.inner_text()
    assert "diversity" not in panel.inner_text()
    everything = panel.locator(".numbers").get_attribute("title")
    for words in ("7 / 8 modes", "between modes", "precision", "recall", "of 8.02", "n=700", "samples 700"):
        assert words in everything
    panel.get_by_role("button", name="Enlarge this panel, or show all again").click()
    player.wait(lambda: "diversity" in panel.inner_text())
    assert "The rule stands here." in panel.inner_text()
    assert panel.locator(".why").is_visible()


def test_bars_show_the_true_share_beside_what_a_mode_has(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=recorded&panels=2")
    player.root.press("End")
    player.wait(lambda: player.step == 2400 and not player.root.evaluate("root => root.player.dirty"))
    # Of eight modes, the last of the second panel is missed: of its pair of bars only the outline is there.
    filled = player.root.locator(".bars").evaluate_all(
        """canvases => canvases.map(canvas => {
            const { width, height } = canvas, c = canvas.getContext("2d");
            return Array.from({ length: 8 }, (_, i) => {
                const { data } = c.getImageData((i * width) / 8, 0, width / 8, height);
                let count = 0;
                for (let k = 0; k < data.length; k += 4) count += data[k] === 255 && data[k + 1] === 122 && data[k + 2] === 26;
                return count;
            });
        })"""
    )
    assert all(count > 20 for count in filled[0])
    assert all(count > 20 for count in filled[1][:7])
    assert filled[1][7] == 0


def test_data_flow_from_source_to_loss_with_the_values_of_the_frame(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=recorded")
    player.root.press("Home")
    player.wait(lambda: player.step == 0)
    stages = player.root.locator(".stage")
    player.wait(lambda: "mean move" in stages.nth(1).inner_text())
    assert player.root.locator(".flow-name").all_inner_texts() == [
        "source x", "generator T", "generated points", "potential v", "loss"
    ]  # fmt: skip
    first = stages.all_inner_texts()
    generated, real = (float(word) for word in stages.nth(3).locator(".flow-value").inner_text().split()[::2])
    assert generated < real, "the heat map has its hills at the modes, and the points begin at the origin"
    player.root.press("End")
    player.wait(lambda: player.step == 2400)
    player.wait(lambda: stages.all_inner_texts() != first)
    moved = float(stages.nth(1).locator(".flow-value").inner_text().rpartition(" ")[2])
    assert 2 < moved < 6, "modes lie on a circle of radius 4 round the source"
    stages.nth(3).click()
    player.root.get_by_text("potential v: High on data.").wait_for()
    stages.nth(3).click()
    assert player.root.locator(".about:visible").count() == 0


def test_what_was_changed_on_the_way_is_a_line_and_a_mark(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=recorded")
    history = player.root.locator(".history")
    assert history.inner_text().split() == [
        "step",
        "800",
        "tau",
        "0.05",
        "→",
        "0.5",
        "step",
        "1",
        "500",
        "potential",
        "frozen",
    ]
    history.get_by_role("button").nth(1).click()
    player.wait(lambda: player.step == 1500)
    chart = player.root.locator(".losses")
    at = player.root.evaluate("root => root.player.panels[0].cache.losses.x(800) / root.player.ratio")
    chart.hover(position={"x": at + 2, "y": 30})
    player.root.get_by_text("step 800: tau 0.05 → 0.5").wait_for()
    chart.hover(position={"x": at + 30, "y": 30})
    assert player.root.locator(".tip:visible").count() == 0


LOSSES = """(root, [early, late]) => {
    const player = root.player, panel = player.panels[0], n = 400, step = Uint32Array.from({ length: n }, (_, i) => 6 * i);
    const line = (middle, at) => Float32Array.from({ length: n }, (_, i) => (i < at ? early : late) + middle * Math.sin(i));
    panel.curve = { step, generator: line(0.05, 200), adversary: line(0.02, 200) };
    panel.scene.loss_floor = null;
    panel.cache.losses = null;
    player.dirty = true;
    return new Promise((done) => setTimeout(() => done(panel.cache.losses.range), 500));
}"""


def test_the_axis_of_losses_shows_the_recent_ones_after_a_jump(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=recorded")
    player.root.press("End")
    player.wait(lambda: player.step == 2400)
    for early, late in ((0.3, 1000.0), (1e4, 0.3), (0.3, 0.31), (1000.0, 1000.02)):
        low, high = player.root.evaluate(LOSSES, [early, late])
        assert low <= late - 0.02
        assert high >= late + 0.02
        assert high - low < 200, "it would be a flat line"
        if late < 1:
            assert high - low < 2


def test_numbers_on_the_axis_of_losses_differ(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=recorded")
    player.root.evaluate(
        """root => {
            const drawn = [], plain = CanvasRenderingContext2D.prototype.fillText;
            CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) { drawn.push(text); return plain.call(this, text, ...rest); };
            root.drawn = drawn;
        }"""
    )
    player.root.evaluate(LOSSES, [1000.0, 1000.02])
    words = player.root.evaluate("root => root.drawn.filter(text => text.startsWith('1000'))")
    assert len(words) > 1
    assert len(set(words)) == len(words)


def test_a_presentation_fills_the_screen_in_large_type_and_escape_leaves_it(
    demos: str, new_page: Callable[..., Any]
) -> None:
    page = new_page(width=1280, height=900, locale="en")  # in a window of its own, as only one tab fills the screen
    player = Player(page, demos + "/?demo=player&mode=recorded")
    size = "root => parseFloat(getComputedStyle(root.querySelector('.title')).fontSize)"
    before, picture = player.root.evaluate(size), player.root.locator(".picture").bounding_box()["width"]
    page.keyboard.press("f")  # wherever the focus is
    player.wait(lambda: player.read("presenting") == "true")
    box = player.root.bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 1280, 900)
    assert player.root.evaluate(size) > 1.4 * before
    player.wait(lambda: player.root.locator(".picture").bounding_box()["width"] >= picture)
    player.wait(lambda: page.evaluate("Boolean(document.fullscreenElement)"))
    page.keyboard.press("f")
    player.wait(lambda: player.read("presenting") == "false")
    player.wait(lambda: page.evaluate("!document.fullscreenElement"))
    page.evaluate("() => { Element.prototype.requestFullscreen = () => Promise.reject(new Error('not here')); }")
    page.keyboard.press("f")  # as on a phone that has no full screen
    player.wait(lambda: player.read("presenting") == "true")
    page.keyboard.press("Escape")
    player.wait(lambda: player.read("presenting") == "false")


def test_a_question_mark_shows_the_keys(demos: str, page: Any) -> None:
    player = Player(page, demos + "/?demo=player&mode=recorded")
    page.keyboard.press("?")
    sheet = player.root.get_by_role("dialog", name="Keyboard shortcuts")
    sheet.get_by_text("play or pause the picture").wait_for()
    page.keyboard.press("Escape")
    sheet.wait_for(state="hidden")
    player.press("Keyboard shortcuts (?)")
    sheet.get_by_role("button", name="Close").click()
    sheet.wait_for(state="hidden")


@pytest.mark.parametrize(
    ("panels", "sizes"), [(6, [(1920, 1080)]), (7, [(1280, 800)]), (9, [(1280, 800), (1920, 1080)])]
)
def test_many_panels_keep_their_words_inside(
    demos: str, new_page: Callable[..., Any], panels: int, sizes: list[tuple[int, int]]
) -> None:
    page = new_page(color_scheme="light", width=sizes[0][0], height=sizes[0][1])
    player = Player(page, demos + f"/?demo=player&mode=recorded&panels={panels}&points=500")
    player.root.press("End")
    player.wait(lambda: player.step == 2400)
    for width, height in sizes:
        resize(page, width, height)
        pictures = player.root.locator(".picture canvas").evaluate_all("all => all.map(canvas => canvas.clientWidth)")
        assert min(pictures) >= 140
        assert not player.root.evaluate(OUTSIDE)
        bottom = lambda: sum(player.root.bounding_box()[part] for part in ("y", "height"))  # noqa: E731
        player.wait(lambda height=height, bottom=bottom: bottom() < height + 1)  # all at once, without scrolling


OUTSIDE = """root => [...root.querySelectorAll(".panel")].flatMap((panel) => {
    const { left, right } = panel.getBoundingClientRect();
    const words = [...panel.querySelectorAll(".verdict, .value, .title, .status, .enlarge, .outside, .scale")];
    return words.filter((word) => {
        const box = word.getBoundingClientRect();
        return box.width && (box.left < left || box.right > right);
    }).map((word) => word.textContent);
})"""


def test_many_panels_have_their_losses_and_numbers_on_a_card(demos: str, new_page: Callable[..., Any]) -> None:
    page = new_page(width=1280, height=900, locale="en")  # in a window of its own, where nothing has been pointed at
    player = Player(page, demos + "/?demo=player&mode=recorded&panels=6")
    player.root.press("End")
    player.wait(lambda: player.step == 2400)
    panel = player.root.locator("section").nth(2)
    player.wait(lambda: "8/8 modes" in panel.inner_text() and "mixes modes" in panel.inner_text())
    assert panel.locator(".bars").is_visible()
    card = panel.locator(".card")
    assert not card.is_visible()
    panel.locator(".summary").hover()
    card.wait_for()
    assert card.locator(".losses").is_visible()
    player.wait(lambda: "W2" in card.inner_text())
    page.mouse.move(0, 0)
    player.wait(lambda: not card.is_visible())
    panel.locator(".enlarge").focus()
    page.keyboard.press("Shift")  # the keyboard is in use
    card.wait_for()


@pytest.mark.parametrize(
    ("panels", "looks"), [(1, [("dark", 1280), ("light", 1920)]), (6, [("light", 1280), ("dark", 1920)])]
)
def test_looks(
    demos: str, new_page: Callable[..., Any], tmp_path: Path, panels: int, looks: list[tuple[str, int]]
) -> None:
    """Everything stays inside the page; one panel fits a window of 900 px. Prints the painted frames per second."""
    page = new_page(color_scheme=looks[0][0], width=looks[0][1], height=900)
    player = Player(page, demos + f"/?demo=player&panels={panels}&points=500&mode=recorded&loop=1")
    for scheme, width in looks:
        page.emulate_media(color_scheme=scheme)
        resize(page, width)
        looks_well(player, tmp_path, scheme, width, panels)


def looks_well(player: Player, tmp_path: Path, scheme: str, width: int, panels: int) -> None:
    page, dark = player.page, "root => getComputedStyle(root).color.match(/\\d+/g).map(Number)[0] > 128"
    player.wait(lambda: player.root.evaluate(dark) == (scheme == "dark"))
    before, start = player.painted, time.monotonic()
    player.wait(lambda: player.painted > before + 10)
    print(
        f"{scheme} {width} px, {panels} panels: {(player.painted - before) / (time.monotonic() - start):.0f} painted fps"
    )
    box = player.root.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if panels == 1:
        assert box["y"] + box["height"] <= 900
    page.screenshot(path=tmp_path / f"player-{scheme}-{width}-{panels}.png")
