"""Ends of cells as reports print them: numbers with their decimals, years, quarters, months, days, moments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from localsynth.core.columns import DateColumn, DatetimeColumn
from localsynth.core.steps import OrderedColumn, decimals_of, steps_of

__all__ = ["Mark", "read_mark"]

_NUMBER = re.compile(r"[+-]?\d{1,19}(?:\.(\d{1,12}))?")
_PERIOD = re.compile(r"(\d{4})(?:-?[Qq]([1-4])|-(\d{2}))?")


@dataclass(frozen=True)
class Mark:
    """What an end names: all values from ``begin`` to before ``after``, in steps. whole : a period of the calendar."""

    begin: int
    after: int
    whole: bool = False


def read_mark(column: OrderedColumn, text: str) -> Mark:
    """``24`` names one whole number, ``24.9`` of a column with two decimals ten steps, ``2024-03`` a month.

    Raises ``ValueError``.
    """
    if isinstance(column, DateColumn | DatetimeColumn):
        return _day(column, text)
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is not a number")
    begin = steps_of(column, Decimal(text))
    finer = decimals_of(column) - len(found.group(1) or "")
    return Mark(begin, begin + 10 ** max(0, finer))


def _day(column: DateColumn | DatetimeColumn, text: str) -> Mark:
    found = _PERIOD.fullmatch(text)
    if found is not None:
        year, quarter, month = (int(part) if part else 0 for part in found.groups())
        if quarter:
            return _months(column, year, 3 * quarter - 2, 3)
        return _months(column, year, month, 1) if month else _months(column, year, 1, 12)
    try:
        if isinstance(column, DateColumn):
            day = date.fromisoformat(text)
            return Mark(day.toordinal(), day.toordinal() + 1)
        begin = steps_of(column, datetime.fromisoformat(text))
    except ValueError:
        example = "2024-12-31" if isinstance(column, DateColumn) else "2024-12-31 18:30"
        raise ValueError(f"'{text}' is not a date such as {example}, nor 2024, 2024-Q1, 2024-03") from None
    if ":" in text:
        return Mark(begin, begin + 1)
    return Mark(begin, begin + 24 * 60, whole=True)


def _months(column: DateColumn | DatetimeColumn, year: int, month: int, many: int) -> Mark:
    if not 1 <= month <= 12 or year < 1:
        raise ValueError(f"there is no month {year:04}-{month:02}")
    first = date(year, month, 1)
    year, month = (year, month + many) if month + many <= 12 else (year + 1, month + many - 12)
    # The last month of the calendar has no next one.
    after = date(year, month, 1).toordinal() if year <= date.max.year else date.max.toordinal() + 1
    if isinstance(column, DateColumn):
        return Mark(first.toordinal(), after, whole=True)
    begin = steps_of(column, first)
    return Mark(begin, begin + (after - first.toordinal()) * 24 * 60, whole=True)
