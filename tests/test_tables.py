"""Files of points in many formats: selected columns, number formats, and messages on the rest.

Values of "the 40 points" are those of a public collection of cases, computed apart from otviz.
"""

from __future__ import annotations

import decimal
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from otviz.data.distributions import store_upload
from otviz.data.distributions.distribution import Cloud
from otviz.data.distributions.picture import Picture
from otviz.data.distributions.points import PointsFile
from otviz.data.reading import formats

MEAN, STD = (2.95232, -1.11931), (1.70560, 0.82648)

THE_40 = [
    "3.6912,-0.1784",
    "3.6609,-2.3032",
    "4.8107,-0.5536",
    "1.9261,-0.4189",
    "3.7291,-0.7059",
    "3.0568,-0.4533",
    "1.5271,-1.1629",
    "2.0358,-0.4012",
    "3.0794,-1.2925",
    "1.4362,-1.2572",
    "3.0163,-1.2756",
    "5.5881,0.0067",
    "-2.4223,-2.8890",
    "2.6505,-1.4222",
    "3.4273,-0.7827",
    "7.2357,-2.1120",
    "2.2448,1.0428",
    "4.2934,-0.3369",
    "1.9720,-2.6481",
    "3.3349,-0.8910",
    "0.5453,-1.6832",
    "2.8559,-1.9448",
    "2.8035,-0.9045",
    "3.0712,-1.5063",
    "4.1875,-0.1088",
    "3.6417,-1.8182",
    "4.4633,-1.5014",
    "4.7583,-2.0718",
    "4.8289,-1.0201",
    "0.5025,-1.3139",
    "3.1082,-0.7272",
    "1.0356,-2.1074",
    "3.3992,-1.4667",
    "3.4710,-0.2405",
    "-0.2976,-0.7456",
    "5.4493,-1.2975",
    "1.3784,-0.2478",
    "3.5069,-0.1041",
    "2.3096,-2.4818",
    "2.7800,-1.4458",
]
X, Y = zip(*(pair.split(",") for pair in THE_40), strict=True)

Write = Callable[[str, "str | bytes"], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, content: str | bytes) -> str:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(tmp_path / name)

    return written


def lines(template: str, end: str = "\n") -> str:
    """A line for each of the 40 points; X and Y are replaced by its coordinates, C and D by those with a decimal comma."""
    made = []
    for at, (x, y) in enumerate(zip(X, Y, strict=True)):
        values = {"X": x, "Y": y, "C": x.replace(".", ","), "D": y.replace(".", ","), "I": str(at), "J": str(at + 1)}
        made.append("".join(values.get(letter, letter) for letter in template) + end)
    return "".join(made)


def cloud(file: str, **knobs: str) -> Cloud:
    return PointsFile(file=file, **knobs).cloud(1000, np.random.default_rng(0))  # type: ignore[arg-type]


def is_the_40(file: str, **knobs: str) -> None:
    points = cloud(file, **knobs).points
    assert points.shape == (40, 2)
    assert points.mean(axis=0) == pytest.approx(MEAN, abs=6e-6)
    assert points.std(axis=0) == pytest.approx(STD, abs=6e-6)


