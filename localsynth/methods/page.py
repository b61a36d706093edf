"""How a row is written: its cells in one order of the columns, separated by commas, on a line of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from localsynth.core.cells import cell_grammar, read_row, write_row
from localsynth.core.columns import Column
from localsynth.core.contracts import Message, SampleRequest, Sampling, ScoreRequest
from localsynth.core.grammar import Grammar, seq
from localsynth.core.grammar import Sequence as Sequenced
from localsynth.core.run import Reject
from localsynth.core.schema import Schema
from localsynth.tables import arrow_schema

__all__ = ["START", "Page", "table_of"]

#: What a row is written after: a line has ended.
START = "\n"


@dataclass(frozen=True)
class Page:
    """Rows of these columns, in this order. messages : a prompt before them, with its own beginning of the answer.

    grammar : of a whole row, line end included; by default each cell by itself.
    """

    columns: tuple[Column, ...]
    messages: tuple[Message, ...] = ()
    start: str = START
    grammar: Grammar | None = None

    @classmethod
    def of(cls, schema: Schema, order: Sequence[str], grammar: Grammar | None = None) -> Page:
        """All of the schema's columns in that order."""
        return cls(tuple(schema.column(name) for name in order), grammar=grammar)

    def line(self, row: Mapping[str, Any]) -> str:
        """A row as text, line end included."""
        return write_row(self.columns, [row[column.name] for column in self.columns]) + "\n"

    def whole(self) -> Grammar:
        """What a line may look like."""
        return self.grammar if self.grammar is not None else self.plain()

    def plain(self) -> Grammar:
        """The same when nothing is locked."""
        parts: list[Grammar | str] = []
        for column in self.columns:
            parts += [cell_grammar(column, null=column.nullable), ","]
        return seq(*parts[:-1], "\n")

    def rest(self) -> Grammar:
        """What may follow the first cell and its comma; the first column is locked to no other."""
        whole = self.whole()
        assert isinstance(whole, Sequenced)
        return Sequenced(whole.parts[2:])

    def lines(self, rows: Sequence[Mapping[str, Any]]) -> ScoreRequest:
        """The rows as texts to learn from or to be scored, each under the grammar it would be written with."""
        return ScoreRequest(self.messages, self.plain(), tuple(map(self.line, rows)), prefix=self.start)

    def request(self, n: int, sampling: Sampling, seed: int, adapter: Any) -> SampleRequest:
        """``n`` rows."""
        return SampleRequest(
            self.messages, self.whole(), n, self.start, sampling=sampling, seed=seed, adapter=adapter
        )

    def read(self, texts: Sequence[str]) -> tuple[list[dict[str, Any]], list[Reject]]:
        """Lines as rows, and what could not be read."""
        names = [column.name for column in self.columns]
        rows, rejects = [], []
        for text in texts:
            try:
                rows.append(dict(zip(names, read_row(self.columns, text.removesuffix("\n")), strict=True)))
            except ValueError as error:
                rejects.append(Reject("parse", str(error), text))
        return rows, rejects


def table_of(schema: Schema, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table of all the schema's columns; identifiers are NULL."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=arrow_schema(schema))
