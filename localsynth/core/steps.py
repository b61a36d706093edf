"""Values of ordered columns as whole numbers, the way target statistics count them.

Numbers in steps of their last decimal, dates as proleptic ordinals (days), moments as minutes since 1970-01-01.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from .columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
)
from .words import shown

__all__ = ["OrderedColumn", "bounds", "decimals_of", "is_nominal", "levels", "range_of", "steps_of"]

OrderedColumn: TypeAlias = IntegerColumn | FloatColumn | DateColumn | DatetimeColumn

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - columns of moments have no time zone
_MINUTE = timedelta(minutes=1)


def is_nominal(column: Column) -> bool:
    """Whether its values are names."""
    return isinstance(column, CategoricalColumn | BooleanColumn)


def levels(column: Column) -> tuple[str, ...]:
    """The values of a nominal column as an axis writes them; none of others."""
    match column:
        case CategoricalColumn(categories=categories):
            return tuple(categories)
        case BooleanColumn():
            return ("true", "false")
    return ()


def decimals_of(column: Column) -> int:
    """Digits after the point."""
    return column.decimals if isinstance(column, FloatColumn) else 0


def bounds(column: OrderedColumn) -> tuple[int, int]:
    """The lowest and the highest value allowed, in steps."""
    match column:
        case DateColumn(range=(first, last)):
            return first.toordinal(), last.toordinal()
        case DatetimeColumn(range=(start, end)):
            return (start - _EPOCH) // _MINUTE, (end - _EPOCH) // _MINUTE
        case _:
            return column.scaled_bounds


def range_of(column: Column) -> tuple[int, int] | None:
    """:func:`bounds` of an ordered column; ``None`` of others."""
    return bounds(column) if isinstance(column, OrderedColumn) else None


def steps_of(column: OrderedColumn, value: Any) -> int:
    """A value as TOML gives it, in steps. Raises ``ValueError`` for a value of another kind, or between two steps."""
    if isinstance(column, DateColumn):
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.toordinal()
        raise ValueError(f"{shown(value) or 'this'} is not a date such as 2024-12-31")
    if isinstance(column, DatetimeColumn):
        moment = value
        if isinstance(value, date) and not isinstance(value, datetime):
            moment = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - no zone, as above
        if isinstance(moment, datetime) and not (moment.tzinfo or moment.second or moment.microsecond):
            return (moment - _EPOCH) // _MINUTE
        raise ValueError(
            f"{shown(value) or 'this'} is not a date and time in whole minutes such as 2024-12-31 18:30"
        )
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError(f"{shown(value) or 'this'} is not a number")
    exact = Decimal(str(value))
    if not exact.is_finite() or abs(exact) >= Decimal(10) ** 19:
        raise ValueError(f"{value} is not a number a column can hold")
    scaled = exact.scaleb(decimals_of(column))
    if scaled != int(scaled):
        digits = decimals_of(column)
        few = "is not a whole number" if not digits else f"has more than {digits} decimals"
        raise ValueError(f"{shown(value) or value} {few}")
    return int(scaled)