FORTY = {
    "index_named.csv": "id,x,y\n" + lines("I,X,Y"),
    "excel_de.csv": "\ufeffx;y\r\n" + lines("C;D", "\r\n"),
    "sep_hint_semi.csv": "sep=;\nx;y\n" + lines("X;Y"),
    "quoted_deccomma.csv": '"x","y"\n' + lines('"C","D"'),
    "data.txt": "x,y\n" + lines("X,Y"),
    "comments.csv": "# made by tool\n# units mm\nx,y\n" + lines("X,Y"),
    "excel_empty_rows.csv": "x,y\n" + lines("X,Y") + ",\n" * 20,
    "blank_last.csv": "x,y\n" + lines("X,Y") + "\n\n,\n",
    # Of the same kinds
    "half_empty_last.csv": "x,y\n" + lines("X,Y") + "1.5,\n",
    "two_hints.csv": '"sep=;"\r\nx;y\r\n' + lines("C;D", "\r\n"),
    "hint.csv": "SEP=,\nx,y\n" + lines("X,Y"),
    "pipes.csv": "x|y\n" + lines("X|Y"),
    "tabs.csv": "x\ty\n" + lines("X\tY"),
    "tabs_german.txt": "x\ty\n" + lines("C\tD"),
    "commas.tsv": "x,y\n" + lines("X,Y"),
    "blanks.dat": lines("  X   Y"),
    "blanks_german.dat": lines("C D"),
    "headed_blanks.txt": "x y\n" + lines("X Y"),
    "r_table.txt": '"x" "y"\n' + lines('"J" X Y'),
    "r_csv.csv": '"","x","y"\n' + lines('"J",X,Y'),
    "savetxt_header.txt": "# x y\n" + lines("X Y"),
    "columns_in_comment.csv": "# y,x\n" + lines("Y,X"),
    "percent_comment.dat": "% a comment\n% another\n" + lines("X Y"),
    "slashes.csv": "// written by hand, with, commas\nx,y\n" + lines("X,Y"),
    "comments_between.csv": "x,y\n# a, b, c\n" + lines("X,Y").replace("\n", "\n# next\n", 3),
    "comment_at_end.csv": "x,y\n" + lines("X,Y") + "# end, of, file\n",
    "titles.csv": "Measured on a Monday\n\nx,y\n" + lines("X,Y"),
    "excel_title.csv": "Measured on a Monday,,\n,,\nx,y,\n" + lines("X,Y,"),
    "units_row.csv": "x,y\nmm,mm\n" + lines("X,Y"),
    "units_row_brackets.csv": "id;x;y\n;[mm];[mm]\n" + lines("I;C;D"),
    "units_in_heading.csv": "x [mm],y [mm]\n" + lines("X,Y"),
    "round_units.csv": "label,Y (mm),X (mm)\n" + lines("a,Y,X"),
    "capitals.csv": "n, Y , X \n" + lines("J,Y,X"),
    "no_heading_index.csv": lines("I,X,Y"),
    "no_heading_index_from_1.csv": lines("J,X,Y"),
    "pandas.csv": ",x,y\n" + lines("I,X,Y"),
    "pandas_array.csv": ",0,1\n" + lines("I,X,Y"),
    "index_last.csv": "a,b,index\n" + lines("X,Y,I"),
    "class_first.csv": "class,a,b\n" + lines("2,X,Y"),
    "cluster_id.csv": "cluster_id,a,b\n" + lines("7,X,Y"),
    "track_id.csv": "trackID,frame number,a,b\n" + lines("7,I,X,Y"),
    "unnamed_text.csv": "species,a,b\n" + lines("tree,X,Y"),
    "text_no_heading.csv": lines("tree,X,Y"),
    "other_order.csv": "t,pos_y,pos_x\n" + lines("9,Y,X"),
    "map.csv": "id,lat,lon\n" + lines("I,Y,X"),
    "years.csv": "2019,2020\n" + lines("X,Y"),
    "years_apart.csv": "1990,2021\n" + lines("X,Y"),
    "excel_empty_column.csv": ",,\n,x,y\n" + lines(",X,Y"),
    "sep_tab.csv": "sep=\t\r\nx\ty\r\n" + lines("X\tY", "\r\n"),
    "blanks_beside.csv": "x ; y \n" + lines(" C ; D "),
    "units_written_out.csv": "x,y\n[Millimeter],[Millimeter]\n" + lines("X,Y"),
    "unnamed_twice.csv": "Unnamed: 0.1,Unnamed: 0,x.,y.\n" + lines("I,7,X,Y"),
    "semicolon_rows.csv": "x;y\n" + lines("C;D") + ";\n;\n",
    "years_and_id.csv": "id,2019,2020\n" + lines("I,X,Y"),
    "trailing_commas.csv": "x,y,,\n" + lines("X,Y,,"),
    "longer_rows_empty.csv": "x,y\n" + lines("X,Y,"),
    "sparse_remark.csv": "x,y,remark\n" + lines("X,Y")[:-1] + ",far away\n",
    "old_mac.csv": "x,y\r" + lines("X,Y", "\r"),
    "utf16.csv": ("x\ty\r\n" + lines("X\tY", "\r\n")).encode("utf-16"),
    "utf16_unmarked.csv": ("x,y\r\n" + lines("X,Y", "\r\n")).encode("utf-16-le"),
    "latin1.csv": ("größe;x;y\n" + lines("ä;C;D")).encode("latin-1"),
    "minus_sign.csv": "x,y\n" + lines("X,Y").replace("-", "\u2212"),
    "plus.csv": "x,y\n" + lines("+X,Y").replace("+-", "-"),
    "units_behind.csv": "x,y\n" + lines("X mm,Y mm"),
    "exponents.txt": lines("Xe+00 Ye+00"),
    "fortran.dat": lines("Xd+00 Yd+00"),
    "quoted_strings.csv": '"x","y"\n' + lines('"X","Y"'),
    "quoted_labels.csv": '"name","x","y"\n' + lines('"one, two",X,Y'),
    "two_x.csv": "x,y,x,y\n" + lines("X,Y,1,2"),
}


