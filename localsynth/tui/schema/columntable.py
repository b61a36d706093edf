"""The table of columns: one line for each, as many fields as there is room for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DataTable

from localsynth.core.schema import Schema
from localsynth.tui.plain import line, one_line, wide

from .words import allowed, missing, small_picture

if TYPE_CHECKING:
    from localsynth.tui.app import LocalsynthApp
    from localsynth.workspace.schemas import Profile

__all__ = ["ColumnTable"]

_PICTURE = 12
_TIGHT = 64  # cells, from which names and pictures have all the room they want
_ROOMY = 100  # cells, from which units and descriptions are shown, too


class ColumnTable(DataTable[Text]):
    """Columns of a schema. The mark bar is on one of them; Enter or a click opens it."""

    HELP = """\
**Columns** in the order of the schema. In front of the name: `*` changed and not saved, `!` the real rows do not fit, `>` the
target. *missing* is the share of train rows without a value, *distribution* shows the train rows; rows held out are never
looked at.

`a` adds a column, Delete removes the one at the mark bar, Shift with an arrow moves it; Enter edits it, its name too. Columns
of real rows can be moved alone: which there are, and what they are called, is what the file has.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "Edit", id="schema.edit"),
        Binding("a,insert", "add", "Add", id="schema.add-column", tooltip="A new column below this one"),
        Binding("delete,minus", "remove", "Remove", id="schema.remove-column", tooltip="Take the column out"),
        Binding(
            "shift+up",
            "move(-1)",
            "Move up",
            show=False,
            id="schema.move-up",
            tooltip="The column one place up",
        ),
        Binding(
            "shift+down",
            "move(1)",
            "Move down",
            show=False,
            id="schema.move-down",
            tooltip="The column one place down",
        ),
        Binding("home", "scroll_top", "First column", show=False, id="schema.first"),
        Binding("end", "scroll_bottom", "Last column", show=False, id="schema.last"),
    ]
    DEFAULT_CSS = """
    ColumnTable { height: 1fr; scrollbar-size: 1 1; background: $surface; }
    """

    class Opened(Message):
        """A column is to be edited."""

        def __init__(self, at: int) -> None:
            super().__init__()
            self.at = at

    class Added(Message):
        """A new column is to stand at a place."""

        def __init__(self, at: int) -> None:
            super().__init__()
            self.at = at

    class Removed(Message):
        """A column is to be taken out."""

        def __init__(self, at: int) -> None:
            super().__init__()
            self.at = at

    class Moved(Message):
        """A column is to stand at another place."""

        def __init__(self, at: int, to: int) -> None:
            super().__init__()
            self.at, self.to = at, to

    class Looked(Message):
        """The mark bar is on another column."""

        def __init__(self, at: int) -> None:
            super().__init__()
            self.at = at

    def __init__(self) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False, fixed_columns=1, id="column-table")
        self._schema: Schema | None = None
        self._profile: Profile | None = None
        self._signs: Mapping[str, str] = {}
        self._wide = False
        self._filled_for = 0

    @property
    def at(self) -> int:
        """The place of the column that the mark bar is on."""
        return self.cursor_row

    def show_columns(self, schema: Schema, profile: Profile | None, signs: Mapping[str, str]) -> None:
        """Show these; the mark bar stays at its column. signs : by column, to stand before its name."""
        self._schema, self._profile, self._signs = schema, profile, signs
        self._fill()

    def on_resize(self, event: events.Resize) -> None:
        """Other room, other fields."""
        if self._schema is not None and event.size.width != self._filled_for:
            self._fill()

    def look_at(self, at: int) -> None:
        """Put the mark bar there."""
        self.move_cursor(row=at)

    def _fill(self) -> None:
        schema = self._schema
        if schema is None:
            return
        at = self.cursor_row
        self._filled_for = self.size.width
        self._wide = self.size.width >= _ROOMY
        fields = self._fields(schema)
        with self.prevent(DataTable.RowHighlighted), self.app.batch_update():
            self.clear(columns=True)
            for title, cells in fields:
                self.add_column(Text(title, "bold"), width=cells)
            for column in schema.columns:
                self.add_row(*(self._cell(column, title, cells) for title, cells in fields))
            self.move_cursor(row=min(at, len(schema.columns) - 1), animate=False)

    def _fields(self, schema: Schema) -> list[tuple[str, int]]:
        """Titles and widths; what is most telling stays longest where there is little room."""
        room = self.size.width - 3  # the scroll bar, and the padding at both ends
        longest = max(wide(one_line(name)) for name in schema.names)
        name = min(max(longest, 6), 30 if self._wide else 20 if room >= _TIGHT else 14) + 2
        picture = _PICTURE if room >= _TIGHT else _PICTURE // 2
        first = [("  column", name), ("kind", 11), *([("unit", 8)] if self._wide else [])]
        last = [("missing", 7), ("distribution" if picture == _PICTURE else "shape", picture)]
        left = max(room - sum(cells + 2 for _, cells in (*first, *last)) - 2, 10)
        if not self._wide:
            return [*first, ("values", min(left, 40)), *last]
        wanted = max(wide(allowed(column)) for column in schema.columns)
        values = max(min(wanted, left * 3 // 5), 14)
        return [*first, ("values", values), *last, ("description", max(left - values - 2, 12))]

    def _cell(self, column: Any, title: str, cells: int) -> Text:
        match title:
            case "kind":
                return line(column.kind)
            case "unit":
                return line(getattr(column, "unit", ""), cells=cells)
            case "values":
                return line(allowed(column), cells=cells)
            case "missing":
                profile = self._profile
                found = None if profile is None else profile.columns.get(column.name)
                share = missing(column, found, 0 if profile is None else profile.rows)
                return Text(share.rjust(cells), no_wrap=True, end="")
            case "distribution" | "shape":
                return Text(small_picture(column, self._profile, cells), "bold", no_wrap=True, end="")
            case "description":
                return line(column.description, cells=cells)
            case _:
                sign = self._signs.get(column.name, " ")
                return Text.assemble(sign, " ", line(column.name, "bold", cells - 2))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Who may only look changes nothing."""
        only_looks = cast("LocalsynthApp", self.app).read_only
        return not (only_looks and action in {"add", "remove", "move"})

    def action_add(self) -> None:
        """A new column, below."""
        if self._schema is not None:
            self.post_message(self.Added(self.at + 1))

    def action_remove(self) -> None:
        """Take the column at the mark bar out."""
        if self._schema is not None:
            self.post_message(self.Removed(self.at))

    def action_move(self, step: int) -> None:
        """The column at the mark bar a place up or down."""
        if self._schema is not None and 0 <= self.at + step < len(self._schema.columns):
            self.post_message(self.Moved(self.at, self.at + step))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open it."""
        event.stop()
        self.post_message(self.Opened(event.cursor_row))

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Look at it."""
        event.stop()
        self.post_message(self.Looked(event.cursor_row))
