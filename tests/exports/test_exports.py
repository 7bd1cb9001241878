"""What is carried away repeats the run, or opens elsewhere with the same numbers in it."""

from __future__ import annotations

import base64
import contextlib
import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from otviz.cli.main import main
from otviz.core import __version__
from otviz.data.distributions.points import PointsFile
from otviz.player import browser, wire
from otviz.runs.reproduce import snapshot_metrics
from otviz.runs.saved.run_store import Store
from otviz.runs.saved.saved_run import SavedRun
from otviz.viz.exports import Runs, exports, exports_of
from otviz.viz.exports.reports import BYTES, report
from otviz.viz.exports.scripts import notebook, script
from tests.forked import output

LABELS = ("Sinkhorn generator", "UOTM-SD", "OT-GAN", "UOTM")


def played(text: str, folder: Path) -> str:
    """The output of a program in a new process."""
    return output(text, cwd=folder)


def executed(text: str) -> str:
    """The output of a program in this process, with its own namespace, which saves the seconds to import torch."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(text, "program.py", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


def cells(book: bytes, kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(book)["cells"] if cell["cell_type"] == kind]


def points(recorded: dict[str, SavedRun]) -> Runs:
    return {label: run for label, run in recorded.items() if run.config.target.kind == "points"}


@pytest.mark.parametrize("label", LABELS)
def test_script_or_notebook_repeats_a_run_to_the_last_digit(
    label: str, recorded: dict[str, SavedRun], store: Store, tmp_path: Path
) -> None:
    run = recorded[label]
    summary = json.loads((store.path(run.id) / "summary.json").read_text())
    # Both are written from the same parts; one of them for each method keeps the test short.
    as_script = LABELS.index(label) % 2 == 0
    program = script({label: run}).decode() if as_script else "\n\n".join(cells(notebook({label: run}), "code"))
    printed = played(program, tmp_path) if label == LABELS[0] else executed(program)
    assert f"{label}: agrees: all" in printed
    for name, value in summary["meter"].items():  # independently of its own verdict
        assert f"  {name}: {value}\n" in printed


def test_one_notebook_repeats_a_panel(recorded: dict[str, SavedRun]) -> None:
    printed = executed("\n".join(cells(notebook(points(recorded)), "code")))
    assert printed.count(": agrees: all") == 3


def test_a_notebook_whose_numbers_were_changed_says_that_it_differs(
    recorded: dict[str, SavedRun],
) -> None:
    program = script({"it": recorded["Sinkhorn generator"]}).decode()
    changed = re.sub(r"'w2': [\d.]+", "'w2': 0.5", program, count=1)
    assert changed != program
    printed = executed(changed)
    assert "it: differs in 1 of" in printed
    assert "w2: it was 0.5, now " in printed


def test_the_notebook_is_one(recorded: dict[str, SavedRun]) -> None:
    """The required members of nbformat 4.5, as its schema names them."""
    book = json.loads(notebook(points(recorded)))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert set(book["metadata"]["kernelspec"]) == {"name", "display_name", "language"}
    names = [cell["id"] for cell in book["cells"]]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names)
    for cell in book["cells"]:
        wanted = {"cell_type", "id", "metadata", "source"}
        assert set(cell) == wanted | ({"execution_count", "outputs"} if cell["cell_type"] == "code" else set())
    text = "\n".join(cells(notebook(points(recorded)), "markdown"))
    assert __version__ in text
    assert "changed during the run, and repeated: after step 40: tau 0.05 -\\> 0.3" in text
    assert "torch==" in "\n".join(cells(notebook(points(recorded)), "code"))


def test_tables_hold_the_numbers(recorded: dict[str, SavedRun]) -> None:
    runs = points(recorded)
    several = list(csv.DictReader(io.StringIO(exports()["losses"].make(runs).decode())))
    for label, run in runs.items():
        alone = list(csv.DictReader(io.StringIO(exports()["losses"].make({label: run}).decode())))
        assert [{"run": label, **row} for row in alone] == [row for row in several if row["run"] == label]
        back = np.array(
            [[row[f"{side}_loss"] or "nan" for side in ("generator", "adversary")] for row in alone], np.float32
        )
        assert np.array_equal(back, run.losses(), equal_nan=True), "to the bit"
        looks = list(csv.DictReader(io.StringIO(exports()["csv"].make({label: run}).decode())))
        assert [int(row["step"]) for row in looks] == [look.step for look in run.snapshots]
        assert float(looks[-1]["w2"]) == pytest.approx(run.meter["w2"], rel=1e-8)  # nine digits are written


@pytest.mark.parametrize("label", LABELS)
def test_arrays_hold_every_look(label: str, recorded: dict[str, SavedRun]) -> None:
    run = recorded[label]
    with np.load(io.BytesIO(exports()["npz"].make({label: run})), allow_pickle=False) as arrays:
        looks = run.snapshots
        assert arrays["step"].tolist() == [look.step for look in looks]
        shape = (len(looks), 64, 1, 8, 8) if run.config.target.kind == "images" else (len(looks), 1000, 2)
        assert arrays["generated"].shape == shape
        assert np.array_equal(arrays["generated"][-1].reshape(looks[-1].generated.shape), looks[-1].generated)
        assert np.array_equal(arrays["generator_loss"], run.losses()[:, 0], equal_nan=True)
        assert arrays["meter_samples"][-1] == run.meter["samples"]
        assert json.loads(str(arrays["config"])) == json.loads(json.dumps(run.config.record()))
    runs = points(recorded)
    with np.load(io.BytesIO(exports()["npz"].make(runs)), allow_pickle=False) as arrays:
        assert arrays["runs"].tolist() == list(runs)
        assert len(arrays["run2_step"]) == len(runs["OT-GAN"].snapshots)


def test_an_npz_of_runs_is_a_file_of_points_too(recorded: dict[str, SavedRun], tmp_path: Path) -> None:
    """What the first run made at its last look is taken, in the file's own units."""
    for labels in (["OT-GAN"], ["Sinkhorn generator", "OT-GAN"]):
        (tmp_path / "runs.npz").write_bytes(exports()["npz"].make({label: recorded[label] for label in labels}))
        found = PointsFile(str(tmp_path / "runs.npz"))
        np.testing.assert_array_equal(found.loaded.own, recorded[labels[0]].snapshots[-1].generated)
    (tmp_path / "images.npz").write_bytes(exports()["npz"].make({"UOTM": recorded["UOTM"]}))
    with pytest.raises(ValueError, match=r"images\.npz "):
        PointsFile(str(tmp_path / "images.npz"))


