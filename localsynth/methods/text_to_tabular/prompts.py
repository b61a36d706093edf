"""What the model reads. Blocks that never change come first, so that their cost is shared by every request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from localsynth.core.cells import write_cell
from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
    TextColumn,
)
from localsynth.core.contracts import Message
from localsynth.core.schema import Rule, Schema

__all__ = ["LEVELS", "aligned_prompt", "faithful_prompt", "flat", "header", "json_row", "table_block"]

LEVELS = (
    4  # of brevity: 0 everything; 1 descriptions cut; 2 no descriptions, no meanings; 3 names and ranges only
)
_MOST_CATEGORIES = 40
_ABOUT = (None, 300, 150, 80)  # characters of what is said of the table, by level
_FEW_CATEGORIES = 8  # where it must be brief


def flat(text: str, longest: int | None = None) -> str:
    """Text on one line, cut after ``longest`` characters."""
    text = " ".join(text.split())
    return text if longest is None or len(text) <= longest else text[: max(longest - 3, 0)].rstrip() + "..."


def header(columns: Sequence[Column]) -> str:
    """The names of the columns as the first line of a CSV file."""
    return ",".join(
        json.dumps(column.name, ensure_ascii=False) if any(c in column.name for c in ',"') else column.name
        for column in columns
    )


# --- aligned --------------------------------------------------------------------------------------------------------


def aligned_prompt(
    schema: Schema, columns: Sequence[Column], examples: Sequence[str], level: int = 0
) -> tuple[Message, ...]:
    """One user message: role, table, columns, rules, then example rows as CSV; the answer goes on with rows."""
    role = "You write rows of a table as CSV. The records are invented, varied and realistic."
    blocks = [role, table_block(schema, level)]
    blocks.append("Columns:\n" + "\n".join(_column_line(column, level) for column in columns))
    if schema.rules and level < 3:
        blocks.append("Rules:\n" + "\n".join(f"- {_rule_line(rule, level)}" for rule in schema.rules))
    if examples:
        blocks.append("Examples:\n" + "\n".join([header(columns), *examples]))
    blocks.append("Write new rows in the same form.")
    return (Message("user", "\n".join(block for block in blocks if block)),)


def table_block(schema: Schema, level: int = 0) -> str:
    """What the table is about, and who is in it."""
    longest = _ABOUT[level]
    lines = []
    if schema.description:
        lines.append(f"Table: {flat(schema.description, longest)}")
    if schema.population:
        lines.append(f"Who: {flat(schema.population, longest)}")
    return "\n".join(lines)


def _rule_line(rule: Rule, level: int) -> str:
    return flat(rule.description or rule.check, None if level == 0 else 100)


def _column_line(column: Column, level: int) -> str:
    facts = _facts(column, level)
    line = f"- {flat(column.name)}" + (f" ({facts})" if facts else "")
    description = flat(column.description, (None, 40, 0, 0)[level]) if level < 2 else ""
    return f"{line}: {description}" if description else line


def _facts(column: Column, level: int) -> str:
    facts: list[str] = []
    match column:
        case IntegerColumn() | FloatColumn():
            low, high = column.scaled_bounds
            scale = 10 ** (column.decimals if isinstance(column, FloatColumn) else 0)
            facts.append(
                f"{low / scale:g}-{high / scale:g}" if low >= 0 else f"{low / scale:g} to {high / scale:g}"
            )
            if column.unit and level < 3:
                facts[-1] += f" {flat(column.unit)}"
        case BooleanColumn():
            facts.append("true/false")
        case CategoricalColumn(categories=categories):
            words = [
                f"{flat(word)} = {flat(meaning)}" if meaning and meaning != word and level < 2 else flat(word)
                for word, meaning in list(categories.items())[: _listed(level)]
            ]
            more = len(categories) - len(words)
            facts.append(", ".join(words) + (f", {more} more" if more else ""))
        case DateColumn(range=(low_day, high_day)):
            facts.append(f"{low_day} to {high_day}")
        case DatetimeColumn(range=(first, last)):
            facts.append(f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}")
        case TextColumn(max_length=longest):
            facts.append(f"text, at most {longest} characters")
        case _:
            pass
    if column.nullable and level < 3:
        facts.append("may be empty")
    return "; ".join(facts)


def _listed(level: int) -> int:
    """How many categories of a column are listed."""
    return _MOST_CATEGORIES if level < 2 else _FEW_CATEGORIES


# --- faithful -------------------------------------------------------------------------------------------------------


_CLASSES = {
    "integer": "integer",
    "float": "float",
    "boolean": "binary",
    "categorical": "categorical",
    "date": "date",
    "datetime": "datetime",
    "text": "text",
}


def faithful_prompt(
    schema: Schema, columns: Sequence[Column], example: Mapping[str, Any], n: int, level: int = 0
) -> tuple[Message, ...]:
    """The paper's single user message: prior knowledge, instructions, context.

    columns : in the order of this request. example : one fictitious row, column -> value. level : of brevity, 0 being the
    paper's own; the last leaves the example out.
    As in the paper there are no ranges, units, statistics or rules; its two slips (an example under a key that is not
    the index asked for, and single quotes where double quotes are demanded) are not repeated.
    """
    about = flat(schema.description, _ABOUT[level]) or "the table described below"
    knowledge = f"Give me an example table of {n} rows from this database: {about}"
    if schema.population:
        knowledge += f"\nRestrict it to this population: {flat(schema.population, _ABOUT[level])}"
    lines = []
    for column in columns:
        described = flat(column.description, (None, 40)[level]) if level < 2 else ""
        lines.append(f"{column.name}: {described}|{_CLASSES[column.kind]}|{_codes(column, level)}|")
    instructions = (
        "One row per record, no missing values, all of these columns "
        "(name: description|class|categories|statistics):\n" + "\n".join(lines) + "\n"
        'Answer with one JSON object keyed by row index ("0", "1", ...), with double quotes and the column names '
        "unchanged. Write nothing but the object and do not cut it short."
    )
    context = "This is what a row looks like (invented):\n{" + f'"0": {json_row(columns, example)}' + "}"
    blocks = [knowledge, instructions, *([context] if level < LEVELS - 1 else [])]
    return (Message("user", "\n\n".join(blocks)),)


def _codes(column: Column, level: int) -> str:
    if isinstance(column, BooleanColumn):
        return "true, false"
    if not isinstance(column, CategoricalColumn):
        return ""
    words = [
        f"{word} = {flat(meaning)}" if meaning and level < 2 else word
        for word, meaning in column.categories.items()
    ]
    return ", ".join(words[: _listed(level)])


def json_row(columns: Sequence[Column], values: Mapping[str, Any]) -> str:
    """A row as a JSON object on one line, cells written as a row's cells are."""
    cells = []
    for column in columns:
        value = values[column.name]
        if value is None:
            text = "null"
        elif isinstance(column, IntegerColumn | FloatColumn | BooleanColumn):
            text = write_cell(column, value)
        elif isinstance(column, TextColumn):
            text = json.dumps(str(value), ensure_ascii=False)
        elif isinstance(column, CategoricalColumn):
            text = json.dumps(value, ensure_ascii=False)
        else:
            text = json.dumps(write_cell(column, value))
        cells.append(f"{json.dumps(column.name, ensure_ascii=False)}: {text}")
    return "{" + ", ".join(cells) + "}"
