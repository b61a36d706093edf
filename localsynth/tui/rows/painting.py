"""The lines of a grid as they are drawn: headings, and cells just so wide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from .columns import GridColumn
from .layout import GAP, Layout
from .pages import ABSENT, Pages

__all__ = ["STYLES", "Painter"]

#: Names of the styles that lines are drawn in.
STYLES = ("head", "chosen", "line", "even", "cursor")


@dataclass(frozen=True)
class Painter:
    """Draws lines of some pages.

    layout : which columns are where. gutter : cells for the numbers of the rows. row, column : where the cursor is, by number.
    marks : signs behind the names of columns. styles : by :data:`STYLES`, and ``""``.
    """

    pages: Pages
    layout: Layout
    gutter: int
    row: int
    column: int
    marks: Mapping[str, str]
    styles: Mapping[str, Style]

    def base(self, row: int) -> Style:
        """The style of a row."""
        return self.styles["line" if row == self.row else "even" if row % 2 else ""]

    def headings(self) -> list[Segment]:
        """Names with the signs of their types."""
        style = self.styles["head"]
        here = self.styles["chosen"]
        quiet = style + Style(dim=True, bold=False)
        segments = [Segment(" " * self.gutter, style)]
        for place, one in enumerate(self.layout.columns):
            column = self.pages.columns[one.number]
            sign = f" {column.sign}{self.marks.get(column.name, '')}"
            name = set_cell_size(column.heading, min(cell_len(column.heading), one.width - len(sign)))
            blank = " " * (one.width - cell_len(name) - len(sign))
            words = [Segment(name, here if one.number == self.column else style), Segment(sign, quiet)]
            segments += [Segment(blank, style), *words] if column.right else [*words, Segment(blank, style)]
            segments.append(Segment(self._gap(place), quiet))
        return segments

    def cells(self, row: int) -> list[Segment]:
        """A row: its number, and what is in sight of it."""
        base = self.base(row)
        quiet = base + Style(dim=True)
        cursor = self.styles["cursor"]
        mark = "▸" if row == self.row else " "
        segments = [Segment(f"{mark}{row + 1:>{self.gutter - 3},}  ", quiet)]
        for place, one in enumerate(self.layout.columns):
            here = row == self.row and one.number == self.column
            column = self.pages.columns[one.number]
            text, plain = _cell(self.pages.cell(row, column.name), column, one.width)
            segments.append(Segment(text, cursor if here else base if plain else quiet))
            segments.append(Segment(self._gap(place), quiet))
        return segments

    def _gap(self, place: int) -> str:
        """Between columns; a line stands after the frozen ones."""
        return " │"[:GAP] if place == self.layout.frozen - 1 else " " * GAP


def _cell(value: object, column: GridColumn, width: int) -> tuple[str, bool]:
    """A cell's text, just so wide; and whether it is a value."""
    if not isinstance(value, str):
        text = "···" if value is ABSENT else "∅"
        return (text.rjust(width) if column.right else text.ljust(width))[:width], False
    long = cell_len(value)
    if long > width:
        return set_cell_size(value, width - 1) + "…", True
    blank = " " * (width - long)
    return (blank + value if column.right else value + blank), True
