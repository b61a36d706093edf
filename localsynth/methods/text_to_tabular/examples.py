"""Examples: invented rows for the prompt, diverse, valid, and after the declared distributions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from localsynth.core.cells import read_cell, read_row
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
from localsynth.core.contracts import Ask, Task
from localsynth.core.seeds import derive

from .align import aligned_frame
from .anyvalue import anything, typical_text
from .copied import Copied
from .finish import Finisher
from .frame import Judge
from .keep_rules import repair
from .layout import Layout, written
from .sheets import line_of
from .state import State
from .targets import Counts, NumberTarget
from .writer import Row, Writer

__all__ = ["given_rows", "invent", "lines_of", "pick", "read_example", "rows_of", "typical_row"]

_POOL = 8
_DRAWN = 36


def invent(state: State, writer: Writer, rounds: int, seed: int, copied: Copied | None = None) -> list[Row]:
    """Up to a dozen whole rows: cells spread over their distributions by code, the others by the model; all valid."""
    layout = state.layout
    rng = np.random.default_rng(derive(seed, "examples"))
    fresh = {name: Counts([0] * len(counts.strata)) for name, counts in state.counts.items()}
    guesses = {column.name: anything(column, 12, rng) for column in layout.open}
    frame = aligned_frame(layout.columns, layout.targets, fresh, {}, guesses, _DRAWN, rng)
    repair(state.task, layout, frame, rng)
    chosen = np.flatnonzero(~Judge(state.task, frame, 12).broken(frame.index).any(axis=1))[:_POOL]
    frame.keep(chosen)
    finisher = Finisher(layout, state.locks)
    here = derive(seed, "examples", "open")
    rows = finisher.complete(frame.rows(), frame.empty(), writer, rounds, here, copied)
    return [
        row for row, why in zip(rows, finisher.verdicts(rows, state.locks.copy()), strict=True) if why is None
    ]


def read_example(columns: Sequence[Column], example: dict[str, Any]) -> Row:
    """A schema's example row as typed values; columns it does not name are left out."""
    found: Row = {}
    for column in columns:
        if column.name in example:
            value = example[column.name]
            text = str(value).lower() if isinstance(value, bool) else str(value)
            found[column.name] = read_cell(column, text, quoted=True)
    return found


def given_rows(state: State, pool: Sequence[Row], ask: Ask | None = None) -> list[Row]:
    """The schema's own examples. A column left out is empty where it may be, else taken from an invented row.

    One that breaks a rule would teach the model to break it; it is left out of the prompt, and said so.
    """
    layout, schema = state.layout, state.task.schema
    finisher = Finisher(layout, state.locks)
    nothing: Row = {column.name: None for column in layout.columns if column.nullable}
    found = []
    for place, example in enumerate(schema.examples, 1):
        own = nothing | read_example(layout.columns, dict(example))
        versions = [
            row for row in (own, *({**row, **own} for row in pool)) if len(row) == len(layout.columns)
        ]
        broken = finisher.broken(versions)
        good = np.flatnonzero(~broken.any(axis=1))
        if len(good):
            found.append(versions[int(good[0])])
        elif ask is not None:
            why = "it lacks columns"
            if versions:
                why = f"it breaks the rule '{schema.rules[int(np.argmax(broken[0]))].label}'"
            ask.notice(f"example row {place} of the schema is not shown to the model: {why}", "warning")
    return found


def pick(state: State, seed: int) -> list[Row]:
    """The example rows of one batch: the schema's own as far as they go, then invented ones; others for each batch.

    A prompt that has room for few takes the first.
    """
    rng = np.random.default_rng(derive(seed, "pick"))
    own, other = ([lines[int(i)] for i in rng.permutation(len(lines))] for lines in (state.given, state.pool))
    return rows_of(state.layout, [*own, *other][: state.plan.examples])


def lines_of(layout: Layout, rows: Sequence[Row]) -> list[str]:
    """Rows as lines, all columns."""
    return [line_of(layout.columns, row) for row in rows]


def rows_of(layout: Layout, lines: Sequence[str]) -> list[Row]:
    """The rows of :func:`lines_of`."""
    names = [column.name for column in layout.columns]
    return [dict(zip(names, read_row(layout.columns, line), strict=True)) for line in lines]


def typical_row(task: Task) -> Row:
    """One example row: the schema's own where there is one, the rest near what is usual."""
    columns = written(task.schema)
    row = {column.name: _typical(column) for column in columns}
    if task.schema.examples:
        row |= read_example(columns, dict(task.schema.examples[0]))
    return row


def _typical(column: Column) -> Any:
    told = column.distribution
    match column:
        case IntegerColumn() | FloatColumn():
            return _middle(column)
        case BooleanColumn():
            return told is not None and (told.shares or {}).get("true", 0) > 0.5
        case CategoricalColumn(categories=categories):
            shares = (told.shares if told is not None else None) or {}
            return max(categories, key=lambda word: shares.get(word, 0.0))
        case TextColumn():
            return typical_text(column)
        case DateColumn(range=(first, last)):
            return first + (last - first) / 2
        case DatetimeColumn(range=(start, end)):
            return start + (end - start) // 2 // timedelta(minutes=1) * timedelta(minutes=1)
        case _:
            raise TypeError(column.kind)


def _middle(column: IntegerColumn | FloatColumn) -> int | float:
    low, high = column.scaled_bounds
    decimals = column.decimals if isinstance(column, FloatColumn) else 0
    usual, told = (low + high) / 2, column.distribution
    if told is not None:
        mean = told.mean if told.mean is not None else NumberTarget(column, told).at(np.array([0.5]))[0]
        usual = float(mean) * 10**decimals
    scaled = min(max(round(usual), low), high)
    return round(scaled / 10**decimals, decimals) if isinstance(column, FloatColumn) else scaled
