"""Free-text columns, written by the model when the rest of a row is settled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from localsynth.core.cells import cell_grammar, write_cell
from localsynth.core.columns import Column, TextColumn
from localsynth.core.contracts import Ask, Message, SampleRequest, Sampling, Task
from localsynth.core.errors import ContextTooSmall
from localsynth.core.grammar import FreeText, max_length, seq
from localsynth.core.seeds import derive

from .columns import planned, texts
from .describe import BREVITY, BRIEFEST, column_line, flat, table_block
from .params import LLMSynthorParams

__all__ = ["Texts"]

_RESERVE = 24  # tokens: quotes, what joins, the end
_LEAST = 0.05  # of the likeliest token: below lies what turns a text into noise


@dataclass(frozen=True)
class _Page:
    """How one column is asked for. beside : columns shown in the answer before it. longest : characters."""

    column: TextColumn
    beside: tuple[Column, ...]
    messages: tuple[Message, ...]
    longest: int


class Texts:
    """Writes the texts of finished rows; each is a question of its own, and all are asked in one call."""

    def __init__(self, params: LLMSynthorParams, task: Task) -> None:
        self._task, self._columns = task, texts(task.schema)
        self._context = params.context
        self._sampling = Sampling(params.text_temperature, 0, 1.0, _LEAST)
        self._pages: tuple[_Page, ...] | None = None

    def __bool__(self) -> bool:
        return bool(self._columns)

    def check(self, ask: Ask) -> None:
        """Raises ``ContextTooSmall`` where a text does not fit beside even one prompt."""
        self._laid_out(ask)

    def fill(
        self, table: pa.Table, empty: Mapping[str, np.ndarray[Any, np.dtype[np.bool_]]], ask: Ask, seed: int
    ) -> pa.Table:
        """The table with all texts written, but those of rows that are ``empty`` there."""
        for page in self._laid_out(ask):
            name = page.column.name
            rows = np.flatnonzero(~empty[name]) if name in empty else np.arange(table.num_rows)
            written: list[str | None] = [None] * table.num_rows
            starts = _starts(page, table.take(pa.array(rows)))
            for at, text in zip(
                rows.tolist(), self._write(page, starts, ask, derive(seed, name)), strict=True
            ):
                written[at] = text
            index = table.column_names.index(name)
            table = table.set_column(index, table.schema.field(index), pa.array(written, pa.string()))
        return table

    def _write(self, page: _Page, starts: Sequence[str], ask: Ask, seed: int) -> list[str]:
        """One text after each beginning; rows that begin alike share a request."""
        alike: dict[str, list[int]] = {}
        for at, start in enumerate(starts):
            alike.setdefault(start, []).append(at)

        def requests(longest: int) -> list[SampleRequest]:
            grammar = seq(FreeText(page.column.min_length, longest), '"}')
            return [
                SampleRequest(page.messages, grammar, len(rows), start, self._sampling, derive(seed, start))
                for start, rows in alike.items()
            ]

        asked = requests(page.longest)
        try:
            samples = ask.sample("texts", asked)
        except ContextTooSmall:
            # There is room for texts in any language people write; a model may still write one of rare signs alone.
            room = ask.info.context - max(map(ask.prompt_tokens, asked)) - _RESERVE
            samples = ask.sample("texts", requests(max(page.column.min_length, min(page.longest, room // 4))))
        found = [""] * len(starts)
        for rows, sample in zip(alike.values(), samples, strict=True):
            for at, text in zip(rows, sample.texts, strict=True):
                found[at] = text[:-2]
        return found

    def _laid_out(self, ask: Ask) -> tuple[_Page, ...]:
        if self._pages is None:
            self._pages = tuple(self._page(column, ask) for column in self._columns)
        return self._pages

    def _page(self, column: TextColumn, ask: Ask) -> _Page:
        """The fullest prompt that leaves room for the text: first it gets briefer, then fewer columns stand beside it."""
        beside = planned(self._task.schema)
        needed = 0
        for at in range(len(BREVITY)):
            while True:
                page = _Page(column, beside, self._prompt(column, beside, at), column.max_length)
                needed = ask.prompt_tokens(SampleRequest(page.messages, None)) + _RESERVE + column.max_length
                needed += sum(max_length(cell_grammar(c)) + len(json.dumps(c.name)) + 6 for c in beside)
                if needed <= ask.info.context:
                    return page
                if at < BRIEFEST or not beside:
                    break
                beside = beside[:-1]
        raise ContextTooSmall(
            f"a text of column '{column.name}' of '{self._task.dataset}' does not fit the model: prompt and text take up to "
            f"{needed} tokens, the model's context holds {ask.info.context}",
            f"choose a model with a longer context, or lower max_length of '{column.name}'",
        )

    def _prompt(self, column: TextColumn, beside: Sequence[Column], level: int) -> tuple[Message, ...]:
        schema, brief = self._task.schema, BREVITY[level]
        lines = [column_line(shown, brief) for shown in (*beside, column)]
        context = f"Keep in mind: {flat(self._context, 2000)}\n" if self._context.strip() else ""
        text = (
            f"You complete records of a table. The records are invented.\n{table_block(schema, brief)}\n"
            "Columns:\n" + "\n".join(lines) + f"\n{context}"
            f"Write the record as JSON; {flat(column.name, 200)} fits the rest of it and has at most "
            f"{column.max_length} characters."
        )
        return (Message("user", text),)


def _starts(page: _Page, table: pa.Table) -> list[str]:
    """How each record begins, up to the text."""
    names = [column.name for column in page.beside]
    head = json.dumps(page.column.name, ensure_ascii=False)
    rows = zip(*(table[name].to_pylist() for name in names), strict=True) if names else [()] * table.num_rows
    return [
        "{"
        + "".join(
            f"{json.dumps(column.name, ensure_ascii=False)}: {_cell(column, value)}, "
            for column, value in zip(page.beside, row, strict=True)
        )
        + f'{head}: "'
        for row in rows
    ]


def _cell(column: Column, value: Any) -> str:
    if value is None:
        return "null"
    text = write_cell(column, value)
    if column.kind in ("integer", "float", "boolean") or text.startswith('"'):
        return text
    return json.dumps(text, ensure_ascii=False)
