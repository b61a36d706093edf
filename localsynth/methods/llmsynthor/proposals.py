"""Proposals of the faithful mode: the question, the grammar of the answer, and rows drawn from it.

Source: LLMSynthor, proposal prompt (arXiv 2505.14752, appendix E); blocks in its order, guidance text reconstructed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.align.integers import apportion
from localsynth.align.values import from_whole
from localsynth.core.celllabels import value_label
from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
)
from localsynth.core.contracts import Message
from localsynth.core.grammar import Fixed, FreeText, Grammar, Number, OneOf, seq
from localsynth.core.schema import Schema

from .describe import Brevity, column_line, flat, gap_line, table_block
from .watch import Variable, Watch

__all__ = ["Choices", "Proposal", "draw", "proposal_grammar", "proposal_prompt", "read_proposals"]

Array: TypeAlias = np.ndarray[Any, Any]
Span: TypeAlias = tuple[int, int]
_REASON = 10  # characters at least
_FORMAT = (
    'Output format: JSON {{"n_proposals": {proposals}, "proposal1": {{"reason": "...", "proposal": '
    '{{"variable": value, ...}}, "num": rows}}, "proposal2": ...}}'
)
_RULES = """Rules:
- Write at most {proposals} proposals of together {rows} rows.
- Follow the guidance above only.
- The reason names the missing shares one by one and says what such a record means in reality.
- A categorical variable has one of its values, spelt as above; a number or date has one pair [low, high], never several \
ranges. All variables are present.
- What is missed most comes in several proposals; prefer what several lines of guidance have in common.
- num is proportional to the missing shares.
- Answer with JSON only."""


@dataclass(frozen=True)
class Proposal:
    """values : column -> what all its rows share, as the model wrote it. num : rows."""

    values: Mapping[str, Any]
    num: int
    reason: str


@dataclass(frozen=True)
class Choices:
    """What a proposal may say of one column: written value -> what is drawn from it (a range, a list of labels, nothing)."""

    column: Column
    options: Mapping[str, Span | tuple[str, ...] | None]

    @classmethod
    def of(cls, variable: Variable, most: int) -> Choices:
        """Any range between edges of the cells that guidance shows; of many categories those that are missed most."""
        cells, _, gaps = variable.cells()
        options: dict[str, Span | tuple[str, ...] | None] = {}
        spans = [cell for cell in cells if isinstance(cell, tuple)]
        for at, (low, _) in enumerate(spans):
            for _, high in spans[at:]:
                options[_pair(variable.column, low, high)] = (low, high)
        if variable.axis.labels:
            for cell in sorted(np.argsort(-gaps[: variable.axis.present], kind="stable")[:most].tolist()):
                values = variable.axis.labels[cell]
                options[_nominal(variable.column, values[0])] = values
        if variable.axis.missing:
            options["null"] = None
        return cls(variable.column, options)

    @property
    def grammar(self) -> Grammar:
        """One of them."""
        return OneOf(tuple(map(Fixed, self.options)))


def _nominal(column: Column, value: str) -> str:
    return value if isinstance(column, BooleanColumn) else json.dumps(value, ensure_ascii=False)


def _pair(column: Column, low: int, high: int) -> str:
    ends = [value_label(column, low), value_label(column, high)]
    if isinstance(column, DateColumn | DatetimeColumn):
        ends = [f'"{end}"' for end in ends]
    return f"[{', '.join(ends)}]"


def proposal_grammar(choices: Sequence[Choices], proposals: int, most: int, reason: int) -> Grammar:
    """The whole answer. most : rows of one proposal; reason : characters, at most."""
    parts: list[Grammar | str] = [f'{{"n_proposals": {proposals}']
    for number in range(1, proposals + 1):
        parts += [f', "proposal{number}": {{"reason": "', FreeText(_REASON, reason), '", "proposal": {']
        for at, choice in enumerate(choices):
            name = json.dumps(choice.column.name, ensure_ascii=False)
            parts += [f"{', ' if at else ''}{name}: ", choice.grammar]
        parts += ['}, "num": ', Number(1, most), "}"]
    return seq(*parts, "}")


def read_proposals(text: str, choices: Sequence[Choices]) -> list[Proposal]:
    """The proposals of an answer. Numbers are kept as they were written, for they are names of options."""
    data = json.loads(text, parse_float=_Written, parse_int=_Written)
    found = []
    for number in range(1, int(data["n_proposals"].text) + 1):
        one = data[f"proposal{number}"]
        values = {c.column.name: c.options[_written(one["proposal"][c.column.name])] for c in choices}
        found.append(Proposal(values, int(one["num"].text), one["reason"]))
    return found


@dataclass(frozen=True)
class _Written:
    """A number as text."""

    text: str


def _written(value: Any) -> str:
    if isinstance(value, _Written):
        return value.text
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return json.dumps(value, ensure_ascii=False)


def proposal_prompt(
    schema: Schema,
    watch: Watch,
    brief: Brevity,
    *,
    proposals: int,
    rows: int,
    context: str,
) -> tuple[Message, ...]:
    """Output format, joint guidance, marginal guidance, variables, rules; then the context, if there is one."""
    joint, single = [], []
    for table in watch.joints:
        gaps = table.gaps()
        order = np.argsort(-gaps, kind="stable")[: brief.joint]
        if line := gap_line(" x ".join(table.names), table.labels(order.tolist()), gaps[order], brief.joint):
            joint.append(line)
    for variable in watch.variables:
        _, words, gaps = variable.cells()
        if line := gap_line(variable.name, words, gaps, brief.cells):
            single.append(line)
    too_rare = "that are too rare so far, with the share of all rows that is missing:"
    blocks = [
        _FORMAT.format(proposals=proposals),
        f"Combinations {too_rare}\n" + "\n".join(joint) if joint else "",
        f"Values {too_rare}\n" + "\n".join(single) if single else "",
        f"{table_block(schema, brief)}\nVariables:\n"
        + "\n".join(column_line(variable.column, brief) for variable in watch.variables),
        _RULES.format(proposals=proposals, rows=rows),
        f"Keep in mind: {flat(context, 2000)}" if context.strip() else "",
    ]
    return (Message("user", "\n\n".join(block.strip() for block in blocks if block.strip())),)


def draw(
    proposals: Sequence[Proposal], choices: Sequence[Choices], rows: int, rng: np.random.Generator
) -> dict[str, pa.Array]:
    """Rows of all proposals, at most ``rows``: numbers and dates uniform within their range.

    Where the proposals together want more rows, all of them get proportionally fewer.
    """
    wanted = np.array([proposal.num for proposal in proposals], np.int64)
    counts = wanted if wanted.sum() <= rows else apportion(wanted.astype(np.float64), rows)
    return {
        choice.column.name: _values(
            choice.column, [proposal.values[choice.column.name] for proposal in proposals], counts, rng
        )
        for choice in choices
    }


def _values(column: Column, options: Sequence[Any], counts: Array, rng: np.random.Generator) -> pa.Array:
    missing = np.repeat(np.array([option is None for option in options], np.bool_), counts)
    if isinstance(column, CategoricalColumn | BooleanColumn):
        words = [
            option[int(at)] if option else ""
            for option, count in zip(options, counts, strict=True)
            for at in rng.integers(len(option) if option else 1, size=int(count))
        ]
        if isinstance(column, BooleanColumn):
            return pa.array([word == "true" for word in words], pa.bool_(), mask=missing)
        return pa.array(words, pa.string(), mask=missing)
    drawn = [
        rng.integers(low, high, endpoint=True, size=int(count))
        for (low, high), count in zip([option or (0, 0) for option in options], counts, strict=True)
    ]
    return from_whole(column, np.concatenate([*drawn, np.zeros(0, np.int64)]).astype(np.int64), missing)
