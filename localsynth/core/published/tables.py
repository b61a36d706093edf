"""One published cross table, from a CSV file or written into the TOML itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localsynth.core.celllabels import cell_labels
from localsynth.core.columns import Column
from localsynth.core.schema import Schema
from localsynth.core.steps import levels
from localsynth.core.targets import Axis, Margin, Table

from .agreeing import regrouped
from .amounts import Unit, amount, as_parts, parts_of_groups
from .cells import BadCell, axis_of_edges, axis_of_groups
from .csvtable import read_cross_table
from .margins import PublishedMargin, column_of, declared
from .wrong import Wrong

if TYPE_CHECKING:
    from localsynth.core.statisticsfile import TableSpec

__all__ = ["PublishedTable", "joint"]


@dataclass(frozen=True)
class PublishedTable:
    """A table, what rounding may have moved in one of its cells, as a share, and what a person should know of it."""

    table: Table
    slack: float = 0.0
    told: tuple[str, ...] = ()


def joint(
    spec: TableSpec, schema: Schema, known: Mapping[str, PublishedMargin], folder: Path
) -> PublishedTable:
    """The table of a spec. known : the margins of the file. folder : of the file, where the CSV is looked for.

    Raises ``Wrong`` whose field is the key that is wrong, ``RecipeError`` with the line of the CSV.
    """
    columns = [column_of(schema, name, "columns", at) for at, name in enumerate(spec.columns)]
    if len(set(spec.columns)) < len(columns):
        raise Wrong("a table needs different columns", "columns")
    forms = [name for name in ("file", "counts", "shares") if getattr(spec, name) is not None]
    if len(forms) != 1:
        has = f"has {' and '.join(forms)}" if forms else "tells nothing"
        raise Wrong(f"a table {has}", *forms[-1:], hint="give one of: file, counts, shares")
    for key in ("bins", "cells"):
        for name in getattr(spec, key):
            if name not in spec.columns:
                raise Wrong(f"'{name}' is no column of this table", key, name)
    axes, values, unit = (
        _from_file(spec, columns, folder) if spec.file is not None else _inline(spec, columns, known)
    )
    what = f"the table of {' and '.join(spec.columns)}"
    if spec.within is not None:
        group = schema.column(spec.within) if spec.within in schema.names else columns[0]
        return _within(spec, group, axes, values, _sizes(spec, schema, known), what)
    try:
        parts = as_parts(values, None, unit, spec.total, what)
    except ValueError as error:
        raise Wrong(str(error), forms[0]) from None
    told = (parts.told,) if parts.told else ()
    return PublishedTable(Table(axes, parts.shares, parts.total), parts.slack, told)


def _from_file(
    spec: TableSpec, columns: Sequence[Column], folder: Path
) -> tuple[tuple[Axis, ...], tuple[float, ...], Unit]:
    assert spec.file is not None
    if spec.cells:
        raise Wrong("a file names its cells itself: A | B puts two categories into one", "cells")
    edges = {column.name: _bins(spec, column).edges for column in columns if column.name in spec.bins}
    if not (folder / spec.file).is_file():
        raise Wrong(
            f"the table {spec.file} is not there",
            "file",
            hint="paths start from the folder of the statistics file",
        )
    found = read_cross_table(folder / spec.file, columns, edges)
    if found.unit and spec.values and found.unit != spec.values:
        raise Wrong(f"the file's header says {found.unit}, not {spec.values}", "values")
    default: Unit = "counts" if spec.within is None else "shares"
    return found.axes, found.values, found.unit or spec.values or default


def _bins(spec: TableSpec, column: Column) -> Axis:
    try:
        return axis_of_edges(column, spec.bins[column.name])
    except BadCell as error:
        place = [error.at] if error.at >= 0 else []
        raise Wrong(str(error), "bins", column.name, *place) from None


def _inline(
    spec: TableSpec, columns: Sequence[Column], known: Mapping[str, PublishedMargin]
) -> tuple[tuple[Axis, ...], tuple[float, ...], Unit]:
    unit: Unit = "counts" if spec.counts is not None else "shares"
    if spec.values is not None:
        raise Wrong(
            "values is for a file; here the key itself says whether they are counts or shares", "values"
        )
    axes = tuple(_axis(spec, column, known) for column in columns)
    values: list[float] = []
    _flatten(getattr(spec, unit), [(axis.column, axis.size) for axis in axes], (unit,), values)
    return axes, tuple(values), unit


def _axis(spec: TableSpec, column: Column, known: Mapping[str, PublishedMargin]) -> Axis:
    if column.name in spec.bins:
        return _bins(spec, column)
    if column.name in spec.cells:
        try:
            return axis_of_groups(column, spec.cells[column.name])
        except BadCell as error:
            place = [error.at] if error.at >= 0 else []
            raise Wrong(str(error), "cells", column.name, *place) from None
    if column.name in known:
        return replace(known[column.name].margin.axis, missing=False)
    if levels(column):
        return Axis(column.name, labels=tuple((name,) for name in levels(column)))
    raise Wrong(
        f"the table does not say its cells of '{column.name}'",
        "columns",
        hint=f"write bins.{column.name} = [...]",
    )


def _flatten(
    given: Any, sizes: Sequence[tuple[str, int]], place: tuple[str | int, ...], into: list[float]
) -> None:
    if not sizes:
        try:
            into.append(amount(given))
        except ValueError as error:
            raise Wrong(str(error), *place) from None
        return
    name, size = sizes[0]
    if not isinstance(given, list | tuple) or len(given) != size:
        many = len(given) if isinstance(given, list | tuple) else "something else"
        raise Wrong(f"here must be a list of {size}, one for each cell of '{name}', not {many}", *place)
    for at, part in enumerate(given):
        _flatten(part, sizes[1:], (*place, at), into)


def _sizes(spec: TableSpec, schema: Schema, known: Mapping[str, PublishedMargin]) -> Margin:
    """The margin that tells how large the groups of a table of shares within groups are."""
    name = spec.within or ""
    if name not in spec.columns:
        raise Wrong(f"within = '{name}' is no column of this table", "within")
    margin = known[name].margin if name in known else declared(schema.column(name))
    if margin is None:
        raise Wrong(
            f"shares within '{name}' need the margin of '{name}', to know how large its groups are", "within"
        )
    return margin


def _within(
    spec: TableSpec,
    column: Column,
    axes: tuple[Axis, ...],
    values: Sequence[float],
    margin: Margin,
    what: str,
) -> PublishedTable:
    shape = tuple(axis.size for axis in axes)
    at = spec.columns.index(margin.axis.column)
    size, after = shape[at], prod(shape[at + 1 :])
    axis = axes[at]
    groups = [
        [value for place, value in enumerate(values) if place // after % size == cell] for cell in range(size)
    ]
    names = [f"{what}, group '{name}'" for name in cell_labels(column, axis)]
    sizes = regrouped(margin, axis)
    whole = fsum(sizes)
    key = "file" if spec.file is not None else "counts" if spec.counts is not None else "shares"
    if whole <= 0:
        raise Wrong(f"{what}: the margin of '{axis.column}' has nobody in its groups", key)
    try:
        parts = parts_of_groups(groups, names)
    except ValueError as error:
        raise Wrong(str(error), key) from None
    done = [0] * size
    shares = []
    for place in range(len(values)):
        cell = place // after % size
        shares.append(parts[cell].shares[done[cell]] * sizes[cell] / whole)
        done[cell] += 1
    table, slack = Table(axes, tuple(shares), spec.total or 0.0), max(part.slack for part in parts)
    return PublishedTable(table, slack, tuple(part.told for part in parts if part.told))
