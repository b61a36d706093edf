"""What the two models read. The blocks and their order are the released code's, the words are our own.

What never changes comes first, theta after it, real rows last: the requests of one step share all but their rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from localsynth.core.cells import write_cell
from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    FloatColumn,
    IdentifierColumn,
    IntegerColumn,
    TextColumn,
)
from localsynth.core.contracts import Message
from localsynth.core.schema import Schema

__all__ = ["Prompts", "initial_theta", "json_rows", "written"]

Row = Mapping[str, Any]

_KINDS = {
    "integer": "numerical",
    "float": "numerical",
    "boolean": "boolean",
    "categorical": "categorical",
    "date": "date",
    "datetime": "date and time",
    "text": "text",
}
_GENERATOR = (
    "You generate records of a table. You follow instructions exactly and you write data, nothing else."
)
_OPTIMISER = (
    "You improve prompts. A generator writes records of a table after a prompt, and you write one part of that prompt: a "
    "causal structure over the table's columns, and guidance for the task. A classifier then tells generated records "
    "from real ones. Its accuracy is the score of the part, and a lower score is better.\n"
    "Go on in three steps.\n"
    "1. Look at the parts tried before, and at what each of them scored.\n"
    "2. Change the causal structure: add edges to it, take edges from it. Every column listed below may be used.\n"
    "3. Rewrite the guidance so that it fits the structure."
)
_GUIDANCE = (
    "Guidance: write records that are accurate and plausible, in which each effect takes a value that fits the values of "
    "its causes in the structure above."
)


def written(schema: Schema) -> tuple[Column, ...]:
    """The columns that a model writes: all but identifiers."""
    return tuple(column for column in schema.columns if not isinstance(column, IdentifierColumn))


def initial_theta(edges: Sequence[tuple[str, str]]) -> str:
    """The first theta: the edges as a list of tuples, and a sentence that would do for any table."""
    pairs = ", ".join(f"({_quoted(cause)}, {_quoted(effect)})" for cause, effect in edges)
    return f"Causal structure, as (cause, effect):\n[{pairs}]\n\n{_GUIDANCE}"


def json_rows(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """Rows as a JSON list of objects on one line, numbers to one decimal, as the answer is to look."""
    return "[" + ", ".join(_json_row(columns, row) for row in rows) + "]"


class Prompts:
    """The prompts over one table.

    rows : the train rows; only categories that they have are listed. condition : what rows must meet, in a person's words;
    empty where there is none.
    """

    def __init__(self, schema: Schema, rows: Sequence[Row], condition: str = "") -> None:
        self.columns = written(schema)
        self._condition = _flat(condition)
        about = [f"Table: {_flat(schema.description)}"] if schema.description else []
        about += [f"Who is in it: {_flat(schema.population)}"] if schema.population else []
        lines = [f"- {_quoted(column.name)} ({_KINDS[column.kind]})" for column in self.columns]
        self._blocks = [*about, "Columns:\n" + "\n".join(lines)]
        self._inventory = _inventory(self.columns, rows)

    def generator(self, theta: str, columns: Sequence[Column], rows: Sequence[Row]) -> tuple[Message, ...]:
        """Asks for as many rows as are shown. columns : in the order in which rows are shown and written."""
        blocks = [_GENERATOR, *self._blocks, *self._inventory, theta]
        many = len(rows)
        with_condition = f" with {self._condition}" if self._condition else ""
        task = (
            f"Write {many} new record{'s' if many > 1 else ''}{with_condition}, like the ones above and not copied from them. "
            f"Answer only with a JSON list of {many} object{'s' if many > 1 else ''}, each with all of these keys, so that "
            "it can be loaded as a table."
        )
        shown = f"Records of the real table:\n{json_rows(columns, rows)}"
        return Message("system", "\n\n".join(blocks)), Message("user", f"{shown}\n\n{task}")

    def optimiser(self, pairs: Sequence[tuple[str, float]]) -> tuple[Message, ...]:
        """Asks for a new theta after pairs of a theta and its score (0 to 1), the lowest score first."""
        told = [
            f"Part {at}, score {100 * score:.1f}%:\n{theta}" for at, (theta, score) in enumerate(pairs, 1)
        ]
        told.append(
            "Write a new part that will score lower than these. Answer with the new part alone: the causal structure, "
            "then the guidance."
        )
        return (
            Message("system", "\n\n".join([_OPTIMISER, *self._blocks])),
            Message("user", "\n\n".join(told)),
        )


def _inventory(columns: Sequence[Column], rows: Sequence[Row]) -> list[str]:
    lines = []
    for column in columns:
        if isinstance(column, CategoricalColumn):
            seen = {row[column.name] for row in rows}
            words = [_quoted(word) for word in column.categories if word in seen]
            if words:
                lines.append(f"- {_quoted(column.name)}: {', '.join(words)}")
    return ["Values of the categorical columns:\n" + "\n".join(lines)] if lines else []


def _json_row(columns: Sequence[Column], row: Row) -> str:
    cells = (f"{_quoted(column.name)}: {_json_cell(column, row[column.name])}" for column in columns)
    return "{" + ", ".join(cells) + "}"


def _json_cell(column: Column, value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(column, FloatColumn):
        return write_cell(column.model_copy(update={"decimals": min(1, column.decimals)}), value)
    if isinstance(column, IntegerColumn | BooleanColumn):
        return write_cell(column, value)
    if isinstance(column, CategoricalColumn | TextColumn):
        return _quoted(value)
    return _quoted(write_cell(column, value))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _flat(text: str) -> str:
    return " ".join(text.split())
