"""A table of millions of rows that are read as they come in sight.

The table widget that results of queries are shown in asks for each cell while it paints, so a page that is not there yet would
stop the whole UI. Here painting never waits: a cell that was not read is three dots, a thread reads what is in sight, and then
what comes next in the direction one goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from localsynth.core.errors import LocalsynthError
from localsynth.tui.plain import clipped, one_line

from .columns import GridColumn
from .layout import Layout, laid_out, left_for
from .pages import Page, Pages, Piece
from .painting import STYLES, Painter
from .reading import Reader
from .words import shown_rows

if TYPE_CHECKING:
    from localsynth.tui.app import LocalsynthApp

__all__ = ["Grid"]

_AHEAD = 60  # rows


class Grid(ScrollView, can_focus=True):
    """Rows of one view under a line of headings, with a cursor on one cell. :meth:`show` gives it rows.

    A click puts the cursor on a cell, a click on the cell under the cursor opens it; a click on a heading sorts.
    """

    HELP = """\
The arrows, Page Up and Page Down move, Home and End go to the first and last column, Ctrl+Home and Ctrl+End to the first and
last row. Enter or Space shows the whole cell, with what the schema says of its column.
The sign beside a name is its type: `#` whole numbers, `#.#` numbers, `t/f` truth, `cat` a category, `day`, `ts` a moment, `s`
text, `id` an identifier; `▲` and `▼` say that rows are sorted by it. `∅` is a missing value, `···` a cell that is being read.
"""
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1, 0)", "Up", show=False),
        Binding("down", "move(1, 0)", "Down", show=False),
        Binding("left", "move(0, -1)", "Left", show=False),
        Binding("right", "move(0, 1)", "Right", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "column_end(-1)", "First column", show=False),
        Binding("end", "column_end(1)", "Last column", show=False),
        Binding("ctrl+home", "row_end(-1)", "First row", show=False),
        Binding("ctrl+end", "row_end(1)", "Last row", show=False),
        Binding("enter,space", "open", "Cell", id="rows.cell", tooltip="The whole cell, and what it means"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "grid--head", "grid--chosen", "grid--cursor", "grid--line", "grid--even",
    }  # fmt: skip
    DEFAULT_CSS = """
    Grid {
        scrollbar-size-vertical: 1; overflow-x: hidden; overflow-y: auto; height: 1fr; width: 1fr;
        background: $background; padding: 0; min-height: 4;
        & > .grid--head { background: $panel; text-style: bold; }
        & > .grid--chosen { background: $panel; text-style: bold underline; }
        & > .grid--even { background: $foreground 4%; }
        & > .grid--line { background: $foreground 12%; }
        & > .grid--cursor { background: $foreground 30%; text-style: bold; }
        &:focus > .grid--cursor { background: $primary; color: $background; text-style: bold; }
    }
    """

    class Asked(Message):
        """Something was done with the mouse or Enter: ``open`` the cell under the cursor, or ``sort`` by its column."""

        def __init__(self, grid: Grid, wish: str) -> None:
            super().__init__()
            self.grid, self.wish = grid, wish

    class Aside(Message):
        """The cursor is in another column, or other columns are in sight."""

        def __init__(self, grid: Grid) -> None:
            super().__init__()
            self.grid = grid

    class Failed(Message):
        """Rows cannot be read. again : it is tried again."""

        def __init__(self, grid: Grid, error: LocalsynthError, *, again: bool) -> None:
            super().__init__()
            self.grid, self.error, self.again = grid, error, again

    def __init__(self, kind: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.kind = kind
        self.pages: Pages | None = None
        self.row = self.column = self.left = self.frozen = 0
        self.widths: dict[str, int] = {}
        self._marks: dict[str, str] = {}
        self._reader = Reader(self._next, self._take, self._fail)
        self._down = True
        self._layout = Layout((), 0)
        self._painter: Painter | None = None

    # --- what it shows -----------------------------------------------------------------------------------------------

    def show(self, pages: Pages, *, stay: bool = False) -> None:
        """Other rows. stay : the cursor keeps its row and column, as far as they are there."""
        old = self.pages.columns[self.column].name if self.pages is not None and self.pages.columns else None
        self.pages = pages
        self.widths = dict(pages.widths)
        for column in pages.columns:
            if column.name in dict(pages.view.order):  # its heading has a sign more
                self.widths[column.name] = max(self.widths[column.name], column.heading_width + 1)
        names = [one.name for one in pages.columns]
        self.column = names.index(old) if old in names else 0
        self._marks = {name: "▼" if down else "▲" for name, down in pages.view.order}
        top = round(self.scroll_offset.y) if stay else 0
        self.row = min(self.row, max(pages.total - 1, 0)) if stay else 0
        self.virtual_size = Size(self.size.width, pages.total + 1)
        self.scroll_to(y=top, animate=False, immediate=True)
        self._place()

    def clear(self) -> None:
        """No rows."""
        self.pages, self._layout = None, Layout((), 0)
        self.row = self.column = self.left = 0
        self.virtual_size = Size(0, 0)
        self.refresh()

    @property
    def columns(self) -> tuple[GridColumn, ...]:
        """Of the rows."""
        return self.pages.columns if self.pages is not None else ()

    @property
    def chosen(self) -> GridColumn | None:
        """The cursor's column."""
        return self.columns[self.column] if self.columns else None

    @property
    def total(self) -> int:
        """How many rows there are."""
        return self.pages.total if self.pages is not None else 0

    @property
    def seen(self) -> range:
        """The rows in sight, from 0."""
        top = round(self.scroll_offset.y)
        return range(top, min(top + self._lines, self.total))

    @property
    def complete(self) -> bool:
        """Whether all cells in sight are there."""
        return self.pages is not None and self._wanted(self.seen) is None

    @property
    def _lines(self) -> int:
        return max(self.scrollable_content_region.height - 1, 1)

    @property
    def _gutter(self) -> int:
        return len(f"{self.total:,}") + 3

    def widen(self, widths: dict[str, int]) -> None:
        """Columns at least so wide, so that those of two tables stand alike."""
        self.widths = {name: max(width, widths.get(name, 0)) for name, width in self.widths.items()}
        self._place()

    # --- moving ------------------------------------------------------------------------------------------------------

    def action_move(self, down: int, right: int) -> None:
        """So many rows and columns on."""
        self.go_to(self.row + down, self.column + right)

    def action_page(self, by: int) -> None:
        """A page on; the cursor keeps its line on the screen."""
        if self.pages is None:
            return
        step = by * self._lines
        self._scroll(round(self.scroll_offset.y) + step)
        self.go_to(self.row + step, self.column)

    def action_column_end(self, by: int) -> None:
        """The first column, or the last."""
        self.go_to(self.row, 0 if by < 0 else len(self.columns) - 1)

    def action_row_end(self, by: int) -> None:
        """The first row, or the last."""
        self.go_to(0 if by < 0 else self.total - 1, self.column)

    def action_open(self) -> None:
        """The cell under the cursor."""
        if self.total:
            self.post_message(self.Asked(self, "open"))

    def go_to(self, row: int, column: int) -> None:
        """Put the cursor there, or as near as there is a cell, and bring it in sight."""
        row = max(0, min(row, self.total - 1))
        column = max(0, min(column, len(self.columns) - 1))
        self._down = row >= self.row
        aside = column != self.column
        self.row, self.column = row, column
        top = round(self.scroll_offset.y)
        if row < top:
            self._scroll(row)
        elif row >= top + self._lines:
            self._scroll(row - self._lines + 1)
        self._place(aside=aside)

    def freeze(self, count: int) -> None:
        """The first ``count`` columns stay where they are."""
        self.frozen = count
        self._place(aside=True)

    def follow(self, other: Grid) -> None:
        """Show the columns that the other one shows, its cursor in the same one."""
        names = {one.name: number for number, one in enumerate(self.columns)}
        if other.chosen is not None and other.chosen.name in names:
            self.column = names[other.chosen.name]
            self.left, self.frozen = other.left, other.frozen
            self._place()

    def _scroll(self, top: int) -> None:
        self.scroll_to(y=max(0, min(top, self.total - self._lines)), animate=False, immediate=True)

    def watch_has_focus(self, has_focus: bool) -> None:
        """Say which table keys are for."""
        super().watch_has_focus(has_focus)
        self._tell()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Read what comes in sight."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._down = new_value > old_value
            self._tell()
            self._read_on()

    def on_resize(self, event: events.Resize) -> None:
        """There is room for others."""
        if self.pages is not None:
            self.virtual_size = Size(self.size.width, self.total + 1)
            self.go_to(self.row, self.column)

    def _place(self, *, aside: bool = False) -> None:
        widths = [self.widths[one.name] for one in self.columns]
        room = self.scrollable_content_region.width
        left = left_for(self.column, widths, self._gutter, room, self.frozen, self.left) if widths else 0
        aside = aside or left != self.left
        self.left = left
        self._layout = laid_out(widths, self._gutter, room, self.frozen, left)
        self._tell()
        self._read_on()
        self.refresh()
        if aside:
            self.post_message(self.Aside(self))

    def _tell(self) -> None:
        """The borders say what is seen."""
        if self.pages is None:
            return
        view, chosen = self.pages.view, self.chosen
        mark = "▸ " if self.has_focus else ""
        self.border_title = Content(mark + shown_rows(self.kind, self.seen, view, self.pages.before))
        parts = [f"{chosen.heading}: column {self.column + 1:,} of {len(self.columns):,}"] if chosen else []
        parts += [f"sorted by {clipped(one_line(name), 20)}" for name, _ in view.order]
        self.border_subtitle = Content(", ".join(parts))

    def on_click(self, event: events.Click) -> None:
        """The cursor goes there; where it is already, the cell is opened."""
        place = event.get_content_offset(self)
        column = self._layout.at(place.x) if place is not None else None
        if place is None or column is None:
            return
        if place.y == 0:
            self.go_to(self.row, column)
            self.post_message(self.Asked(self, "sort"))
            return
        row = round(self.scroll_offset.y) + place.y - 1
        if row >= self.total:
            return
        again = (row, column) == (self.row, self.column)
        self.go_to(row, column)
        if again:
            self.action_open()

    # --- reading -----------------------------------------------------------------------------------------------------

    def _wanted(self, rows: range) -> Piece | None:
        names = [self.columns[one.number].name for one in self._layout.columns]
        return self.pages.lacking(rows.start, rows.stop, names) if self.pages is not None else None

    def _next(self) -> tuple[Pages, Piece] | None:
        """What is in sight; then what will be."""
        seen = self.seen
        ahead = range(seen.stop, seen.stop + _AHEAD) if self._down else range(seen.start - _AHEAD, seen.start)
        piece = self._wanted(seen) or self._wanted(ahead)
        return (self.pages, piece) if self.pages is not None and piece is not None else None

    def _read_on(self) -> None:
        if self._reader.begins():
            self.run_worker(self._reader.go(cast("LocalsynthApp", self.app).desk), group="pages")

    def _take(self, pages: Pages, piece: Piece, found: Sequence[Page]) -> None:
        if self.pages is pages:
            if pages.put(piece, found):
                self.widen(pages.widths)
            self.refresh()

    def _fail(self, error: LocalsynthError, again: bool) -> None:
        self.post_message(self.Failed(self, error, again=again))

    # --- drawing -----------------------------------------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        """Look up the styles once for all lines."""
        styles = {name: self.get_component_rich_style(f"grid--{name}") for name in STYLES}
        styles[""] = self.rich_style
        self._painter = (
            Painter(self.pages, self._layout, self._gutter, self.row, self.column, self._marks, styles)
            if self.pages is not None
            else None
        )
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """The headings stay where they are, the rows scroll."""
        width = self.scrollable_content_region.width
        row = round(self.scroll_offset.y) + y - 1
        painter = self._painter
        if painter is None or row >= self.total:
            return Strip.blank(width, self.rich_style)
        if y == 0:
            return Strip(painter.headings()).adjust_cell_length(width, painter.styles["head"])
        return Strip(painter.cells(row)).adjust_cell_length(width, painter.base(row))