@pytest.mark.parametrize("name", FORTY)
def test_the_40_points_are_the_same_from_every_file_that_holds_them(name: str, write: Write) -> None:
    is_the_40(write(name, FORTY[name]))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("comments.csv", "2 lines of comments left out"),
        (
            "excel_empty_rows.csv",
            "Rows without a number left out: row 42 (empty), row 43 (empty), row 44 (empty) and 17 more",
        ),
        ("blank_last.csv", "row 44 (empty)"),
        ("half_empty_last.csv", "row 42 (y empty)"),
        ("index_named.csv", "columns x and y;"),
        ("index_named.csv", "Not coordinates unless chosen: id."),
        ("excel_de.csv", "Decimal comma read."),
        ("quoted_deccomma.csv", "Decimal comma read."),
        ("titles.csv", "Row 1 (Measured on a Monday) left out"),
        ("units_row.csv", "columns x and y in mm;"),
        ("units_row.csv", "Row 2 (mm, mm) read as units."),
        ("units_in_heading.csv", "columns x [mm] and y [mm] in mm;"),
        ("comments.csv", "columns x and y in mm;"),
        ("years.csv", "Row 1 (2019, 2020) read as headings."),
        ("years.csv", "columns 2019 and 2020;"),
        ("latin1.csv", "Text read as Windows-1252, not UTF-8."),
        ("map.csv", "columns lon and lat;"),
        ("columns_in_comment.csv", "columns x and y;"),
    ],
)
def test_what_was_decided_is_said(name: str, words: str, write: Write) -> None:
    said = PointsFile(write(name, FORTY[name])).describe()
    assert said.startswith(f"{name}: 40 rows read, all kept; ")
    assert words in said


@pytest.mark.parametrize(
    "name", ["units_row.csv", "units_in_heading.csv", "round_units.csv", "comments.csv", "units_behind.csv"]
)
def test_the_unit_of_a_file_is_that_of_its_lengths(name: str, write: Write) -> None:
    assert PointsFile(write(name, FORTY[name])).units.name == "mm"


def test_two_units_are_told_and_none_is_that_of_lengths(write: Write) -> None:
    one = PointsFile(write("some.csv", "x (mm),y (s)\n" + lines("X,Y")))
    assert one.units.name == ""
    assert "Units differ: x (mm) is in mm, y (s) is in s." in one.describe()


def cell(value: str, decimal_comma: bool, grouped: str, unit: str, exponent: bool) -> str:
    """A number in another way of writing."""
    if exponent:
        value = f"{float(value):.4e}"
    if grouped:
        value = (
            f"{1000 * float(value):,.1f}".replace(",", "G")
            .replace(".", "." if not decimal_comma else ",")
            .replace("G", grouped)
        )
    elif decimal_comma:
        value = value.replace(".", ",")
    return value + unit


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    separator=st.sampled_from([",", ";", "\t", "|", " "]), decimal_comma=st.booleans(), group=st.sampled_from(["", "", " ", "other", "'"]),
    unit=st.sampled_from(["", "", " mm", "%"]), exponent=st.booleans(), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    end=st.sampled_from(["\n", "\r\n"]), above=st.sampled_from(["", "# made, by; a\ttool\n", "sep=S\n", "A title\n", "// one\n% two\n\n"]),
    before=st.sampled_from(["", "id", "Unnamed: 0", "weight", "Größe", "class"]), after=st.sampled_from(["", "note", "index"]),
    heading=st.sampled_from(["x y", "y x", " X  Y ", "a b", "x[mm] y[mm]", "2019 2020", ""]), units_row=st.booleans(),
    empty=st.integers(0, 3), quoted=st.booleans(), extension=st.sampled_from([".csv", ".txt", ".dat", ".tsv"]),
)  # fmt: skip
def test_a_table_is_the_same_however_it_is_written(
    tmp_path: Path, separator: str, decimal_comma: bool, group: str, unit: str, exponent: bool, encoding: str, end: str,
    above: str, before: str, after: str, heading: str, units_row: bool, empty: int, quoted: bool, extension: str,
) -> None:  # fmt: skip
    assume(not (separator == " " and above == "A title\n" and heading in ("", "2019 2020")))  # nobody could tell
    grouped = "" if exponent else {"other": "." if decimal_comma else ","}.get(group, group)
    if separator == " ":
        grouped, unit, before, after = grouped.strip(), unit.strip(), before.replace(" ", ""), after
    names = heading.split()
    before = (
        before if names or before not in ("class", "weight") else ""
    )  # which only their names tell from coordinates
    flipped = heading == "y x"
    body = []
    for at, pair in enumerate(zip(Y, X, strict=True) if flipped else zip(X, Y, strict=True)):
        row = [cell(value, decimal_comma, grouped, unit, exponent) for value in pair]
        if quoted or any(separator in text for text in row):
            row = [f'"{text}"' for text in row]
        first = {"": [], "Größe": ["größer"], "class": ["2"], "weight": [str(1 + at % 2)]}.get(before, [str(at)])
        body.append([*first, *row, *({"": [], "note": ["ü"], "index": [str(at)]}[after])])
    rows = [[*([before] if before else []), *names, *([after] if after else [])]] if names else []
    if names and units_row and not unit:
        rows.append([*(["-"] if before else []), "mm", "mm", *(["-"] if after else [])])
    rows += [*body, *([[""] * len(body[0])] * empty)]
    text = above.replace("S", separator) + "".join(separator.join(row) + "\n" for row in rows)
    (tmp_path / f"some{extension}").write_bytes(text.replace("\n", end).encode(encoding))
    points = cloud(str(tmp_path / f"some{extension}"), weight="none").points / (1000 if grouped else 1)
    assert len(points) == 40
    assert points.mean(axis=0) == pytest.approx(MEAN, abs=6e-5)
    assert points.std(axis=0) == pytest.approx(STD, abs=6e-5)


