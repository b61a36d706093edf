"""Answers: a list of rows, how a model can be held to it, and what is read from one that was free."""

from __future__ import annotations

import ast
import json
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from localsynth.core.cells import cell_grammar, read_cell
from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    FloatColumn,
    IntegerColumn,
    TextColumn,
)
from localsynth.core.grammar import Fixed, Grammar, OneOf, seq
from localsynth.core.judging import writable
from localsynth.core.run import Reject
from localsynth.core.where import Limit, limited_cell

__all__ = ["first_list", "json_cell", "read_answer", "rows_grammar"]

Row = dict[str, Any]
_NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}  # control characters, surrogates, ends of lines and paragraphs
_BARE = (IntegerColumn, FloatColumn, BooleanColumn)  # written without quotes in JSON


# --- writing ----------------------------------------------------------------------------------------------------------


def rows_grammar(columns: Sequence[Column], n: int, limits: Mapping[str, Limit]) -> Grammar:
    """A JSON list of ``n`` objects with all columns in this order, cells as the schema and the limits of columns allow."""
    cells: list[Grammar | str] = []
    for at, column in enumerate(columns):
        key = json.dumps(column.name, ensure_ascii=False)
        cells += [f"{', ' if at else ''}{key}: ", json_cell(column, limits.get(column.name))]
    parts: list[Grammar | str] = ["["]
    for place in range(n):
        parts += [", {" if place else "{", *cells, "}"]
    return seq(*parts, "]")


def json_cell(column: Column, limit: Limit | None = None) -> Grammar:
    """The grammar of a value, ``null`` where it may be missing."""
    if limit is not None and limit.null:
        return Fixed("null")
    value = _value(column, limit)
    # A limit on a column's values leaves out the missing cell.
    return OneOf((value, Fixed("null"))) if column.nullable and limit is None else value


def _value(column: Column, limit: Limit | None) -> Grammar:
    if isinstance(column, CategoricalColumn):
        words = column.categories if limit is None or limit.values is None else limit.values
        return OneOf(tuple(Fixed(json.dumps(word, ensure_ascii=False)) for word in words))
    cell = cell_grammar(column, null=False) if limit is None else limited_cell(column, limit)
    return cell if isinstance(column, (*_BARE, TextColumn)) else seq('"', cell, '"')


# --- reading ----------------------------------------------------------------------------------------------------------


def first_list(text: str) -> list[Any] | None:
    """The first bracket-balanced list of a text, as JSON or as a Python literal; ``None`` where it is neither."""
    start = text.find("[")
    if start < 0:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        found = _literal(text, start)
    return found if isinstance(found, list) else None


def _literal(text: str, start: int) -> Any:
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == "[") - (text[at] == "]")
        if not depth:
            break
    else:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes that Python does not know
        try:
            return ast.literal_eval(text[start : at + 1])
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None


def read_answer(columns: Sequence[Column], text: str) -> tuple[list[Row], list[Reject]]:
    """The rows of an answer as typed values, and what was lost.

    As released: where no list can be read all is lost, a row with other keys than the table's columns is dropped. That a
    value is one the schema allows is asked here in addition.
    """
    found = first_list(text)
    if found is None:
        return [], [Reject("parse", "no list of rows", text)]
    rows, rejects = [], []
    names = {column.name for column in columns}
    for item in found:
        if not isinstance(item, dict):
            rejects.append(Reject("parse", "not a row", _shown(item)))
        elif set(item) != names:
            rejects.append(Reject("parse", _keys(item, names), _shown(item)))
        elif not isinstance(row := _row(columns, item), dict):
            rejects.append(Reject("value", row.name, _shown(item)))
        else:
            rows.append(row)
    return rows, rejects


def _row(columns: Sequence[Column], item: Mapping[str, Any]) -> Row | Column:
    """The typed values, or the first column whose value the schema does not allow."""
    row: Row = {}
    for column in columns:
        try:
            row[column.name] = _read(column, item[column.name])
        except (ValueError, OverflowError):
            return column
    return row


def _keys(item: Mapping[Any, Any], names: set[str]) -> str:
    lacking = sorted(names - set(item))
    return f"no '{lacking[0]}'" if lacking else "a key that is no column"


def _read(column: Column, value: Any) -> Any:
    """Raises ``ValueError``."""
    if value is None or (isinstance(value, float) and value != value):
        if not column.nullable:
            raise ValueError(f"{column.name}: empty")
        return None
    if not isinstance(value, str | int | float):  # a truth value is an int
        raise ValueError(f"{column.name}: not a value")
    if isinstance(column, TextColumn) and not (isinstance(value, str) and _plain(value)):
        raise ValueError(f"{column.name}: not a text on one line")
    return read_cell(column, _text(column, value), quoted=True)


def _text(column: Column, value: str | float) -> str:
    if isinstance(value, str):
        return value
    if isinstance(column, BooleanColumn) and value in (0, 1):
        return "true" if value else "false"
    if isinstance(value, bool):
        python = str(value)
        known = isinstance(column, CategoricalColumn) and python in column.categories
        return python if known else python.lower()
    return str(value)


def _plain(text: str) -> bool:
    """One line, no blank at either end, nothing that cannot be stored."""
    return text == text.strip() and not any(unicodedata.category(char) in _NO_TEXT for char in text)


def _shown(item: Any) -> str:
    """A row as it is kept beside a reject; whatever a literal can hold."""
    try:
        text = json.dumps(item, ensure_ascii=False)
        return text if writable(text) else json.dumps(item)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return ascii(item)
    except (ValueError, RecursionError):  # numbers of thousands of digits
        return "what cannot be written out"
