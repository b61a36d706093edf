"""Writer: puts questions to the model and reads its rows back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localsynth.core.cells import cell_grammar, read_row, write_cell
from localsynth.core.columns import Column, TextColumn
from localsynth.core.contracts import Ask, Message, SampleRequest, Sampling
from localsynth.core.errors import ContextTooSmall
from localsynth.core.grammar import Grammar, Warmed, max_length, seq
from localsynth.core.run import Reject
from localsynth.core.seeds import derive

from .bounds import RESERVE, shortened
from .layout import Layout
from .params import TextToTabularParams
from .sheets import Sheet, sheet_prompt
from .state import Plan

__all__ = ["Row", "Writer", "warmed"]

Row = dict[str, Any]
_LEAST = 0.05  # of the likeliest token: below lies what turns a text into noise, where nothing aligns it afterwards


@dataclass(frozen=True)
class _Page:
    """A sheet with its prompt. columns : all shown, in the row's order, texts kept to what fits."""

    sheet: Sheet
    columns: tuple[Column, ...]
    messages: tuple[Message, ...]
    head: str

    def own(self, names: frozenset[str]) -> tuple[Column, ...]:
        """Those of the named columns that are written on this page."""
        return tuple(c for c in self.columns if c.name in names and c.name in self.sheet.own)

    def start(self, columns: Sequence[Column], row: Row) -> str:
        """How a line begins up to these columns."""
        before = self.columns[: self.columns.index(columns[0])]
        return "".join(f"{write_cell(column, row[column.name])}," for column in before)

    def end(self, columns: Sequence[Column]) -> str:
        """What follows these columns in a line."""
        return "\n" if columns[-1] is self.columns[-1] else ","


@dataclass(frozen=True)
class _Group:
    """Rows that begin alike and have the same cells empty: one request."""

    start: str
    empty: frozenset[str]
    rows: tuple[int, ...]