# Which columns


@pytest.mark.parametrize(
    ("heading", "columns"),
    [
        ("a,b,c", ("a", "b")),
        ("y,x,c", ("x", "y")),
        (" Y ,z, X", ("X", "Y")),
        ("y,b,c", ("b", "y")),
        ("a,x,c", ("x", "a")),
        ("id,b,c", ("b", "c")),
        ("ID,b,c", ("b", "c")),
        ("No.,b,c", ("b", "c")),
        ("index,axis-0,axis-1", ("axis-0", "axis-1")),
        ("label,weight,c", ("label", "c")),  # something must be taken
        ("weight,label,x", ("x", "weight")),
        ("mass,b,class", ("mass", "b")),
        ("w,b,c", ("b", "c")),
        ("cell_id,b,c", ("b", "c")),
        ("PointIndex,b,c", ("b", "c")),
        (",b,c", ("b", "c")),
        ("Unnamed: 0,b,c", ("b", "c")),
        ("x_pos,y_pos,y", ("x_pos", "y_pos")),
        ("v,y coord,x coord", ("x coord", "y coord")),
        ("Latitude,Longitude,height", ("Longitude", "Latitude")),
        ("umap_1,umap_2,cluster", ("umap_1", "umap_2")),
        ("width,height,weight", ("width", "height")),
    ],
)
def test_which_columns_are_coordinates(heading: str, columns: tuple[str, str], write: Write) -> None:
    file = write("some.csv", f"{heading}\n1.5,2,4\n3,1,2\n7,5,3\n")
    assert PointsFile(file, weight="none").loaded.columns == columns


