"""Writer: puts questions to the model and reads its rows back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localsynth.core.cells import cell_grammar, read_row, write_cell
from localsynth.core.columns import Column, TextColumn
from localsynth.core.contracts import Ask, Message, SampleRequest, Sampling
from localsynth.core.grammar import Fixed, Grammar, seq
from localsynth.core.run import Reject
from localsynth.core.seeds import derive

from .layout import Layout
from .params import TextToTabularParams
from .prompts import header

__all__ = ["Row", "Writer"]

Row = dict[str, Any]
_LEAST = 0.05  # of the likeliest token: below lies what turns a text into noise, where nothing aligns it afterwards


class Writer:
    """Asks for rows under one prompt; the answer always begins with the header line.

    caps : shorter bounds of texts, where the model's context needs them.
    """

    def __init__(
        self,
        layout: Layout,
        messages: tuple[Message, ...],
        params: TextToTabularParams,
        caps: Mapping[str, int],
        ask: Ask,
    ) -> None:
        self._layout, self._messages, self._ask = layout, messages, ask
        self._drafting = Sampling(temperature=params.temperature, top_p=params.top_p)
        self._writing = Sampling(temperature=params.text_temperature, top_p=params.top_p, min_p=_LEAST)
        self._head = header(layout.columns) + "\n"
        self._columns = tuple(
            column.model_copy(update={"max_length": caps[column.name]})
            if isinstance(column, TextColumn) and column.name in caps
            else column
            for column in layout.columns
        )

    def draft(
        self, lead: Sequence[tuple[Any, int]] | None, n: int, seed: int
    ) -> tuple[list[Row], list[Reject]]:
        """``n`` rows of the columns with a target, independent of each other.

        lead : values of the first column and how many rows each gets; ``None`` leaves it to the model.
        """
        aimed = self._columns[: len(self._layout.aimed)]
        if not aimed:
            return [{} for _ in range(n)], []
        groups: Sequence[tuple[Any, int]] = lead if lead is not None else [(None, n)]
        begun = aimed[:1] if lead is not None else ()
        rest = aimed[len(begun) :]
        if not rest:
            return [{begun[0].name: value} for value, count in groups for _ in range(count)], []
        end = "," if self._layout.open else "\n"
        grammar = _grammar(rest, [None if column.null_rate != 0 else False for column in rest], end)
        requests = []
        for value, count in groups:
            start = "".join(f"{write_cell(column, value)}," for column in begun)
            requests.append(
                self._request(start, grammar, count, derive(seed, "draft", start), self._drafting)
            )
        rows: list[Row] = []
        rejects: list[Reject] = []
        for (value, _), sample in zip(groups, self._ask.sample("draft", requests), strict=True):
            for text in sample.texts:
                read, reject = _read(rest, text[:-1])
                if reject is not None:
                    rejects.append(reject)
                else:
                    rows.append({**{column.name: value for column in begun}, **read})
        return rows, rejects

    def write(
        self,
        rows: Sequence[Row],
        columns: Sequence[Column],
        empty: Sequence[frozenset[str]],
        each: int,
        seed: int,
    ) -> list[list[Row]]:
        """For each row ``each`` versions of ``columns`` (neighbours in the layout), in one question to the engine.

        empty : per row the columns decided to be empty. Rows that begin alike share a request.
        """
        if not columns or not rows:
            return [[{} for _ in range(each)] for _ in rows]
        names = [column.name for column in columns]
        start_at = self._layout.columns.index(columns[0])
        before = self._columns[:start_at]
        last = self._columns[start_at : start_at + len(columns)]
        end = "\n" if len(before) + len(last) == len(self._columns) else ","
        groups: dict[tuple[str, frozenset[str]], list[int]] = {}
        for at, row in enumerate(rows):
            start = "".join(f"{write_cell(column, row[column.name])}," for column in before)
            groups.setdefault((start, empty[at] & set(names)), []).append(at)
        requests = []
        for (start, nulls), members in groups.items():
            pattern = [
                True if column.name in nulls else False if column.null_rate is not None else None
                for column in last
            ]
            grammar = _grammar(last, pattern, end, planned=True)
            seed_here = derive(seed, "write", members[0])
            requests.append(self._request(start, grammar, each * len(members), seed_here, self._writing))
        found: list[list[Row]] = [[] for _ in rows]
        for members, sample in zip(groups.values(), self._ask.sample("write", requests), strict=True):
            for place, text in enumerate(sample.texts):
                read, reject = _read(last, text[:-1])
                if reject is None:
                    found[members[place // each]].append(read)
        return found

    def _request(self, start: str, grammar: Grammar, n: int, seed: int, sampling: Sampling) -> SampleRequest:
        return SampleRequest(self._messages, grammar, n, self._head + start, sampling, seed)


def _grammar(
    columns: Sequence[Column], nulls: Sequence[bool | None], end: str, *, planned: bool = False
) -> Grammar:
    """Cells joined by commas. ``planned`` : a ``True`` in ``nulls`` means empty for certain, not perhaps."""
    parts: list[Grammar | str] = []
    for column, null in zip(columns, nulls, strict=True):
        parts += [Fixed("") if planned and null else cell_grammar(column, null=null), ","]
    return seq(*(part for part in parts[:-1] if part != Fixed("")), end)


def _read(columns: Sequence[Column], line: str) -> tuple[Row, Reject | None]:
    try:
        values = read_row(columns, line)
    except ValueError as error:
        return {}, Reject("parse", str(error), line)
    return dict(zip([column.name for column in columns], values, strict=True)), None
