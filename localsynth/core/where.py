"""A condition that all rows of a run meet, taken apart: what limits one column each, and what is to be tried row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from .cells import cell_grammar, write_cell
from .columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
)
from .grammar import Fixed, Grammar, OneOf
from .schema import Rule, Schema
from .steps import OrderedColumn, bounds

__all__ = ["Limit", "Where", "both", "is_empty", "limited_cell", "narrowed", "single"]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - columns of moments have no time zone


@dataclass(frozen=True)
class Limit:
    """The values of one column that a condition leaves.

    null : only the missing cell is left, or (``False``) none is. values : of a nominal column, those left. low, high : of an
    ordered one, in steps (see :mod:`~localsynth.core.steps`), both left. only, but : of these values alone, none of those.
    ``None`` where nothing is said.
    """

    null: bool = False
    values: tuple[str, ...] | None = None
    low: int | None = None
    high: int | None = None
    only: frozenset[int] | None = None
    but: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Where:
    """A condition over the columns of a row, in SQL; rows where it is NULL do not meet it.

    text : as a person wrote it. limits : per column; all of them together with ``rest`` are the condition. rest : SQL made from
    the syntax tree of what no limit can say; empty where there is nothing left.
    """

    text: str
    limits: Mapping[str, Limit] = field(default_factory=dict)
    rest: str = ""

    @property
    def rule(self) -> Rule:
        """The condition as a rule that is broken where it is NULL, too."""
        return Rule(check=f"coalesce((\n{self.text}\n), false)", name=f"where {self.text}")

    def applied(self, schema: Schema) -> Schema:
        """The schema of the rows that meet it: columns narrowed, and the condition as the last rule."""
        columns = [
            narrowed(column, self.limits[column.name]) if column.name in self.limits else column
            for column in schema.columns
        ]
        return schema.model_copy(update={"columns": tuple(columns), "rules": (*schema.rules, self.rule)})


def both(column: Column, one: Limit, other: Limit) -> Limit | None:
    """What two limits of a column leave together; ``None`` where it is nothing."""
    if one.null != other.null:
        return None
    lows = [limit.low for limit in (one, other) if limit.low is not None]
    highs = [limit.high for limit in (one, other) if limit.high is not None]
    values, only = one.values, one.only
    if other.values is not None:
        values = other.values if values is None else tuple(v for v in values if v in other.values)
    if other.only is not None:
        only = other.only if only is None else only & other.only
    made = Limit(
        one.null, values, max(lows, default=None), min(highs, default=None), only, one.but | other.but
    )
    return None if is_empty(column, made) else made


def is_empty(column: Column, limit: Limit) -> bool:
    """Whether no value of the column is left."""
    if limit.null:
        return not column.nullable
    if isinstance(column, CategoricalColumn | BooleanColumn):
        return limit.values is not None and not limit.values
    return isinstance(column, OrderedColumn) and not any(True for _ in _pieces(column, limit))


def single(column: Column, limit: Limit) -> bool:
    """Whether one cell alone is left."""
    if limit.null:
        return True
    if isinstance(column, OrderedColumn):
        return sum(high - low + 1 for low, high in _pieces(column, limit)) == 1
    return limit.values is not None and len(limit.values) == 1


def narrowed(column: Column, limit: Limit) -> Column:
    """The column with the categories or the range that are left, as far as a column can say it."""
    if limit.null:
        return column
    some: dict[str, object] = {"nullable": False, "null_rate": None}
    if isinstance(column, CategoricalColumn) and limit.values is not None:
        left = {name: column.categories[name] for name in limit.values}
        return column.model_copy(update={**some, "categories": left, "distribution": None})
    if isinstance(column, OrderedColumn) and limit != Limit():
        pieces = list(_pieces(column, limit))
        return _ranged(column, pieces[0][0], pieces[-1][1]).model_copy(update=some)
    return column.model_copy(update=some)


def limited_cell(column: Column, limit: Limit) -> Grammar:
    """The grammar of a cell with just the values that are left."""
    if limit.null:
        return Fixed("")
    if isinstance(column, BooleanColumn) and limit.values is not None:
        return OneOf(tuple(map(Fixed, limit.values)))
    if isinstance(column, OrderedColumn):
        parts = [_piece(column, low, high) for low, high in _pieces(column, limit)]
        return parts[0] if len(parts) == 1 else OneOf(tuple(parts))
    return cell_grammar(narrowed(column, limit), null=False)


def _pieces(column: OrderedColumn, limit: Limit) -> Iterator[tuple[int, int]]:
    """The ranges of values left, rising, in steps."""
    low, high = bounds(column)
    low = low if limit.low is None else max(low, limit.low)
    high = high if limit.high is None else min(high, limit.high)
    if limit.only is not None:
        yield from ((at, at) for at in sorted(limit.only - limit.but) if low <= at <= high)
        return
    for at in sorted(limit.but):
        if low <= at <= high:
            if low < at:
                yield low, at - 1
            low = at + 1
    if low <= high:
        yield low, high


def _piece(column: OrderedColumn, low: int, high: int) -> Grammar:
    part = _ranged(column, low, high)
    if low < high or not isinstance(part, OrderedColumn):
        return cell_grammar(part, null=False)
    return Fixed(write_cell(column, _value(column, low)))


def _ranged(column: OrderedColumn, low: int, high: int) -> Column:
    """The column with another range, in steps."""
    ends = (_value(column, low), _value(column, high))
    return column.model_copy(update={"range": ends, "distribution": None})


def _value(column: OrderedColumn, steps: int) -> int | float | date | datetime:
    match column:
        case IntegerColumn():
            return steps
        case FloatColumn():
            return steps / float(10**column.decimals)
        case DateColumn():
            return date.fromordinal(steps)
        case DatetimeColumn():
            return _EPOCH + timedelta(minutes=steps)