@pytest.mark.parametrize("counted", ["0,1,2,3", "1,2,3,4", "0.0,1.0,2.0,3.0"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_numbers_of_rows_are_no_coordinate(counted: str, place: int, write: Write) -> None:
    columns = [["1", "5", "2", "8"], ["2.5", "7", "1", "9"]]
    columns.insert(place, counted.split(","))
    file = write("some.csv", "a,b,c\n" + "".join(",".join(row) + "\n" for row in zip(*columns, strict=True)))
    left = tuple(name for name in "abc" if name != "abc"[place])
    assert PointsFile(file).loaded.columns == left
    array = write("some.npy", npy(np.array(columns, float).T))
    assert PointsFile(array).loaded.columns == tuple(str(at) for at in range(3) if at != place)
    assert PointsFile(array, x=str(place)).loaded.columns[0] == str(place)


def test_numbers_of_rows_are_taken_where_nothing_else_is(write: Write) -> None:
    assert PointsFile(write("some.csv", "0.5,0\n2,1\n1,2\n7,3\n")).loaded.columns == ("0", "1")
    assert PointsFile(write("some.csv", "t,height\n0,4\n1,9\n2,5\n")).loaded.columns == ("t", "height")


@pytest.mark.parametrize("x", ["X [mm]", "x", " X ", "x [mm]"])
def test_a_column_is_asked_for_by_its_name_without_the_unit(x: str, write: Write) -> None:
    assert PointsFile(write("some.csv", "a,X [mm],c\n1,2,4\n3,1,2\n7,5,3\n"), x=x).loaded.columns == ("X [mm]", "a")


# Weights


WEIGHTED = "weight,x,y\n1,0,0\n2,1,0\n3,0,1\n"


@pytest.mark.parametrize("name", ["weight", "Weights", " mass "])
def test_a_column_called_weight_is_taken_and_told(name: str, write: Write) -> None:
    one = PointsFile(write("some.csv", WEIGHTED.replace("weight", name)))
    taken = one.cloud(10, np.random.default_rng(0))
    assert taken.weights == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    assert taken.points.tolist() == [[0, 0], [1, 0], [0, 1]]
    assert f"weights {name.strip()} added up to 6" in one.describe()


def test_weights_are_offered_first_and_can_be_left_alone(write: Write) -> None:
    file = write("some.csv", WEIGHTED)
    assert PointsFile.offers(file) == {
        "x": ("weight", "x", "y"), "y": ("weight", "x", "y"), "weight": ("none", "weight", "x", "y"),
    }  # fmt: skip
    assert PointsFile.offers(write("other.csv", WEIGHTED.replace("weight,x,y", "a,b,w")))["weight"][1] == "w"
    assert cloud(file, weight="none").weights is None
    assert cloud(write("other.csv", WEIGHTED.replace("weight", "w"))).weights is None
    assert "Can be chosen as weight: w." in PointsFile(write("other.csv", WEIGHTED.replace("weight", "w"))).describe()
    assert "chosen as weight" not in PointsFile(file).describe()
    assert cloud(write("other.csv", WEIGHTED.replace("weight", "w")), weight="w").weights is not None


def test_a_column_of_that_name_that_cannot_be_weights_is_not_taken(write: Write) -> None:
    file = write("some.csv", WEIGHTED.replace("2,1,0", "-2,1,0"))
    one = PointsFile(file)
    assert one.cloud(10, np.random.default_rng(0)).weights is None
    assert (
        "Column weight not used as weights: some.csv, row 3, column weight: weight must be >= 0; got -2."
        in one.describe()
    )
    with pytest.raises(ValueError, match=r"some.csv, row 3, column weight: weight must be >= 0; got -2"):
        PointsFile(file, weight="weight")


def test_a_row_without_weight_is_left_out(write: Write) -> None:
    one = PointsFile(write("some.csv", WEIGHTED + ",5,5\n"))
    assert len(one.loaded.points) == 3
    assert "row 5 (weight empty)" in one.describe()


# How numbers are written


@pytest.mark.parametrize(
    ("name", "text", "first", "words"),
    [
        ("us.csv", 'x,y\n"18,455.84","-891.91"\n"1,234,567.5",3\n9,"12,000"\n', (18455.84, -891.91), "separated by ,"),
        ("us_whole.csv", 'x,y\n"18,455","-891"\n"1,234",3\n9,"12,000"\n', (18455, -891), "separated by ,"),
        ("german.csv", "x;y\n18.455,84;-891,91\n1.234.567,5;3\n9;12.000,5\n", (18455.84, -891.91), "Decimal comma"),
        ("french.csv", "x;y\n18\u202f455,84;-891,91\n1 234 567,5;3\n9;12\u00a0000\n", (18455.84, -891.91), "a space"),
        ("blank.csv", "x,y\n18 455.84,-891.91\n1 234 567.5,3\n9,12 000\n", (18455.84, -891.91), "a space"),
        ("swiss.csv", "x;y\n18'455.84;-891.91\n1'234'567.5;3\n9;12'000\n", (18455.84, -891.91), "separated by '"),
        ("tab.txt", "x\ty\n18,455.84\t-891.91\n1,234,567.5\t3\n9\t12,000\n", (18455.84, -891.91), "separated by ,"),
        ("semicolon.csv", "x;y\n1,234;5,678\n2,5;3\n4;0,125\n", (1.234, 5.678), "Decimal comma"),
        ("quoted.csv", 'x,y\n"0,234","5,678"\n"2,555",3\n4,"0,125"\n', (0.234, 5.678), "Decimal comma"),
    ],
)
def test_groups_of_thousands_and_decimal_commas(
    name: str, text: str, first: tuple[float, float], words: str, write: Write
) -> None:
    one = PointsFile(write(name, text))
    assert tuple(one.loaded.own[0]) == first
    assert words in one.describe()


def test_the_readme_of_the_cases_has_thousands(write: Write) -> None:
    """Each of the 40 points times 5000, as Excel writes it in English."""
    rows = [f'"{5000 * float(x):,.2f}","{5000 * float(y):,.2f}"' for x, y in zip(X, Y, strict=True)]
    points = cloud(write("thousands.csv", "x,y\n" + "\n".join(rows) + "\n")).points
    assert points.mean(axis=0) == pytest.approx([5000 * value for value in MEAN], abs=0.05)


@pytest.mark.parametrize("cell", ["1,23", "1,2345", "12,34.5"])
def test_a_group_that_is_none_is_refused(cell: str, write: Write) -> None:
    text = f'x,y\n"18,455.84","-891.91"\n"{cell}",3\n9,"12,000"\n"1,000.5",7\n'
    with pytest.raises(ValueError, match=f"some.csv, row 3, column x: '{cell}' is not a number"):
        PointsFile(write("some.csv", text))


def test_thousands_that_begin_late_are_read(write: Write) -> None:
    text = "x,y\n" + "999.5,1\n5,2\n" * 2000 + '"1,000.5",7\n'
    with pytest.raises(ValueError, match=r"some.csv, row 4002, column x: '1,000.5' is not a number"):
        PointsFile(write("some.csv", text))


def test_percent_are_numbers_with_a_unit(write: Write) -> None:
    file = write(
        "percent.csv", "x,y\n" + "".join(f"{float(x):.2f}%,{float(y):.2f} %\n" for x, y in zip(X, Y, strict=True))
    )
    assert cloud(file).points.mean(axis=0) == pytest.approx(MEAN, abs=0.002)
    assert PointsFile(file).units.name == "%"
    with pytest.raises(ValueError, match=r"some.csv, row 5, column x: '3' is not a number in %"):
        PointsFile(write("some.csv", "x,y\n1%,2\n2%,4\n7%,1\n3,5\n"))


@pytest.mark.parametrize("word", ["nan", "NaN", "NA", "N/A", "#N/A", "null", "None", "-", "", "?", "<NA>"])
def test_cells_without_a_number_are_left_out_with_their_row(word: str, write: Write) -> None:
    one = PointsFile(write("some.csv", f"x,y\n1,2\n3,{word}\n5,6\n7,1\n"))
    assert one.loaded.own.tolist() == [[1, 2], [5, 6], [7, 1]]
    assert f"row 3 (y {repr(word) if word else 'empty'})" in one.describe()


@pytest.mark.parametrize(
    ("separator", "name"), [(",", "mixed.csv"), (";", "mixed.csv"), (" ", "mixed.txt"), ("\t", "mixed.tsv")]
)
def test_a_word_among_numbers_is_named_with_its_row(separator: str, name: str, write: Write) -> None:
    text = separator.join("xy") + "\n" + lines(f"X{separator}Y") + separator.join(["N/A", "error"]) + "\n"
    with pytest.raises(
        ValueError, match=f"^{name}, row 42, column y: 'error' is not a number; correct or remove that row$"
    ):
        PointsFile(write(name, text))


@pytest.mark.parametrize("above", ["", "# a comment\n", "sep=,\n", "A title\n\n"])
def test_rows_are_those_of_a_sheet(above: str, write: Write) -> None:
    text = above + "x,y\n" + lines("X,Y") + "# a comment\n\n3,error\n"
    with pytest.raises(ValueError, match=f"row {44 + above.count(chr(10))}, column y: 'error'"):
        PointsFile(write("some.csv", text))


def test_decimal_commas_between_commas_are_told(write: Write) -> None:
    with pytest.raises(ValueError, match=r"row 1 has 2 cells and the rows below have 4.*decimal comma.*semicolons"):
        PointsFile(write("some.csv", "x,y\n" + lines("C,D")))


def test_two_long_rows_are_to_be_transposed(write: Write) -> None:
    with pytest.raises(ValueError, match=r"some.txt has 2 rows of 40 numbers: transpose it"):
        PointsFile(write("some.txt", " ".join(X) + "\n" + " ".join(Y) + "\n"))


@pytest.mark.parametrize("text", ["1850,1900\n12,15\n1990,3\n7,9\n", "1850,1900\n1851,1901.5\n1852,1902\n"])
def test_numbers_like_years_are_points(text: str, write: Write) -> None:
    assert PointsFile(write("some.csv", text)).loaded.own[0].tolist() == [1850, 1900]


@pytest.mark.parametrize("cell", ["#DIV/0!", "#VALUE!", "$5", "12:30", "2020-01-01", "1/2", "(5)", "0x10", "True"])
def test_other_cells_are_named(cell: str, write: Write) -> None:
    for text in (f"x,y\n{cell},1\n2,3\n4,8\n5,1\n", f"{cell};1\n2;3\n4;8\n5;1\n".replace(cell, f"7;7\n{cell}", 1)):
        with pytest.raises(ValueError, match=f"some.csv, row 2, column .: {re.escape(repr(cell))} is not a number"):
            PointsFile(write("some.csv", text))


@pytest.mark.parametrize("shape", [(2, 40), (3, 40), (4, 40)])
def test_an_array_that_lies_is_told(shape: tuple[int, int], write: Write) -> None:
    array = np.random.default_rng(0).normal(size=shape)
    if shape[0] == 2:
        assert PointsFile(write("some.npy", npy(array))).loaded.own.shape == (40, 2)
        return
    with pytest.raises(ValueError, match=f"some.npy has {shape[0]} rows of 40 numbers: transpose it"):
        PointsFile(write("some.npy", npy(array)))


def test_a_long_file_is_read_to_its_end_exactly(write: Write) -> None:
    rows = np.random.default_rng(0).normal(size=(30_000, 2))
    text = "x;y\n" + "".join(f"{x!r};{y!r}\n" for x, y in rows.tolist())
    assert np.array_equal(PointsFile(write("some.csv", text)).loaded.own, rows)
    assert np.array_equal(PointsFile(write("german.csv", text.replace(".", ","))).loaded.own, rows)


# Arrays and Parquet


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


POINTS = np.array([X, Y], float).T
OTHERS = POINTS[:7] + 1


@pytest.mark.parametrize("array", [POINTS, POINTS.T, np.asfortranarray(POINTS), POINTS.T.copy()])
def test_arrays_either_way(array: np.ndarray, write: Write) -> None:
    for name, content in (("t2n.npy", npy(array)), ("t2n.npz", npz(some=array))):
        is_the_40(write(name, content))
        said = PointsFile(write(name, content)).describe()
        assert ("Array of shape (2, 40) transposed" in said) == (array.shape == (2, 40))


@pytest.mark.parametrize(
    ("arrays", "columns"),
    [
        ({"some": POINTS}, ("0", "1")),
        ({"x": POINTS[:, 0], "y": POINTS[:, 1]}, ("x", "y")),
        ({"Y": POINTS[:, 1], "label": np.arange(40), "X": POINTS[:, 0]}, ("X", "Y")),
        ({"labels": np.arange(40) % 3, "points": POINTS}, ("0", "1")),
        ({"box": np.zeros(4), "other": OTHERS, "points": POINTS}, ("points.0", "points.1")),
        ({"wide": np.zeros((40, 5)), "pair": POINTS}, ("pair.0", "pair.1")),
        ({"x": POINTS, "y": OTHERS, "field_x": np.ones((48, 48)), "force": POINTS * 2}, ("x.0", "x.1")),
        ({"target": OTHERS, "generated": np.stack([POINTS + 1, POINTS])}, ("generated.0", "generated.1")),
        ({"name": np.array("text"), "a": POINTS[:, 0], "b": POINTS[:, 1]}, ("a", "b")),
        ({"table": np.array(list(zip(*POINTS.T, strict=True)), [("y", float), ("x", float)])[["y", "x"]]}, ("x", "y")),
    ],
)
def test_the_right_arrays_of_an_npz(arrays: dict[str, np.ndarray], columns: tuple[str, str], write: Write) -> None:
    file = write("some.npz", npz(**arrays))
    assert PointsFile(file).loaded.columns == columns
    if "table" not in arrays:
        is_the_40(file)


def test_an_npz_of_images_holds_no_points(write: Write) -> None:
    images = {"generated": np.zeros((3, 5, 1, 8, 8)), "step": np.arange(9), "seconds": np.arange(9.0) ** 2}
    with pytest.raises(
        ValueError, match=r"some.npz must hold real numbers of shape \(rows, 2\) or wider; it holds generated"
    ):
        PointsFile(write("some.npz", npz(**images)))


def test_what_was_taken_of_an_npz_is_said_and_another_can_be_chosen(write: Write) -> None:
    file = write("some.npz", npz(target=OTHERS, generated=np.stack([POINTS + 1, POINTS])))
    assert "Array generated used, the last of its 2; others: target." in PointsFile(file).describe()
    assert np.array_equal(cloud(file, x="target.0", y="target.1").points, OTHERS)
    with pytest.raises(ValueError, match=r"the same number of rows in some.npz; target.0 has 7, generated.1 has 40"):
        PointsFile(file, x="target.0", y="generated.1")


def test_weights_stand_beside_the_points_of_an_npz(write: Write) -> None:
    one = PointsFile(write("some.npz", npz(weights=np.arange(40.0), points=POINTS)))
    assert one.loaded.columns == ("0", "1")
    assert one.loaded.weight == "weights"


def test_an_npz_is_never_unpickled_and_no_bomb(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"some.npz holds Python objects"):
        PointsFile(write("some.npz", npz(a=np.array([{}, None]))))
    monkeypatch.setattr("otviz.data.reading.array_tables.MOST_BYTES", 100)
    with pytest.raises(ValueError, match=r"some.npz must hold arrays of at most .*; points has 640 bytes"):
        PointsFile(write("some.npz", npz(points=POINTS)))
    monkeypatch.setattr("otviz.data.reading.array_tables.MOST_LIST_BYTES", 10)
    with pytest.raises(ValueError, match=r"some.npz cannot be read as NPZ .its list of files has more"):
        PointsFile(write("some.npz", npz(points=POINTS)))


COLUMN = {
    "decimal": pa.array([decimal.Decimal(value) for value in X], pa.decimal128(10, 4)),
    "wide decimal": pa.array([decimal.Decimal(value) for value in X], pa.decimal256(50, 4)),
    "float": pa.array(map(float, X), pa.float64()),
    "categories": pa.array(map(float, X), pa.float64()).dictionary_encode(),
    "chunks": pa.chunked_array([pa.array(map(float, X[:9]), pa.float64()), pa.array(map(float, X[9:]), pa.float64())]),
}


@pytest.mark.parametrize("kind", COLUMN)
def test_every_kind_of_number_in_parquet(kind: str, tmp_path: Path) -> None:
    table = pa.table({"row": pa.array(range(40)), "y": pa.array(map(float, Y)), "x": COLUMN[kind]})
    pq.write_table(table, tmp_path / "some.parquet")
    is_the_40(str(tmp_path / "some.parquet"))


def test_nullable_columns_of_pandas(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"id": range(5), "x": pd.array([1, None, 3, 4, 9], "Int64"), "y": pd.array([1, 2, 3.5, 1, 2], "Float32")}
    )
    frame.to_parquet(tmp_path / "some.parquet")
    one = PointsFile(str(tmp_path / "some.parquet"))
    assert one.loaded.own.tolist() == [[1, 1], [3, 3.5], [4, 1], [9, 2]]
    assert "Rows without a number left out: row 2 (x 'nan')." in one.describe()


# Errors name the file as the user knows it


def test_an_upload_is_named_as_it_was_handed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path / "home"))
    bad = store_upload(("x,y\n" + lines("X,Y") + "1,error\n").encode(), "C:\\data\\mixed points.csv")
    with pytest.raises(ValueError, match=r"^mixed points.csv, row 42, column y: 'error' is not a number"):
        PointsFile(bad)
    good = store_upload(("x,y\n" + lines("X,Y")).encode(), "/tmp/évil\nname.csv")
    assert PointsFile(good).describe().startswith("évil name.csv: 40 rows read")


