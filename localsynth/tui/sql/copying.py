"""What is copied of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localsynth.core.celltext import line_writer, text_of
from localsynth.core.errors import DatasetError
from localsynth.tui.clipboard import LARGEST

if TYPE_CHECKING:
    from .table import Cells

__all__ = ["copied"]


def copied(cells: Cells, what: str, row: int, column: int) -> str:
    """``cell``, ``row`` (TSV), ``all`` rows that are shown (TSV), or all as ``csv``; those with a line of names.

    Raises ``DatasetError`` where it is too much.
    """
    if what == "cell":
        return _taken(text_of(cells.value(row, column)), "the cell is")
    line = line_writer("," if what == "csv" else "\t", len(cells.names))
    if what == "row":
        return _taken(line(cells.values(row)).rstrip("\n"), "the row is")
    parts, size = [line(cells.names)], 0
    for at in range(cells.row_count):
        parts.append(line(cells.values(at)))
        size += len(parts[-1])
        if size > LARGEST:
            raise _too_much(f"{cells.row_count:,} rows are")
    return "".join(parts)


def _taken(text: str, what: str) -> str:
    if len(text) > LARGEST:
        raise _too_much(what)
    return text


def _too_much(what: str) -> DatasetError:
    return DatasetError(f"{what} more than a terminal takes", "press e to write the result to a file")
