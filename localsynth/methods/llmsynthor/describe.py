"""Blocks of prompts: the table, its columns, and which values are still too few. Statistics only, never a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from localsynth.core.celllabels import value_label
from localsynth.core.columns import Column, FloatColumn, IntegerColumn, TextColumn
from localsynth.core.contracts import Ask, Message, SampleRequest
from localsynth.core.grammar import Fixed, Grammar, OneOf, max_length
from localsynth.core.grammar import Sequence as Parts
from localsynth.core.schema import Schema
from localsynth.core.steps import levels, range_of

__all__ = [
    "BREVITY",
    "BRIEFEST",
    "Brevity",
    "answer_tokens",
    "column_line",
    "fits",
    "flat",
    "gap_line",
    "table_block",
]

_RESERVE = 16  # tokens by which a prompt may grow where its end joins the answer


@dataclass(frozen=True)
class Brevity:
    """How much a prompt says. about, each : characters of the table's and of a column's description; levels : values of a
    nominal column that are listed; cells : under-represented cells told of each column; joint : of each joint table.
    """

    about: int
    each: int
    levels: int
    cells: int
    joint: int


#: From everything to names alone.
BREVITY = (
    Brevity(600, 200, 50, 3, 5),
    Brevity(300, 60, 20, 3, 5),
    Brevity(150, 0, 12, 2, 3),
    Brevity(80, 0, 6, 1, 2),
)
BRIEFEST = len(BREVITY) - 1


def flat(text: str, longest: int) -> str:
    """Text on one line, cut after ``longest`` characters."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: max(longest - 3, 0)].rstrip() + "..."


def table_block(schema: Schema, brief: Brevity) -> str:
    """What the table is about, and who is in it."""
    lines = []
    if schema.description:
        lines.append(f"Table: {flat(schema.description, brief.about)}")
    if schema.population:
        lines.append(f"Who: {flat(schema.population, brief.about)}")
    return "\n".join(lines)


def column_line(column: Column, brief: Brevity) -> str:
    """A column with its kind, its range or values, and what it means."""
    line = f"- {flat(column.name, 200)} ({_facts(column, brief)})"
    meaning = flat(column.description, brief.each) if brief.each else ""
    return f"{line}: {meaning}" if meaning else line


def _facts(column: Column, brief: Brevity) -> str:
    if isinstance(column, TextColumn):
        return "text"
    if (found := range_of(column)) is not None:
        facts = f"{value_label(column, found[0])} to {value_label(column, found[1])}"
        if isinstance(column, IntegerColumn | FloatColumn) and column.unit:
            facts += f" {flat(column.unit, 20)}"
        return facts
    words = levels(column)
    meanings = getattr(column, "categories", {}) if brief.each else {}
    shown = [
        f"{flat(word, 60)} = {flat(meanings[word], brief.each)}"
        if meanings.get(word, word) not in ("", word)
        else flat(word, 60)
        for word in words[: brief.levels]
    ]
    more = len(words) - len(shown)
    return ", ".join(shown) + (f", {more} more" if more else "")


def gap_line(
    name: str, cells: Sequence[str], gaps: np.ndarray[tuple[int], np.dtype[np.float64]], most: int
) -> str:
    """The cells that are missed most, with how much of all rows they lack; empty where none is missed.

    gaps : target share less present share, per cell.
    """
    order = np.argsort(-gaps, kind="stable")[:most]
    told_of = [f"{cells[at]} {gaps[at]:.1%}" for at in order if gaps[at] >= 0.0005]
    return f"- {name}: {'; '.join(told_of)}" if told_of else ""


def answer_tokens(grammar: Grammar, ask: Ask) -> int:
    """Tokens of the longest answer: fixed text as it is counted (and a quarter more), what is chosen one per byte."""
    fixed, free = _parts(grammar)
    return free + sum(1 + count + count // 4 for count in ask.count_tokens(fixed))


def _parts(grammar: Grammar) -> tuple[list[str], int]:
    if isinstance(grammar, Fixed):
        return [grammar.text], 0
    if isinstance(grammar, Parts):
        found = [_parts(part) for part in grammar.parts]
        return [text for texts, _ in found for text in texts], sum(free for _, free in found)
    if isinstance(grammar, OneOf) and len(grammar.options) == 1:
        return _parts(grammar.options[0])
    return [], max_length(grammar)


def fits(messages: tuple[Message, ...], grammar: Grammar, prefix: str, ask: Ask) -> tuple[bool, int, int]:
    """Whether there is room for a prompt and its longest answer, with the tokens of both."""
    prompt = ask.prompt_tokens(SampleRequest(messages, grammar, prefix=prefix)) + _RESERVE
    answer = answer_tokens(grammar, ask)
    return prompt + answer <= ask.info.context, prompt, answer
