"""Plans of the better mode: one line each, a cell of every column and how many rows; the question, the grammar, the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from localsynth.align.grid import Grid
from localsynth.core.cells import split_row, write_cell
from localsynth.core.columns import CategoricalColumn, TextColumn
from localsynth.core.contracts import Ask, Message, SampleRequest, Sampling
from localsynth.core.errors import ContextTooSmall
from localsynth.core.grammar import Fixed, Grammar, Number, OneOf, seq
from localsynth.core.schema import Schema

from .describe import BREVITY, Brevity, column_line, fits, flat, gap_line, table_block
from .ledger import Ledger
from .spelling import key, labels

__all__ = ["Lead", "Paper", "Question"]

Array: TypeAlias = np.ndarray[Any, Any]
_ROWS = "rows"
_TABLES = 6  # joint tables that guidance tells of, those with most missing
_TASK = (
    "You plan a synthetic table. Each line of your answer is one plan: the values that some records have in common, then how "
    "many rows of them to add. Values of one line go together in reality."
)
_NAME = CategoricalColumn(name="x", categories={"x": ""})  # quotes names as it quotes values


@dataclass(frozen=True)
class Lead:
    """Where plans begin: cells that are missed, column -> base cell. count : plans wanted."""

    cells: Mapping[int, int]
    count: int


@dataclass(frozen=True)
class Question:
    """Requests for plans, and how their answers are read. columns : grid columns of each request, in written order."""

    requests: tuple[SampleRequest, ...]
    columns: tuple[tuple[int, ...], ...]
    leads: tuple[Lead, ...]


class Paper:
    """Writes questions about a grid and reads their answers.

    order : the columns a plan may fix, the most telling first; where a prompt with all of them does not fit the model, the
    first of them are planned and the others stay open.
    """

    def __init__(self, schema: Schema, grid: Grid, order: Sequence[int], context: str) -> None:
        self._schema, self._grid, self._context = schema, grid, context
        self.order = tuple(
            at for at in order if not isinstance(grid.bases[at].column, TextColumn) and grid.sizes[at] > 0
        )
        self._labels = [labels(base.column, base.axis) for base in grid.bases]
        self._cells = [{key(text): cell for cell, text in enumerate(own)} for own in self._labels]
        # A table's cells may be coarser than what a plan names: rare values share one, and it is called by all of them.
        self._of_tables = [
            [labels(schema.column(axis.column), axis) for axis in table.axes]
            for table in grid.statistics.tables
        ]

    def ask_about(
        self,
        ledger: Ledger | None,
        leads: Sequence[Lead],
        most: int,
        sampling: Sampling,
        seeds: Sequence[int],
        ask: Ask,
    ) -> Question:
        """Requests for as many plans as the leads want, as much told as fits. most : rows of one plan.

        ledger : what is missing; without one nothing is told of it. Raises ``ContextTooSmall`` where not even two columns fit.
        """
        messages, brief, columns = self._fitted(ledger, most, ask)
        shown = set(columns)
        requests, written = [], []
        for lead, seed in zip(leads, seeds, strict=True):
            first = [at for at in lead.cells if at in shown]
            rest = [at for at in sorted(columns) if at not in lead.cells]
            start = "".join(f"{self._labels[at][lead.cells[at]]}," for at in first)
            head = self._header([*first, *rest])
            grammar = self._grammar(rest, ledger, brief, most)
            requests.append(SampleRequest(messages, grammar, lead.count, f"{head}\n{start}", sampling, seed))
            written.append(tuple(rest))
        return Question(tuple(requests), tuple(written), tuple(leads))

    def read(self, question: Question, at: int, text: str) -> tuple[Array, int]:
        """A plan as base cells, -1 where it leaves a column open, and how many rows it wants."""
        cells = np.full(len(self._grid.names), -1, np.int32)
        for column, cell in question.leads[at].cells.items():
            cells[column] = cell
        *values, rows = split_row(text.removesuffix("\n"))
        for column, value in zip(question.columns[at], values, strict=True):
            cells[column] = self._cells[column][value]
        return cells, int(rows[0])

    def planned(self, ledger: Ledger | None, most: int, ask: Ask) -> tuple[int, ...]:
        """The columns that fit a question. Raises ``ContextTooSmall``."""
        return self._fitted(ledger, most, ask)[2]

    def _fitted(
        self, ledger: Ledger | None, most: int, ask: Ask
    ) -> tuple[tuple[Message, ...], Brevity, tuple[int, ...]]:
        tokens: list[int] = []
        columns = self.order
        while True:
            for brief in BREVITY:
                messages = self._prompt(ledger, columns, brief)
                grammar = self._grammar(sorted(columns), ledger, brief, most)
                room, *tokens = fits(messages, grammar, self._header(columns) + "\n", ask)
                if room:
                    return messages, brief, columns
            if len(columns) <= 2:
                break
            columns = columns[: max(2, len(columns) * 4 // 5)]
        raise ContextTooSmall(
            f"a plan over {len(columns)} columns does not fit the model: the prompt takes {tokens[0]} tokens and the answer "
            f"up to {tokens[1]}, the model's context holds {ask.info.context}",
            "choose a model with a longer context, shorten what the schema says, or set plans = 'none'",
        )

    def _prompt(self, ledger: Ledger | None, columns: Sequence[int], brief: Brevity) -> tuple[Message, ...]:
        bases = [self._grid.bases[at] for at in sorted(columns)]
        blocks = [
            _TASK,
            table_block(self._schema, brief),
            "Columns:\n" + "\n".join(column_line(base.column, brief) for base in bases),
            f"Keep in mind: {flat(self._context, 2000)}" if self._context.strip() else "",
        ]
        if ledger is not None:
            joint, single = self._guidance(ledger, columns, brief)
            told = "too rare so far, with the share of all rows that is missing"
            blocks += [
                f"Combinations that are {told}:\n" + "\n".join(joint) if joint else "",
                f"Values that are {told}:\n" + "\n".join(single) if single else "",
                "Plan what is missing most; rows in proportion to what is missing.",
            ]
        return (Message("user", "\n".join(block for block in blocks if block)),)

    def _guidance(
        self, ledger: Ledger, columns: Sequence[int], brief: Brevity
    ) -> tuple[list[str], list[str]]:
        """The combinations and the values that lack most. The ledger's first tables are the margins, in the grid's order."""
        shown, names, rows = set(columns), self._grid.names, max(1, ledger.rows)
        single = [
            gap_line(names[at], self._labels[at], ledger.gaps(at) / rows, brief.cells)
            for at in sorted(columns)
        ]
        joint: list[tuple[float, str]] = []
        for at in range(len(names), len(ledger.tables)):
            table = ledger.tables[at]
            if not set(table.columns) <= shown:
                continue
            gaps = ledger.told_gaps(at) / rows
            top = np.argsort(-gaps, kind="stable")[: brief.joint]
            words = [self._combination(at - len(names), int(cell)) for cell in top]
            line = gap_line(" x ".join(names[c] for c in table.columns), words, gaps[top], brief.joint)
            if line:
                joint.append((float(gaps[top].sum()), line))
        joint.sort(key=lambda one: -one[0])
        return [line for _, line in joint[:_TABLES]], [line for line in single if line]

    def _combination(self, table: int, cell: int) -> str:
        """A (flat) cell of a joint table in words."""
        words = self._of_tables[table]
        places = np.unravel_index(cell, [len(own) for own in words])
        return " & ".join(own[int(at)] for own, at in zip(words, places, strict=True))

    def _header(self, columns: Sequence[int]) -> str:
        names = [self._grid.names[at] for at in columns]
        return ",".join([*(write_cell(_NAME, name) for name in names), _ROWS])

    def _grammar(self, columns: Sequence[int], ledger: Ledger | None, brief: Brevity, most: int) -> Grammar:
        parts: list[Grammar | str] = []
        for at in columns:
            parts += [
                OneOf(tuple(Fixed(self._labels[at][cell]) for cell in self._open(at, ledger, brief))),
                ",",
            ]
        return seq(*parts, Number(1, most), "\n")

    def _open(self, column: int, ledger: Ledger | None, brief: Brevity) -> list[int]:
        """The cells a plan may name: those that occur and lack rows; of many those that lack most."""
        shares = self._grid.shares[column]
        lack = shares if ledger is None else np.where(shares > 0, ledger.gaps(column), -np.inf)
        found = np.flatnonzero(lack >= (0.5 if ledger is not None else 1e-12))
        if not len(found):
            found = np.array([int(np.argmax(lack))])
        return sorted(found[np.argsort(-lack[found], kind="stable")[: brief.levels]].tolist())
