"""Tables to measure with, and how a person would ask for their rows: with localsynth, as JSON, as a line of CSV."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from localsynth import resources
from localsynth.core.cells import Value, read_cell, read_row, row_grammar, write_cell, write_row
from localsynth.core.columns import (
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
from localsynth.core.contracts import Message, SampleRequest
from localsynth.core.grammar import max_length
from localsynth.core.schema import Schema
from localsynth.engine.plainloop import LoopTask

__all__ = ["BenchTable", "clinic_table", "six_columns", "table_of"]

_SIX = """
description = "One row for each visit to an outpatient clinic."
[[columns]]
name = "sex"
kind = "categorical"
categories = ["female", "male"]
[[columns]]
name = "smoker"
kind = "boolean"
[[columns]]
name = "diagnosis"
kind = "categorical"
categories = ["healthy", "hypertension", "diabetes", "asthma", "depression"]
[[columns]]
name = "age"
kind = "integer"
unit = "years"
range = [18, 95]
[[columns]]
name = "systolic_bp"
kind = "integer"
unit = "mmHg"
range = [80, 220]
[[columns]]
name = "hba1c"
kind = "float"
unit = "%"
range = [4.0, 14.0]
decimals = 1
[[examples]]
sex = "female"
smoker = false
diagnosis = "hypertension"
age = 67
systolic_bp = 151
hba1c = 5.6
[[examples]]
sex = "male"
smoker = true
diagnosis = "diabetes"
age = 58
systolic_bp = 138
hba1c = 7.4
[[examples]]
sex = "female"
smoker = false
diagnosis = "healthy"
age = 31
systolic_bp = 117
hba1c = 5.1
"""
_MOST_CATEGORIES = 40
_LEAST_TOKENS = 60  # room for a row of the plain loop


@dataclass(frozen=True)
class BenchTable:
    """A table whose rows are made one way and the other.

    columns : all that a model writes, in the order it writes them. examples : rows, each a value for every column.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    examples: tuple[tuple[Value, ...], ...]

    def request(self, rows: int, seed: int) -> SampleRequest:
        """All rows at once, from the engine."""
        question = f"{self._about()}Write one row as comma-separated values, like these:\n{self._lines()}"
        return SampleRequest((Message("user", question),), row_grammar(self.columns), n=rows, seed=seed)

    def tasks(self) -> dict[str, LoopTask]:
        """One row at a time, from the loops people would write; by the names ``json`` and ``plain``."""
        return {"json": self._json_task(), "plain": self._plain_task()}

    def holds(self, name: str, text: str) -> bool:
        """Whether what the loop of that name wrote is a row of the table."""
        return self._is_json_row(text) if name == "json" else self._is_row(text)

    def _json_task(self) -> LoopTask:
        """One row as a JSON object, under the grammar llama.cpp makes of a JSON schema."""
        prompt = f"{self._about()}Write one row as a JSON object.\n{self._as_json(self.examples[-1])}\n"
        properties = {column.name: _json_type(column) for column in self.columns}
        schema = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        longest = sum(len(json.dumps(name)) + 6 for name in properties) + self._longest()
        return LoopTask(prompt, json.dumps(schema), max_tokens=max(_LEAST_TOKENS, longest))

    def _plain_task(self) -> LoopTask:
        """One row as the next line of a CSV file, by a model that is free to write anything."""
        usual = max(len(write_row(self.columns, example).encode()) for example in self.examples)
        return LoopTask(f"{self._about()}{self._lines()}", stop=("\n",), max_tokens=max(_LEAST_TOKENS, usual))

    def _is_row(self, text: str) -> bool:
        """Whether a line of CSV holds what the schema says: kinds, ranges, categories, lengths."""
        try:
            read_row(self.columns, text.rstrip("\n"))
        except ValueError:
            return False
        return True

    def _is_json_row(self, text: str) -> bool:
        """The same for a JSON object; numbers may have more decimals, which no JSON schema can forbid."""
        try:
            row = json.loads(text)
            if not isinstance(row, dict) or set(row) != {column.name for column in self.columns}:
                return False
            for column in self.columns:
                _read_json(column, row[column.name])
        except (ValueError, RecursionError):
            return False
        return True

    def _about(self) -> str:
        columns = ", ".join(f"{column.name} ({_facts(column)})" for column in self.columns)
        return f"{self.description} The columns are {columns}.\n".lstrip()

    def _lines(self) -> str:
        return "".join(f"{write_row(self.columns, example)}\n" for example in self.examples)

    def _as_json(self, example: Sequence[Value]) -> str:
        cells = {
            column.name: value
            if value is None or isinstance(value, bool | int | float)
            else write_cell(column, value)
            if isinstance(column, DateColumn | DatetimeColumn)
            else str(value)
            for column, value in zip(self.columns, example, strict=True)
        }
        return json.dumps(cells, ensure_ascii=False)

    def _longest(self) -> int:
        """Bytes of the longest row, which bound its tokens."""
        return max_length(row_grammar(self.columns))


