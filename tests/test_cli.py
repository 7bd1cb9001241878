"""The command line: what it prints, what it writes, and what it says to arguments it cannot use."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from otviz.cli import listing, printing, train_report
from otviz.cli.main import main
from otviz.core.params import params_of
from otviz.data.datasets import datasets
from otviz.data.distributions import distributions
from otviz.evaluation.metrics.modes import NAMES
from otviz.methods import methods
from tests.forked import OTVIZ, Forked
from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[1]
QUICK = ["--steps", "8", "--hidden", "8", "--batch-size", "16"]
IN_FULL = train_report.SAMPLES
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_report, "SAMPLES", 300)  # metrics of all 2500 take a second; test_train_in_full has them


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process: exit status, stdout, stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        status = main(words)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return status, out, err

    return run


def outside(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    command = [sys.executable, "-m", "otviz", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False, **options)


def strict(text: str) -> Any:
    """One JSON object and nothing else; NaN and infinity are no JSON."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def trained(cli: Run, method: str, *words: str) -> dict[str, Any]:
    status, out, err = cli("train", method, *QUICK, "--json", *words)
    assert status == 0, err
    return strict(out)


# list


def test_list_json(cli: Run) -> None:
    status, out, err = cli("list", "--json")
    found = strict(out)
    assert (status, err) == (0, "")
    assert list(found) == ["methods", "distributions", "datasets", "checkpoints", "experiments"]
    for kind, plugins in (("methods", methods()), ("distributions", distributions()), ("datasets", datasets())):
        assert list(found[kind]) == list(plugins)
        for name, cls in plugins.items():
            assert list(found[kind][name]["knobs"]) == [knob.name for knob in params_of(cls)]
    tau = found["methods"]["uotm"]["knobs"]["tau"]
    assert (tau["kind"], tau["default"], tau["low"], tau["high"], tau["live"]) == ("float", 0.05, 0.0, 100, True)
    assert found["methods"]["uotm-sd"]["knobs"]["schedule"]["choices"] == ["linear", "cosine", "step", "geometric"]
    required = {
        "sinkhorn", "ot-gan", "gan", "dan-s", "wgan", "wgan-gp", "otm", "uotm-no-cost", "uotm", "uotm-kl", "uotm-sd"
    }  # fmt: skip
    assert required <= set(found["methods"])


WITHOUT = (
    "import sys; from otviz.cli.main import main; main(['list', '--json']); print(sorted(sys.modules), file=sys.stderr)"
)


def test_list_imports_neither_torch_nor_pandas_twice(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path))
    _, first, _ = cli("list", "--json")
    second = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, cwd=ROOT, check=True)
    assert second.stdout == first
    assert not {"torch", "pandas", "plotly", "ot", "scipy", "sklearn", "matplotlib"} & set(
        ast.literal_eval(second.stderr)
    )
    kept = tmp_path / listing.KEPT
    kept.write_text(kept.read_text(encoding="utf-8").replace("UOTM", "XXXX"), encoding="utf-8")
    assert cli("list", "--json")[1] == first, "a damaged file is made again"
    monkeypatch.setattr(listing, "_stamp", lambda: "a source file has changed")
    monkeypatch.setattr(listing, "_read_plugins", lambda: {key: {} for key in strict(first)})
    assert strict(cli("list", "--json")[1])["methods"] == {}


def test_list_for_a_person(cli: Run) -> None:
    status, out, _ = cli("list")
    assert status == 0
    for name in (*methods(), *distributions(), *datasets()):
        assert f"  {name} " in out


# train

METRICS = {
    "modes_covered", "modes_total", "mode_shares", "high_quality", "mode_mixture", "w2", "w2_floor", "sinkhorn",
    "sinkhorn_floor", "precision", "recall", "diversity",
}  # fmt: skip
MODES = ("modes_covered", "modes_total", "mode_shares", "high_quality", "mode_mixture")


