"""A column as another kind: what carries over, and what the values that occur suggest for the rest."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, get_args

from localsynth.core.columns import Column

if TYPE_CHECKING:
    from localsynth.workspace.schemas import ColumnProfile

__all__ = ["column_class", "converted"]

_NUMBERS = ("integer", "float")


def column_class(kind: str) -> type[Any]:
    """The class of a kind."""
    classes = get_args(get_args(Column)[0])
    return next(one for one in classes if one.model_fields["kind"].default == kind)  # type: ignore[no-any-return]


def converted(column: Column, kind: str, found: ColumnProfile | None) -> dict[str, Any]:
    """Plain data for a column of another kind, to be completed by a person; it need not be valid yet."""
    cls = column_class(kind)
    keep = ("name", "description", "nullable", "null_rate", "unit")
    old = column.model_dump(mode="python", exclude_none=True)
    new = {name: old[name] for name in keep if name in old and name in cls.model_fields}
    new["kind"] = kind
    if kind == "identifier":
        new.pop("nullable", None)
        new.pop("null_rate", None)
    if column.distribution is not None and {kind, column.kind} <= set(_NUMBERS):
        new["distribution"] = old["distribution"]
    return new | _rest(column, kind, () if found is None else [value for value, _ in found.values])


def _rest(column: Column, kind: str, values: Sequence[str]) -> dict[str, Any]:
    if kind == "categorical":
        listed = values or (("true", "false") if column.kind == "boolean" else ())
        return {"categories": dict.fromkeys(sorted(listed), "")}
    if kind == "text" and values:
        return {"max_length": max(max(map(len, values)), 1)}
    if kind in {*_NUMBERS, "date", "datetime"}:
        ends = _ends(column, kind, values)
        return {} if ends is None else {"range": ends}
    return {}


def _ends(column: Column, kind: str, values: Sequence[str]) -> tuple[Any, Any] | None:
    """The range it has, in the words of the other kind, else what the values span."""
    ends = getattr(column, "range", None)
    if kind in _NUMBERS:
        if column.kind in _NUMBERS and ends is not None:
            low, high = ends
        else:
            numbers = list(_read(values, float))
            if not numbers or not all(map(math.isfinite, numbers)):
                return None
            low, high = min(numbers), max(numbers)
        return (math.floor(low), math.ceil(high)) if kind == "integer" else (float(low), float(high))
    if ends is None or column.kind not in {"date", "datetime"}:
        moments = list(_read(values, datetime.fromisoformat))
        if not moments:
            return None
        ends = (min(moments), max(moments))
    return (_day(ends[0]), _day(ends[1])) if kind == "date" else (_start(ends[0]), _end(ends[1]))


def _read(values: Iterable[str], how: Any) -> list[Any]:
    """All values read, or none where one cannot be."""
    try:
        return [how(value) for value in values]
    except ValueError:
        return []


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _start(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time())


def _end(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time(23, 59))
