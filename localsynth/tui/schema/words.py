"""Columns in words and small pictures, for tables and details."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from localsynth.core.columns import (
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IdentifierColumn,
    IntegerColumn,
    TextColumn,
)
from localsynth.core.distribution import Distribution
from localsynth.core.finding import percent
from localsynth.core.words import plain
from localsynth.report.plaintext import sparks

if TYPE_CHECKING:
    from localsynth.workspace.schemas import ColumnProfile, Profile

__all__ = ["allowed", "bins", "declared", "missing", "number", "small_picture"]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - moments of tables have no zone


def allowed(column: Column) -> str:
    """Which values a column may have, in short."""
    match column:
        case CategoricalColumn(categories=categories):
            return f"{len(categories):,}: {', '.join(categories)}"
        case IntegerColumn() | FloatColumn():
            low, high = column.scaled_bounds
            scale = 10**column.decimals if isinstance(column, FloatColumn) else 1
            said = column.range or (low / scale, high / scale)
            return " to ".join(number(end) for end in said)
        case DateColumn(range=ends) | DatetimeColumn(range=ends):
            return " to ".join(_moment(end) for end in ends)
        case TextColumn(min_length=least, max_length=most):
            return f"{least:,} to {most:,} characters" if least < most else f"{most:,} characters"
        case IdentifierColumn():
            return f"{column.render(1)}, ..."
        case _:
            return "true, false"


def number(value: float) -> str:
    """With separators of thousands; no more decimals than the value has."""
    if isinstance(value, int) or (value == int(value) and abs(value) < 1e15):
        return f"{int(value):,}"
    whole, point, rest = plain(round(value, 12)).partition(".")
    try:
        return f"{int(whole):,}{point}{rest}" if not whole.startswith("-0") else f"{whole}{point}{rest}"
    except ValueError:  # an exponent
        return f"{whole}{point}{rest}"


def missing(column: Column, found: ColumnProfile | None, rows: int) -> str:
    """The share of rows without a value; where there are no rows, whether there may be such."""
    if found is None or not rows:
        if column.null_rate is not None:
            return percent(column.null_rate)
        return "allowed" if column.nullable else "never"
    if not found.missing:
        return "0%" if column.nullable else "never"
    return percent(found.missing / rows)


def small_picture(column: Column, profile: Profile | None, cells: int) -> str:
    """The distribution as a row of bars: of the train rows, else as it is declared."""
    found = None if profile is None else profile.columns.get(column.name)
    if found is None or not profile or not profile.rows:
        shares = _declared_shares(column)
        return sparks(shares, max(shares, default=0), cells)
    counts: Sequence[int] = found.counts
    if isinstance(column, CategoricalColumn) or column.kind == "boolean":
        by_value = dict(found.values)
        listed = column.categories if isinstance(column, CategoricalColumn) else ("true", "false")
        counts = [by_value.get(value, 0) for value in listed]
    return sparks(counts, max(counts, default=0), cells)


def _declared_shares(column: Column) -> list[float]:
    known = column.distribution
    if known is None or known.shares is None:
        return []
    listed = column.categories if isinstance(column, CategoricalColumn) else ("true", "false")
    return [known.shares.get(value, 0.0) for value in listed]


def bins(column: Column, found: ColumnProfile) -> list[tuple[str, int]]:
    """The bins of a histogram in words, with their counts."""
    whole = not isinstance(column, FloatColumn)
    told = []
    for at, count in enumerate(found.counts):
        low, high = found.edges[at], found.edges[at + 1]
        if whole:
            high -= 1
        first, end = _edge(column, low, found), _edge(column, high, found)
        told.append((first if first == end else f"{first} to {end}", count))
    return told


def _edge(column: Column, value: float, found: ColumnProfile) -> str:
    match column:
        case DateColumn():
            return _moment(_EPOCH.date() + timedelta(days=int(value)))
        case DatetimeColumn():
            return _moment(_EPOCH + timedelta(minutes=int(value)))
        case FloatColumn(decimals=decimals):
            step = found.edges[1] - found.edges[0]
            digits = next((n for n in range(13) if step * 10**n >= 1), 12) + 1
            return f"{value:,.{min(max(digits, 0), max(decimals, 0) + 1)}f}"
        case _:
            return f"{int(value):,}"


def _moment(value: date) -> str:
    return value.isoformat(" ", "minutes") if isinstance(value, datetime) else value.isoformat()


def declared(known: Distribution) -> str:
    """A declared distribution in one line."""
    if known.mean is not None and known.sd is not None:
        return f"mean {number(known.mean)}, sd {number(known.sd)}"
    pairs: Any = (known.shares or known.quantiles or {}).items()
    if known.shares is not None:
        return "shares " + ", ".join(f"{name} {percent(share)}" for name, share in pairs)
    return "quantiles " + ", ".join(f"{level}: {number(value)}" for level, value in pairs)
