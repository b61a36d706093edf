"""The paper's mode: small tables asked for as JSON, one prompt each, and no control over what they add up to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from localsynth.core.cells import cell_grammar, read_cell, write_row
from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    FloatColumn,
    IntegerColumn,
    TextColumn,
)
from localsynth.core.contracts import Ask, Draft, SampleRequest, Sampling, Task
from localsynth.core.grammar import Fixed, Grammar, OneOf, seq
from localsynth.core.run import Reject
from localsynth.core.seeds import derive

from .anyvalue import typical_text
from .examples import read_example
from .finish import table_of_dicts
from .fit import cell_tokens, too_small
from .layout import written
from .locks import Locks
from .params import TextToTabularParams
from .prompts import faithful_prompt, json_row
from .targets import NumberTarget

__all__ = ["Faithful", "read_answer", "table_grammar", "typical_row"]

Row = dict[str, Any]
_RESERVE = 16  # tokens: braces, and columns whose order makes the prompt a little longer


class Faithful:
    """One run in the faithful mode."""

    def __init__(self, params: TextToTabularParams, task: Task) -> None:
        self._params, self._task = params, task
        self._columns = written(task.schema)
        self._sampling = Sampling(temperature=params.temperature, top_p=params.top_p)
        self._example = typical_row(task)
        self._per_request = params.rows_per_request
        self._row_tokens = 0
        self._locks = Locks(task.schema)
        self._seen: dict[str, None] = {}

    def learn(self, ask: Ask, seed: int) -> None:
        """Count how many rows fit one answer. Raises ``ContextTooSmall`` where not one does."""
        names = {
            column.name: json.dumps(column.name, ensure_ascii=False) + ": , " for column in self._columns
        }
        keys = sum(ask.count_tokens(list(names.values())))
        self._row_tokens = sum(cell_tokens(self._columns, ask).values()) + keys + 2 * len(self._columns) + 8
        context = ask.info.context
        prompt = ask.prompt_tokens(self._request(self._columns, self._params.rows_per_request, 0)) + _RESERVE
        fitting = (context - prompt) // self._row_tokens
        if fitting < 1:
            raise too_small(self._task, prompt, self._row_tokens, context)
        self._per_request = min(self._params.rows_per_request, fitting)
        if self._per_request < self._params.rows_per_request:
            ask.notice(
                f"{self._per_request} rows per request instead of {self._params.rows_per_request}: the prompt takes "
                f"{prompt} tokens, a row up to {self._row_tokens}, the model's context holds {context}",
                "warning",
            )

    def dump(self) -> Mapping[str, Any]:
        """JSON-able."""
        return {
            "per_request": self._per_request,
            "row_tokens": self._row_tokens,
            "locks": self._locks.dump(),
            "seen": list(self._seen),
        }

    def load(self, data: Mapping[str, Any]) -> None:
        """What ``dump`` gave."""
        self._per_request, self._row_tokens = int(data["per_request"]), int(data["row_tokens"])
        self._locks.load(data["locks"])
        self._seen = dict.fromkeys(data["seen"])

    def batch(self, n: int, seed: int, ask: Ask) -> Draft:
        """Up to ``n`` rows; what the model got wrong is asked for again ``max_retries`` times, under new seeds."""
        rows: list[Row] = []
        rejects: list[Reject] = []
        for turn in range(1 + self._params.max_retries):
            if len(rows) >= n:
                break
            sizes = _split(n - len(rows), self._per_request)
            orders = [self._shuffled(derive(seed, "columns", turn, at)) for at in range(len(sizes))]
            requests = [
                self._request(order, size, derive(seed, "rows", turn, at))
                for at, (order, size) in enumerate(zip(orders, sizes, strict=True))
            ]
            read: list[Row] = []
            for order, size, sample in zip(orders, sizes, ask.sample("rows", requests), strict=True):
                found, lost = read_answer(order, sample.texts[0])
                read += found[:size]
                rejects += lost
            good, wrong = self._judge(read)
            rows += good
            rejects += wrong
        return Draft(table_of_dicts(self._task, self._columns, rows[:n]), tuple(rejects))

    def _shuffled(self, seed: int) -> tuple[Column, ...]:
        order = np.random.default_rng(seed).permutation(len(self._columns))
        return tuple(self._columns[int(i)] for i in order)

    def _request(self, columns: Sequence[Column], size: int, seed: int) -> SampleRequest:
        return SampleRequest(
            faithful_prompt(self._task.schema, columns, self._example, size),
            table_grammar(columns, size) if self._params.grammar else None,
            sampling=self._sampling,
            seed=seed,
            max_tokens=max(size * self._row_tokens + _RESERVE, 1),
        )

    def _judge(self, rows: list[Row]) -> tuple[list[Row], list[Reject]]:
        """Rows that keep the rules, and rejects for the others and for duplicates."""
        schema, kept, rejects = self._task.schema, [], []
        broken = np.zeros((len(rows), len(schema.rules)), dtype=np.bool_)
        if rows and schema.rules and self._params.enforce_rules:
            broken = self._task.violations(table_of_dicts(self._task, self._columns, rows))
        for row, rules in zip(rows, broken, strict=True):
            text = json_row(self._columns, row)
            if rules.any():
                rejects.append(Reject("rule", schema.rules[int(np.argmax(rules))].label, text))
                continue
            if self._params.enforce_rules and (contradiction := self._locks.broken(row)) is not None:
                rejects.append(Reject("dependency", contradiction, text))
                continue
            if self._params.drop_duplicates:
                line = write_row(self._columns, [row[column.name] for column in self._columns])
                digest = blake2b(line.encode(), digest_size=10).hexdigest()
                if digest in self._seen:
                    rejects.append(Reject("duplicate", "", text))
                    continue
                self._seen[digest] = None
            self._locks.learn(row)
            kept.append(row)
        return kept, rejects


def _split(n: int, most: int) -> list[int]:
    return [most] * (n // most) + ([n % most] if n % most else [])


def typical_row(task: Task) -> Row:
    """The one example row: the schema's own where there is one, the rest near what is usual."""
    columns = written(task.schema)
    row: Row = {}
    for column in columns:
        told = column.distribution
        match column:
            case IntegerColumn() | FloatColumn():
                low, high = column.scaled_bounds
                decimals = column.decimals if isinstance(column, FloatColumn) else 0
                middle = (low + high) / 2
                if told is not None:
                    usual = (
                        told.mean
                        if told.mean is not None
                        else NumberTarget(column, told).at(np.array([0.5]))[0]
                    )
                    middle = float(usual) * 10**decimals
                scaled = min(max(round(middle), low), high)
                row[column.name] = (
                    round(scaled / 10**decimals, decimals) if isinstance(column, FloatColumn) else scaled
                )
            case BooleanColumn():
                row[column.name] = told is not None and (told.shares or {}).get("true", 0) > 0.5
            case CategoricalColumn(categories=categories):
                shares = (told.shares if told is not None else None) or {}
                row[column.name] = max(categories, key=lambda word, shares=shares: shares.get(word, 0.0))  # type: ignore[misc]
            case TextColumn():
                row[column.name] = typical_text(column)
            case _:
                first, last = column.range  # type: ignore[union-attr]
                row[column.name] = (first + (last - first) / 2).replace() if first != last else first
    if task.schema.examples:
        row |= read_example(columns, dict(task.schema.examples[0]))
    return row


