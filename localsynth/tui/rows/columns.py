"""Columns of a table of rows as they are shown: names, signs of types, widths, values in a cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rich.cells import cell_len

from localsynth.core.columns import CategoricalColumn, Column, FloatColumn, IntegerColumn
from localsynth.core.schema import Schema
from localsynth.tui.plain import clipped, one_line

__all__ = ["WIDEST", "GridColumn", "columns_of", "shower"]

WIDEST = 32  # cells of the screen for one column
_LEAST = 3
_LOOKED_AT = 400  # characters of a value that are looked at for a cell
_SIGNS = {
    "integer": "#",
    "float": "#.#",
    "boolean": "t/f",
    "categorical": "cat",
    "date": "day",
    "datetime": "ts",
    "text": "s",
    "identifier": "id",
}
_USUAL = {"boolean": 5, "date": 10, "datetime": 19}


@dataclass(frozen=True)
class GridColumn:
    """sign : of the type. right : numbers. width : cells by the schema alone; rows that are wider make it wider."""

    name: str
    sign: str
    right: bool
    width: int

    @property
    def heading(self) -> str:
        """The name, to be shown."""
        return clipped(one_line(self.name), WIDEST)

    @property
    def heading_width(self) -> int:
        """Cells of the name and the sign."""
        return cell_len(self.heading) + 1 + len(self.sign)


def columns_of(schema: Schema) -> tuple[GridColumn, ...]:
    """In the order of the schema."""
    made = []
    for column in schema.columns:
        sign = _SIGNS.get(column.kind, "")
        right = isinstance(column, IntegerColumn | FloatColumn)
        one = GridColumn(column.name, sign, right, 0)
        width = max(one.heading_width, min(_usual(column), WIDEST), _LEAST)
        made.append(replace(one, width=width))
    return tuple(made)


def _usual(column: Column) -> int:
    """Cells that a value takes by what the schema says."""
    if isinstance(column, IntegerColumn | FloatColumn):
        show = shower(column)
        return max((len(show(end)) for end in column.range or ()), default=0)
    if isinstance(column, CategoricalColumn):
        return max(cell_len(one_line(name)) for name in column.categories)
    return _USUAL.get(column.kind, 0)


def shower(column: Column) -> Callable[[Any], str]:
    """What writes a value of the column in one line: harmless to the terminal, its end cut where it is long."""
    if isinstance(column, FloatColumn):
        digits = column.decimals
        return lambda value: _number(value, digits)
    if column.kind in {"integer", "date", "datetime"}:
        return str
    if column.kind == "boolean":
        return lambda value: "true" if value else "false"
    return lambda value: clipped(one_line(value[:_LOOKED_AT]), WIDEST)


def _number(value: float, digits: int) -> str:
    """With all its digits, and as many as the column has, so that points stand below each other."""
    fixed = f"{value:.{digits}f}"
    return fixed if float(fixed) == value else str(value)