@pytest.mark.parametrize("name", ["", "a" * 300 + ".csv", "\ud800.csv", "..", "\x00.csv"])
def test_any_name_is_kept_safely(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTVIZ_HOME", str(tmp_path / "home"))
    data = ("x,y\n" + lines("X,Y")).encode()
    stored = store_upload(data, name if name.endswith(".csv") else f"{name}/.csv.csv")
    assert len(PointsFile(stored).loaded.name) <= 100
    assert all(path.parent == tmp_path / "home" / "uploads" for path in (tmp_path / "home").rglob("*.csv*"))


# Anything at all


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(st.lists(st.sampled_from(["1", "2.5", "-3,5", "1,234.5", "x", "", "id", "nan", "5%", '"', "'7'", "#", "2019", "mm", "é"]),
                           max_size=4), max_size=6),
    separator=st.sampled_from([",", ";", "\t", " ", "|"]), end=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    above=st.sampled_from(["", "sep=;\n", "# a b\n", "title\n", "\ufeff", "x,y\n"]),
    extension=st.sampled_from([".csv", ".tsv", ".txt", ".dat"]), encoding=st.sampled_from(["utf-8", "utf-16", "latin-1"]),
)  # fmt: skip
def test_any_text_gives_points_or_one_sentence(
    tmp_path: Path, text: list[list[str]], separator: str, end: str, above: str, extension: str, encoding: str
) -> None:
    content = (above + end.join(separator.join(row) for row in text)).encode(encoding, errors="replace")
    (tmp_path / f"some{extension}").write_bytes(content)
    gives_points_or_one_sentence(tmp_path / f"some{extension}")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=200),
    extension=st.sampled_from((*formats.EXTENSIONS, *Picture.extensions)),
    at=st.integers(0, 9),
)
def test_any_bytes_give_points_or_one_sentence(tmp_path: Path, content: bytes, extension: str, at: int) -> None:
    whole = {".npy": npy(POINTS), ".npz": npz(points=POINTS, other=OTHERS), ".parquet": PARQUET}.get(
        extension, b"x,y\n1,2\n3,4\n"
    )
    place = at * len(whole) // 10
    for spoiled in (content, whole[:place] + content, whole[:place] + content + whole[place + len(content) :]):
        (tmp_path / f"some{extension}").write_bytes(spoiled)
        gives_points_or_one_sentence(tmp_path / f"some{extension}")


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"x": COLUMN["decimal"], "y": COLUMN["float"]}), out)
    return out.getvalue()


