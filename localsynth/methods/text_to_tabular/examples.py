"""Examples: invented rows for the prompt, diverse, valid, and after the declared distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from localsynth.core.cells import read_cell, write_row
from localsynth.core.columns import Column
from localsynth.core.contracts import Ask
from localsynth.core.seeds import derive

from .align import aligned_frame
from .anyvalue import anything
from .finish import Finisher
from .frame import Judge
from .keep_rules import repair
from .layout import Layout
from .state import State
from .targets import Counts
from .writer import Row, Writer

__all__ = ["given_rows", "invent", "lines_of", "pick", "read_example"]

_POOL = 8
_DRAWN = 36


def invent(state: State, writer: Writer, rounds: int, seed: int) -> list[Row]:
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
    rows = finisher.complete(frame.rows(), frame.empty(), writer, rounds, derive(seed, "examples", "open"))
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


def pick(state: State, seed: int) -> list[str]:
    """The example lines of one batch: the schema's own as far as they go, then invented ones; others for each batch."""
    rng = np.random.default_rng(derive(seed, "pick"))
    count = state.plan.examples
    own = [state.given[int(i)] for i in rng.permutation(len(state.given))]
    other = [state.pool[int(i)] for i in rng.permutation(len(state.pool))]
    chosen = [*own, *other][:count]
    return [chosen[int(i)] for i in rng.permutation(len(chosen))]


def lines_of(layout: Layout, rows: Sequence[Row]) -> list[str]:
    """Rows as the lines of the prompt."""
    return [write_row(layout.columns, [row[column.name] for column in layout.columns]) for row in rows]
