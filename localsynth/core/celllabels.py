"""Cells of an axis in words: ``18 to 24``, ``F``, ``2024-01-01 to 2024-01-31``, ``missing``."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from .columns import Column, DateColumn, DatetimeColumn, FloatColumn
from .targets import Axis

__all__ = ["cell_labels", "value_label"]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - columns have no zone
_FIRST, _LAST = ((end - _EPOCH) // timedelta(minutes=1) for end in (datetime.min, datetime.max))  # noqa: DTZ901


def value_label(column: Column, value: int) -> str:
    """A value of an ordered column, from the whole number that stands for it (see :mod:`~localsynth.core.targets`).

    What lies beyond the calendar, where no value can, is named by the calendar's end.
    """
    match column:
        case FloatColumn(decimals=decimals):
            sign, digits = "-" if value < 0 else "", str(abs(value)).zfill(decimals + 1)
            return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}"
        case DateColumn():
            return date.fromordinal(min(max(value, 1), date.max.toordinal())).isoformat()
        case DatetimeColumn():
            minutes = min(max(value, _FIRST), _LAST)
            return (_EPOCH + timedelta(minutes=minutes)).isoformat(" ", "minutes")
        case _:
            return str(value)


def cell_labels(column: Column, axis: Axis) -> tuple[str, ...]:
    """One label for each cell; ranges name their lowest and highest value, both within."""
    if axis.edges:
        cells = [
            value_label(column, low)
            if high - low == 1
            else f"{value_label(column, low)} to {value_label(column, high - 1)}"
            for low, high in zip(axis.edges, axis.edges[1:], strict=False)
        ]
    elif axis.labels:
        cells = [" | ".join(values) for values in axis.labels]
    else:
        cells = ["any value"]
    return (*cells, "missing") if axis.missing else tuple(cells)
