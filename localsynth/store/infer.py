"""What a table looks like: a schema guessed from the rows of the train split, for people to correct.

The holdout is never looked at: a category that occurs only there is not in the list, and a range does not stretch
to it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

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
from localsynth.core.errors import DatasetError, NotFound
from localsynth.core.nearest import nearest
from localsynth.core.schema import Schema

from .names import identifier

if TYPE_CHECKING:
    import duckdb

__all__ = ["infer_schema"]

_FEW, _SOME, _SOME_SHARE = (
    50,
    200,
    0.05,
)  # categories: up to 50, or up to 200 where that is at most 5% of the rows
_LABEL = 60  # characters; what is longer is a text, not a category
_CODE = 40  # characters; what is longer is no identifier
_DECIMALS = 6
_ID_NAME = re.compile(r"(^|[_\W])(id|ids|uid|uuid|guid|nr|no|num|number|key|index|idx|rowid)$")


def infer_schema(con: duckdb.DuckDBPyConnection, relation_sql: str, *, target: str | None = None) -> Schema:
    """Guess a schema.

    Parameters
    ----------
    relation_sql : a query giving ``row_id`` and typed columns (BIGINT, DOUBLE, BOOLEAN, DATE, TIMESTAMP, VARCHAR),
        train rows only.
    target : a column's name; it is never taken for an identifier.

    Raises ``NotFound`` (no such target), ``DatasetError`` (a column no schema can describe).
    """
    described = con.sql(f"SELECT * FROM ({relation_sql}) LIMIT 0")
    kinds = {
        name: str(kind)
        for name, kind in zip(described.columns, described.types, strict=True)
        if name != "row_id"
    }
    if target is not None and target not in kinds:
        raise NotFound(
            f"the target '{target}' is no column{nearest(target, kinds)}", f"columns: {', '.join(kinds)}"
        )
    columns = [_column(con, relation_sql, name, kind, keep=name == target) for name, kind in kinds.items()]
    if all(column.kind == "identifier" for column in columns):
        columns = [_column(con, relation_sql, name, kind, keep=True) for name, kind in kinds.items()]
    return Schema(target=target, columns=tuple(columns))


@dataclass(frozen=True)
class _Look:
    """One column as seen so far. ``common`` are the fields every kind of column has; ``keep`` forbids an identifier."""

    con: duckdb.DuckDBPyConnection
    relation: str
    name: str
    common: dict[str, Any]
    low: Any
    high: Any
    keep: bool

    def ask(self, selection: str) -> Any:
        """One row of aggregates over the column's table; ``{c}`` stands for the column."""
        c = identifier(self.name)
        return self.con.execute(f"SELECT {selection.replace('{c}', c)} FROM ({self.relation})").fetchall()[0]


def _column(con: duckdb.DuckDBPyConnection, relation: str, name: str, kind: str, *, keep: bool) -> Column:
    common: dict[str, Any] = {"name": name}
    look = _Look(con, relation, name, common, None, None, keep)
    total, filled, low, high = look.ask("count(*), count({c}), min({c}), max({c})")
    if filled < total:
        common |= {"nullable": True, "null_rate": round(1 - filled / total, 6)}
    if filled == 0:
        return TextColumn.model_validate(common)
    try:
        return _MAKERS[kind](replace(look, low=low, high=high))
    except ValidationError as error:
        reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise DatasetError(
            f"no schema can describe the column '{name}': {reason}", "rescale or leave out the column"
        ) from None


def _integer(look: _Look) -> Column:
    if not look.keep and "nullable" not in look.common and _is_id(look):
        return IdentifierColumn(name=look.name, digits=1)
    return IntegerColumn(**look.common, range=(look.low, look.high))


def _is_id(look: _Look) -> bool:
    total, distinct, smallest, largest = look.ask(
        "count(*), count(DISTINCT {c}), min({c}::HUGEINT - row_id), max({c}::HUGEINT - row_id)"
    )
    if distinct < total or total < 2:
        return False
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", look.name).lower()
    counts_rows = smallest == largest and smallest in {0, -1} and total >= 5
    return counts_rows or _ID_NAME.search(snake) is not None


def _float(look: _Look) -> Column:
    exact = look.ask(", ".join(f"bool_and(round({{c}}, {d}) = {{c}})" for d in range(_DECIMALS + 1)))
    decimals = next((d for d, fits in enumerate(exact) if fits), _DECIMALS)
    size = max(abs(look.low), abs(look.high))
    if not exact[-1] and 0 < size < 1e-3:
        # Six decimals would leave nothing of values this small: keep four digits that say something.
        decimals = min(12, 3 - math.floor(math.log10(size)))
    while decimals and size * 10**decimals > 2**53:
        decimals -= 1
    scale = 10**decimals
    bounds = (math.floor(look.low * scale + 1e-6) / scale, math.ceil(look.high * scale - 1e-6) / scale)
    return FloatColumn(**look.common, range=bounds, decimals=decimals)


def _boolean(look: _Look) -> Column:
    return BooleanColumn(**look.common)


def _date(look: _Look) -> Column:
    return DateColumn(**look.common, range=(look.low, look.high))


def _datetime(look: _Look) -> Column:
    # Ranges are in whole minutes: the narrowest that holds all values.
    first = look.low.replace(second=0, microsecond=0)
    last = look.high.replace(second=0, microsecond=0)
    return DatetimeColumn(
        **look.common, range=(first, last if last == look.high else last + timedelta(minutes=1))
    )


def _varchar(look: _Look) -> Column:
    filled, distinct, shortest, longest, spaced, blank = look.ask(
        "count({c}), count(DISTINCT {c}), min(length({c})), max(length({c})),"
        " bool_or(regexp_matches({c}, '\\s')), count(*) FILTER ({c} = '')"
    )
    complete = "nullable" not in look.common and blank == 0
    if not look.keep and complete and distinct == filled > 1 and longest <= _CODE and not spaced:
        code = _code(look)
        if code is not None or filled > _FEW:
            return IdentifierColumn(name=look.name, **(code or {}))
    few = distinct <= _FEW or (distinct <= _SOME and distinct <= _SOME_SHARE * filled)
    # Notes that hardly repeat are texts however few they are: as categories they would be copied word for word.
    telling = filled >= 20 and distinct > filled / 2
    if few and longest <= _LABEL and not telling:
        (words,) = look.ask("list_sort(list(DISTINCT {c}))")
        return CategoricalColumn(
            **look.common, categories=dict.fromkeys((w for w in words if w is not None), "")
        )
    # As they are, also where no model's context holds the longest: who makes rows is told then to lower max_length.
    return TextColumn(**look.common, min_length=max(shortest, 1), max_length=max(longest, 1))


def _code(look: _Look) -> dict[str, Any] | None:
    """Prefix and digits, where every value is one prefix and a number."""
    regular, prefixes, prefix, digits = look.ask(
        "bool_and(regexp_full_match({c}, '\\D*\\d{1,18}')), count(DISTINCT regexp_extract({c}, '^(\\D*)', 1)),"
        " min(regexp_extract({c}, '^(\\D*)', 1)), min(length(regexp_extract({c}, '(\\d*)$', 1)))"
    )
    return {"prefix": prefix, "digits": digits} if regular and prefixes == 1 else None


_MAKERS: dict[str, Callable[[_Look], Column]] = {
    "BIGINT": _integer,
    "DOUBLE": _float,
    "BOOLEAN": _boolean,
    "DATE": _date,
    "TIMESTAMP": _datetime,
    "VARCHAR": _varchar,
}
