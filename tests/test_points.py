"""Points from a file: what is read, and one sentence for everything that cannot be."""

import contextlib
import hashlib
import os
import pickle
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otviz.data.distributions import by_record, parse_distribution, points, store_upload, uploads_folder
from otviz.data.distributions.points import PointsFile
from otviz.data.reading import formats

ARRAYS = (".npy", ".npz")
ROWS = np.array([[0.0, 10.0], [4.0, 10.0], [0.0, 12.0], [4.0, 12.0], [2.0, 11.0]])


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({"label": list("abcde"), "a": ROWS[:, 0], "b": ROWS[:, 1], "c": [1, 2, 3, 4, 5]})


def write(frame: pd.DataFrame, path: Path) -> str:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".npy":
        np.save(path, frame.select_dtypes("number").to_numpy())
    elif path.suffix == ".npz":
        np.savez(path, some=frame.select_dtypes("number").to_numpy())
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return str(path)


def values_of(one: PointsFile) -> np.ndarray:
    """All points that can be drawn, sorted."""
    return np.unique(one.sample(2000, np.random.default_rng(0)), axis=0)


# What is read


@pytest.mark.parametrize("extension", [*formats.EXTENSIONS, ".CSV"])
def test_every_kind_of_file_gives_the_same_points(tmp_path: Path, frame: pd.DataFrame, extension: str) -> None:
    one = PointsFile(write(frame, tmp_path / f"some{extension}"), centred=False, scaled=False)
    assert np.array_equal(values_of(one), np.unique(ROWS, axis=0))
    assert one.loaded.rows == 5
    assert one.loaded.columns == (("0", "1") if extension in ARRAYS else ("a", "b"))


@pytest.mark.parametrize("extension", formats.EXTENSIONS)
def test_columns_of_numbers_are_offered(tmp_path: Path, frame: pd.DataFrame, extension: str) -> None:
    path = write(frame, tmp_path / f"rows{extension}")
    expected = ("0", "1", "2") if extension in ARRAYS else ("a", "b", "c")
    assert PointsFile.offers(path) == {"x": expected, "y": expected, "weight": ("none", *expected)}
    for x in expected:
        assert PointsFile(file=path, x=x).loaded.columns[0] == x


def test_samples_are_rows_with_replacement(tmp_path: Path, frame: pd.DataFrame) -> None:
    one = PointsFile(write(frame, tmp_path / "some.csv"), centred=False, scaled=False)
    drawn = one.sample(50_000, np.random.default_rng(0))
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert np.abs(counts / 50_000 - 0.2).max() < 4 * np.sqrt(0.16 / 50_000)


@pytest.mark.parametrize("extension", [".csv", ".npy", ".parquet"])
@pytest.mark.parametrize(("x", "y", "expected"), [("c", "a", "ca"), ("c", "", "ca"), ("", "c", "ac"), ("", "a", "ba")])
def test_columns_are_chosen_by_name(
    tmp_path: Path, frame: pd.DataFrame, extension: str, x: str, y: str, expected: str
) -> None:
    number = {"": "", "a": "0", "b": "1", "c": "2"} if extension == ".npy" else {"": "", "a": "a", "c": "c"}
    path = write(frame, tmp_path / f"some{extension}")
    one = PointsFile(path, x=number[x], y=number[y], centred=False, scaled=False)
    assert np.array_equal(values_of(one), np.unique(frame[list(expected)].to_numpy(float), axis=0))


