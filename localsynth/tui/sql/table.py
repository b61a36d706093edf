"""The table of a result. Imports Arrow and the table widget: only in a thread, and only when there is a result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pyarrow as pa
from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual_fastdatatable import ArrowBackend, DataTable

from localsynth.tui.plain import line
from localsynth.workspace.dayends import holds_times, value_of

from .result import ResultPane
from .values import is_number, short, sign

__all__ = ["Cells", "ResultTable"]

_WIDEST = 40  # cells of the screen for one column
_LOOKED_AT = 20_000  # values, for the widths
_LABEL = 60
_INFINITE = frozenset({2**31 - 1, 2**63 - 1})  # as DuckDB stores days and moments


class Cells(ArrowBackend):
    """The rows of a result; what it gives to be shown can do nothing to the terminal."""

    def __init__(self, table: pa.Table) -> None:
        self.names = tuple(table.column_names)
        self.kinds = tuple(field.type for field in table.schema)
        self.numbers = tuple(is_number(kind) for kind in self.kinds)
        self._timed = tuple(holds_times(kind) for kind in self.kinds)
        # Two columns may have one name, so here they are called by their numbers.
        super().__init__(table.rename_columns([str(at) for at in range(table.num_columns)]))
        self._widths = self._measured()

    def value(self, row: int, column: int) -> Any:
        """What is in a cell. A moment that Python's calendar does not have is a text, and so is the end of a day."""
        if self._timed[column]:
            return value_of(self.data.column(column)[row])
        return super().get_cell_at(row, column)

    @staticmethod
    def _handle_overflow(scalar: pa.Scalar) -> str:
        """Infinity, or a year far away, in words; not the last day of the calendar, which it is not."""
        stored = getattr(scalar, "value", None)
        if isinstance(stored, int) and abs(stored) in _INFINITE:
            return "infinity" if stored > 0 else "-infinity"
        try:
            return str(scalar.cast(pa.string()).as_py())
        except pa.ArrowException:
            return "(outside the calendar)"

    def values(self, row: int) -> list[Any]:
        """A whole row."""
        return [self.value(row, column) for column in range(len(self.names))]

    def get_cell_at(self, row_index: int, column_index: int) -> Text:
        """What is shown in a cell."""
        text = short(self.value(row_index, column_index))
        if self.numbers[column_index]:
            text.justify = "right"
        return text

    def get_row_at(self, index: int) -> Sequence[Text]:
        """What is shown in a row."""
        return [self.get_cell_at(index, column) for column in range(len(self.names))]

    @property
    def column_content_widths(self) -> list[int]:
        """Of the widest of the values looked at."""
        return self._widths

    def labels(self) -> list[str | Text]:
        """Names with the signs of their types; those of numbers at the right, as the numbers are."""
        made: list[str | Text] = []
        for name, kind, number in zip(self.names, self.kinds, self.numbers, strict=True):
            label = line(name, cells=_LABEL)
            label.append(f" {sign(kind)}", "dim")
            label.justify = "right" if number else "left"
            made.append(label)
        return made

    def _measured(self) -> list[int]:
        """Widths by rows from everywhere in the result."""
        rows = self.data.num_rows
        wanted = max(_LOOKED_AT // max(len(self.names), 1), 20)
        step = max(rows // wanted, 1)
        return [
            max((self.get_cell_at(row, column).cell_len for row in range(0, rows, step)), default=0)
            for column in range(len(self.names))
        ]


class ResultTable(DataTable):
    """Shows a result; the cursor is on one cell."""

    HELP = """\
The arrows, Page Up and Page Down, Home and End move; Enter shows the whole cell. `c` copies the cell, `r` the row, `a` all
rows that are shown, `A` the same as CSV. `e` writes the whole result to a file, `p` draws it.
The sign beside a name is its type: `#` whole numbers, `#.#` numbers, `s` text, `t/f` truth, `day`, `ts` a moment, `0x` bytes,
`[]` lists, `{}` records. `∅` is a missing value.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,super+c", "screen.copy('cell')", "Copy the cell", show=False),
        Binding("tab", "app.focus_next", "Next", show=False),
        Binding("shift+tab", "app.focus_previous", "Previous", show=False),
    ]
    DEFAULT_CSS = """
    ResultTable { height: 1fr; background: $background; }
    ResultTable > .datatable--header { background: $panel; color: $foreground; text-style: bold; }
    ResultTable > .datatable--cursor { background: $primary; color: $background; text-style: bold; }
    ResultTable > .datatable--even-row { background: $foreground 4%; }
    """

    def __init__(self, cells: Cells) -> None:
        super().__init__(
            backend=cells,
            column_labels=cells.labels(),
            max_column_content_width=_WIDEST,
            zebra_stripes=True,
            cursor_foreground_priority="css",
            cursor_background_priority="css",
            render_markup=False,
            id="table",
        )
        self.cells = cells

    def on_click(self, event: events.Click) -> None:
        """The second click does what Enter does."""
        if event.chain == 2:
            self.action_select_cursor()

    @on(DataTable.CellSelected)
    def _open(self, event: DataTable.CellSelected) -> None:
        event.stop()
        place = event.coordinate
        self.post_message(ResultPane.Opened(self.cells, place.row, place.column))
