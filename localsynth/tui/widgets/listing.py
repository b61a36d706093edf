"""A list of things with a few facts each: one line a thing, columns that make room for each other, one line chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

__all__ = ["Column", "Entry", "Listing", "fitted"]

_MARK = 2  # cells before the first column: which line is chosen, and which is marked
_GAP = 2  # cells between columns
_NAME = 24  # cells that hold the names of most datasets, methods and models


@dataclass(frozen=True)
class Column:
    """right : numbers. least : cells it may shrink to; 0 never shrinks. leaves : those with the largest number go first where
    there is no room; 0 stays."""

    title: str
    right: bool = False
    least: int = 0
    leaves: int = 0


@dataclass(frozen=True)
class Entry:
    """One line. key : what it is of. cells : one for each column. marked : shown with a dot."""

    key: str
    cells: tuple[Text, ...]
    marked: bool = False


def fitted(columns: Sequence[Column], wanted: Sequence[int], room: int) -> dict[int, int]:
    """Column number -> cells, in the order of the columns: those that leave are not in it, those that shrink are narrower.

    One that may leave is there only where those that stay have all they want, up to a width that holds most names.
    wanted : cells each would like to have; one that may leave and has nothing to show wants 0, and leaves. room : cells for
    all, with the gaps between them.
    """

    def least(number: int) -> int:
        return min(columns[number].least or wanted[number], wanted[number])

    def due(number: int) -> int:
        return least(number) if columns[number].leaves else max(least(number), min(wanted[number], _NAME))

    kept = [number for number, column in enumerate(columns) if not column.leaves]
    left = room - sum(map(due, kept)) - _GAP * (len(kept) - 1)
    for number in sorted(set(range(len(columns))).difference(kept), key=lambda one: columns[one].leaves):
        if wanted[number] and due(number) + _GAP <= left:
            kept.append(number)
            left -= due(number) + _GAP
    widths = {number: wanted[number] for number in sorted(kept)}
    excess = sum(widths.values()) + _GAP * (len(widths) - 1) - room

    def gives(number: int) -> tuple[bool, int]:
        return columns[number].leaves > 0, widths[number] - least(number)

    for number in sorted(widths, key=gives, reverse=True):
        less = min(max(excess, 0), widths[number] - least(number))
        widths[number] -= less
        excess -= less
    return widths


class Listing(ScrollView, can_focus=True):
    """Columns under one line of titles. The chosen line is kept by its key when the entries change.

    A click chooses a line, a click on the chosen one opens it, as Enter does.
    """

    HELP = "Up and Down choose a line, Enter opens it. A click chooses a line, a second click opens it."
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "move(-1000000)", "First", show=False),
        Binding("end", "move(1000000)", "Last", show=False),
        Binding("enter", "open", "Open", id="list.open"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"listing--titles", "listing--chosen", "listing--aside"}
    DEFAULT_CSS = """
    Listing {
        scrollbar-size-vertical: 1; overflow-x: hidden; height: auto; background: $background;
        & > .listing--titles { color: $text-muted; }
        & > .listing--aside { color: $text-muted; }
        & > .listing--chosen { background: $surface-lighten-1; }
        &:focus > .listing--chosen { background: $primary 35%; text-style: bold; }
    }
    """

    class Opened(Message):
        """Enter, or a click on the chosen line."""

        def __init__(self, listing: Listing, key: str) -> None:
            super().__init__()
            self.listing, self.key = listing, key

        @property
        def control(self) -> Listing:
            """The list."""
            return self.listing

    class Chosen(Message):
        """Another line is the chosen one."""

        def __init__(self, listing: Listing, key: str) -> None:
            super().__init__()
            self.listing, self.key = listing, key

        @property
        def control(self) -> Listing:
            """The list."""
            return self.listing

    #: The number of the chosen line.
    line: reactive[int] = reactive(0)

    def __init__(self, columns: Sequence[Column], *, aside: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._entries: tuple[Entry, ...] = ()
        self._aside = aside
        self._widths: dict[int, int] = {}

    # --- what it shows -----------------------------------------------------------------------------------------------

    @property
    def entries(self) -> tuple[Entry, ...]:
        """As last shown."""
        return self._entries

    @property
    def chosen(self) -> str | None:
        """The key of the chosen line; ``None`` where there is none."""
        return self._entries[self.line].key if self.line < len(self._entries) else None

    def show(self, entries: Sequence[Entry], aside: str | None = None) -> None:
        """Other entries. aside : what to say where there are none."""
        if tuple(entries) == self._entries and aside in {None, self._aside}:
            return
        before = self.chosen
        if aside is not None:
            self._aside = aside
        self._entries = tuple(entries)
        place = next((number for number, one in enumerate(entries) if one.key == before), None)
        self._lay_out()
        self.line = max(0, min(self.line if place is None else place, len(entries) - 1))
        self.refresh(layout=True)

    def choose(self, key: str) -> None:
        """Make that line the chosen one, if it is there."""
        self.line = next((number for number, one in enumerate(self._entries) if one.key == key), self.line)

    def _lay_out(self) -> None:
        wanted = []
        for number, column in enumerate(self._columns):
            widest = max((one.cells[number].cell_len for one in self._entries), default=1)
            wanted.append(0 if column.leaves and not widest else max(len(column.title), widest, 1))
        self._widths = fitted(self._columns, wanted, max(self.size.width - _MARK - 1, 10))
        self.virtual_size = Size(self.size.width, self._height())

    def _height(self) -> int:
        return len(self._entries) + 1 if self._entries else 1

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """All lines, under their titles."""
        return max(self._height(), 2)

    def on_resize(self, event: events.Resize) -> None:
        """Columns come and go."""
        self._lay_out()
        self._follow()

    # --- choosing ----------------------------------------------------------------------------------------------------

    def validate_line(self, line: int) -> int:
        """One that is there."""
        return max(0, min(line, len(self._entries) - 1))

    def watch_line(self, before: int, line: int) -> None:
        """In sight, and told."""
        self._follow()
        self.refresh()
        if (key := self.chosen) is not None and before != line:
            self.post_message(self.Chosen(self, key))

    def _follow(self) -> None:
        top, shown = round(self.scroll_offset.y), max(self.size.height - 1, 1)
        if self.line < top:
            self.scroll_to(y=self.line, animate=False, immediate=True)
        elif self.line >= top + shown:
            self.scroll_to(y=self.line - shown + 1, animate=False, immediate=True)

    def action_move(self, by: int) -> None:
        """So many lines on."""
        self.line += by

    def action_page(self, by: int) -> None:
        """So many pages on."""
        self.line += by * max(self.size.height - 2, 1)

    def action_open(self) -> None:
        """Tell who listens."""
        if (key := self.chosen) is not None:
            self.post_message(self.Opened(self, key))

    def on_click(self, event: events.Click) -> None:
        """Choose, then open."""
        place = event.get_content_offset(self)
        number = -1 if place is None else place.y - 1 + round(self.scroll_offset.y)
        if place is None or place.y < 1 or not 0 <= number < len(self._entries):
            return
        if number == self.line and (self.has_focus or event.chain > 1):
            self.action_open()
        self.line = number

    # --- drawing -----------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """The titles stay where they are, the rest scrolls."""
        width, base = self.size.width, self.rich_style
        if not self._entries:
            aside = Text(
                self._aside if y == 0 else "", self.get_component_rich_style("listing--aside"), end=""
            )
            return self._strip(aside, width, base)
        if y == 0:
            titles = [Text(column.title) for column in self._columns]
            return self._strip(
                self._joined("  ", titles), width, self.get_component_rich_style("listing--titles")
            )
        number = y - 1 + round(self.scroll_offset.y)
        if number >= len(self._entries):
            return Strip.blank(width, base)
        entry, here = self._entries[number], number == self.line
        style = self.get_component_rich_style("listing--chosen") if here else base
        mark = ("▸" if here else " ") + ("•" if entry.marked else " ")
        return self._strip(self._joined(mark, entry.cells), width, style)

    def _joined(self, mark: str, cells: Sequence[Text]) -> Text:
        line = Text(mark, no_wrap=True, end="")
        for place, (number, width) in enumerate(self._widths.items()):
            cell = cells[number].copy()
            cell.truncate(width, overflow="ellipsis")
            blank = " " * (width - cell.cell_len)
            line.append(" " * _GAP if place else "")
            line = (
                Text.assemble(line, blank, cell)
                if self._columns[number].right
                else Text.assemble(line, cell, blank)
            )
        return line

    def _strip(self, text: Text, width: int, style: Style) -> Strip:
        text.truncate(width)
        segments = Segment.apply_style(text.render(self.app.console), style)
        return Strip(list(segments), text.cell_len).adjust_cell_length(width, style)