def test_centred_and_scaled_by_one_factor(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal([100, -50], [30, 10], (4000, 2))
    np.save(tmp_path / "some.npy", rows)
    one = PointsFile(str(tmp_path / "some.npy"))
    kept = one.loaded.points.astype(float)
    assert kept.mean(axis=0) == pytest.approx([0, 0], abs=1e-5)
    assert kept.std(axis=0).mean() == pytest.approx(1.5, rel=1e-5)
    # One factor for both: the ratio of the axes is that of the file.
    assert np.divide(*kept.std(axis=0)) == pytest.approx(np.divide(*rows.std(axis=0)), rel=1e-5)
    assert kept * one.loaded.factor + one.loaded.offset == pytest.approx(rows, abs=1e-3)
    assert "4,000 rows read, all kept; columns 0 and 1" in one.describe()


def test_scaled_only_and_centred_only(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(10, 2, (1000, 2))
    np.save(tmp_path / "some.npy", rows)
    scaled = PointsFile(str(tmp_path / "some.npy"), centred=False).loaded.points
    centred = PointsFile(str(tmp_path / "some.npy"), scaled=False).loaded.points
    assert scaled == pytest.approx(rows * 1.5 / rows.std(axis=0).mean(), rel=1e-4)
    assert centred == pytest.approx(rows - rows.mean(axis=0), abs=1e-4)


@pytest.mark.parametrize("power", [-200, -30, 0, 8, 28])
def test_any_unit_of_length_gives_the_same_picture(tmp_path: Path, power: int) -> None:
    np.save(tmp_path / "one.npy", ROWS)
    np.save(tmp_path / "other.npy", ROWS * 10.0**power)
    one, other = (PointsFile(str(tmp_path / f"{name}.npy")).loaded.points for name in ("one", "other"))
    assert other == pytest.approx(one, abs=1e-5)


def test_many_rows_are_sampled_down_with_a_fixed_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points, "MAX_ROWS", 100)
    np.save(tmp_path / "some.npy", np.random.default_rng(0).normal(size=(1000, 2)))
    path = str(tmp_path / "some.npy")
    one = PointsFile(path)
    assert (one.loaded.rows, one.loaded.points.shape) == (1000, (100, 2))
    assert "1,000 rows read, 100 kept at random" in one.describe()
    points._load.cache_clear()
    assert np.array_equal(PointsFile(path).loaded.points, one.loaded.points)
    assert len(np.unique(one.loaded.points, axis=0)) == 100


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5,1\n1.5,1\n2,2\n", ("0", "1")),  # no heading
        ("1.5,1.5\n1.5,1\n2,2\n", ("0", "1")),  # no heading, and equal values in the first row
        ("0,1\n5,6\n7,8\n1,2\n", ("0", "1")),  # the heading pandas writes for an array
        (",a,b\n0,5,6\n1,7,8\n2,1,2\n", ("a", "b")),  # its index is not a coordinate
        ("\ufeffa,b\n5,6\n7,8\n1,2\n", ("a", "b")),  # byte order mark
        ("a, b\n5, 6\n7, 8\n1, 2\n", ("a", "b")),
        ("a,b\r\n5,6\r\n7,8\r\n1,2\r\n", ("a", "b")),
        ('"a,1","b"\n5,6\n7,8\n1,2\n', ("a,1", "b")),
    ],
)
def test_headings(tmp_path: Path, text: str, expected: tuple[str, str]) -> None:
    (tmp_path / "some.csv").write_bytes(text.encode())
    one = PointsFile(str(tmp_path / "some.csv"))
    assert one.loaded.columns == expected
    assert one.loaded.rows == 3


@pytest.mark.parametrize("dtype", ["int8", "uint16", "float16", ">f8", "longdouble"])
def test_any_real_dtype(tmp_path: Path, dtype: str) -> None:
    np.save(tmp_path / "some.npy", np.asfortranarray(ROWS.astype(dtype)))
    assert np.array_equal(
        values_of(PointsFile(str(tmp_path / "some.npy"), "0", "1", False, False)), np.unique(ROWS, axis=0)
    )


def test_an_instance_outlives_its_file_and_a_new_one_sees_the_change(tmp_path: Path) -> None:
    path = tmp_path / "some.npy"
    np.save(path, ROWS)
    old = PointsFile(str(path), centred=False, scaled=False)
    before = values_of(old)
    np.save(path, ROWS[::-1] + 1)
    os.utime(path, ns=(1, 1))
    assert np.array_equal(values_of(old), before)
    assert np.array_equal(values_of(PointsFile(str(path), centred=False, scaled=False)), before + 1)
    path.unlink()
    assert np.array_equal(values_of(old), before)
    assert old.loaded is not None
    assert np.array_equal(values_of(pickle.loads(pickle.dumps(old))), before)


def test_the_file_is_read_once(tmp_path: Path) -> None:
    np.save(tmp_path / "some.npy", ROWS)
    path = str(tmp_path / "some.npy")
    assert PointsFile(path).loaded is PointsFile(path).loaded
    assert replace(PointsFile(path), scaled=False).loaded is not PointsFile(path).loaded


# What is refused


