"""The generator: rows under the schema's grammar, written in the graph's order after real rows of one fold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.align.counting import Counter
from localsynth.core.cells import cell_grammar
from localsynth.core.columns import Column
from localsynth.core.contracts import Ask, Message, Sample, SampleRequest, Sampling
from localsynth.core.errors import ContextTooSmall
from localsynth.core.grammar import Grammar, max_length, seq
from localsynth.core.run import Reject
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive
from localsynth.methods.page import Page, table_of

from .theta import Theta

__all__ = ["EACH", "Shown", "Writer", "examples_that_fit"]

Array: TypeAlias = np.ndarray[Any, Any]
#: Rows written after the same examples.
EACH = 50
_SPARE = 8  # tokens
_COUNTED = 2_000  # rows whose tokens tell how long rows are
_ORDERED = {"integer": "number", "float": "number", "date": "date", "datetime": "date and time"}


@dataclass(frozen=True)
class Shown:
    """Rows that may stand in a prompt. counter : of them; read where there are lifts.

    lifts : see :func:`~localsynth.methods.mallm_gan.gaps.lifts`; none weighs all rows alike.
    """

    rows: pa.Table
    counter: Counter | None = None
    lifts: Mapping[str, Sequence[float]] | None = None

    def weights(self, thin: float) -> Array:
        """The chance of each row to be chosen: larger where synthetic rows are thin (residual selection)."""
        total = self.rows.num_rows
        if not self.lifts or not thin or self.counter is None:
            return np.full(total, 1 / max(1, total))
        log = np.zeros(total)
        for at, name in enumerate(self.counter.names):
            cells = self.counter.codes[:, at]
            own = np.array([*self.lifts[name], 0.0])
            log += own[np.where(cells >= 0, cells, len(own) - 1)]
        log *= thin / max(1.0, len(self.counter.names) ** 0.5)
        weight = np.exp(np.clip(log - log.mean(), -3, 3))
        return np.asarray(weight / weight.sum())


@dataclass(frozen=True)
class Writer:
    """Asks for rows and reads them.

    examples : rows in each prompt. limited : a cell's grammar where a condition narrows it.
    """

    schema: Schema
    sampling: Sampling
    examples: int
    limited: Mapping[str, Grammar]

    def page(self, theta: Theta) -> Page:
        """How a row is written under theta: columns that a condition limits first, so that others are written knowing them."""
        order = theta.graph.order(tuple(self.limited))
        if not self.limited:
            return Page.of(self.schema, order)
        parts: list[Grammar | str] = []
        for column in map(self.schema.column, order):
            own = self.limited.get(column.name)
            parts += [cell_grammar(column, null=column.nullable) if own is None else own, ","]
        return Page.of(self.schema, order, seq(*parts[:-1], "\n"))

    def requests(self, theta: Theta, shown: Shown, n: int, seed: int) -> list[SampleRequest]:
        """Requests for ``n`` rows: the same beginning, then each its own examples."""
        page = self.page(theta)
        static = _static(self.schema, page.columns, theta)
        weights = shown.weights(theta.thin)
        many = min(self.examples, shown.rows.num_rows)
        found = []
        for number, count in enumerate(_parts(n, EACH)):
            rng = np.random.default_rng(derive(seed, "examples", number))
            at = rng.choice(len(weights), many, replace=False, p=weights) if many else np.zeros(0, np.int64)
            lines = [page.line(row) for row in shown.rows.take(pa.array(at)).to_pylist()]
            told = replace(page, messages=_prompt(static, page.columns, lines), start=_head(page.columns))
            found.append(told.request(count, self.sampling, derive(seed, "rows", number), None))
        return found

    def read(self, theta: Theta, samples: Sequence[Sample]) -> tuple[pa.Table, list[Reject]]:
        """The rows of answers, in an order that tells nothing of which prompt they followed."""
        texts = [text for sample in samples for text in sample.texts]
        order = np.random.default_rng(len(texts)).permutation(len(texts))
        rows, rejects = self.page(theta).read([texts[at] for at in order])
        return table_of(self.schema, rows), rejects


def examples_that_fit(writer: Writer, theta: Theta, shown: Shown, ask: Ask, wanted: int) -> int:
    """How many examples a prompt holds beside the longest row of an answer: ``wanted``, or fewer.

    Raises ``ContextTooSmall`` with the numbers where not even one row without examples fits.
    """
    page = writer.page(theta)
    shown = replace(shown, rows=shown.rows.slice(0, _COUNTED))
    counts = ask.count_tokens([page.line(row) for row in shown.rows.to_pylist()])
    longest = min(max_length(page.whole()), max(counts, default=0) * 3 // 2 + 16)
    # The longest rows together: any choice of so many fits then.
    order = np.argsort(-np.array(counts), kind="stable")

    def fits(many: int) -> bool:
        tried = replace(writer, examples=many)
        some = shown.rows.take(pa.array(order[:many]))
        (request,) = tried.requests(theta, Shown(some, shown.counter), 1, 0)
        return ask.prompt_tokens(request) + longest + _SPARE <= ask.info.context

    low, high = 0, min(wanted, shown.rows.num_rows)
    if not fits(0):
        raise ContextTooSmall(
            f"a row takes up to {longest} tokens beside the description of the table, the model's context holds"
            f" {ask.info.context}",
            "choose a model with a longer context, or shorten texts and descriptions in the schema",
        )
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _parts(n: int, most: int) -> list[int]:
    """``n`` in about equal parts of at most ``most``."""
    many = -(-n // most)
    return [n // many + (at < n % many) for at in range(many)] if n > 0 else []


def _head(columns: Sequence[Column]) -> str:
    """The names as the first line of a CSV file."""
    odd = ',"\n\r'
    names = [
        json.dumps(column.name, ensure_ascii=False) if set(odd) & set(column.name) else column.name
        for column in columns
    ]
    return ",".join(names) + "\n"


def _static(schema: Schema, columns: Sequence[Column], theta: Theta) -> str:
    """All of the prompt that does not change from call to call."""
    kinds = ", ".join(
        f"{_flat(column.name)} ({_ORDERED.get(column.kind, column.kind)})" for column in columns
    )
    causes = "; ".join(
        f"{', '.join(map(_flat, theta.graph.parents[name]))} -> {_flat(name)}"
        for name in (column.name for column in columns)
        if theta.graph.parents[name]
    )
    blocks = [
        "You write rows of a table as CSV: invented records that could be real.",
        _flat(schema.description)[:400],
        f"Columns: {kinds}.",
        f"What depends on what: {causes}." if causes else "",
        _flat(theta.words),
    ]
    return "\n".join(block for block in blocks if block)


def _prompt(static: str, columns: Sequence[Column], lines: Sequence[str]) -> tuple[Message, ...]:
    shown = f"Real rows:\n{_head(columns)}{''.join(lines)}" if lines else ""
    asked = "Write more rows like these, and none of them again." if lines else "Write rows of this table."
    return (Message("user", f"{static}\n{shown}{asked}"),)


def _flat(text: str) -> str:
    return " ".join(text.split())
