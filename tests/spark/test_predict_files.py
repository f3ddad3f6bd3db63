"""Files that people have: how they are read and written, and what is said of those that cannot be. Needs no engine."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from local.home import Home
from local.predict import Bar, Typed, main
from spark_jobs.declare import BadRequest, NightshiftError
from spark_jobs.predicting.file import Told
from spark_jobs.predicting.given import Format, Given, given
from spark_jobs.predicting.remembered import Remembered
from spark_jobs.predicting.written import written
from tests.spark.wine_files import Row, as_csv, measured, some_wines

ROOT = Path(__file__).parents[2]
NOTHING = "it is empty: it has neither a header nor rows"


def texts(file: Given, *asked: str) -> list[Row]:
    return [row for chunk in file.chunks(asked) for row in chunk.texts.to_pylist()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", NOTHING),
        ("a.jsonl", b"", NOTHING),
        ("a.parquet", b"", NOTHING),
        ("a.csv", b"\n1,2\n", "the file is empty or begins with an empty line instead of a header"),
        ("a.csv", b"a,b\r1,2\r3,4\r", "the header ends in CR alone, as lines of old Macintoshes do, and only LF or"),
        ("a.csv", b'"a","b"\r"1","2"\r', "the header ends in CR alone"),
        ("a.csv", b"a,caf\xe9\n1,2\n", "the header is not UTF-8"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), "the file is UTF-16, and only UTF-8 is read"),
        ("a.csv", b"a,b,a\n1,2,3\n", "names 'a' more than once"),
        ("a.json", b'[{"a": 1}, {"a": 2}]', "its first lines hold no JSON object; each line is a row, like"),
        ("a.jsonl", b"a,b\n1,2\n", "its first lines hold no JSON object"),
        ("a.parquet", b"a,b\n1,2\n", "cannot be read: Parquet magic bytes not found"),
        ("a", b"PAR1 and no more", "cannot be read: "),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(folder: Path, name: str, content: bytes, says: str) -> None:
    with pytest.raises(BadRequest) as refused:
        given(put(folder / name, content))
    assert str(refused.value).startswith(f"FILE: {folder / name}: {says}")


def test_a_header_alone_is_a_file_without_rows(folder: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), folder / "a.parquet")
    for path in (put(folder / "a.csv", "a,b\n"), folder / "a.parquet"):
        (chunk,) = given(path).chunks(["a"])
        assert (len(chunk), chunk.texts.column_names, chunk.read) == (0, ["a"], 1.0)


def test_a_byte_order_mark_is_no_part_of_a_name(folder: Path) -> None:
    for name, content in (("a.csv", "a,b\r\n1,2\r\n"), ("b.jsonl", '{"a": 1, "b": 2}\r\n'), ("c", '{"a": 1, "b": 2}')):
        file = given(put(folder / name, content.encode("utf-8-sig")))
        assert (file.names, texts(file, "a", "b")) == (["a", "b"], [{"a": "1", "b": "2"}])


def test_a_published_file_without_a_header_is_given_one(folder: Path) -> None:
    """Its first line is a remark, or a row already; the rest is read as it is."""

    def begun(first: str) -> str:
        return "a,b\n" if first.startswith("|") else f"a,b\n{first}" if first[0].isdigit() else first

    for content in ("|1x3 Cross validator\n1, 2\n\n", "1, 2\n", "a,b\n1, 2"):
        assert texts(given(put(folder / "adult.test", content), begun=begun), "b") == [{"b": " 2"}]


def test_values_of_every_type_are_texts_as_a_csv_file_would_have_them(folder: Path) -> None:
    values = [5.0, 7.4, 1e22, True, "x", "", None, 12345678901234567890, [1], {"é": "ü"}, "\ud800"]
    said = ["5", "7.4", "1e+22", "true", "x", "", None, "12345678901234567890", "[1]", '{"é": "ü"}', "\\ud800"]
    lines = "".join(json.dumps({"a": value}) + "\n" for value in values)
    assert texts(given(put(folder / "a.jsonl", lines)), "a") == [{"a": text} for text in said]
    columns = {
        "whole": [5],
        "real": [5.0],
        "short": pa.array([7.4], pa.float32()),
        "word": pa.array(["x"]).dictionary_encode(),
    }
    pq.write_table(pa.table(columns | {"list": [[1, 2]], "none": pa.nulls(1)}), folder / "a.parquet")
    (row,) = texts(given(folder / "a.parquet"), *columns, "list", "none")
    assert row == {"whole": "5", "real": "5", "short": "7.4", "word": "x", "list": "[1, 2]", "none": None}


def test_a_line_that_is_no_object_is_a_row_that_says_so(folder: Path) -> None:
    long, deep = json.dumps({"a": "x" * 70_000}), "[" * 5000
    lines = ['{"a": 1}', "", "no", "[1]", long, deep, '{"a": 1} {"a": 2}', '{"a": NaN}']
    (chunk,) = given(put(folder / "a.jsonl", "\n".join([*lines, ""]))).chunks(["a"])
    said = [str(why)[:30] for why in chunk.problem.to_pylist()]
    no = "is no JSON object: "
    assert said == [
        *(
            "None",
            f"{no}no",
            f"{no}[1]",
            "is longer than 65536 bytes, or",
            f"{no}{'[' * 11}",
            f'{no}{{"a": 1}} {{"',
            "None",
        )
    ]
    assert [row["a"] for row in chunk.texts.to_pylist()] == ["1", None, None, None, None, None, "nan"]


@pytest.mark.parametrize("format_", Format)
def test_what_is_written_is_read_again_as_it_was(folder: Path, format_: Format) -> None:
    odd = ['say "hi"', "a,b", "two\nlines", "cr\rhere", "", "é", None]
    rows, answers = pa.table({"odd": odd, "old": ["x"] * 7}), pa.table({"p": [0.5, 1e-7, 0.1 + 0.2, 1, 0, 2, None]})
    with written(folder / "out", format_, ["odd"]) as write:
        write(rows.slice(0, 3), answers.slice(0, 3))
        write(rows.slice(3), answers.slice(3))
    file = given((folder / "out").rename(folder / f"out.{format_}"))
    found = texts(file, "odd", "p")
    blank = "" if format_ is Format.CSV else None
    assert [row["odd"] for row in found] == [blank if text is None else text for text in odd]
    assert [row["p"] and float(row["p"]) for row in found] == [
        p if p is not None else blank for p in answers["p"].to_pylist()
    ]


@drawn(st.lists(st.lists(st.tuples(*[st.sampled_from((None, "", "1", ",", "1,1", "-", "é"))] * 3), max_size=12)))
def test_rows_are_the_same_where_all_they_say_is(chunks: list[list[tuple[str | None, ...]]]) -> None:
    memory, asked = Remembered(), list[tuple[str | None, ...]]()
    for rows in chunks:
        columns = [pa.array([row[place] for row in rows], pa.string()) for place in range(3)]
        numbers, new = memory.numbered(columns)
        asked += [rows[place] for place in new]
        memory.told(pa.table({"said": pa.array([repr(rows[place]) for place in new], pa.string())}))
        assert memory.answers(numbers)["said"].to_pylist() == list(map(repr, rows))
    assert len(asked) == len(set(asked)) == len({row for rows in chunks for row in rows})


def typed(folder: Path, **words: str) -> dict[str, str]:
    return {"MODEL": "wine_quality", "FILE": str(put(folder / "wines.csv", as_csv(some_wines(1))))} | words


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"MODEL": ""}, "MODEL: is missing. Like this: make predict MODEL=wine_quality FILE=wines.csv"),
        ({"FILE": ""}, "FILE: is missing. Like this: "),
        ({"MODEL": "wines"}, "MODEL: is one of bike_sharing, "),
        ({"VERSION": "third"}, "VERSION: is a number, got 'third'"),
        ({"FILE": "/no/wines.csv"}, "FILE: /no/wines.csv is no file. Like this: "),
        ({"FILE": "/usr"}, "FILE: /usr is no file. Like this: "),
        (
            {"OUT": "out.xlsx"},
            "OUT: ends in .csv, .jsonl, .parquet, .ndjson, .json, which says how it is written; got ",
        ),
        ({"OUT": "/no/such/out.csv"}, "OUT: is a file in a folder that is there, got /no/such/out.csv"),
    ],
)
def test_what_is_typed_is_refused_before_anything_starts(folder: Path, words: Mapping[str, str], says: str) -> None:
    with pytest.raises(BadRequest) as refused:
        main(Home(root=folder / "home"), typed(folder, **words))
    assert str(refused.value).startswith(says)
    assert not (folder / "home").exists()


def test_the_file_itself_is_never_written_to_by_whatever_name(folder: Path) -> None:
    words = typed(folder)
    (folder / "link.csv").symlink_to(folder / "wines.csv")
    (folder / "hard.csv").hardlink_to(folder / "wines.csv")
    for name in ("wines.csv", "link.csv", "hard.csv"):
        with pytest.raises(BadRequest, match="is the file to predict, which stays as it is: name another one"):
            Typed.of(words | {"OUT": str(folder / name)}).refuse_out()


def test_without_a_name_it_is_written_beside_the_file(folder: Path) -> None:
    assert Typed.of(typed(folder)).out == folder / "wines.scored.csv"
    assert Typed.of(typed(folder, FILE="adult.test")).out == Path("adult.scored.csv")


def test_a_home_without_models_says_what_to_type(folder: Path) -> None:
    with pytest.raises(NightshiftError, match=r"home holds no model yet: type `make run` first, or name its folder"):
        main(Home(root=folder / "home", mlflow_port=1), typed(folder))


def test_a_bar_moves_on_a_terminal_and_elsewhere_a_line_is_said_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for share in (0.5, 1.0):
        Bar(moves=True, began=0).show(Told(rows=1500, read=share))
    _, half, whole = capsys.readouterr().out.split("\r")
    assert half.startswith(f"  {'#' * 15}{'.' * 15}  50%  1,500 rows  ")
    assert whole.startswith(f"  {'#' * 30} 100%  1,500 rows  ")
    quiet = Bar(moves=False)
    quiet.show(Told(read=0.5))
    assert capsys.readouterr().out == ""
    Bar(moves=False, _told=0).show(Told(rows=7, read=0.5))
    assert capsys.readouterr().out.startswith("   50%  7 rows  ")


READ_ALL = """
import resource, sys
from pathlib import Path
import pyarrow.parquet
from spark_jobs.declare import BadRequest
from spark_jobs.predicting.given import given
try:
    print(sum(len(chunk) for chunk in given(Path(sys.argv[1])).chunks(["pH"])))