class Writer:
    """Asks for rows under the prompts of a plan; an answer always begins with the header line.

    examples : example rows, in the order in which prompts show them; each takes as many as its sheet has room for.
    """

    def __init__(
        self,
        layout: Layout,
        plan: Plan,
        examples: Sequence[Row],
        params: TextToTabularParams,
        ask: Ask,
    ) -> None:
        self._layout, self._params, self._ask = layout, params, ask
        self._drafting = Sampling(temperature=params.temperature, top_p=params.top_p)
        self._writing = Sampling(temperature=params.text_temperature, top_p=params.top_p, min_p=_LEAST)
        columns = {column.name: column for column in shortened(layout.columns, plan.caps)}

        def page(sheet: Sheet) -> _Page:
            shown = tuple(columns[name] for name in sheet.names)
            messages, head = sheet_prompt(layout, shown, examples[: sheet.examples], plan.level)
            return _Page(sheet, shown, messages, head)

        self._pages = tuple(map(page, plan.sheets))
        self._asides = {sheet.own[0]: page(sheet) for sheet in plan.asides}

    def draft(
        self, lead: Sequence[tuple[Any, int]] | None, n: int, seed: int
    ) -> tuple[list[Row], list[Reject]]:
        """``n`` rows of the columns with a target, independent of each other.

        lead : values of the first column and how many rows each gets; ``None`` leaves it to the model.
        """
        names = frozenset(column.name for column in self._layout.aimed)
        rows: list[Row] = [{} for _ in range(n)]
        if lead is not None:
            first = self._layout.aimed[0].name
            rows = [{first: value} for value, count in lead for _ in range(count)]
            names -= {first}
        rejects: list[Reject] = []
        for page in self._pages:
            if columns := page.own(names):
                groups = _groups(page, columns, rows, [frozenset()] * len(rows))
                nulls = {c.name: None if c.null_rate != 0 else False for c in columns}
                found, lost = self._fill("draft", page, columns, groups, nulls, self._drafting, seed)
                rejects += lost
                rows = [rows[at] | cells for at, cells in sorted(found, key=lambda pair: pair[0])]
        return rows, rejects

    def write(
        self,
        rows: Sequence[Row],
        columns: Sequence[Column],
        empty: Sequence[frozenset[str]],
        each: int,
        seed: int,
    ) -> list[list[Row]]:
        """For each row ``each`` versions of ``columns`` (neighbours in the layout), in one question per sheet.

        empty : per row the columns decided to be empty. Rows that begin alike share a request.
        """
        names = frozenset(column.name for column in columns)
        versions: list[tuple[int, Row]] = [(at, {}) for at in range(len(rows)) for _ in range(each)]
        for page in self._pages:
            if here := page.own(names):
                versions = self._versions(page, here, rows, versions, empty, seed)
        return _by_row(versions, len(rows))

    def rewrite(self, rows: Sequence[Row], column: Column, each: int, seed: int) -> list[list[Row]]:
        """For each row ``each`` versions of one text, written beside the few columns that matter to it.

        No versions at all where the plan has no place for that.
        """
        page = self._asides.get(column.name)
        if page is None:
            return [[] for _ in rows]
        versions: list[tuple[int, Row]] = [(at, {}) for at in range(len(rows)) for _ in range(each)]
        nothing: list[frozenset[str]] = [frozenset()] * len(rows)
        here = page.own(frozenset([column.name]))
        return _by_row(self._versions(page, here, rows, versions, nothing, seed, settled=True), len(rows))

    def _versions(
        self,
        page: _Page,
        columns: Sequence[Column],
        rows: Sequence[Row],
        versions: list[tuple[int, Row]],
        empty: Sequence[frozenset[str]],
        seed: int,
        *,
        settled: bool = False,
    ) -> list[tuple[int, Row]]:
        """Versions (row, cells so far) with the cells of one page more. settled : no cell may be empty."""
        so_far = [rows[at] | cells for at, cells in versions]
        groups = _groups(page, columns, so_far, [empty[at] for at, _ in versions])
        nulls = {c.name: False if settled or c.null_rate is not None else None for c in columns}
        found, _ = self._fill("write", page, columns, groups, nulls, self._writing, seed)
        ordered = sorted(found, key=lambda pair: pair[0])
        return [(versions[at][0], versions[at][1] | cells) for at, cells in ordered]

    def _fill(
        self,
        purpose: str,
        page: _Page,
        columns: Sequence[Column],
        groups: Sequence[_Group],
        nulls: Mapping[str, bool | None],
        sampling: Sampling,
        seed: int,
    ) -> tuple[list[tuple[int, Row]], list[Reject]]:
        """The cells of ``columns`` for the rows of every group: (row, cells), and what could not be read."""
        end = page.end(columns)

        def requests(columns: Sequence[Column]) -> list[SampleRequest]:
            return [
                SampleRequest(
                    page.messages,
                    self._grammar(columns, nulls, group.empty, end),
                    len(group.rows),
                    page.head + group.start,
                    sampling,
                    derive(seed, purpose, page.head, group.start, *sorted(group.empty)),
                )
                for group in groups
            ]

        asked = requests(columns)
        try:
            samples = self._ask.sample(purpose, asked)
        except ContextTooSmall:
            samples = self._ask.sample(purpose, requests(self._sure(columns, asked)))
        found: list[tuple[int, Row]] = []
        rejects: list[Reject] = []
        for group, sample in zip(groups, samples, strict=True):
            for at, text in zip(group.rows, sample.texts, strict=True):
                cells, reject = _read(columns, text[:-1])
                if reject is None:
                    found.append((at, cells))
                else:
                    rejects.append(reject)
        return found, rejects

    def _sure(self, columns: Sequence[Column], requests: Sequence[SampleRequest]) -> tuple[Column, ...]:
        """The columns, their texts so short that they fit though every byte were a token of its own.

        A plan leaves room for texts in any language people write; a model may still write one of rare signs alone.
        """
        texts = [column for column in columns if isinstance(column, TextColumn)]
        fixed = sum(max_length(cell_grammar(c)) + 1 for c in columns if not isinstance(c, TextColumn))
        longest = max(self._ask.prompt_tokens(request) for request in requests)
        room = self._ask.info.context - longest - fixed - RESERVE - 3 * len(texts)
        each = room // (4 * len(texts)) if texts else 0
        caps = {text.name: max(text.min_length, min(text.max_length, each)) for text in texts}
        return shortened(columns, caps)

    def _grammar(
        self, columns: Sequence[Column], nulls: Mapping[str, bool | None], empty: frozenset[str], end: str
    ) -> Grammar:
        """Cells joined by commas. ``empty`` : the columns whose cell stays empty for certain."""
        parts: list[Grammar | str] = []
        for column in columns:
            if column.name not in empty:
                parts.append(warmed(column, cell_grammar(column, null=nulls[column.name]), self._params))
            parts.append(",")
        return seq(*parts[:-1], end)


def warmed(column: Column, cell: Grammar, params: TextToTabularParams) -> Grammar:
    """A cell's grammar at the temperature its column has of its own, if it has one."""
    temperature = params.temperatures.get(column.name)
    return cell if temperature is None else Warmed(cell, temperature)


def _groups(
    page: _Page, columns: Sequence[Column], rows: Sequence[Row], empty: Sequence[frozenset[str]]
) -> list[_Group]:
    names = {column.name for column in columns}
    found: dict[tuple[str, frozenset[str]], list[int]] = {}
    for at, row in enumerate(rows):
        found.setdefault((page.start(columns, row), empty[at] & names), []).append(at)
    return [_Group(start, nothing, tuple(members)) for (start, nothing), members in found.items()]


def _by_row(versions: Sequence[tuple[int, Row]], rows: int) -> list[list[Row]]:
    found: list[list[Row]] = [[] for _ in range(rows)]
    for at, cells in versions:
        found[at].append(cells)
    return found


def _read(columns: Sequence[Column], line: str) -> tuple[Row, Reject | None]:
    try:
        values = read_row(columns, line)
    except ValueError as error:
        return {}, Reject("parse", str(error), line)
    return dict(zip([column.name for column in columns], values, strict=True)), None
