"""Panels of the place Run that show text: how far it is, the newest rows, what the method tells, the last prompt."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.measure import Measurement
from rich.style import Style
from rich.text import Text
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from localsynth.core.celltext import text_of
from localsynth.core.columns import Column, FloatColumn
from localsynth.core.schema import Schema
from localsynth.tui.plain import cell, line, one_line

if TYPE_CHECKING:
    from localsynth.workspace import Newest

__all__ = ["TextPanel", "newest_table"]

_CELL = 24  # widest cell of a row
_WIDEST = 20_000


class TextPanel(ScrollView, can_focus=True):
    """Something rich prints, scrolled where it is larger than the panel. Showing something else moves nothing on the screen.

    wrap : lines are broken at the panel's width; otherwise they are as long as they are.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = "TextPanel { scrollbar-size: 1 1; background: $background; }"

    def __init__(self, title: str, help: str = "", *, id: str, wrap: bool = True) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.border_title = title
        self.HELP = help  # type: ignore[misc]  # of this panel, not of all
        self._wrap = wrap
        self._what: RenderableType = ""
        self._strips: list[Strip] = []
        self._room = 0  # cells they were printed for
        self._base = Style.null()

    def tell(self, what: RenderableType) -> None:
        """Show it instead of what is there; it is printed when the panel is seen."""
        self._what, self._room = what, 0
        if self.display:
            self._print()

    def note(self, words: str = "") -> None:
        """At the lower edge."""
        self.border_subtitle = Content(one_line(words))

    def on_resize(self, event: events.Resize) -> None:
        """Print it for the width there is."""
        if self.scrollable_content_region.width != self._room:
            self._print()

    def _print(self) -> None:
        room = self.scrollable_content_region.width
        if not room:
            return
        console, width = self.app.console, room
        if not self._wrap:
            free = console.options.update(max_width=_WIDEST)
            width = max(room, Measurement.get(console, free, self._what).maximum)
        lines = console.render_lines(self._what, console.options.update(width=width, height=None), pad=False)
        before, self._strips, self._room = self._strips, [Strip(line) for line in lines], room
        self.virtual_size = Size(width, len(lines))
        top = self.scroll_offset.y
        for number, (old, new) in enumerate(zip_longest(before, self._strips)):
            if old != new and 0 <= number - top < self.size.height:
                self.refresh_line(number)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Those in sight; the style is looked up once for all of them."""
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One of those in sight."""
        width, base = self.scrollable_content_region.width, self._base
        across, down = self.scroll_offset
        if y + down >= len(self._strips):
            return Strip.blank(width, base)
        return self._strips[y + down].crop_extend(across, across + width, base).apply_style(base)


def newest_table(newest: Newest, schema: Schema) -> Text:
    """The newest rows in aligned columns, the last row first."""
    columns: list[tuple[Text, list[Text], bool]] = [
        (line("row", "bold"), [Text(f"{number:,}", "dim") for number in newest.numbers], True)
    ]
    for name, values in zip(newest.rows.column_names, newest.rows.columns, strict=True):
        column = schema.column(name)
        cells = [_shown(column, value) for value in values.to_pylist()]
        columns.append((line(name, "bold", _CELL), cells, column.kind in {"integer", "float"}))
    widths = [max(head.cell_len, *(one.cell_len for one in cells), 0) for head, cells, _ in columns]
    text = Text(no_wrap=True, end="")
    for (head, _, right), width in zip(columns, widths, strict=True):
        text.append_text(_padded(head, width, right))
    for at in range(len(newest.numbers)):
        text.append("\n")
        for (_, cells, right), width in zip(columns, widths, strict=True):
            text.append_text(_padded(cells[at], width, right))
    return text


def _shown(column: Column, value: Any) -> Text:
    if value is None:
        return cell(None)
    text = f"{value:.{column.decimals}f}" if isinstance(column, FloatColumn) else text_of(value)
    return line(text, cells=_CELL)


def _padded(text: Text, width: int, right: bool) -> Text:
    blank = " " * (width - text.cell_len)
    return Text.assemble(blank, text, "  ") if right else Text.assemble(text, blank, "  ")
