"""Lines of JSON become numbered records, as fields of text, and each thing that can be wrong has its own words."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spark_jobs.declare.texts import text_of
from spark_jobs.raw import blocks, json_lines
from spark_jobs.raw.json_lines import LONGEST, TOO_LONG, split

COLUMNS = ("a", "b.c", "b")
Read = tuple[int, str, list[str | None] | None, str | None]


def read(text: str | bytes, columns: tuple[str, ...] = COLUMNS, size: int | None = None) -> list[Read]:
    """Line, raw text, fields, problem of every record."""
    file, found = io.BytesIO(text if isinstance(text, bytes) else text.encode()), list[Read]()
    for records in split(file, columns, size):
        parts = (records.line, records.raw, records.fields, records.problem)
        found += zip(*(one.to_pylist() for one in parts), strict=True)
    return found


def fields(text: str, columns: tuple[str, ...] = COLUMNS) -> Any:
    ((_, _, found, problem),) = read(text, columns)
    assert problem is None
    return found


def test_a_value_is_its_text_wherever_it_stands() -> None:
    assert read('{"a": "x", "b": {"c": 1}}\n\n  \n{"b": 2.50, "a": true}\r\n') == [
        (1, '{"a": "x", "b": {"c": 1}}', ["x", "1", '{"c": 1}', None], None),
        (4, '{"b": 2.50, "a": true}', ["true", None, "2.5", None], None),
    ]
    assert fields('{"a": "12", "b": [1, {"c": 2}]}') == ["12", None, '[1, {"c": 2}]', None]


def test_what_is_missing_or_null_is_missing() -> None:
    assert fields('{"a": null}') == [None, None, None, None]
    assert fields("{}") == [None, None, None, None]


def test_what_no_column_is_called_by_is_kept_as_text() -> None:
    assert fields('{"a": 1, "more": {"x": "é"}, "z": 2}') == ["1", None, None, '{"more": {"x": "é"}, "z": 2}']


def test_numbers_keep_all_their_digits() -> None:
    digits = "12345678901234567890123456789"
    assert fields(f'{{"a": {digits}, "b": {2**63}}}') == [digits, None, str(2**63), None]
    assert fields('{"a": -9223372036854775808}')[0] == "-9223372036854775808"
    assert fields('{"a": 0.1, "b": 1e-7}') == ["0.1", None, "1e-07", None]


def test_two_objects_on_one_line_are_two_records_of_it() -> None:
    whole = '{"a": 1} {"a": 2},{"a": 3}'
    assert [(line, raw, found and found[0]) for line, raw, found, _ in read(whole)] == [
        (1, '{"a": 1}', "1"),
        (1, '{"a": 2}', "2"),
        (1, '{"a": 3}', "3"),
    ]
    assert [problem for *_, problem in read('{"a": 1}{"a":')] == [None, "is no JSON: Expecting value"]


BROKEN = {
    '{"a": 1': "is no JSON: Expecting ',' delimiter",
    "{'a': 1}": "is no JSON: Expecting property name enclosed in double quotes",
    '{"a": NaN}': "is no JSON: it is nested too deep, or a number is none",
    '{"a":' * 2000: "is no JSON: it is nested too deep, or a number is none",
    "[1]": "is no JSON object",
    "7": "is no JSON object",
    '{"a": 1, "a": 2}': "names a twice",
    '{"a":1, "a" :2}': "names a twice",
    '{"b": {"c": 1, "c": 1}}': "names c twice",
    '{"b": [{"c": 1, "c": 1}]}': "names c twice",
}


@pytest.mark.parametrize(("line", "says"), BROKEN.items(), ids=range(len(BROKEN)))
def test_a_broken_line_is_refused_in_words_and_its_neighbours_are_read(line: str, says: str) -> None:
    before, broken, after = read(f'{{"a": 1}}\n{line}\n{{"a": 3}}\n')
    assert (before[2], after[0], after[2]) == (["1", None, None, None], 3, ["3", None, None, None])
    assert broken == (2, line, None, says)


def test_a_text_that_looks_like_a_key_is_none() -> None:
    assert fields('{"a": "\\":", "b": {"c": "::"}}') == ['":', "::", '{"c": "::"}', None]


def test_what_is_not_utf_8_is_shown_as_far_as_it_can_be() -> None:
    _, bad, last = read(b'{"a": 1}\n{"a": "\xff"}\n{"a": 2}')
    assert bad == (2, '{"a": "\ufffd"}', None, blocks.NOT_UTF_8)
    assert last[0] == 3
    with pytest.raises(blocks.WholeFile, match="UTF-16"):
        read('{"a": 1}'.encode("utf-16"))
    assert read(b"\xef\xbb\xbf{}") == [(1, "{}", [None] * 4, None)]
    assert fields('{"a": "\\ud800"}')[0] == "\\ud800"
    assert fields('{"b": {"x": "\\ud800"}, "\\udfff": 1}')[2:] == ['{"x": "\\ud800"}', '{"\\udfff": 1}']
    assert read('{"\\ud800": 1, "\\ud800": 2}')[0][3] == "names \\ud800 twice"


def test_a_long_line_is_read_and_one_that_is_too_long_costs_itself_alone() -> None:
    long, longest = "x" * (1 << 20), "y" * LONGEST
    found = read(f'{{"a": "{long}"}}\n{{"a": "{longest}"}}\n{{"a": 3}}')
    assert [problem for *_, problem in found] == [None, TOO_LONG, None]
    assert found[0][2] is not None
    assert found[0][2][0] == long
    assert [line for line, *_ in found] == [1, 2, 3]
    assert len(found[1][1]) == blocks.SHOWN
    just = "z" * (LONGEST - len('{"a": ""}'))
    assert [problem for *_, problem in read(f'{{"a": "{just}"}}\n{{"a": "{just}z"}}', ("a",))] == [None, TOO_LONG]


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(['":', "a", ": ", "\\"])
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc") | TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.sampled_from("abc") | TEXTS, VALUES, max_size=4)
BETWEEN = st.sampled_from(["\n", "\r\n", "\n\n", " \n"])


@given(st.lists(st.tuples(OBJECTS, st.booleans(), BETWEEN), max_size=8), st.integers(1, 60))
def test_each_object_is_a_record_wherever_a_block_ends(
    drawn: list[tuple[dict[str, Any], bool, str]], size: int
) -> None:
    text = "".join(json.dumps(one, ensure_ascii=plain) + between for one, plain, between in drawn)
    found = read(text, ("a", "b"), size)
    assert found == read(text, ("a", "b"))
    wanted = []
    for one, *_ in drawn:
        others = {name: value for name, value in one.items() if name not in ("a", "b")}
        kept = json.dumps(others, ensure_ascii=False) if others else None
        wanted.append([text_of(one.get("a")), text_of(one.get("b")), kept])
    assert [record[2] for record in found] == wanted


@given(st.binary(max_size=60), st.integers(1, 20))
def test_whatever_comes_each_line_is_a_record_or_says_why_not(text: bytes, size: int) -> None:
    if text.startswith(blocks.UTF_16):
        return
    found = read(text, size=size)
    assert found == read(text)
    assert all((record[2] is None) != (record[3] is None) for record in found)
    filled = [place for place, line in enumerate(text.removeprefix(blocks.BOM).split(b"\n"), 1) if line.strip(b" \t\r")]
    assert sorted({line for line, *_ in found}) == filled


def test_the_keys_of_many_lines_need_not_be_alike() -> None:
    assert [found and found[:3] for _, _, found, _ in read('{"a": 1, "b": 2}\n{"b": {"c": 3}}\n{"a": "x"}')] == [
        ["1", None, "2"],
        [None, "3", '{"c": 3}'],
        ["x", None, None],
    ]
    assert json_lines.LONGEST > 1 << 20


FLAT = ("a", "b", "c", "d")
PLAIN = st.sampled_from(
    ["1", "-3", "2.5", "-0.0", "0", '"x"', '"é"', '"2016-03-20 01:02:03"', "true", "null", "1e2", "9007199254740993"]
)
STRANGE = st.sampled_from(
    [
        *("-0", "NaN", "-Infinity", "1e400", "01", "1.", "+1", "9223372036854775808", "12345678901234567890123"),
        *(r'"\ud800"', r'"\u0000"', r'"a\"b"', '"a\tb"', '{"a": 1}', "[]", "1, ", '1, "a": 2', '1}{"a": 2', '"}\n{"'),
    ]
)


@st.composite
def alike_lines(draw: st.DrawFn) -> bytes:
    """Lines as a device sends them: each column mostly of one kind, here and there a strange one."""
    columns = [draw(st.lists(PLAIN, min_size=1, max_size=2)) for _ in FLAT]
    lines = []
    for _ in range(draw(st.integers(1, 12))):
        values = [draw(STRANGE) if draw(st.integers(0, 15)) == 0 else draw(st.sampled_from(kind)) for kind in columns]
        left_out = draw(st.integers(0, 20))
        told = [
            f'"{name}": {value}'
            for place, (name, value) in enumerate(zip(FLAT, values, strict=True))
            if place != left_out
        ]
        lines.append("{" + ", ".join(told) + "}")
    text = draw(st.sampled_from(["\n", "\r\n"])).join([*lines, ""]).encode()
    return text.replace("é".encode(), b"\xff", 1) if draw(st.integers(0, 9)) == 0 else text


@example(b"{}\n{}{}\n\n", FLAT, None)
@example(b'{"a": ":"} \n', FLAT, None)
@example(b'{"a": [null, null]}\n', FLAT, None)
@example(b'{"a": 2.5}\n{"a": -0}\n', FLAT, None)
@example(b'{"a": 1, "b": 2}\n{"a": 1}{"a": 2}\n', FLAT, None)
@example(b'{"a": "x"}\n{"a": "\xff"}\n', FLAT, None)
@example(b'{"a": 1, "b":\n{"c": 2}}{"a": 3}\n', FLAT, None)
@given(alike_lines(), st.sampled_from([FLAT, ("d", "a"), ("a", "b.c"), ("e", *FLAT)]), st.sampled_from([None, 90]))
def test_lines_read_at_once_say_what_they_say_one_by_one(
    text: bytes, columns: tuple[str, ...], size: int | None
) -> None:
    at_once = read(text, columns, size)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_lines, "alike", lambda *_: None)
        assert at_once == read(text, columns, size)


def test_lines_that_are_alike_are_read_at_once_beside_those_that_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f'{{"a": {place}, "b": {place}.5, "c": "x{place}", "d": -0.0}}' for place in range(100)]
    lines[7], lines[50] = "{", f"{lines[50]}{lines[50]}"
    one_by_one, rows = list[int](), json_lines._rows

    def read_alone(line: int, raw: bytes, *, long: bool) -> Iterator[json_lines.Row]:
        one_by_one.append(line)
        return rows(line, raw, long=long)

    monkeypatch.setattr(json_lines, "_rows", read_alone)
    found = read("\n".join([*lines, ""]), FLAT)
    assert one_by_one == [8, 51]
    assert [line for line, *_ in found] == sorted([*range(1, 101), 51])
    assert [raw for _, raw, *_ in found if raw != "{"] == [
        *lines[:7],
        *lines[8:50],
        *[lines[49].replace("49", "50")] * 2,
        *lines[51:],
    ]
    assert found[3][2] == ["3", "3.5", "x3", "-0", None]
