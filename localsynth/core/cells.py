"""Cells as text: how a value is written in a row, which grammar allows it, and how it is read back.

A row is written as comma-separated cells. Strings that need it (commas, quotes, line breaks, blanks at an end, empty)
are written as JSON strings, everything else bare; an empty cell is a missing value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import TypeAlias

from .columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IdentifierColumn,
    IntegerColumn,
    TextColumn,
)
from .grammar import Day, Fixed, FreeText, Grammar, Moment, Number, OneOf, seq
from .words import plain

__all__ = [
    "Value",
    "cell_grammar",
    "read_cell",
    "read_row",
    "row_grammar",
    "split_row",
    "write_cell",
    "write_row",
]

Value: TypeAlias = int | float | bool | str | date | datetime | None


def _quoted(text: str) -> str:
    needs = text == "" or text != text.strip() or any(c in ',"\\' or not c.isprintable() for c in text)
    return json.dumps(text, ensure_ascii=False) if needs else text


def write_cell(column: Column, value: Value) -> str:
    """A value as it stands in a row; ``None`` gives the empty text."""
    if value is None:
        return ""
    match column:
        case FloatColumn(decimals=decimals):
            text = f"{float(value):.{decimals}f}"  # type: ignore[arg-type]
            return text.removeprefix("-") if float(text) == 0 else text
        case BooleanColumn():
            return "true" if value else "false"
        case DatetimeColumn():
            # not strftime, which writes the year 999 with three digits on some systems
            return value.isoformat(" ", "minutes") if isinstance(value, datetime) else str(value)
        case TextColumn():
            return json.dumps(str(value), ensure_ascii=False)
        case CategoricalColumn() | IdentifierColumn():
            return _quoted(str(value))
        case _:
            return str(value)


def cell_grammar(column: Column, *, null: bool | None = None) -> Grammar:
    """The grammar of one cell. ``null`` says whether the empty cell is allowed; by default as the column says."""
    grammar: Grammar
    match column:
        case IntegerColumn():
            grammar = Number(*column.scaled_bounds, 0)
        case FloatColumn(decimals=decimals):
            grammar = Number(*column.scaled_bounds, decimals)
        case BooleanColumn():
            grammar = OneOf((Fixed("true"), Fixed("false")))
        case CategoricalColumn(categories=categories):
            grammar = OneOf(tuple(Fixed(_quoted(category)) for category in categories))
        case DateColumn(range=(low, high)):
            grammar = Day(low, high)
        case DatetimeColumn(range=(first, last)):
            grammar = Moment(first, last)
        case TextColumn(min_length=shortest, max_length=longest):
            grammar = seq('"', FreeText(shortest, longest), '"')
        case IdentifierColumn():
            raise TypeError("identifiers are made by code, never written by a model")
    if column.nullable if null is None else null:
        return OneOf((grammar, Fixed("")))
    return grammar


def read_cell(column: Column, text: str, *, quoted: bool = False) -> Value:
    """The value of a cell, its kind, range, decimals, category and length checked.

    Raises ``ValueError`` saying what is wrong. ``quoted`` text is never a missing value.
    """
    if text == "" and not quoted:
        if not column.nullable:
            raise ValueError(f"{column.name}: empty")
        return None
    match column:
        case IntegerColumn() | FloatColumn():
            return _read_number(column, text)
        case BooleanColumn():
            if text.lower() not in {"true", "false"}:
                raise ValueError(f"{column.name}: '{text}' is neither true nor false")
            return text.lower() == "true"
        case CategoricalColumn(categories=categories):
            if text not in categories:
                raise ValueError(f"{column.name}: '{text}' is no category")
        case DateColumn():
            return _read_day(column, text)
        case DatetimeColumn():
            return _read_moment(column, text)
        case TextColumn(min_length=shortest, max_length=longest):
            if not shortest <= len(text) <= longest:
                raise ValueError(f"{column.name}: {len(text)} characters, not {shortest} to {longest}")
    return text  # identifiers are as they are


def _read_day(column: DateColumn, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{column.name}: '{text}' is not a date such as 2024-12-31") from None
    low, high = column.range
    if not low <= day <= high:
        raise ValueError(f"{column.name}: {day} lies outside {low} to {high}")
    return day


def _read_moment(column: DatetimeColumn, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{column.name}: '{text}' is not a date and time such as 2024-12-31 18:30") from None
    if moment.tzinfo:
        raise ValueError(f"{column.name}: '{text}' has a time zone")
    if moment.second or moment.microsecond:
        raise ValueError(f"{column.name}: '{text}' is not in whole minutes")
    low, high = column.range
    if not low <= moment <= high:
        raise ValueError(f"{column.name}: {text} lies outside {low} to {high}")
    return moment


_NUMBER = re.compile(r"([+-]?\d+)(?:\.(\d*))?([eE][+-]?\d{1,3})?", re.ASCII)


def _read_number(column: IntegerColumn | FloatColumn, text: str) -> int | float:
    decimals = column.decimals if isinstance(column, FloatColumn) else 0
    scaled = _scaled(column, text, decimals)
    low, high = column.scaled_bounds
    if not low <= scaled <= high:
        shown_low, shown_high = column.range or (low / 10**decimals, high / 10**decimals)
        raise ValueError(f"{column.name}: {text} lies outside {plain(shown_low)} to {plain(shown_high)}")
    return scaled / 10**decimals if isinstance(column, FloatColumn) else scaled


def _scaled(column: Column, text: str, decimals: int) -> int:
    """The number times ``10**decimals``, in exact arithmetic: binary numbers blur the last decimal of large values."""
    found = _NUMBER.fullmatch(text)
    if found is None or len(text) > 400:
        raise ValueError(f"{column.name}: '{text[:60]}' is not a number")
    whole, fraction = found.group(1), found.group(2) or ""
    if len(fraction) <= decimals and found.group(3) is None:
        return int(whole + fraction.ljust(decimals, "0"))
    exact = Fraction(text) * 10**decimals
    scaled: int = round(exact)
    # Text that was a binary number once (0.30000000000000004) is meant to be the decimal beside it.
    if abs(exact - scaled) * 10**15 > 10**9 + abs(scaled):
        raise ValueError(f"{column.name}: {text} has more than {decimals} decimals")
    return scaled


def write_row(columns: Sequence[Column], values: Sequence[Value]) -> str:
    """Cells joined by commas, without a line end."""
    return ",".join(write_cell(column, value) for column, value in zip(columns, values, strict=True))


def row_grammar(
    columns: Sequence[Column], *, nulls: Sequence[bool] | None = None, end: str = "\n"
) -> Grammar:
    """Cells joined by commas and closed by ``end``. ``nulls`` says per column whether it may be empty."""
    parts: list[Grammar | str] = []
    for index, column in enumerate(columns):
        parts += [cell_grammar(column, null=nulls[index] if nulls is not None else None), ","]
    return seq(*parts[:-1], end)


def split_row(line: str) -> list[tuple[str, bool]]:
    """The cells of a line as (text, was quoted). Raises ``ValueError`` where quoting is broken."""
    decoder, cells, at = json.JSONDecoder(), [], 0
    while True:
        if line[at : at + 1] == '"':
            text, end = decoder.raw_decode(line, at)
            cells.append((str(text), True))
        else:
            end = line.find(",", at)
            end = len(line) if end < 0 else end
            cells.append((line[at:end], False))
        if end == len(line):
            return cells
        if line[end] != ",":
            raise ValueError(f"a comma is missing after character {end}")
        at = end + 1


def read_row(columns: Sequence[Column], line: str) -> list[Value]:
    """The values of a line written by :func:`write_row`. Raises ``ValueError``."""
    cells = split_row(line)
    if len(cells) != len(columns):
        raise ValueError(f"{len(cells)} cells, not {len(columns)}")
    return [
        read_cell(column, text, quoted=quoted) for column, (text, quoted) in zip(columns, cells, strict=True)
    ]