def six_columns() -> BenchTable:
    """The table the engine is developed with: two categories, a boolean, three numbers."""
    return table_of("six columns", Schema.from_toml(_SIX))


def clinic_table() -> BenchTable:
    """The packaged clinic without its identifier and its free text, one example; columns of few values come first."""
    schema = Schema.from_toml((resources.recipes() / "clinic.schema.toml").read_text(encoding="utf-8"))
    table = table_of("clinic", schema)
    order = sorted(
        (at for at, column in enumerate(table.columns) if not isinstance(column, TextColumn)),
        key=lambda at: _values(table.columns[at]),
    )
    return BenchTable(
        table.name,
        table.description,
        tuple(table.columns[at] for at in order),
        (tuple(table.examples[0][at] for at in order),),
    )


def table_of(name: str, schema: Schema) -> BenchTable:
    """Any table, without its identifiers; its own examples, else one row of values from the middle of each range."""
    columns = tuple(column for column in schema.columns if not isinstance(column, IdentifierColumn))
    examples = schema.examples or ({},)
    rows = tuple(tuple(_example(column, example) for column in columns) for example in examples)
    return BenchTable(name, schema.description.strip(), columns, rows)


def _example(column: Column, example: Mapping[str, str | float | bool]) -> Value:
    if column.name in example:
        value = example[column.name]
        return read_cell(column, str(value).lower() if isinstance(value, bool) else str(value), quoted=True)
    return None if column.nullable else _typical(column)


def _typical(column: Column) -> Value:
    match column:
        case IntegerColumn():
            low, high = column.scaled_bounds
            return (low + high) // 2
        case FloatColumn(decimals=decimals):
            low, high = column.scaled_bounds
            return (low + high) // 2 / int(10**decimals)
        case BooleanColumn():
            return False
        case CategoricalColumn(categories=categories):
            return next(iter(categories))
        case DateColumn(range=(begin, end)):
            day: date = begin + (end - begin) // 2
            return day
        case DatetimeColumn(range=(first, last)):
            middle: datetime = first + (last - first) / 2
            return middle.replace(second=0, microsecond=0)
        case TextColumn(min_length=shortest, max_length=longest):
            return ("as before, " * (1 + shortest // 11))[: min(max(shortest, 9), longest)]
    raise TypeError(column.kind)  # identifiers are made by code, never written by a model


def _values(column: Column) -> float:
    match column:
        case BooleanColumn():
            return 2
        case CategoricalColumn(categories=categories):
            return len(categories)
    return float("inf")


def _facts(column: Column) -> str:
    match column:
        case IntegerColumn() | FloatColumn():
            scale = 10 ** (column.decimals if isinstance(column, FloatColumn) else 0)
            low, high = (
                write_cell(column, bound / scale if scale > 1 else bound) for bound in column.scaled_bounds
            )
            facts = f"{low} to {high} {column.unit}".rstrip()
        case BooleanColumn():
            facts = "true or false"
        case CategoricalColumn(categories=categories):
            words = list(categories)[:_MOST_CATEGORIES]
            facts = ", ".join(words) + (", ..." if len(categories) > len(words) else "")
        case DateColumn(range=(first, last)) | DatetimeColumn(range=(first, last)):
            facts = f"{write_cell(column, first)} to {write_cell(column, last)}"
        case TextColumn(max_length=longest):
            facts = f"text of at most {longest} characters"
        case _:
            facts = column.kind
    return facts + (", may be empty" if column.nullable else "")


def _json_type(column: Column) -> dict[str, Any]:
    """What a JSON schema can say of a column, as far as llama.cpp turns it into a grammar."""
    kind: dict[str, Any]
    match column:
        case IntegerColumn():
            low, high = column.scaled_bounds
            kind = {"type": "integer", "minimum": low, "maximum": high}
        case FloatColumn(decimals=decimals):
            low, high = column.scaled_bounds
            kind = {"type": "number", "minimum": low / 10**decimals, "maximum": high / 10**decimals}
        case BooleanColumn():
            kind = {"type": "boolean"}
        case CategoricalColumn(categories=categories):
            kind = {"enum": list(categories)}
        case DateColumn():
            kind = {"type": "string", "format": "date"}
        case DatetimeColumn():
            kind = {
                "type": "string",
                "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}$",
            }
        case TextColumn(min_length=shortest, max_length=longest):
            kind = {"type": "string", "minLength": shortest, "maxLength": longest}
        case _:
            kind = {"type": "string"}
    return {"anyOf": [kind, {"type": "null"}]} if column.nullable else kind


def _read_json(column: Column, value: Any) -> None:
    """Raises ``ValueError`` where a JSON value is none of the column's."""
    if isinstance(column, FloatColumn) and isinstance(value, int | float) and not isinstance(value, bool):
        text = f"{value:.{column.decimals}f}"
    elif isinstance(value, bool):
        text = str(value).lower()
    else:
        text = "" if value is None else str(value)
    read_cell(column, text, quoted=value is not None)
