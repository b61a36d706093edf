"""One published margin: counts, shares, quantiles, or mean and sd, over the cells of a schema's column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from localsynth.core.columns import Column, FloatColumn, IdentifierColumn, IntegerColumn, TextColumn
from localsynth.core.distribution import Distribution
from localsynth.core.nearest import nearest
from localsynth.core.schema import Schema
from localsynth.core.steps import OrderedColumn, bounds, decimals_of, levels
from localsynth.core.targets import Axis, Margin
from localsynth.core.words import FieldError

from .amounts import Amounts, Unit, amount, as_parts
from .cells import BadCell, axis_of_edges, axis_of_groups, axis_of_names
from .shape import of_distribution, open_cell
from .wrong import Wrong

if TYPE_CHECKING:
    from localsynth.core.statisticsfile import MarginSpec

__all__ = ["PublishedMargin", "column_of", "declared", "named_axis", "published"]

_OPEN = (
    "+",
    "over",
    "above",
    "more",
    "older",
    "after",
    "from",
    ">",
    "≥",
    "<",
    "≤",
    "under",
    "below",
    "before",
    "up to",
)


@dataclass(frozen=True)
class PublishedMargin:
    """A margin, what rounding may have moved in one of its cells, as a share, and what a person should know of it."""

    margin: Margin
    slack: float = 0.0
    told: tuple[str, ...] = ()


def column_of(schema: Schema, name: str, *field: str | int) -> Column:
    """A column that can have cells. Raises ``Wrong``."""
    if name not in schema.names:
        raise Wrong(f"'{name}' is no column of the schema{nearest(name, schema.names)}", *field)
    column = schema.column(name)
    if isinstance(column, TextColumn | IdentifierColumn):
        words = "is an identifier, made by code" if column.kind == "identifier" else "is free text"
        raise Wrong(
            f"'{name}' {words}: it has no margin",
            *field,
            hint="null_rate in the schema tells how often it is empty",
        )
    return column


def published(spec: MarginSpec, schema: Schema) -> PublishedMargin:
    """Raises ``Wrong`` whose field is the key that is wrong."""
    column = column_of(schema, spec.column, "column")
    forms = [
        name for name in ("counts", "shares", "quantiles", "mean", "sd") if getattr(spec, name) is not None
    ]
    if forms not in (["counts"], ["shares"], ["quantiles"], ["mean", "sd"]):
        has = f"has {' and '.join(forms)}" if forms else "tells nothing"
        raise Wrong(
            f"the margin of '{column.name}' {has}",
            *forms[-1:],
            hint="give one of: counts, shares, quantiles, mean with sd",
        )
    if spec.missing and not column.nullable:
        raise Wrong(
            f"'{column.name}' has missing values here, but the schema does not allow any",
            "missing",
            hint="write nullable = true in the schema",
        )
    if forms[0] in ("quantiles", "mean"):
        return _told(spec, column)
    unit: Unit = "counts" if forms[0] == "counts" else "shares"
    axis, values, empty, opens = _cells(spec, column, unit)
    if empty is None:
        empty = spec.missing
    elif spec.missing is not None:
        raise Wrong("missing values are given twice, among the cells and beside them", "missing")
    try:
        parts = as_parts(values, empty, unit, spec.total, f"the margin of '{column.name}'")
    except ValueError as error:
        raise Wrong(str(error), unit) from None
    margin = _margin(column, axis, parts, told=empty is not None, opens=opens)
    return PublishedMargin(margin, parts.slack, (parts.told,) if parts.told else ())


def _cells(
    spec: MarginSpec, column: Column, unit: Unit
) -> tuple[Axis, list[float], float | None, tuple[bool, bool]]:
    """The axis without its cell for missing values, the amounts in its order, the missing ones; which ends are open."""
    given = getattr(spec, unit)
    for key in ("bins", "cells"):
        if getattr(spec, key) is not None and not isinstance(given, list | tuple):
            raise Wrong(f"beside {key}, {unit} are a list: {unit} = [1, 2, 3]", unit)
    if isinstance(given, Mapping):
        axis, places = named_axis(column, [str(name) for name in given], unit)
        values = _numbers(list(given.values()), [unit, *map(str, given)], unit)
        ordered = [0.0] * axis.size
        for place, value in zip(places, values, strict=True):
            ordered[place] = value
        empty = ordered.pop() if axis.missing else None
        first, last = (next(name for name, at in zip(given, places, strict=True) if at == end)
                       for end in (0, axis.present - 1))  # fmt: skip
        opens = (_is_open(str(first)), _is_open(str(last)))
        return replace(axis, missing=False), ordered, empty, opens
    if not isinstance(given, list | tuple):
        raise Wrong(f"{unit} are a list beside bins or cells, or a table keyed by cell", unit)
    axis = _listed(spec, column, unit)
    if len(given) != axis.present:
        many = (
            f"{axis.present + 1} edges make {axis.present} cells"
            if axis.edges
            else f"there are {axis.present} cells"
        )
        raise Wrong(f"{many}, but {len(given)} {unit} are given", unit)
    return axis, _numbers(given, [], unit), None, (False, False)


def _listed(spec: MarginSpec, column: Column, unit: str) -> Axis:
    try:
        if spec.bins is not None:
            if spec.cells is not None:
                raise Wrong("give bins or cells, not both", "cells")
            return axis_of_edges(column, spec.bins)
        if spec.cells is not None:
            return axis_of_groups(column, spec.cells)
    except BadCell as error:
        key = "bins" if spec.bins is not None else "cells"
        raise Wrong(str(error), key, *([error.at] if error.at >= 0 else [])) from None
    example = '{ "18-24" = 1, "65+" = 2 }' if isinstance(column, OrderedColumn) else "{ A = 1, B = 2 }"
    raise Wrong(
        f"a list of {unit} needs bins or cells beside it", unit, hint=f"or name the cells: {unit} = {example}"
    )


def named_axis(column: Column, names: Sequence[str], *field: str) -> tuple[Axis, tuple[int, ...]]:
    """:func:`~localsynth.core.published.cells.axis_of_names` with the key that is wrong. Raises ``Wrong``."""
    try:
        return axis_of_names(column, names)
    except BadCell as error:
        raise Wrong(str(error), *field, *([names[error.at]] if error.at >= 0 else [])) from None


def _numbers(values: Sequence[Any], keys: Sequence[str], unit: str) -> list[float]:
    found = []
    for at, value in enumerate(values):
        try:
            found.append(amount(value))
        except ValueError as error:
            place: tuple[str | int, ...] = (keys[0], keys[at + 1]) if keys else (unit, at)
            raise Wrong(str(error), *place) from None
    return found


def _is_open(name: str) -> bool:
    return any(word in name for word in _OPEN)


def _margin(column: Column, axis: Axis, parts: Amounts, *, told: bool, opens: tuple[bool, bool]) -> Margin:
    shares, empty = parts.shares, parts.missing
    if column.nullable and not told and column.null_rate:
        empty = column.null_rate
        shares = tuple(share * (1 - empty) for share in shares)
    inner: tuple[tuple[int, ...], ...] = ()
    if axis.edges and any(opens) and axis.present > 1:
        inner = _thinning(axis.edges, shares, opens)
    if column.nullable:
        axis, shares = replace(axis, missing=True), (*shares, empty)
    return Margin(axis, shares, parts.total, inner)


def _thinning(
    edges: Sequence[int], shares: Sequence[float], opens: tuple[bool, bool]
) -> tuple[tuple[int, ...], ...]:
    """Quantiles inside each cell: even, but for those open to one side, where values thin out."""
    inner: list[tuple[int, ...]] = [(begin, after - 1) for begin, after in pairwise(edges)]
    if opens[0]:
        inner[0] = open_cell(edges, shares, below=True)
    if opens[1]:
        inner[-1] = open_cell(edges, shares, below=False)
    return tuple(inner)


def _told(spec: MarginSpec, column: Column) -> PublishedMargin:
    """A margin by quantiles, or by mean and sd."""
    field = "quantiles" if spec.quantiles is not None else "mean"
    if not isinstance(column, IntegerColumn | FloatColumn):
        raise Wrong(f"{field} are for numbers; '{column.name}' is {column.kind}", field)
    for other in ("bins", "cells"):
        if getattr(spec, other) is not None:
            raise Wrong(f"{other} go with counts or shares, not with {field}", other)
    try:
        told = Distribution(mean=spec.mean, sd=spec.sd, quantiles=spec.quantiles)
        low, high = bounds(column)
        scale = 10 ** decimals_of(column)
        told.check_within(low / scale, high / scale)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        cause = first.get("ctx", {}).get("error")
        wrong = spec.sd is not None and spec.sd <= 0
        raise Wrong("sd must be more than 0" if wrong else str(cause or first["msg"]), field) from None
    except FieldError as error:
        raise Wrong(str(error), field) from None
    empty = spec.missing
    if empty is not None and empty > 1:
        if empty > 100:
            raise Wrong("missing is a share here, of 1 or of 100", "missing")
        empty /= 100
    return PublishedMargin(_of(column, told, column.null_rate if empty is None else empty, spec.total or 0.0))


def _of(
    column: IntegerColumn | FloatColumn, told: Distribution, empty: float | None, total: float = 0.0
) -> Margin:
    edges, shares, inner = of_distribution(column, told)
    if not column.nullable:
        return Margin(Axis(column.name, edges=edges), shares, total, inner)
    gone = empty or 0.0
    return Margin(
        Axis(column.name, edges=edges, missing=True),
        (*(share * (1 - gone) for share in shares), gone),
        total,
        inner,
    )


def declared(column: Column) -> Margin | None:
    """The margin that a schema declares; ``None`` where it declares none. Free text has one cell, for any text."""
    empty = column.null_rate or 0.0
    if isinstance(column, TextColumn):
        shares: tuple[float, ...] = (1 - empty, empty) if column.nullable else (1.0,)
        return Margin(Axis(column.name, missing=column.nullable), shares)
    told = column.distribution
    if told is None:
        return None
    if isinstance(column, IntegerColumn | FloatColumn):
        return _of(column, told, empty)
    names = levels(column)
    amounts = [(told.shares or {}).get(name, 0.0) for name in names]
    shares = tuple(share / sum(amounts) * (1 - empty) for share in amounts)
    axis = Axis(column.name, labels=tuple((name,) for name in names), missing=column.nullable)
    return Margin(axis, (*shares, empty) if column.nullable else shares)