PARQUET = parquet()


def gives_points_or_one_sentence(path: Path) -> None:
    kind = PointsFile if path.suffix in formats.EXTENSIONS else Picture
    try:
        assert np.isfinite(kind(file=str(path)).sample(9, np.random.default_rng(0))).all()
    except ValueError as error:
        said = str(error)
        assert "\n" not in said
        assert path.name in said
        assert 10 < len(said) < 1000


@pytest.mark.parametrize("extension", ["csv", "parquet"])
def test_a_table_of_very_many_columns_is_refused_before_it_is_read(
    extension: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_at(*_args: object) -> None:
        raise AssertionError("cells were looked at, which takes seconds")

    monkeypatch.setattr("otviz.data.reading.text_tables.layout_of", looked_at)
    path = tmp_path / f"wide.{extension}"
    if extension == "csv":
        path.write_text("\n".join([",".join(map(str, range(60_000)))] * 3), encoding="utf-8")
    else:
        pq.write_table(pa.table({str(at): [1.0, 2.0] for at in range(10_001)}), path)
    with pytest.raises(
        ValueError, match=rf"{path.name}: it must have at most 10,000 columns; it has \d\d,00\d: keep those"
    ):
        PointsFile(file=str(path))


def test_a_menu_of_columns_stays_short(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    rows = np.random.default_rng(0).normal(size=(40, 2000)).round(3)
    path.write_text(
        "\n".join([",".join(f"c{at}" for at in range(2000)), *(",".join(map(str, row)) for row in rows)]),
        encoding="utf-8",
    )
    offered = PointsFile.offers(str(path))
    assert all(len(names) <= 300 for names in offered.values())
    assert {"c0", "c1"} <= set(offered["x"])
    assert PointsFile(file=str(path), x="c1998", y="c1999").loaded.columns == ("c1998", "c1999")