def test_train_in_full(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_report, "SAMPLES", IN_FULL)
    out = tmp_path / "deep" / "my run"
    status, printed, said = cli(
        "train", "uotm-sd", "--target", "ring", "--steps", "200", "--seed", "4", "--json", "--out", str(out)
    )
    assert status == 0, said
    report = strict(printed)
    assert set(report) == {
        "method", "target", "steps", "seed", "device", "seconds", "steps_per_second", "losses", "metrics"
    }  # fmt: skip
    assert (report["method"], report["target"], report["steps"], report["seed"]) == ("uotm-sd", "ring", 200, 4)
    assert report["seconds"] > 0
    assert report["steps_per_second"] == pytest.approx(200 / report["seconds"], rel=0.02)
    for side in ("generator", "adversary"):
        assert set(report["losses"][side]) == {"last", "std_last_quarter"}
        assert report["losses"][side]["std_last_quarter"] > 0
    assert set(report["metrics"]) >= METRICS
    assert report["metrics"]["modes_total"] == 8
    assert "200 of 200 steps" in said
    samples = np.load(out / "samples.npy")
    assert samples.shape == (IN_FULL, 2)
    assert samples.dtype == np.float32
    assert {"config.json", "history.csv", "snapshots.npz", "generator.safetensors", "summary.json"} <= {
        path.name for path in out.iterdir()
    }
    losses = np.loadtxt(out / "history.csv", delimiter=",", skiprows=1)
    assert losses[-1, 1] == pytest.approx(report["losses"]["generator"]["last"])
    assert losses[150:, 1].std() == pytest.approx(report["losses"]["generator"]["std_last_quarter"], rel=1e-3)


def test_every_number_repeats_with_the_seed(cli: Run) -> None:
    one, two, other = (trained(cli, "uotm", "--seed", seed) for seed in ("1", "1", "2"))
    assert one["losses"] == two["losses"] != other["losses"]
    assert one["metrics"] == two["metrics"] != other["metrics"]


def test_modes_are_null_where_there_are_none(cli: Run) -> None:
    metrics = trained(cli, "uotm", "--target", "moons")["metrics"]
    assert [metrics[name] for name in MODES] == [None] * 5
    assert metrics["w2"] > 0


def test_no_adversary_is_null(cli: Run) -> None:
    assert trained(cli, "sinkhorn")["losses"]["adversary"] is None


def config_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text())