def npy(tmp_path: Path, header: str, body: bytes = b"", version: int = 1) -> str:
    """An NPY file with a header of our own making."""
    text = header.encode("latin1")
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY" + bytes([version, 0]) + length + text + body)
    return str(tmp_path / "bad.npy")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "from 1 byte to 200 MB"),
        ("\n\n", "must have rows of numbers; it has none"),
        ("a,b\n", "two columns of numbers; it has 0 \\(column a holds nothing; column b holds nothing\\)"),
        ("a,b\n1,\n2,\n3,\n", "two columns of numbers; it has 1 \\(column b holds nothing\\)"),
        ("a,b\n1,2\n3,4\n", "at least 3 rows of numbers; it has 2"),
        ("a\n1\n2\n3\n", "must have two columns of numbers.*a.*: a"),
        ("1\n2\n3\n", "must have two columns of numbers"),
        ("a,b\nx,y\nu,v\nx,z\n", "it has 0 \\(column a holds 'x' in row 2; column b holds 'y' in row 2\\)"),
        ("a,b\n1,2\n3,u\n5,6\n", "bad.csv, row 3, column b: 'u' is not a number; correct or remove that row$"),
        ("a,b\n1,2\n3,u\n5,w\n7,8\n9,9\n", "row 3, column b: 'u' is not a number.*; 1 more like it$"),
        ("a,b\n1,2\n3,\n5,6\n,\n", "it has 2 \\(rows without a number left out: row 3 \\(b empty\\), row 5 \\(empty"),
        ("a,b\n1,2\n3,inf\n5,6\n", "row 3, column b: 'inf' is not within 1e\\+30"),
        ("a,b\n1,2\n3,-inf\n5,NaN\n", "row 3, column b: '-inf' is not within"),
        ("a,b\n1,2\n3,1e200\n5,6\n", "row 3, column b: '1e200' is not within"),
        ("a,b\n1,2\n1,2\n1,2\n1,2\n", "all 4 points are equal"),
        ("a,b\n1,2\n3,2\n1,2\n1,2\n", "at least 3 different points; its 4 rows hold only 2"),
        ('a,b\n1,2\n3,4\n5,5\n3,"4\n5,6\n', r"bad.csv cannot be read as CSV \(.*EOF inside string"),
        ("a,b\n1,2\n3,4,5\n5,6\n", "bad.csv: row 3 has 3 cells, other rows have 2"),
        ("a,b\n" + "1,2\n" * 1500 + "3,4,5\n", "bad.csv, row 1502: it has 3 cells, other rows have 2"),
        ('"a\nz",b\nu,v\n', "column a z holds 'u' in row"),
        ("a,b\n" + "1,2\n" * 1500 + "u,v\n", "bad.csv, row 1502, column a: 'u' is not a number"),
        ("a" * 100_000 + ",b\nu,v\n", "two columns of numbers"),
    ],
)
def test_bad_text_files(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    refuse(str(tmp_path / "bad.csv"), words)


def refuse(file: str, words: str, **knobs: str) -> None:
    with pytest.raises(ValueError, match=words) as error:
        PointsFile(file, **knobs)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n\xff\xfe,2\n3,4\n5,6\n", "row 2, column a: 'ÿþ' is not a number"),
        (b"PK\x03\x04" + os.urandom(100), "bad.csv is a ZIP or an Excel workbook, despite its name"),
        (b"\x00" * 100, "bad.csv"),
        (os.urandom(2000), "bad.csv"),
    ],
)
def test_text_that_is_none(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    refuse(str(tmp_path / "bad.csv"), words)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros(5), r"shape \(rows, 2\).*shape \(5,\)"),
        (np.zeros((5, 1)), r"shape \(5, 1\)"),
        (np.zeros((5, 2, 2)), r"shape \(5, 2, 2\)"),
        (np.float64(3), r"shape \(\)"),
        (np.zeros((0, 2)), "at least 3 rows of numbers; it has 0"),
        (np.zeros((5, 2), complex), "real numbers.*complex128"),
        (np.zeros((5, 2), bool), "real numbers.*bool"),
        (np.zeros((5, 2), "U3"), "real numbers.*U3"),
        (np.zeros((5, 2), "M8[s]"), "real numbers"),
        (np.zeros(5, [("x", "U2"), ("y", float)]), "must have two columns of numbers|real numbers"),
        (np.full((5, 2), np.nan), "it has 0 .*row 1 .*row 2 .*row 3 .* and 2 more"),
    ],
)
def test_bad_arrays(tmp_path: Path, array: np.ndarray, words: str) -> None:
    np.save(tmp_path / "bad.npy", array)
    refuse(str(tmp_path / "bad.npy"), words)