except BadRequest as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def read_alone(path: Path) -> tuple[str, int]:
    """What a process of its own says of a file: its rows, or why there are none; and the megabytes it took."""
    command = [sys.executable, "-c", READ_ALL, str(path)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return said[0], int(said[1]) // 1024


def times(path: Path, first: bytes, then: bytes, megabytes: int) -> int:
    """A file of about so many megabytes; how often `then` is in it."""
    many = (megabytes << 20) // len(then)
    with path.open("wb") as file:
        file.write(first)
        for _ in range(many):
            file.write(then)
    return many


@pytest.mark.long
@pytest.mark.parametrize(("name", "megabytes"), [("a.csv", 2048), ("a.jsonl", 200)])
def test_a_large_file_takes_no_more_memory_than_a_small_one(folder: Path, name: str, megabytes: int) -> None:
    wines = some_wines(60)
    header, _, lines = as_csv(wines).partition("\n")
    if name == "a.jsonl":
        header, lines = "", "".join(json.dumps(measured(row)) + "\n" for row in wines)
    taken = {}
    for size in (50, megabytes):
        many = times(folder / name, f"{header}\n".encode() if header else b"", lines.encode() * 200, size)
        said, taken[size] = read_alone(folder / name)
        assert said == str(many * 200 * 60)
    assert taken[megabytes] < taken[50] + 60


@pytest.mark.long
def test_two_gigabytes_without_an_end_of_line_are_refused_within_little_memory(folder: Path) -> None:
    times(folder / "cr.csv", b"a,pH\r", b"1,3.2\r" * 200_000, 2048)
    with (folder / "sparse.csv").open("wb") as file:
        file.truncate(2 << 30)
    for name, says in (("cr.csv", "the header ends in CR alone"), ("sparse.csv", "the header holds a NUL byte")):
        said, megabytes = read_alone(folder / name)
        assert says in said
        assert megabytes < 300