def table_grammar(columns: Sequence[Column], n: int) -> Grammar:
    """A JSON object of ``n`` rows keyed "0", "1", ...; cells as the schema allows, none missing."""
    parts: list[Grammar | str] = ["{"]
    for place in range(n):
        parts.append(f'{", " if place else ""}"{place}": {{')
        for at, column in enumerate(columns):
            parts.append(f"{', ' if at else ''}{json.dumps(column.name, ensure_ascii=False)}: ")
            parts.append(_json_cell(column))
        parts.append("}")
    return seq(*parts, "}")


def _json_cell(column: Column) -> Grammar:
    if isinstance(column, IntegerColumn | FloatColumn | BooleanColumn | TextColumn):
        return cell_grammar(column, null=False)  # a text's cell has its quotes already
    if isinstance(column, CategoricalColumn):
        return OneOf(tuple(Fixed(json.dumps(word, ensure_ascii=False)) for word in column.categories))
    return seq('"', cell_grammar(column, null=False), '"')


def read_answer(columns: Sequence[Column], text: str) -> tuple[list[Row], list[Reject]]:
    """The rows of an answer, and what was lost: all where it does not parse or lacks a column, else single rows."""
    start = text.find("{")
    try:
        answer, _ = json.JSONDecoder().raw_decode(text, start) if start >= 0 else (None, 0)
    except (ValueError, RecursionError) as error:
        return [], [Reject("parse", str(error), text)]
    if (
        not isinstance(answer, dict)
        or not answer
        or not all(isinstance(row, dict) for row in answer.values())
    ):
        return [], [Reject("parse", "not a JSON object keyed by row index", text)]
    for key, row in answer.items():
        lacking = [column.name for column in columns if column.name not in row]
        if lacking:
            return [], [
                Reject("missing column", lacking[0], f"row {key}: {json.dumps(row, ensure_ascii=False)}")
            ]
    rows, rejects = [], []
    for row in answer.values():
        found = _read_row(columns, row)
        if isinstance(found, Reject):
            rejects.append(found)
        else:
            rows.append(found)
    return rows, rejects


def _read_row(columns: Sequence[Column], answer: Mapping[str, Any]) -> Row | Reject:
    shown = json.dumps(answer, ensure_ascii=False)
    row: Row = {}
    for column in columns:
        value = answer[column.name]
        if value is None or value == "":
            return Reject("null", column.name, shown)
        if isinstance(value, dict | list):
            return Reject("type", column.name, shown)
        try:
            row[column.name] = read_cell(column, _cell_text(column, value), quoted=True)
        except (ValueError, OverflowError) as error:
            outside = any(words in str(error) for words in ("lies outside", "no category", "characters, not"))
            return Reject("range" if outside else "type", column.name, shown)
    return row


def _cell_text(column: Column, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(column, BooleanColumn) and value in (0, 1):
        return "true" if value else "false"  # the paper's binary columns are coded 0 and 1
    return str(value)
