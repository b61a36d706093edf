"""Columns as ranges of whole numbers: every value has a code, so that rows can be drawn and moved about.

integer and float: the value in steps of the last decimal; date: days; datetime: minutes; boolean, categorical: the position in
the list; text and identifier: the position in a short list of made-up values.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IdentifierColumn,
    IntegerColumn,
    TextColumn,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Codes", "Domain"]

Codes: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
_MINUTE = 60_000_000  # microseconds
_EPOCH_DAY, _EPOCH = date(1970, 1, 1).toordinal(), datetime(1970, 1, 1)  # noqa: DTZ001 - columns have no zone


class Domain:
    """The codes of one column, ``low`` to ``high``, and what is worth trying first.

    constants : literals of the rules; those the column can hold are tried more often.
    """

    def __init__(self, column: Column, constants: list[Any]) -> None:
        self.column = column
        self.words = _words(column, constants)
        self.low, self.high = _bounds(column, len(self.words))
        self.always_null = column.null_rate == 1
        # A finite list or range can be searched; of free text only a few can be tried.
        self.finite = not isinstance(column, TextColumn | IdentifierColumn)
        found = {code for constant in constants for code in self._near(constant)}
        ends = {self.low, self.low + 1, self.high - 1, self.high}
        inside = sorted(code for code in found | ends if self.low <= code <= self.high)
        self.special: Codes = np.array(inside, dtype=np.int64)

    @property
    def size(self) -> int:
        """How many values there are."""
        return self.high - self.low + 1

    @property
    def step(self) -> float | None:
        """What one code is worth: a number's last decimal, a moment's part of a day; ``None`` for mere positions."""
        match self.column:
            case IntegerColumn() | DateColumn():
                return 1.0
            case FloatColumn(decimals=decimals):
                return float(10.0**-decimals)
            case DatetimeColumn():
                return 1 / 1440
        return None

    def draw(self, rng: np.random.Generator, n: int) -> Codes:
        """Random codes: most even over the range, some as declared, some at the ends and at the rules' constants."""
        codes: Codes = rng.integers(self.low, self.high, n, endpoint=True)
        part = rng.random(n)
        declared = self._declared(rng, n)
        if declared is not None:
            codes = np.where(part < 0.4, declared, codes)
        return np.where(part > 0.8, rng.choice(self.special, n), codes)

    def values(self, codes: Codes, empty: np.ndarray[Any, np.dtype[np.bool_]] | None) -> pa.Array:
        """The values of codes as an Arrow array; NULL where ``empty``."""
        import pyarrow as pa

        from localsynth.tables import arrow_type

        kind = arrow_type(self.column)
        if self.always_null:
            return pa.nulls(len(codes), kind)
        match self.column:
            case FloatColumn(decimals=decimals):
                return pa.array(codes / 10**decimals, kind, mask=empty)
            case BooleanColumn():
                return pa.array(codes.astype(bool), kind, mask=empty)
            case DateColumn():
                return pa.array((codes - _EPOCH_DAY).astype("datetime64[D]"), kind, mask=empty)
            case DatetimeColumn():
                return pa.array((codes * _MINUTE).astype("datetime64[us]"), kind, mask=empty)
            case IntegerColumn():
                return pa.array(codes, kind, mask=empty)
        return pa.array(np.array(self.words, dtype=object)[codes], kind, mask=empty)

    def _declared(self, rng: np.random.Generator, n: int) -> Codes | None:
        given = self.column.distribution
        if given is None or not isinstance(self.column, IntegerColumn | FloatColumn) or self.step is None:
            return None
        if given.mean is not None and given.sd is not None:
            drawn = rng.normal(given.mean, given.sd, n)
        else:
            levels, points = zip(*given.points(), strict=True)
            drawn = np.interp(rng.random(n), levels, points)
        return np.clip(np.rint(drawn / self.step), self.low, self.high).astype(np.int64)

    def _near(self, constant: Any) -> list[int]:
        """Codes of a literal and its neighbours, where it is of the column's kind."""
        if isinstance(constant, str) and constant in self.words:
            return [self.words.index(constant)]
        code: int | None = None
        try:
            match self.column:
                case IntegerColumn() | FloatColumn() if self.step is not None:
                    code = round(float(constant) / self.step)
                case DateColumn():
                    code = date.fromisoformat(str(constant)[:10]).toordinal()
                case DatetimeColumn():
                    code = _minute(datetime.fromisoformat(str(constant)))
        except (ValueError, TypeError, OverflowError):
            return []
        return [] if code is None else [code - 1, code, code + 1]


def _minute(moment: datetime) -> int:
    return int((moment.replace(tzinfo=None) - _EPOCH).total_seconds() // 60)


def _words(column: Column, constants: list[Any]) -> list[str]:
    match column:
        case CategoricalColumn(categories=categories):
            return list(categories)
        case IdentifierColumn():
            return [column.render(number) for number in range(1, 1001)]
        case TextColumn(min_length=shortest, max_length=longest):
            lengths = sorted({shortest, min(shortest + 1, longest), (shortest + longest) // 2, longest})
            made = [(letter * length)[:length] for length in lengths for letter in ("a", "A", "7", "ab ")]
            return list(dict.fromkeys([*made, *(str(c) for c in constants if isinstance(c, str) and c)]))
    return []


def _bounds(column: Column, words: int) -> tuple[int, int]:
    match column:
        case IntegerColumn() | FloatColumn():
            return column.scaled_bounds
        case BooleanColumn():
            return 0, 1
        case DateColumn(range=(low, high)):
            return low.toordinal(), high.toordinal()
        case DatetimeColumn(range=(first, last)):
            return _minute(first), _minute(last)
    return 0, words - 1
