"""What is copied of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localsynth.core.errors import DatasetError

from .values import separated, text_of

if TYPE_CHECKING:
    from .table import Cells

__all__ = ["LARGEST", "copied"]

#: Characters a terminal is asked to take.
LARGEST = 1_000_000


def copied(cells: Cells, what: str, row: int, column: int) -> str:
    """``cell``, ``row`` (TSV), ``all`` rows that are shown (TSV), or all as ``csv``; those with a line of names.

    Raises ``DatasetError`` where it is too much.
    """
    if what == "cell":
        return _taken(text_of(cells.value(row, column)), "the cell is")
    if what == "row":
        return _taken(separated([cells.values(row)], "\t").rstrip("\n"), "the row is")
    delimiter = "," if what == "csv" else "\t"
    parts, size = [separated([cells.names], delimiter)], 0
    for at in range(cells.row_count):
        parts.append(separated([cells.values(at)], delimiter))
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
