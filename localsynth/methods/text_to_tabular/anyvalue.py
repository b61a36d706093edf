"""Values drawn by code: guesses at open columns, and the last way out of a rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np

from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
    TextColumn,
)

__all__ = ["anything", "candidates", "typical_text"]

_MINUTE = timedelta(minutes=1)


def anything(column: Column, n: int, rng: np.random.Generator) -> list[Any]:
    """``n`` values, each as likely as any other the column allows; a text only stands for one."""
    match column:
        case IntegerColumn() | FloatColumn():
            low, high = column.scaled_bounds
            return [_number(column, int(i)) for i in rng.integers(low, high, n, endpoint=True)]
        case BooleanColumn():
            return [bool(i) for i in rng.integers(0, 2, n)]
        case CategoricalColumn(categories=categories):
            words = list(categories)
            return [words[int(i)] for i in rng.integers(0, len(words), n)]
        case DateColumn(range=(first, last)):
            return [first + timedelta(days=int(i)) for i in rng.integers(0, (last - first).days + 1, n)]
        case DatetimeColumn(range=(start, end)):
            return [start + int(i) * _MINUTE for i in rng.integers(0, (end - start) // _MINUTE + 1, n)]
        case TextColumn():
            return [typical_text(column)] * n
        case _:
            return [None] * n


def candidates(column: Column, row: Mapping[str, Any], n: int, rng: np.random.Generator) -> list[Any]:
    """``n`` values a rule may accept beside the other cells of ``row``: anything, the ends, and near its own kind.

    Rules that tie columns together (equal to, soon after, the day of) are met by values next to those of the row, which
    drawing blindly would take for ever to hit.
    """
    found = anything(column, n, rng)
    near = _near(column, row, rng)
    if near:
        for place in range(0, n, 2):
            found[place] = near[int(rng.integers(len(near)))]
    if n >= 2 and isinstance(column, IntegerColumn | FloatColumn):
        low, high = column.scaled_bounds
        found[0], found[1] = _number(column, low), _number(column, high)
    return found


def _number(column: IntegerColumn | FloatColumn, scaled: int) -> int | float:
    if isinstance(column, FloatColumn):
        return float(round(scaled / 10**column.decimals, column.decimals))
    return scaled


def _near(column: Column, row: Mapping[str, Any], rng: np.random.Generator) -> list[Any]:
    others = [value for name, value in row.items() if name != column.name and value is not None]
    if isinstance(column, IntegerColumn | FloatColumn):
        low, high = column.scaled_bounds
        scale = 10 ** (column.decimals if isinstance(column, FloatColumn) else 0)
        numbers = [v for v in others if isinstance(v, int | float) and not isinstance(v, bool)]
        tried = [round(v * scale) + step for v in numbers for step in (-1, 0, 1, int(rng.integers(-50, 51)))]
        return [_number(column, i) for i in tried if low <= i <= high]
    if isinstance(column, DateColumn):
        first, last = column.range
        days = [v.date() if isinstance(v, datetime) else v for v in others if isinstance(v, date)]
        steps = [
            0,
            1,
            -1,
            *(int(i) for i in rng.integers(2, 120, 2)),
            *(-int(i) for i in rng.integers(2, 120, 2)),
        ]
        fits = [(day - first).days + step for day in days for step in steps]
        return [first + timedelta(days=i) for i in fits if 0 <= i <= (last - first).days]
    if isinstance(column, DatetimeColumn):
        start, end = column.range
        at = [
            v if isinstance(v, datetime) else datetime.combine(v, time())
            for v in others
            if isinstance(v, date)
        ]
        minutes = [
            0,
            *(int(i) for i in rng.integers(0, 1440, 3)),
            *(-int(i) for i in rng.integers(1, 60 * 1440, 3)),
        ]
        places = [(moment - start) // _MINUTE + step for moment in at for step in minutes]
        return [start + i * _MINUTE for i in places if 0 <= i <= (end - start) // _MINUTE]
    return []


def typical_text(column: TextColumn) -> str:
    """A text of allowed length that says what would stand there."""
    words = "".join(
        c if c.isprintable() and c not in '"\\' else " " for c in column.description or column.name
    )
    text = " ".join(words.split()) or "text"
    while len(text) < column.min_length:
        text = f"{text} {text}"
    text = text[: column.max_length]
    # A cut may leave a space at the end, which no text has.
    return text if text == text.strip() else text.strip().ljust(column.min_length, ".")[: column.max_length]
