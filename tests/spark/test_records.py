"""Raw text becomes numbered records, and each thing that can be wrong with it has its own words."""

import csv
import io
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.declare import NightshiftError
from spark_jobs.files import Files
from spark_jobs.raw import blocks, quoted, rfc4180
from spark_jobs.raw.landing import RawFile
from spark_jobs.raw.records import Task, read_file

COLUMNS = ("a", "b", "c")
Reader = Callable[..., list[tuple[Any, ...]]]


def task(path: Path) -> Task:
    file = RawFile(arrival_day=date(2024, 3, 1), name="f.csv", address=str(path), stamp=Files(str(path)).stamp())
    return Task(file=file, hash="h")


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    def reader(text: str | bytes, delimiter: str = ",") -> list[tuple[Any, ...]]:
        """Record number, line, raw text, fields, problem of every record."""
        path = tmp_path / "f.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        batches = list(read_file(task(path), partial(rfc4180.split, columns=COLUMNS, delimiters=delimiter)))
        names = ("record", "line", "raw", "fields", "problem")
        return [tuple(row[name] for name in names) for batch in batches for row in batch.to_pylist()]

    return reader


def test_records_are_numbered_and_know_their_line(read: Reader) -> None:
    assert read("a,b,c\n1,2,3\n\n4,,6\n") == [
        (1, 2, "1,2,3", ["1", "2", "3"], None),
        (2, 4, "4,,6", ["4", "", "6"], None),
    ]


def test_columns_are_found_by_name(read: Reader) -> None:
    assert read("c,a,b\n3,1,2\n") == [(1, 2, "3,1,2", ["1", "2", "3"], None)]
    assert read('c,a,b\n3,"1",2\n') == [(1, 2, '3,"1",2', ["1", "2", "3"], None)]


def test_quotes_may_hold_delimiters_line_breaks_and_quotes(read: Reader) -> None:
    assert read('a,b,c\n"x,y","two\nlines","say ""hi"""\n7,8,9\n') == [
        (1, 2, '"x,y","two\nlines","say ""hi"""', ["x,y", "two\nlines", 'say "hi"'], None),
        (2, 4, "7,8,9", ["7", "8", "9"], None),
    ]


def test_windows_line_breaks_and_a_byte_order_mark_are_no_part_of_a_value(read: Reader) -> None:
    assert read(b"\xef\xbb\xbfa,b,c\r\n1,2,3\r\n") == [(1, 2, "1,2,3", ["1", "2", "3"], None)]
    assert read(b'a,b,c\r\n1,"2",3\r\n') == [(1, 2, '1,"2",3', ["1", "2", "3"], None)]


def test_the_last_record_needs_no_line_break(read: Reader) -> None:
    assert read("a,b,c\n1,2,3") == [(1, 2, "1,2,3", ["1", "2", "3"], None)]


def test_another_delimiter_can_be_declared(read: Reader) -> None:
    assert read('"a";"b";"c"\n1,5;2;3\n', ";") == [(1, 2, "1,5;2;3", ["1,5", "2", "3"], None)]


def test_a_header_alone_is_a_file_without_records(read: Reader) -> None:
    assert read("a,b,c\n") == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "the file is empty or begins with an empty line instead of a header"),
        (b"a,b\n1,2\n", "the header lacks c"),
        (b"a,b,x\n1,2,3\n", "the header lacks c and has x, which the use case does not declare"),
        (b"a,b,c,d\n1,2,3,4\n", "the header has d, which the use case does not declare"),
        (b"a,b,c,b\n1,2,3,4\n", "the header names b more than once"),
        (b"1,2,3\n", "the header lacks a, b, c and has 1, 2, 3, which the use case does not declare"),
        ("a,b,c\n1,2,3\n".encode("utf-16"), "the file is UTF-16, and only UTF-8 is read"),
        (b"a,b,\xe7\n1,2,3\n", "the header is not UTF-8"),
        (b"a,b,c\0\n1,2,3\n", "the header holds a NUL byte"),
        (
            b"a,b,c\r1,2,3\r",
            "the header ends in CR alone, as lines of old Macintoshes do, and only LF or CR LF are read",
        ),
        (b'a,"b,c\n1,2,3\n', "the header has quotes or line breaks that RFC 4180 does not allow"),
    ],
)
def test_a_file_with_another_header_is_refused_as_one_record(read: Reader, text: bytes, reason: str) -> None:
    [(record, line, _, fields, problem)] = read(text)
    assert (record, line, fields, problem) == (0, 1, None, reason)