def test_flags_reach_the_config(cli: Run, tmp_path: Path) -> None:
    trained(
        cli, "ot-gan", "--target.radius", "2", "--source.std", "0.5", "--freeze-after", "3", "--lr", "2e-3",
        "--matching", "random", "--target.weights", "1,2,3,4,5,6,7,8", "--target.centre", "-1,2", "--out", str(tmp_path),
    )  # fmt: skip
    config = config_of(tmp_path)
    assert config["target"]["radius"] == 2
    assert config["target"]["weights"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert config["target"]["centre"] == [-1, 2]
    assert config["source"]["std"] == 0.5
    assert (config["method"]["freeze_after"], config["method"]["lr"]) == (3, 2e-3)
    assert config["method"]["matching"] == "random"


@pytest.mark.parametrize(
    ("flags", "name", "value"),
    [
        (["--debias", "false"], "debias", False), (["--debias", "True"], "debias", True),
        (["--reach", "none"], "reach", None), (["--reach", "1.5"], "reach", 1.5), (["--p", "1"], "p", "1"),
        (["--noise-dim=3"], "noise_dim", 3), (["--noise_dim", "3"], "noise_dim", 3),
    ],
)  # fmt: skip
def test_kinds_of_knobs(cli: Run, tmp_path: Path, flags: list[str], name: str, value: object) -> None:
    trained(cli, "sinkhorn", "--out", str(tmp_path), *flags)
    assert config_of(tmp_path)["method"][name] == value


def test_a_file_is_a_target(cli: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    rows = np.random.default_rng(0).normal(size=(50, 2)).tolist()
    path.write_text("name,a,b,c\n" + "".join(f"p,nan,{a},{b}\n" for a, b in rows))
    out = tmp_path / "out"
    # the first column of numbers is no good: the file must not be read before the columns are known
    flags = ["--target", str(path), "--target.x", "b", "--target.y", "c", "--target.scaled", "false"]
    report = trained(cli, "uotm", *flags, "--out", str(out))
    assert report["metrics"]["modes_total"] is None
    assert config_of(out)["target"] == {
        "name": "points", "file": str(path), "x": "b", "y": "c", "centred": True, "scaled": False, "weight": ""
    }  # fmt: skip
    assert trained(cli, "uotm", "--source", str(path), "--source.x", "b", "--source.y", "c")["steps"] == 8


def test_for_a_person(cli: Run) -> None:
    status, out, _ = cli("train", "uotm", *QUICK)
    assert status == 0
    assert out.startswith("uotm on ring: 8 steps in")
    assert "high_quality" in out


# Images

SMALL = ["--steps", "4", "--batch-size", "8", "--network.width", "4", "--network.adversary-width", "4"]


def trained_on_images(cli: Run, method: str, *words: str) -> dict[str, Any]:
    status, out, err = cli("train", method, "--target", "digits", *SMALL, "--json", *words)
    assert status == 0, err
    return strict(out)


def test_train_on_images(cli: Run, tmp_path: Path) -> None:
    from PIL import Image
    from safetensors.numpy import load_file

    report = trained_on_images(cli, "uotm", "--lr", "2e-4", "--lr-decay", "cosine", "--out", str(tmp_path))
    assert (report["method"], report["target"], report["steps"]) == ("uotm", "digits", 4)
    assert report["steps_per_second"] > 0
    # two updates a step, each on 8 images
    assert report["images_per_second"] == pytest.approx(16 * report["steps_per_second"], rel=0.05)
    config = config_of(tmp_path)
    assert config["method"]["lr"] == 2e-4
    assert config["method"]["tau"] == pytest.approx(0.3 / 64), "as preset"
    assert config["networks"]["width"] == 4
    assert config["lr_decay"] == "cosine"
    assert load_file(tmp_path / "generator.safetensors")
    with Image.open(tmp_path / "samples.png") as picture:
        assert picture.width == picture.height >= 10 * 8
    assert strict((tmp_path / "summary.json").read_text())["status"] == "done"
    status, _, err = cli("export", str(tmp_path), "--as", "html", "--out", str(tmp_path / "report.html"))
    assert status == 0, err
    assert (tmp_path / "report.html").stat().st_size > 1000


def test_every_number_on_images_repeats_with_the_seed(cli: Run, tmp_path: Path) -> None:
    pictures = []
    for folder, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        trained_on_images(cli, "ot-gan", "--seed", seed, "--out", str(tmp_path / folder))
        pictures.append((tmp_path / folder / "samples.png").read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


def test_steps_are_as_preset(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(train_report, "train_and_report", lambda config, *_: seen.append(config) or 0)
    cli("train", "uotm", "--target", "mnist8")
    cli("train", "uotm", "--target", "mnist8", "--steps", "7")
    assert [config.steps for config in seen] == [3000, 7]


def test_images_that_fail_exit_with_1_and_keep_what_was_good(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otviz.methods.unified import OTM

    def breaks(self: OTM, generator: Any, adversary: Any, batch: Any, s: Any) -> torch.Tensor:
        made: torch.Tensor = generator(batch.source, batch.noise)
        return made.mean() * float("nan")

    monkeypatch.setattr(OTM, "generator_loss", breaks)
    status, out, err = cli("train", "otm", "--target", "digits", *SMALL, "--json", "--out", str(tmp_path))
    assert (status, out) == (1, "")
    assert "NaN or infinite at step 1" in err
    assert (tmp_path / "samples.png").exists()


def test_a_folder_of_images_is_a_target(cli: Run, tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for index in range(20):
        Image.fromarray(rng.integers(0, 256, (9, 9), dtype=np.uint8)).save(tmp_path / f"{index}.png")
    words = ["--target", str(tmp_path), "--target.size", "8", "--target.colour", "grey", *SMALL, "--json"]
    status, out, err = cli("train", "uotm", *words)
    assert status == 0, err
    assert strict(out)["target"] == "folder"


# Help


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--help"], ["list", "train METHOD", "transport", "usage"]),
        (["-h"], ["usage"]),
        (["train", "--help"], ["usage", *methods()]),
        (
            ["train", "uotm", "--help"],
            ["--tau", "--target.radius", "--source.std", "--freeze-after", "0 to 100", "--seed"],
        ),
        (["train", "uotm", "--target", "moons", "-h"], ["--target.radius", "--target.std"]),
        (["train", "uotm", "--target", "digits", "-h"], ["--network.generator", "preset", "--tau", "--precision"]),
        (["transport", "--help"], ["--blur", "--reach", "--notebook"]),
        (["list", "--help"], ["--json"]),
    ],
)
def test_help_is_help(cli: Run, words: list[str], parts: list[str]) -> None:
    status, out, err = cli(*words)
    assert (status, err) == (0, "")
    assert [part for part in parts if part not in out] == []


def test_without_arguments_it_says_what_there_is(cli: Run) -> None:
    status, out, err = cli()
    assert (status, out) == (2, "")
    assert "train METHOD" in err


# What cannot be used


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["fly"],
            "command must be one of list, train, evaluate, diagnose, experiment, figures, export, record, transport, catalogue, classifier, real, download, thumbnails; "
            "got 'fly'",
        ),
        (["train"], "say which method to train: one of dan-s"),
        (["train", "nope"], "method must be one of dan-s, gan"),
        (["train", "uotm", "--target", "rign"], "distribution must be one of checkerboard"),
        (["train", "uotm", "--source", "rign"], "distribution must be one of checkerboard"),
        (["train", "uotm", "--target", "rign"], "or for images one of cifar10, digits"),
        (["train", "uotm", "--target", "digits", "--compile", "true"], "leave compile out for images"),
        (["train", "uotm", "--target", "digits", "--source", "ring"], "Unrecognized options: --source"),
        (["train", "gan", "--target", "digits", "--noise-dim", "0"], "from_source must be true or noise_dim"),
        (["train", "uotm", "--target", "digits", "--network.width", "2"], "width must be a whole number from 4"),
        (["train", "uotm", "--target", "digits", "--network.generator", "vit"], "generator must be one of auto, mlp"),
        (["train", "uotm", "--target", "digits", "--steps", "0"], "steps must be a whole number from 1"),
        (["train", "uotm", "--precision", "bfloat16"], "ring has points: leave them out"),
        (["train", "uotm", "--target", "gone.csv"], "gone.csv"),
        (["train", "uotm", "--tau", "300"], "tau must be a number from 0 to 100; got '300'"),
        (["train", "uotm", "--tau", "nan"], "tau must be a number from 0 to 100; got 'nan'"),
        (["train", "uotm", "--tau", "much"], "tau must be a number"),
        (["train", "uotm", "--tau"], "--tau"),
        (["train", "uotm", "--g1", "cubic"], "g1 must be one of identity, softplus, kl, chi2; got 'cubic'"),
        (["train", "sinkhorn", "--debias", "perhaps"], "debias must be true or false"),
        (["train", "sinkhorn", "--reach", "0"], "reach must be a number from 0.01"),
        (["train", "uotm", "--batch-size", "2.5"], "batch_size must be a whole number"),
        (["train", "uotm", "--steps", "0"], "steps must be a whole number from 1"),
        (["train", "uotm", "--steps", "many"], "steps must be a whole number from 1"),
        (["train", "uotm", "--seed", "-1"], "seed must be a whole number from 0"),
        (["train", "uotm", "--device", "tpu"], "device must be one of auto, cuda, mps, cpu"),
        (["train", "uotm", "--target.std", "-1"], "std must be a number from 0.001 to 5"),
        (["train", "uotm", "--target.centre", "1"], "centre must be 2 numbers"),
        (["train", "uotm", "--target.weights", "1,2"], "weights"),
        (["train", "uotm", "--schedule", "linear"], "Unrecognized options: --schedule"),
        (["train", "uotm", "--target.arms", "3"], "Unrecognized options: --target.arms"),
        (["transport", "--n", "1"], "n must be a whole number from 2"),
        (["transport", "--n", "1000000000"], "n must be a whole number from 2 to 100000"),
        (["transport", "--p", "3"], "p must be a whole number from 1 to 2"),
        (["transport", "--blur", "0"], "blur must be a number from 1e-30 to 1e+30 (length); got '0'"),
        (["transport", "--reach", "-1"], "reach must be a number from 1e-30 to 1e+30 (length); got '-1'"),
        (["transport", "--source", "rign"], "distribution must be one of checkerboard"),
        (["list", "--all"], "Unrecognized options: --all"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_arguments_are_told_in_a_sentence(cli: Run, words: list[str], said: str) -> None:
    status, out, err = cli(*words)
    assert (status, out) == (2, "")
    assert said in err


def test_bad_arguments_as_a_user_sees_them() -> None:
    done = outside("train", "uotm", "--tau", "300")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "otviz: tau must be a number from 0 to 100; got '300'\n"


def test_a_missing_device_is_told_before_anything_is_begun(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    status, _, err = cli("train", "uotm", "--device", "cuda", "--out", str(tmp_path / "out"))
    assert status == 2
    assert err == "otviz: device cuda is not present on this machine; use auto or cpu\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("steps", ["1000000"])  # it must not train first
def test_out_that_cannot_be_written_is_told_at_once(cli: Run, tmp_path: Path, steps: str) -> None:
    (tmp_path / "file").write_text("mine")
    for out, said in ((tmp_path / "file", "must be a folder"), (tmp_path / "file" / "below", "cannot be written")):
        status, _, err = cli("train", "uotm", "--steps", steps, "--out", str(out))
        assert status == 2
        assert said in err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_run_that_fails_exits_with_1_and_keeps_what_was_good(
    cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from otviz.methods.unified import OTM

    original = OTM.generator_loss

    def breaks(self: OTM, generator: Any, adversary: Any, batch: Any, s: Any) -> torch.Tensor:
        calls.append(0)
        return original(self, generator, adversary, batch, s) * (float("nan") if len(calls) > 5 else 1.0)

    calls: list[int] = []
    monkeypatch.setattr(OTM, "generator_loss", breaks)
    status, out, err = cli("train", "otm", *QUICK, "--json", "--out", str(tmp_path))
    assert (status, out) == (1, "")
    assert "NaN or infinite at step 6" in err
    assert np.isfinite(np.load(tmp_path / "samples.npy")).all()
    assert json.loads((tmp_path / "summary.json").read_text())["status"] == "failed"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_early_saves_and_measures_only_what_is_quick(tmp_path: Path) -> None:
    out = tmp_path / "o"
    words = ["train", "uotm", "--target", "ring", "--steps", "1000000", "--json", "--out", str(out)]
    screen, stderr = os.openpty()  # the progress bar is shown on terminals only
    with Forked(OTVIZ, *words, screen=os.ttyname(stderr)) as process:
        shown, said = "", ""
        while not re.search(r"\] [1-9]\d*/1000000 ", shown):
            shown += os.read(screen, 1000).decode()
        os.close(stderr)
        os.kill(process.pid, signal.SIGINT)
        printed, _ = process.communicate()
        with suppress(OSError):  # where it ends
            while more := os.read(screen, 1000).decode():
                said += more
        os.close(screen)
        assert process.poll() == 130, said
    assert "Traceback" not in said
    assert "distances to the target, precision and recall were not computed" in said
    report = strict(printed)
    assert 0 < report["steps"] < 1_000_000
    assert "distances" in report["left_out"]
    assert set(report["metrics"]) == {*NAMES, "diversity"}
    assert report["losses"]["generator"]["last"] is not None
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["status"], summary["step"]) == ("stopped", report["steps"])
    assert len((out / "history.csv").read_text().splitlines()) >= 2
    samples = np.load(out / "samples.npy")
    assert samples.shape == (2500, 2)
    assert report["metrics"]["diversity"] == pytest.approx(samples.astype(float).var(axis=0).mean(), rel=1e-6)
    assert json.loads((out / "card.json").read_text())["metrics"] == report["metrics"]


def test_ctrl_c_measures_no_modes_where_there_are_none(
    cli: Run, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    pressed: list[int] = []

    def press_once(step: int, steps: int, speed: float) -> None:
        if step and not pressed:
            pressed.append(step)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(train_report, "_show_bar", press_once)
    status, printed, said = cli("train", "uotm", "--target", "moons", "--steps", "1000000", "--hidden", "8", "--json")
    assert status == 130, said
    report = strict(printed)
    assert 0 < report["steps"] < 1_000_000
    assert set(report["metrics"]) == {"diversity"}


# transport


def test_transport_json(cli: Run) -> None:
    status, out, _ = cli("transport", "--n", "60", "--seed", "3", "--json")
    numbers = strict(out)
    assert status == 0
    assert set(numbers) == {
        "sinkhorn_divergence", "entropic_cost", "transport_cost", "exact_cost", "marginal_error", "seconds",
        "source", "target", "transform",
    }  # fmt: skip
    assert (numbers["source"]["name"], numbers["source"]["points"], numbers["source"]["rows"]) == ("gaussian", 60, None)
    # the entropy makes the plan dearer than the exact one and the optimum with its entropy dearer still
    assert numbers["exact_cost"] <= numbers["transport_cost"] + 1e-5
    assert numbers["marginal_error"] < 0.05


def test_exact_cost_is_that_of_the_drawn_points(cli: Run) -> None:
    from scipy.optimize import linear_sum_assignment

    from otviz.data.distributions import named

    _, out, _ = cli("transport", "--n", "40", "--seed", "3", "--p", "1", "--target.radius", "2", "--json")
    rng = np.random.default_rng(3)
    x, y = named("gaussian")().sample(40, rng), named("ring")(radius=2).sample(40, rng)
    cost = np.linalg.norm(x[:, None].astype(float) - y[None], axis=-1)
    assert strict(out)["exact_cost"] == pytest.approx(cost[linear_sum_assignment(cost)].mean(), rel=1e-5)


@pytest.mark.parametrize("reach", ["none", "2.0"])
def test_transport_takes_reach(cli: Run, reach: str) -> None:
    status, out, _ = cli("transport", "--n", "30", "--reach", reach, "--json")
    assert status == 0
    assert np.isfinite([value for value in strict(out).values() if not isinstance(value, dict)]).all()


def test_transport_of_large_clouds_gives_the_same_numbers_but_the_exact_one(
    cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("transport", "--n", "150", "--blur", "0.3", "--json")
    _, out, _ = cli(*words)
    monkeypatch.setattr("otviz.clouds.large.LARGE", 100)
    status, large, said = cli(*words)
    assert status == 0
    assert "exact_cost: left out" in said
    whole, found = json.loads(out), json.loads(large)
    assert set(found) == set(whole)
    assert found["exact_cost"] is None
    assert found["marginal_error"] < 0.01
    for name in ("sinkhorn_divergence", "entropic_cost", "transport_cost"):
        assert found[name] == pytest.approx(whole[name], rel=0.01)


def test_transport_takes_files_and_talks_to_people(cli: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", np.random.default_rng(0).normal(size=(30, 2)))
    status, out, _ = cli("transport", "--source", str(tmp_path / "mine.npy"), "--n", "30")
    assert status == 0
    assert out.splitlines()[0].startswith("sinkhorn_divergence")


def test_what_is_no_number_is_null() -> None:
    assert (
        printing.as_json_text({"a": [float("nan"), 1.0], "b": {"c": float("inf")}})
        == '{"a": [null, 1.0], "b": {"c": null}}'
    )


def test_greek_letters_are_written_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, whose files and pipes are in cp1252."""
    out = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(out, encoding="cp1252", write_through=True))
    assert main(["list"]) == 0
    assert "ε" in out.getvalue().decode()
