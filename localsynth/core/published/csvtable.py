"""Cross tables as CSV files: long, one line a cell, or wide, one line a level of the first column."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import product
from pathlib import Path

from localsynth.core.columns import Column
from localsynth.core.errors import Problem, StatisticsError
from localsynth.core.targets import Axis
from localsynth.core.tomlfile import read_text

from .amounts import Unit, amount
from .cells import BadCell, axis_of_names

__all__ = ["CrossTable", "read_cross_table"]

_VALUES: dict[str, Unit] = {
    "count": "counts", "counts": "counts", "n": "counts", "rows": "counts", "persons": "counts",
    "share": "shares", "shares": "shares", "percent": "shares", "%": "shares",
}  # fmt: skip

_NUMBER = re.compile(
    r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
)  # Python's float() reads more than people write


@dataclass(frozen=True)
class CrossTable:
    """axes : in the order asked for. values : row-major over them, missing values last. unit : as the header of a long file
    says; ``None`` for a wide one, which does not.
    """

    axes: tuple[Axis, ...]
    values: tuple[float, ...]
    unit: Unit | None


@dataclass(frozen=True)
class _Line:
    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class _Cell:
    names: tuple[str, ...]
    value: float
    line: int


def read_cross_table(
    path: Path, columns: Sequence[Column], edges: dict[str, tuple[int, ...]] | None = None
) -> CrossTable:
    """Read a file. edges : of columns whose bins are given elsewhere. Raises ``StatisticsError`` with file and line."""
    header, *lines = _lines(path)
    names = [column.name for column in columns]
    found = [cell.strip() for cell in header.cells]
    value = [at for at, name in enumerate(found) if name.lower() in _VALUES and name not in names]
    long = len(value) == 1 and sorted(found[:value[0]] + found[value[0] + 1:]) == sorted(names)  # fmt: skip
    if long:
        places = [found.index(name) for name in names]
        cells = [_long(path, line, places, value[0]) for line in lines]
    elif len(names) == 2 and found[0] in names:
        cells = _wide(path, header, lines, swapped=found[0] == names[1])
    else:
        raise _wrong(
            path,
            header.number,
            f"the header reads {', '.join(found)}, not {', '.join(names)}, count",
            "or, for two columns: the name of one, then the cells of the other" if len(names) == 2 else "",
        )
    unit = _VALUES[found[value[0]].lower()] if long else None
    axes = [
        _axis(path, at, column, cells, (edges or {}).get(column.name, ()))
        for at, column in enumerate(columns)
    ]
    return CrossTable(tuple(axis for axis, _ in axes), _filled(path, axes, cells), unit)


def _axis(
    path: Path, at: int, column: Column, cells: Sequence[_Cell], edges: Sequence[int]
) -> tuple[Axis, dict[str, int]]:
    lines: dict[str, int] = {}
    for cell in cells:
        lines.setdefault(cell.names[at], cell.line)
    try:
        axis, places = axis_of_names(column, list(lines), edges)
    except BadCell as error:
        name = list(lines)[error.at] if error.at >= 0 else ""
        line = list(lines.values())[error.at] if error.at >= 0 else cells[0].line
        total = name.strip().lower() in {"total", "all", "sum", "both"}
        hint = (
            "leave out the lines and columns of totals; total = ... is for the number of rows"
            if total
            else ""
        )
        raise _wrong(path, line, str(error), hint) from None
    return axis, dict(zip(lines, places, strict=True))


def _filled(
    path: Path, axes: Sequence[tuple[Axis, dict[str, int]]], cells: Sequence[_Cell]
) -> tuple[float, ...]:
    seen: dict[tuple[int, ...], _Cell] = {}
    for cell in cells:
        place = tuple(places[name] for (_, places), name in zip(axes, cell.names, strict=True))
        twice = seen.setdefault(place, cell)
        if twice is not cell:
            raise _wrong(
                path, cell.line, f"{_said(cell)} is given a second time; the first is in line {twice.line}"
            )
    values = []
    for place in product(*(range(axis.size) for axis, _ in axes)):
        if place not in seen:
            missing = [
                next(name for name, at in places.items() if at == part)
                for (_, places), part in zip(axes, place, strict=True)
            ]
            raise _wrong(
                path,
                cells[-1].line,
                f"there is no line for {' and '.join(missing)}",
                "write 0 if nobody is in it",
            )
        values.append(seen[place].value)
    return tuple(values)


def _said(cell: _Cell) -> str:
    return " and ".join(f"'{name}'" for name in cell.names)


def _long(path: Path, line: _Line, places: Sequence[int], value: int) -> _Cell:
    return _Cell(tuple(line.cells[place] for place in places), _number(path, line, value), line.number)


def _wide(path: Path, header: _Line, lines: Sequence[_Line], *, swapped: bool) -> list[_Cell]:
    cells = []
    for line in lines:
        for at, level in enumerate(header.cells[1:], 1):
            names = (level, line.cells[0]) if swapped else (line.cells[0], level)
            cells.append(_Cell(names, _number(path, line, at), line.number))
    firsts: dict[str, int] = {}
    for line in lines:
        if line.cells[0] in firsts:
            first = firsts[line.cells[0]]
            raise _wrong(path, line.number, f"'{line.cells[0]}' has a second line; the first is line {first}")
        firsts[line.cells[0]] = line.number
    for at, level in enumerate(header.cells):
        if level in header.cells[1:at]:
            raise _wrong(path, header.number, f"the header names '{level}' twice")
    return cells


def _number(path: Path, line: _Line, at: int) -> float:
    text = line.cells[at].strip()
    if not _NUMBER.fullmatch(text):
        shown = f"'{text[:40]}' is not a number" if text else "a number is missing"
        hint = "write 1234.5: no thousands separators, no %, a point for decimals; 0 for an empty cell"
        raise _wrong(path, line.number, shown, hint)
    try:
        return amount(float(text))
    except ValueError as error:
        raise _wrong(path, line.number, str(error)) from None


def _lines(path: Path) -> list[_Line]:
    """The header and the lines below, blank ones left out; each has as many cells as the header."""
    text = read_text(path, "statistics")
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[_Line] = []
    try:
        lines.extend(
            _Line(reader.line_num, tuple(cells)) for cells in reader if any(cell.strip() for cell in cells)
        )
    except csv.Error as error:
        raise _wrong(path, max(reader.line_num, 1), f"not valid CSV: {error}") from None
    if len(lines) < 2:
        raise _wrong(path, 1, "the file holds no lines below its header" if lines else "the file is empty")
    header = lines[0]
    for line in lines[1:]:
        if len(line.cells) != len(header.cells):
            raise _wrong(
                path,
                line.number,
                f"{len(line.cells)} cells, where the header has {len(header.cells)}",
                "a cell that holds a comma needs quotes",
            )
    return lines


def _wrong(path: Path, line: int, message: str, hint: str = "") -> StatisticsError:
    return StatisticsError(f"{path}, line {line}: {message}", hint, [Problem(message, hint, line)])