@pytest.mark.parametrize(
    ("bad", "shown", "reason"),
    [
        (b"1,2", "1,2", "has 2 fields where the header has 3"),
        (b"1,2,3,4", "1,2,3,4", "has 4 fields where the header has 3"),
        (b'1,"2",3,4', '1,"2",3,4', "has 4 fields where the header has 3"),
        (b"1,\0,3", "1,\ufffd,3", "holds a NUL byte"),
        (b"1,\xff,3", "1,\ufffd,3", "is not UTF-8"),
        (b'1,"2"x,3', '1,"2"x,3', "has quotes or line breaks that RFC 4180 does not allow"),
        (b"1,2\r3,4", "1,2\r3,4", "has quotes or line breaks that RFC 4180 does not allow"),
        (b'1,2,"3', '1,2,"3', "has a quote that is never closed"),
    ],
)
def test_a_bad_record_is_refused_and_its_neighbours_are_not(read: Reader, bad: bytes, shown: str, reason: str) -> None:
    assert read(b"a,b,c\n0,0,0\n" + bad + b"\n9,9,9\n") == [
        (1, 2, "0,0,0", ["0", "0", "0"], None),
        (2, 3, shown, None, reason),
        (3, 4, "9,9,9", ["9", "9", "9"], None),
    ]


@pytest.mark.parametrize("cut", ["7,8", '7,8,"9'])
def test_a_file_that_is_cut_in_half_loses_its_last_record_only(read: Reader, cut: str) -> None:
    first, last = read(f"a,b,c\n1,2,3\n{cut}")
    assert first == (1, 2, "1,2,3", ["1", "2", "3"], None)
    assert (last[0], last[2], last[3]) == (2, cut, None)


@pytest.mark.parametrize("length", [quoted.LONGEST, 1_000_000, 3 * blocks.BLOCK])
def test_a_field_without_end_is_refused_and_shown_in_part(read: Reader, length: int) -> None:
    before, bad, after = read(f"a,b,c\n1,2,3\n4,{'x' * length},6\n7,8,9\n")
    assert (before[2], after[2]) == ("1,2,3", "7,8,9")
    assert bad == (2, 3, ("4," + "x" * length)[: blocks.SHOWN], None, quoted.TOO_LONG)


def test_a_record_as_long_as_allowed_is_read(read: Reader) -> None:
    field = "x" * (quoted.LONGEST - len("4,,6\n"))
    assert read(f"a,b,c\n4,{field},6\n") == [(1, 2, f"4,{field},6", ["4", field, "6"], None)]


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_record_of_one_byte_more_is_not(read: Reader, quote: str) -> None:
    field = quote + "x" * (quoted.LONGEST + 1 - len(f"4,{quote * 2},6\n")) + quote
    [(_, _, _, fields, problem)] = read(f"a,b,c\n4,{field},6\n")
    assert (fields, problem) == (None, quoted.TOO_LONG)


def test_a_quote_that_is_never_closed_is_given_up_on_long_before_the_file_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rfc4180, "BLOCK", 1 << 13)
    file = io.BytesIO(b'a,b,c\n1,"2,3\n' + b"4,5,6\n" * 50_000)
    first = next(records for records in rfc4180.split(file, COLUMNS, ",") if len(records.raw))
    assert first.problem[0].as_py() == quoted.TOO_LONG
    assert file.tell() < 2 * quoted.LONGEST


def test_records_are_numbered_on_from_block_to_block(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rfc4180, "BLOCK", 7)
    found = read("a,b,c\n" + "1,2,3\n" * 9)
    assert [row[:2] for row in found] == [(number, number + 1) for number in range(1, 10)]


def test_what_else_reads_csv_in_this_process_is_not_held_to_a_block_of_ours(read: Reader) -> None:
    read('a,b,c\n"1",2,3\n')
    assert csv.field_size_limit() >= quoted.LONGEST


def test_a_file_that_changes_while_it_is_read_ends_the_job(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("a,b,c\n1,2,3\n")
    found = task(path)
    path.write_text("a,b,c\n1,2,3\n4,5,6\n")
    with pytest.raises(NightshiftError, match="changed while it was read"):
        list(read_file(found, partial(rfc4180.split, columns=COLUMNS, delimiters=",")))


FIELD = st.text(alphabet='x",\n\ré;', max_size=4)
LINES = st.lists(st.lists(FIELD, min_size=3, max_size=3), max_size=8)


@given(LINES)
@settings(deadline=None)
def test_what_csv_writes_is_read_back(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([COLUMNS, *rows])
    file = io.BytesIO(text.getvalue().encode())
    fields = [row for records in rfc4180.split(file, COLUMNS, ",") for row in records.fields.to_pylist()]
    assert fields == rows


@given(st.lists(st.sampled_from(['"', ",", "\n", "\r\n", "x", "1,2,3\n", '"a\nb",2,3\n', "é", "\0"]), max_size=40))
@settings(deadline=None, max_examples=300)
def test_how_a_record_is_read_does_not_depend_on_where_a_block_ends(pieces: list[str]) -> None:
    text = ("a,b,c\n" + "".join(pieces)).encode()

    def read(block: int) -> list[dict[str, object]]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rfc4180, "BLOCK", block)
            patch.setattr(rfc4180, "LONGEST", 20)
            patch.setattr(quoted, "LONGEST", 20)
            found = list(rfc4180.split(io.BytesIO(text), COLUMNS, ","))
        return [
            {"line": line, "raw": raw, "fields": fields, "problem": problem}
            for r in found
            for line, raw, fields, problem in zip(
                *(part.to_pylist() for part in (r.line, r.raw, r.fields, r.problem)), strict=True
            )
        ]

    assert read(7) == read(1 << 20)