class Trap:
    """Unpickling it would leave a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trace),)


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    traps = np.empty((3, 2), object)
    traps[:] = Trap(tmp_path / "opened")
    np.save(tmp_path / "bad.npy", traps, allow_pickle=True)
    refuse(str(tmp_path / "bad.npy"), "Python objects")
    (tmp_path / "raw.npy").write_bytes(pickle.dumps(Trap(tmp_path / "opened")))
    refuse(str(tmp_path / "raw.npy"), "cannot be read as NPY")
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_header_that_claims_10_gb_is_refused_before_memory_is_taken(tmp_path: Path, version: int) -> None:
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (625000000, 2)}\n"
    refuse(npy(tmp_path, header, b"\0" * 64, version), "claims 10000000000 bytes of numbers but holds 64")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "\n",
        "{'descr': '<f8', 'fortran_order': False}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-5, 2)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (5, -2)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True, 2)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 10**99)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, " + "9" * 90 + ")}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (0, " + "9" * 90 + ")}",
        "{'descr': 'nonsense', 'fortran_order': False, 'shape': (3, 2)}",
        "{'descr': '|O', 'fortran_order': False, 'shape': (3, 2)}",
        "__import__('os').mkdir('opened')",
        "(" * 5000,
        "[" * 9000 + "]" * 9000,
    ],
)
@pytest.mark.parametrize("version", [1, 2, 9])
def test_damaged_headers(tmp_path: Path, header: str, version: int) -> None:
    refuse(npy(tmp_path, header, b"\0" * 48, version), "bad.npy")


def test_a_header_that_claims_too_many_rows_of_nothing(tmp_path: Path) -> None:
    refuse(npy(tmp_path, "{'descr': '|i1', 'fortran_order': False, 'shape': (10, 2)}", b"12345"), "claims 20 bytes")


def test_rows_that_are_read_are_limited(tmp_path: Path, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otviz.data.reading.tables.MAX_ROWS_READ", 4)
    for extension in formats.EXTENSIONS:
        refuse(write(frame, tmp_path / f"some{extension}"), "at most 4 rows; it has 5")


def test_size_is_limited(tmp_path: Path) -> None:
    with (tmp_path / "big.csv").open("wb") as file:
        file.truncate(200_000_001)  # sparse: takes no room
    refuse(str(tmp_path / "big.csv"), "from 1 byte to 200 MB; it has 200000001 bytes")


def test_bad_parquet(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1" + os.urandom(200) + b"PAR1")
    refuse(str(tmp_path / "bad.parquet"), "cannot be read as Parquet")
    pd.DataFrame({"a": [[1], [2], [3]], "b": ["u", "v", "w"]}).to_parquet(tmp_path / "bad.parquet")
    refuse(str(tmp_path / "bad.parquet"), r"it has 0 \(column a holds list<.*>; column b holds text\)")
    pd.DataFrame({"a": [1, None, 3], "b": [1, 2, 3]}).to_parquet(tmp_path / "bad.parquet")
    refuse(str(tmp_path / "bad.parquet"), r"it has 2 \(rows without a number left out: row 2")


@pytest.mark.parametrize("extension", formats.EXTENSIONS)
def test_unknown_and_unusable_columns(tmp_path: Path, frame: pd.DataFrame, extension: str) -> None:
    path = write(frame, tmp_path / f"some{extension}")
    names = "0, 1, 2" if extension in ARRAYS else "label, a, b, c"
    refuse(path, rf"x must be a column of some{extension} \({names}\); got 'z'", x="z")
    refuse(path, "y must be a column of some.*got '-1'", y="-1")
    first = "0" if extension in ARRAYS else "a"
    refuse(path, f"both are '{first}'", x=first, y=first)
    if extension not in ARRAYS:
        holds = "text" if extension == ".parquet" else "'a' in row 2"
        refuse(path, f"y must be a column of numbers.*'label' holds {holds}", y="label")


def test_bad_paths(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"choose a file of points \(.csv, .tsv, .txt, .dat, .npy, .npz, .parquet\)"):
        PointsFile()
    refuse(str(tmp_path / "missing.csv"), "file that exists.*missing.csv")
    (tmp_path / "folder.csv").mkdir()
    refuse(str(tmp_path / "folder.csv"), "file that exists")
    (tmp_path / "some.xlsx").write_bytes(b"1")
    refuse(str(tmp_path / "some.xlsx"), "some.xlsx is a workbook, which cannot be read here; save its sheet as CSV")
    (tmp_path / "some.csv.gz").write_bytes(b"1")
    refuse(str(tmp_path / "some.csv.gz"), r"some.csv.gz is compressed \(.gz\); unpack it")
    (tmp_path / "some.dta").write_bytes(b"1")
    refuse(str(tmp_path / "some.dta"), "must end in .csv, .tsv, .txt, .dat, .npy, .npz, .parquet; got 'some.dta'")
    refuse("\x00.csv", "file that exists")
    refuse("a" * 500 + ".csv", "file that exists")
    refuse("http://example.org/some.csv", "file that exists")
    os.mkfifo(tmp_path / "pipe.csv")  # opening it would wait for ever
    refuse(str(tmp_path / "pipe.csv"), "file that exists")


def test_unscaled_points_that_float32_cannot_tell_apart(tmp_path: Path) -> None:
    np.save(tmp_path / "far.npy", ROWS + 1e12)
    refuse(str(tmp_path / "far.npy"), "too far from 0", centred=False, scaled=False)
    assert PointsFile(str(tmp_path / "far.npy")).loaded.points.std() > 0.5


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60), extension=st.sampled_from(formats.EXTENSIONS))
def test_no_bytes_raise_anything_but_value_error(tmp_path: Path, content: bytes, extension: str) -> None:
    starts = {".npy": b"\x93NUMPY\x01\x00", ".parquet": b"PAR1"}
    for start in (b"", starts.get(extension, b"a,b\n")):
        (tmp_path / f"some{extension}").write_bytes(start + content)
        with contextlib.suppress(ValueError):
            PointsFile(str(tmp_path / f"some{extension}"))


# Uploads


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


CSV = b"a,b\n1,2\n3,4\n5,7\n"


def test_uploads_are_found_again(home: Path) -> None:
    name = store_upload(CSV, "My Points.CSV", uploads_folder())
    assert name == "upload:" + hashlib.sha256(CSV).hexdigest()[:16]
    stored = name.removeprefix("upload:") + ".csv"
    assert sorted(path.name for path in (home / "uploads").iterdir()) == [stored, f"{stored}.name"]
    assert store_upload(CSV, "again.csv") == name
    one = parse_distribution(name, {"scaled": "false"})
    assert one == by_record(one.record())
    assert one.loaded.rows == 3  # type: ignore[attr-defined]


def test_the_same_bytes_under_another_extension(home: Path) -> None:
    """Read as TSV it has one column, so the last upload is meant."""
    name = store_upload(CSV, "some.tsv")
    assert store_upload(CSV, "some.csv") == name
    os.utime(home / "uploads" / (name[7:] + ".tsv"), ns=(1, 1))
    assert PointsFile(name).loaded.columns == ("a", "b")


@pytest.mark.parametrize(
    ("data", "filename", "words"),
    [
        (CSV, "some.exe", "must end in"),
        (CSV, "", "must end in"),
        (CSV, "csv", "must end in"),
        (CSV, "../../some.py", "must end in"),
        (b"", "some.csv", "from 1 byte to 200 MB"),
    ],
)
def test_bad_uploads(home: Path, data: bytes, filename: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        store_upload(data, filename)
    assert not home.exists()


def test_file_names_of_users_do_not_reach_the_disk(home: Path) -> None:
    store_upload(CSV, "../../../escape.csv")
    assert [path.name for path in home.rglob("*.csv")] == [hashlib.sha256(CSV).hexdigest()[:16] + ".csv"]
    assert not list(home.parent.rglob("escape*"))


def test_too_large_an_upload(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otviz.data.reading.formats.MAX_BYTES", 10)
    with pytest.raises(ValueError, match="has 16 bytes"):
        store_upload(CSV, "some.csv")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(ValueError, match=r"the file is not kept: .* cannot be written"):
        store_upload(CSV, "some.csv", tmp_path / "taken")


def test_nothing_is_left_of_a_write_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ValueError, match="the disk is full"):
        store_upload(CSV, "some.csv", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "upload:",
        "upload:../../secret",
        "upload:0123456789abcdeF",
        "upload:0123456789abcde",
        "upload:0123456789abcdef0",
        "upload:0123456789abcdef\n",
        "upload:0123456789abcdef.csv",
        "upload:/etc/passwd.csv",
    ],
)
def test_path_tricks(home: Path, name: str) -> None:
    refuse(name, "16 hex digits")


def test_unknown_uploads(home: Path) -> None:
    refuse("upload:0123456789abcdef", "not among the uploads.*upload the file again")
