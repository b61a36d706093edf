"""Elicit: ask the model how a column is distributed, several times in shuffled order, and pool the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from localsynth.core.columns import BooleanColumn, CategoricalColumn, Column, FloatColumn, IntegerColumn
from localsynth.core.contracts import Ask, Message, SampleRequest, Sampling
from localsynth.core.distribution import Distribution
from localsynth.core.grammar import Grammar, Number, max_length, seq
from localsynth.core.schema import Schema
from localsynth.core.seeds import derive

from .layout import is_short_list, written
from .prompts import LEVELS as PROMPT_LEVELS
from .prompts import flat, table_block

__all__ = ["LEVELS", "elicit", "pooled_quantiles", "pooled_shares", "unknown_columns"]

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
_MOST_CATEGORIES = 30
_ANSWERS = 5  # per round
_BREVITIES = PROMPT_LEVELS + 1  # of a question
_JOINS = 4  # tokens by which a question may differ where it stands between the template's parts
_LEAST_SPREAD = 0.1  # of the range, between the outer quantiles


def unknown_columns(schema: Schema) -> tuple[Column, ...]:
    """Columns whose distribution is worth asking for: none declared, and short enough to answer."""
    return tuple(
        column
        for column in written(schema)
        if column.distribution is None
        and (isinstance(column, IntegerColumn | FloatColumn) or is_short_list(column, _MOST_CATEGORIES))
        and _choices(column) != 1
    )


def _choices(column: Column) -> int | None:
    if isinstance(column, CategoricalColumn):
        return len(column.categories)
    if isinstance(column, IntegerColumn | FloatColumn):
        low, high = column.scaled_bounds
        return 1 if low == high else None
    return None


def elicit(
    schema: Schema, ask: Ask, rounds: int, sampling: Sampling, level: int, seed: int
) -> dict[str, Distribution]:
    """What the model believes of every column that declares no distribution.

    level : brevity of the prompt; a question that is too long for the context is asked more briefly, or not at all.
    """
    asked = [
        (column, _shuffled(column, derive(seed, "elicit", column.name, turn)), turn)
        for column in unknown_columns(schema)
        for turn in range(rounds)
    ]
    questions = _fitting(schema, [(column, order) for column, order, _ in asked], level, ask)
    pairs = [(one, text) for one, text in zip(asked, questions, strict=True) if text is not None]
    requests = [
        SampleRequest(
            messages=(Message("user", text),),
            grammar=_grammar(column, order),
            n=_ANSWERS,
            sampling=sampling,
            seed=derive(seed, "elicit", column.name, turn, "answer"),
        )
        for (column, order, turn), text in pairs
    ]
    answers: dict[str, list[Mapping[str, float]]] = {}
    for ((column, _, _), _), sample in zip(pairs, ask.sample("elicit", requests), strict=True):
        answers.setdefault(column.name, []).extend(_read(text) for text in sample.texts)
    silent = sorted({column.name for column, _, _ in asked} - set(answers))
    if silent:
        ask.notice(
            f"the model's context holds {ask.info.context} tokens, too few to ask how {', '.join(silent)} is distributed; "
            "the model writes it freely",
            "warning",
        )
    return {name: _pool(schema.column(name), found) for name, found in answers.items()}


def _fitting(
    schema: Schema, asked: Sequence[tuple[Column, Sequence[int]]], level: int, ask: Ask
) -> list[str | None]:
    """Each question as long as the context lets it be; ``None`` where even the briefest is too long."""
    if not asked:
        return []
    # What the model's template adds is the same for all of them.
    added = ask.prompt_tokens(SampleRequest((Message("user", "x"),), None)) + _JOINS
    found: list[str | None] = [None] * len(asked)
    for brevity in range(level, _BREVITIES):
        open_ones = [at for at, text in enumerate(found) if text is None]
        texts = [_question(schema, *asked[at], brevity) for at in open_ones]
        for at, text, tokens in zip(open_ones, texts, ask.count_tokens(texts), strict=True):
            answer = max_length(_grammar(*asked[at]))  # no text has more tokens than bytes
            if added + tokens + answer <= ask.info.context:
                found[at] = text
    return found


def _labels(column: Column) -> tuple[str, ...]:
    """What is asked for: levels of a number, values of a list; texts that hold neither a comma nor an equals sign."""
    if isinstance(column, IntegerColumn | FloatColumn):
        return tuple(f"{round(level * 100)}%" for level in LEVELS)
    return tuple(
        chr(ord("A") + i) if i < 26 else f"A{chr(ord('A') + i - 26)}" for i in range(len(_words(column)))
    )


def _words(column: Column) -> list[tuple[str, str]]:
    if isinstance(column, CategoricalColumn):
        return list(column.categories.items())
    return [("true", ""), ("false", "")]


def _shuffled(column: Column, seed: int) -> tuple[int, ...]:
    return tuple(int(i) for i in np.random.default_rng(seed).permutation(len(_labels(column))))


def _question(schema: Schema, column: Column, order: Sequence[int], brevity: int) -> str:
    """brevity : a level of the prompts, or one more, which leaves the table's description out too."""
    labels = _labels(column)
    described = column.description if brevity < 2 else ""
    about = f"{flat(column.name)}" + (f" ({flat(described, 200)})" if described else "")
    head = table_block(schema, brevity) if brevity < PROMPT_LEVELS else ""
    if isinstance(column, IntegerColumn | FloatColumn):
        unit = f" {flat(column.unit)}" if column.unit else ""
        scale = 10 ** (column.decimals if isinstance(column, FloatColumn) else 0)
        low, high = (bound / scale for bound in column.scaled_bounds)
        asked = ", ".join(labels[i] for i in order)
        return (
            f"{head}\nEstimate how {about} is distributed. Values lie between {low:g} and {high:g}{unit}.\n"
            f"Give the percentiles {asked}: the value that so many percent of the records stay below."
        ).strip()
    words = _words(column)
    lines = [
        f"{labels[i]}: {flat(words[i][0])}"
        + (f" ({flat(words[i][1])})" if words[i][1] and brevity < 2 else "")
        for i in order
    ]
    return (
        f"{head}\nEstimate how common each value of {about} is, in percent of the records.\n"
        + "\n".join(lines)
    ).strip()


