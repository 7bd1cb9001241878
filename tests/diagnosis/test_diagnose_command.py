"""`otviz diagnose`: what it prints, its JSON, and its exit status."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.diagnosis import ring
from otviz.cli.main import main


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    gone = np.array([1, 1, 1, 0, 1, 1, 1, 1]) / 7
    sides = {"real": ring(rng, 500), "step-1": ring(rng, 300), "step-2": ring(rng, 300, weights=gone)}
    for name, points in sides.items():
        np.save(tmp_path / f"{name}.npy", points)
    return [str(tmp_path / f"{name}.npy") for name in sides]


def test_one_file_is_judged_and_limits_set_the_exit_status(files, capsys):
    real, _, gone = files
    assert main(["diagnose", real, gone, "--json", "--fail-below", "coverage=0.5", "--fail-above", "missing=0.3"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "collapsed"
    assert found["failed"] == []
    assert main(["diagnose", real, gone, "--fail-below", "coverage=0.95"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("Collapsed: about 1")
    assert "below 0.95" in err


def test_several_files_are_a_training(files, capsys):
    assert main(["diagnose", *files]) == 0
    out = capsys.readouterr().out
    assert "is missing from 2 on" in out
    assert "step-1.npy  covers" in out


def test_the_report_is_written_or_the_reason_is_said(files, tmp_path, capsys):
    assert main(["diagnose", *files, "--html", str(tmp_path / "report.html")]) == 0
    text = (tmp_path / "report.html").read_text()
    assert "What step-2.npy misses of real.npy" in text
    assert "is missing from 2 on" in text
    assert main(["diagnose", files[0], files[1], "--html", str(tmp_path / "no" / "report.html")]) == 2
    assert "report.html' cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ring"], "name the real samples and then the generated ones"),
        (["ring", "nothing.npy"], "there is no file, folder or published image set"),
        (
            ["ring", "FILE", "--fail-below", "coverage"],
            "a limit is written NUMBER=LIMIT, such as coverage=0.8; got 'coverage'",
        ),
        (["ring", "FILE", "--fail-below", "beauty=1"], "a limit is on one of missing, coverage"),
        (["ring", "FILE", "--columns", "0", "9"], "columns must be columns of numbers of step-1.npy (0, 1); got '9'"),
    ],
)
def test_what_is_not_understood_is_one_sentence(words, message, files, capsys):
    assert main(["diagnose", *(files[1] if word == "FILE" else word for word in words)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
