"""Pictures as one page of HTML, complete in itself: it asks for nothing, and what comes from outside is text in it."""

from collections.abc import Sequence
from datetime import date
from html import escape
from math import isfinite
from typing import Any

from spark_jobs.declare import Hours, Listed, Tables
from spark_jobs.tables.pictures import LETTERS, Seen

STYLE = """
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; color: #2b3646;
  background: #fff }
h1 { font-size: 1.25rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2.5rem 0 .6rem }
p, small { color: #5b6878; margin: .3rem 0; display: block }
.bars { display: grid; grid-template-columns: max-content 1fr; gap: .25rem .8rem; align-items: center }
.bars > span { max-width: 16rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; text-align: right }
.bars > div { display: flex; align-items: center; gap: .5rem }
i { display: block; background: #2e86ab; border-radius: 2px } .bars i { height: 1.1rem; min-width: 1px }
.hours { display: grid; grid-template-columns: repeat(24, minmax(1.15rem, 1fr)); gap: .15rem; align-items: end;
  overflow-x: auto }
.hours > div { text-align: center; font-size: .66rem; white-space: nowrap; min-width: 0 }
@media (max-width: 45rem) { .hours b { font-size: .5rem } }
.hours b { font-weight: normal } .hours span { color: #5b6878; border-top: 1px solid #b8c1cc; display: block }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .3rem .8rem .3rem 0 }
th { border-bottom: 2px solid #b8c1cc; font-weight: 600 }
td { border-bottom: 1px solid #e3e7ec; overflow-wrap: anywhere }
"""
# A second lock: were a text ever taken for more than text, a browser would still run and fetch nothing.
LOCKED = "default-src 'none'; style-src 'unsafe-inline'"
HIGH = 9  # rem, the highest of the bars of a day


def page(use_case: Tables, day: date | None, source: str, pictures: Sequence[Seen]) -> str:
    when = f"{day:%A}, {day.day} {day:%B %Y}, by hours of UTC" if day else "Nothing has arrived yet"
    return "".join(
        (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(use_case.name)}</title>',
            f'<meta http-equiv="Content-Security-Policy" content="{LOCKED}">',
            f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>',
            f"<h1>{escape(use_case.summary)}</h1><p>{when}. Source: {escape(source)}.</p>",
            *map(_section, pictures),
            "</body></html>\n",
        )
    )


def _section(one: Seen) -> str:
    beside = f", all of it in {one.report.name}.csv" if one.report.export else ""
    more = f"<p>{one.more:,} more are not shown.</p>" if one.more else ""
    source = f"<small>from the table {escape(one.report.name)}{escape(beside)}</small>"
    return f"<section><h2>{escape(one.picture.title)}</h2>{_shown(one)}{more}{source}</section>"


def _shown(one: Seen) -> str:
    if one.failed:
        return f"<p>This picture could not be made: {escape(one.failed)}. The log of its task says more.</p>"
    if isinstance(one.picture, Listed):
        return _list(one.picture, one.rows) if one.rows else "<p>None.</p>"
    if not any(length for _, length in one.rows):
        return "<p>None.</p>"
    return _hours(one.rows) if isinstance(one.picture, Hours) else _bars(one.rows)


def _bars(rows: Sequence[tuple[Any, ...]]) -> str:
    most = _most(rows)
    drawn = (
        f'<span title="{_text(name)}">{_text(name) or "(nothing)"}</span>'
        f'<div><i style="width:{82 * _part(length, most):.1f}%"></i>{_number(length)}</div>'
        for name, length in rows
    )
    return f'<div class="bars">{"".join(drawn)}</div>'


def _hours(rows: Sequence[tuple[Any, ...]]) -> str:
    most = _most(rows)
    drawn = (
        f'<div title="{hour}:00 to {hour}:59: {_number(length)}"><b>{_short(length)}</b>'
        f'<i style="height:{HIGH * _part(length, most):.2f}rem"></i><span>{hour}</span></div>'
        for hour, length in rows
    )
    return f'<div class="hours">{"".join(drawn)}</div>'


def _list(picture: Listed, rows: Sequence[tuple[Any, ...]]) -> str:
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in picture.columns)
    body = "".join(f"<tr>{''.join(f'<td>{_text(value)}</td>' for value in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _text(value: str) -> str:
    """What cannot be printed could turn a line round, or be none of UTF-8."""
    printed = "".join(one if one.isprintable() else "\ufffd" for one in value)
    return escape(printed if len(printed) <= LETTERS else f"{printed[:LETTERS]}…")


def _most(rows: Sequence[tuple[Any, ...]]) -> float:
    return max((length for _, length in rows if isfinite(length)), default=0.0)


def _part(length: float, most: float) -> float:
    return max(0.0, length / most) if most > 0 and isfinite(length) else 0.0


def _number(length: float) -> str:
    return f"{length:,.0f}" if isfinite(length) and length == round(length) else f"{length:,.3g}"


def _short(length: float) -> str:
    """It has the width of an hour."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if isfinite(length) and length >= size:
            return f"{length / size:.{0 if length >= 10 * size else 1}f}{letter}"
    return _number(length) if length else ""
