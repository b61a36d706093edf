"""Answers: small tables as JSON, how a model is held to them and what its answer is worth."""

from __future__ import annotations

import json
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
from localsynth.core.run import Reject

from .params import TextToTabularParams
from .writer import warmed

__all__ = ["json_cell", "key_of", "read_answer", "rest_grammar", "table_grammar"]

Row = dict[str, Any]


def key_of(column: Column) -> str:
    """A column's name as a key, with what separates it from its value."""
    return f"{json.dumps(column.name, ensure_ascii=False)}: "


def table_grammar(columns: Sequence[Column], n: int, params: TextToTabularParams) -> Grammar:
    """A JSON object of ``n`` rows keyed "0", "1", ...; cells as the schema allows, none missing."""
    parts: list[Grammar | str] = ["{"]
    for place in range(n):
        parts += [f'{", " if place else ""}"{place}": {{', *_cells(columns, params), "}"]
    return seq(*parts, "}")


def rest_grammar(columns: Sequence[Column], params: TextToTabularParams) -> Grammar:
    """The last cells of a table of one row, and its end."""
    return seq(*_cells(columns, params), "}}")


def _cells(columns: Sequence[Column], params: TextToTabularParams) -> list[Grammar | str]:
    parts: list[Grammar | str] = []
    for at, column in enumerate(columns):
        parts += [f"{', ' if at else ''}{key_of(column)}", warmed(column, json_cell(column), params)]
    return parts


def json_cell(column: Column) -> Grammar:
    """The grammar of a value."""
    if isinstance(column, IntegerColumn | FloatColumn | BooleanColumn | TextColumn):
        return cell_grammar(column, null=False)  # a text's cell has its quotes already
    if isinstance(column, CategoricalColumn):
        return OneOf(tuple(Fixed(json.dumps(word, ensure_ascii=False)) for word in column.categories))
    return seq('"', cell_grammar(column, null=False), '"')


def read_answer(columns: Sequence[Column], text: str) -> tuple[list[Row], list[Reject]]:
    """The rows of an answer, and what was lost: all where it does not parse or lacks a column, else single rows."""
    start = text.find("{")
    try:
        answer, _ = json.JSONDecoder().raw_decode(text, start) if start >= 0 else (None, 0)
    except (ValueError, RecursionError) as error:
        return [], [Reject("parse", str(error), text)]
    if (
        not isinstance(answer, dict)
        or not answer
        or not all(isinstance(row, dict) for row in answer.values())
    ):
        return [], [Reject("parse", "not a JSON object keyed by row index", text)]
    for key, row in answer.items():
        lacking = [column.name for column in columns if column.name not in row]
        if lacking:
            return [], [
                Reject("missing column", lacking[0], f"row {key}: {json.dumps(row, ensure_ascii=False)}")
            ]
    rows, rejects = [], []
    for row in answer.values():
        found = _read_row(columns, row)
        if isinstance(found, Reject):
            rejects.append(found)
        else:
            rows.append(found)
    return rows, rejects


def _read_row(columns: Sequence[Column], answer: Mapping[str, Any]) -> Row | Reject:
    shown = json.dumps(answer, ensure_ascii=False)
    row: Row = {}
    for column in columns:
        value = answer[column.name]
        if value is None or value == "":
            return Reject("null", column.name, shown)
        if isinstance(value, dict | list):
            return Reject("type", column.name, shown)
        try:
            row[column.name] = read_cell(column, _cell_text(column, value), quoted=True)
        except (ValueError, OverflowError) as error:
            outside = any(words in str(error) for words in ("lies outside", "no category", "characters, not"))
            return Reject("range" if outside else "type", column.name, shown)
    return row


def _cell_text(column: Column, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(column, BooleanColumn) and value in (0, 1):
        return "true" if value else "false"  # the paper's binary columns are coded 0 and 1
    return str(value)