SVG = "{http://www.w3.org/2000/svg}"


def test_pictures_open(recorded: dict[str, SavedRun]) -> None:
    for runs, panels in ((points(recorded), 3), ({"<&>": recorded["OT-GAN"]}, 1)):
        tree = ET.fromstring(exports()["svg"].make(runs))
        texts = [node.text for node in tree.iter(f"{SVG}text")]
        assert [text for text in texts if text in runs] == list(runs)
        marks = [len(list(group.iter(f"{SVG}use"))) for group in tree.iter(f"{SVG}g") if group.get("id") == "generated"]
        assert len(marks) == panels
        assert 100 < sum(marks) <= (1000 if panels == 1 else 1500)
        assert exports()["pdf"].make(runs).startswith(b"%PDF")
        picture = Image.open(io.BytesIO(exports()["png"].make(runs)))
        sides = [float((tree.get(side) or "0pt").removesuffix("pt")) for side in ("width", "height")]
        assert picture.size == tuple(round(2 * 100 / 72 * side) for side in sides)
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
        assert (np.abs(pixels - np.array([255, 122, 26])).sum(1) < 12).mean() > 0.002, "orange discs"


class Outline(HTMLParser):
    """Tags of a page, its texts outside scripts, and what each script holds."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.scripts: dict[str, str] = {}
        self._in = ""
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        self._in = (given.get("id") or given.get("type") or "script") if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in:
            self.scripts[self._in] = self.scripts.get(self._in, "") + data
        else:
            self.text += data


def snapshots(page: Outline) -> list[wire.PanelUpdate]:
    packed = base64.b64decode(page.scripts["snapshots"])
    return wire.decode(packed[4 + int.from_bytes(packed[:4], "little") :])


def test_a_report_holds_everything_and_loads_nothing(recorded: dict[str, SavedRun]) -> None:
    runs = points(recorded)
    page = Outline(report(runs).decode())
    assert page.links == []
    assert browser.module("player") in page.scripts["module"]
    assert browser.style("player").strip() == page.scripts["player-style"].strip()
    for (label, run), panel in zip(runs.items(), snapshots(page), strict=True):
        assert panel.scene is not None
        assert panel.scene.title == label
        assert [look.step for look in panel.snapshots] == [look.step for look in run.snapshots]
        for words in (label, run.config.target.title, str(run.config.seed), f"{run.meter['w2']:.4g}", "n = 500"):
            assert words in page.text
    assert "after step 40: tau 0.05 -> 0.3" in page.text
    assert script(runs).decode() in page.text


def test_a_report_shows_hostile_text_as_text(recorded: dict[str, SavedRun]) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    plain = Outline(report({"OT-GAN": recorded["OT-GAN"]}).decode())
    page = Outline(report({evil: recorded["UOTM-SD"]}).decode())
    assert sorted(set(page.tags)) == sorted(set(plain.tags))
    assert page.tags.count("script") == plain.tags.count("script") == 3
    assert evil in page.text
    assert "</SCRIPT>" in page.text, "the letters that were the target"


def test_a_long_run_is_thinned_evenly(recorded: dict[str, SavedRun], monkeypatch: pytest.MonkeyPatch) -> None:
    from otviz.viz.exports import reports

    runs = {"UOTM-SD": recorded["UOTM-SD"]}
    assert len(report(runs)) < 1.5 * BYTES + 400_000
    monkeypatch.setattr(reports, "BYTES", 20_000)
    monkeypatch.setattr(reports, "FEWEST", 2)
    page = Outline(report(runs).decode())
    (panel,) = snapshots(page)
    assert 2 <= len(panel.snapshots) < len(recorded["UOTM-SD"].snapshots)
    ends = recorded["UOTM-SD"].snapshots
    assert (panel.snapshots[0].step, panel.snapshots[-1].step) == (ends[0].step, ends[-1].step)
    assert f"{len(panel.snapshots)} of {len(ends)} snapshots, evenly chosen" in page.text


@pytest.mark.parametrize("label", LABELS)
def test_every_export_that_a_run_has_can_be_made(label: str, recorded: dict[str, SavedRun]) -> None:
    run = recorded[label]
    names = [each.suffix for each in exports_of({label: run})]
    assert len(set(names)) == len(names)
    for each in exports_of({label: run}):
        assert each.make({label: run}), each.name


def test_no_export_is_called_alike() -> None:
    labels = [each.label for each in exports().values()]
    assert len(set(labels)) == len(labels)


def test_from_the_command_line(
    recorded: dict[str, SavedRun], store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("OTVIZ_HOME", str(store.folder.parent))
    run = recorded["OT-GAN"]
    out = tmp_path / "it.ipynb"
    assert main(["export", run.id, "--as", "notebook", "--out", str(out)]) == 0
    assert out.read_bytes() == notebook({"OT-GAN": run})
    both = [str(store.path(run.id)), recorded["UOTM-SD"].id]
    assert main(["export", *both, "--as", "losses", "--out", str(tmp_path / "two.csv")]) == 0
    assert (tmp_path / "two.csv").read_text().startswith("run,step,")
    for words, sentence in (
        ([run.id, "--as", "tiff"], "--as must be one of html, notebook"),
        ([recorded["UOTM"].id, "--as", "svg"], "for these runs; got 'svg'"),
        (["nowhere"], "there is no saved run 'nowhere'"),
        (
            ["/nonexistent"],
            "there is no folder '/nonexistent', and no run has such an id: name a folder that train --out",
        ),
        ([], "say which run to export"),
        (
            [run.id, "--out", str(tmp_path / "no" / "such" / "file")],
            "its folder does not exist); make the folder first",
        ),
    ):
        assert main(["export", *words]) == 2
        assert sentence in capsys.readouterr().err


def test_what_was_measured_is_plain(recorded: dict[str, SavedRun]) -> None:
    for run in recorded.values():
        numbers = snapshot_metrics(run.snapshots[-1])
        assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers
