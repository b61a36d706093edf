"""A synthetic row beside the real rows nearest to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from localsynth.core.schema import Schema
from localsynth.core.words import counted
from localsynth.tui.plain import cell, line
from localsynth.tui.widgets.listing import Column, Entry, Listing

from .columns import shower

if TYPE_CHECKING:
    from localsynth.workspace.nearest import Nearest

__all__ = ["NearestDialog"]

_WIDEST = 36
_DIFFERS = "≠ "


class NearestDialog(ModalScreen[None]):
    """row : of the run, its values. number : its number in the run."""

    HELP = """\
The real train rows nearest to the synthetic row, column by column; `≠` marks what is not alike. A distance of 1 is one
category, or one standard deviation, apart; free texts and identifiers do not count. A distance of 0 in many rows may mean that
a model has learnt real rows by heart. Escape closes.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,n", "dismiss(None)", "Close", id="nearest.close")
    ]
    DEFAULT_CSS = """
    NearestDialog .dialog { width: 96%; max-width: 160; padding: 0 1; }
    NearestDialog Listing { background: $surface; max-height: 100%; height: 1fr; }
    NearestDialog .hint { margin-bottom: 1; }
    """

    def __init__(self, schema: Schema, number: int, row: dict[str, Any], found: Nearest) -> None:
        super().__init__()
        self._schema, self._number, self._row, self._found = schema, number, row, found

    def compose(self) -> ComposeResult:
        """One line for each column."""
        found = self._found
        of = f"all {counted(found.train_rows, 'train row')}"
        if found.compared < found.train_rows:
            of = f"{found.compared:,} of {counted(found.train_rows, 'train row')}, evenly spread"
        with Vertical(classes="dialog -large") as box:
            box.border_title = Content(f"Real rows nearest to synthetic row {self._number:,}")
            box.border_subtitle = "escape closes"
            yield Static(line(f"Compared with {of}. {_DIFFERS}is not alike."), classes="hint", markup=False)
            yield Listing(list(self._titles()))

    def on_mount(self) -> None:
        """The arrows go through it."""
        listing = self.query_one(Listing)
        listing.show(self._entries())
        listing.focus()

    def _titles(self) -> Iterator[Column]:
        yield Column("column", least=8)
        yield Column(f"synthetic {self._number:,}", least=20)
        ids = self._found.rows.column("row_id").to_pylist()
        for place, number in enumerate(ids):
            yield Column(f"  real {number:,}", least=14, leaves=place)

    def _entries(self) -> list[Entry]:
        reals = self._found.rows.to_pylist()
        entries = [
            Entry("", (Text("distance", "dim"), Text(""), *(self._far(far) for far in self._found.distances)))
        ]
        for column in self._schema.columns:
            show = shower(column)

            def shown(value: Any, show: Any = show) -> Text:
                return cell(None) if value is None else line(show(value), cells=_WIDEST)

            made = self._row.get(column.name)
            cells = [
                Text.assemble("  " if real[column.name] == made else _DIFFERS, shown(real[column.name]))
                for real in reals
            ]
            entries.append(Entry(column.name, (line(column.name, "bold", 24), shown(made), *cells)))
        return entries

    @staticmethod
    def _far(distance: float) -> Text:
        return Text(f"  {distance:.3f}", "bold")
