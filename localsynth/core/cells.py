"""Cells as text: how a value is written in a row, which grammar allows it, and how it is read back.

A row is written as comma-separated cells. Strings that need it (commas, quotes, line breaks, blanks at an end, empty) are
written as JSON strings, everything else bare; an empty cell is a missing value.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
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

__all__ = ["Value", "cell_grammar", "read_cell", "read_row", "row_grammar", "split_row", "write_cell", "write_row"]

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
            return value.strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else str(value)
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
    """The value of a cell; checks kind, range, decimals, category and length. Raises ``ValueError`` saying what is wrong."""
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
            return text
        case DateColumn(range=(low, high)):
            day = date.fromisoformat(text)
            if not low <= day <= high:
                raise ValueError(f"{column.name}: {day} lies outside {low} to {high}")
            return day
        case DatetimeColumn(range=(first, last)):
            moment = datetime.fromisoformat(text)
            if moment.tzinfo or not first <= moment <= last:
                raise ValueError(f"{column.name}: {moment} lies outside {first} to {last}")
            return moment
        case TextColumn(min_length=shortest, max_length=longest):
            if not shortest <= len(text) <= longest:
                raise ValueError(f"{column.name}: {len(text)} characters, not {shortest} to {longest}")
            return text
        case IdentifierColumn():
            return text


def _read_number(column: IntegerColumn | FloatColumn, text: str) -> int | float:
    decimals = column.decimals if isinstance(column, FloatColumn) else 0
    try:
        number = float(text) if decimals or "." in text or "e" in text.lower() else int(text)
    except ValueError:
        raise ValueError(f"{column.name}: '{text}' is not a number") from None
    low, high = column.scaled_bounds
    scaled = round(number * 10**decimals)
    if abs(number * 10**decimals - scaled) > 1e-6 * max(1.0, abs(scaled)):
        raise ValueError(f"{column.name}: {text} has more than {decimals} decimals")
    if not low <= scaled <= high:
        raise ValueError(f"{column.name}: {text} lies outside {low / 10**decimals:g} to {high / 10**decimals:g}")
    return round(float(number), decimals) if isinstance(column, FloatColumn) else int(scaled)


def write_row(columns: Sequence[Column], values: Sequence[Value]) -> str:
    """Cells joined by commas, without a line end."""
    return ",".join(write_cell(column, value) for column, value in zip(columns, values, strict=True))


def row_grammar(columns: Sequence[Column], *, nulls: Sequence[bool] | None = None, end: str = "\n") -> Grammar:
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
    return [read_cell(column, text, quoted=quoted) for column, (text, quoted) in zip(columns, cells, strict=True)]