def _grammar(column: Column, order: Sequence[int]) -> Grammar:
    labels = _labels(column)
    number = Number(0, 100)
    if isinstance(column, IntegerColumn | FloatColumn):
        number = Number(*column.scaled_bounds, column.decimals if isinstance(column, FloatColumn) else 0)
    parts: list[Grammar | str] = []
    for place, i in enumerate(order):
        parts += [f"{', ' if place else ''}{labels[i]} = ", number]
    return seq(*parts, "\n")


def _read(text: str) -> dict[str, float]:
    pairs = (part.split("=") for part in text.strip().split(","))
    return {label.strip(): float(number) for label, number in pairs}


def _pool(column: Column, answers: Sequence[Mapping[str, float]]) -> Distribution:
    labels = _labels(column)
    table = np.array([[answer[label] for label in labels] for answer in answers])
    if isinstance(column, IntegerColumn | FloatColumn):
        scale = 10 ** (column.decimals if isinstance(column, FloatColumn) else 0)
        low, high = (bound / scale for bound in column.scaled_bounds)
        values = pooled_quantiles(table, low, high)
        return Distribution(
            quantiles={f"{level:g}": value for level, value in zip(LEVELS, values, strict=True)}
        )
    shares = pooled_shares(table)
    words = [word for word, _ in _words(column)]
    if isinstance(column, BooleanColumn | CategoricalColumn):
        return Distribution(shares=dict(zip(words, shares, strict=True)))
    raise TypeError(column.kind)


def pooled_quantiles(answers: NDArray[np.float64], low: float, high: float) -> list[float]:
    """Rising quantiles inside [low, high] from answers (rows: one answer each, columns: ``LEVELS``).

    A model that names one value for all percentiles would make a constant column, so a spread below a tenth of the
    range is widened half way to that of values spread evenly.
    """
    pooled = np.sort(np.clip(np.median(np.sort(answers, axis=1), axis=0), low, high))
    even = low + np.array(LEVELS) * (high - low)
    if pooled[-1] - pooled[0] < _LEAST_SPREAD * (high - low):
        pooled = (pooled + even) / 2
    return [float(value) for value in pooled]


def pooled_shares(answers: NDArray[np.float64]) -> list[float]:
    """Shares that sum to 1 from answers (rows: one answer each, columns: values); none is nil, so that all occur."""
    rows = answers.sum(axis=1, keepdims=True)
    shares = np.where(rows > 0, answers / np.where(rows > 0, rows, 1), 1 / answers.shape[1])
    pooled = np.median(shares, axis=0) + 0.05 / answers.shape[1]
    pooled = pooled / pooled.sum()
    return [float(share) for share in pooled]
