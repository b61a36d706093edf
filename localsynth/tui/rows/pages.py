"""Rows as they are shown, page by page: what is held, what is wanted next, and how it is read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from localsynth.core.schema import Schema

from .columns import GridColumn, columns_of, shower

if TYPE_CHECKING:
    from localsynth.store.browsing import Browse

__all__ = ["ABSENT", "Page", "Pages", "Piece"]

#: In place of a cell that was not read yet.
ABSENT: Final = object()
_ROWS = 100
_HELD = 16
_FEW = 24  # columns that are read all at once where rows lie together


@dataclass(frozen=True)
class Piece:
    """What to read: rows of neighbouring pages, some of their columns."""

    first: int
    last: int
    columns: tuple[str, ...]


@dataclass
class Page:
    """cells : column -> what is shown in its rows, ``None`` for a missing value. keys : the number of each row in its table."""

    cells: dict[str, list[str | None]] = field(default_factory=dict)
    keys: list[int] = field(default_factory=list)


class Pages:
    """Pages of a view that were looked at last. :meth:`read` is for a thread, all else for the event loop.

    before : rows there are without the view's filter.
    """

    def __init__(self, view: Browse, schema: Schema, before: int) -> None:
        self.view, self.schema, self.before = view, schema, before
        self.columns: tuple[GridColumn, ...] = columns_of(schema)
        self.widths = {column.name: column.width for column in self.columns}
        self._right = {column.name for column in self.columns if column.right}
        self._held: OrderedDict[int, Page] = OrderedDict()
        self._narrow = not view.scattered and len(self.columns) <= _FEW

    @property
    def total(self) -> int:
        """Rows of the view."""
        return self.view.total

    def cell(self, row: int, column: str) -> object:
        """What is shown: a text, ``None`` for a missing value, or :data:`ABSENT`."""
        page = self._held.get(row // _ROWS)
        if page is None or column not in page.cells:
            return ABSENT
        return page.cells[column][row % _ROWS]

    def key(self, row: int) -> int | None:
        """The number of the row in its table, from 1; ``None`` where it was not read yet."""
        page = self._held.get(row // _ROWS)
        return page.keys[row % _ROWS] if page is not None else None

    def lacking(self, first: int, last: int, columns: Sequence[str]) -> Piece | None:
        """What is to be read so that these columns of rows ``first`` to ``last`` are there; ``None`` where they are."""
        first, last = max(first, 0), min(last, self.total)
        numbers = range(first // _ROWS, -(-last // _ROWS)) if last > first else range(0)
        poor = []
        for number in numbers:
            page = self._held.get(number)
            if page is not None:
                self._held.move_to_end(number)
            if page is None or any(name not in page.cells for name in columns):
                poor.append(number)
        if not poor:
            return None
        wanted = self._all if self._narrow else tuple(dict.fromkeys(columns))
        return Piece(poor[0] * _ROWS, min((poor[-1] + 1) * _ROWS, self.total), wanted)

    @property
    def _all(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def beginning(self) -> Piece:
        """The first page with all columns, by which they get their widths."""
        return Piece(0, min(_ROWS, self.total), self._all)

    def read(self, piece: Piece) -> list[Page]:
        """Ask the view. Raises as ``Browse.rows``."""
        table = self.view.rows(piece.first, piece.last - piece.first, columns=piece.columns)
        keys = table.column(self.view.key[-1]).to_pylist()
        whole: dict[str, list[str | None]] = {}
        for name in piece.columns:
            show = shower(self.schema.column(name))
            values = table.column(name).to_pylist()
            whole[name] = [None if value is None else show(value) for value in values]
        return [
            Page(
                {name: cells[at : at + _ROWS] for name, cells in whole.items()},
                keys[at : at + _ROWS],
            )
            for at in range(0, len(keys), _ROWS)
        ]

    def put(self, piece: Piece, pages: Sequence[Page], *, widen: bool = False) -> bool:
        """Hold them. widen : columns get as wide as their cells; else only numbers do, which must not be cut.

        Tells whether a column became wider.
        """
        before = dict(self.widths)
        for number, page in enumerate(pages, piece.first // _ROWS):
            held = self._held.get(number)
            if held is None:
                self._held[number] = page
            else:
                held.cells.update(page.cells)
            self._held.move_to_end(number)
            for name, cells in page.cells.items():
                if widen or name in self._right:
                    widest = max((cell_len(one) for one in cells if one is not None), default=1)
                    self.widths[name] = max(self.widths[name], widest)
        while len(self._held) > max(_HELD, len(pages)):
            self._held.popitem(last=False)
        return self.widths != before
