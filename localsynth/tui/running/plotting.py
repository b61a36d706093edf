"""The panel that shows a column of the real rows against that of the synthetic ones, as they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from rich.console import RenderableType
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from localsynth.core.errors import NotFound
from localsynth.core.run import Run
from localsynth.core.schema import Schema
from localsynth.tui.plain import line, one_line
from localsynth.tui.widgets.distribution import Bars, DistributionPlot, bars_of, plot_styles

if TYPE_CHECKING:
    from localsynth.store.browsing import Browse
    from localsynth.store.distribution import ColumnCounts
    from localsynth.workspace import Workspace

__all__ = ["Comparison", "PlotPanel", "RealSide"]

_VALUES = 40  # of a column that has no bins


@dataclass
class RealSide:
    """The real train rows of a run's dataset, counted once for each column. None of the rows held out is ever counted."""

    run: Run
    schema: Schema
    counted: dict[str, ColumnCounts | None] = field(default_factory=dict)

    def compare(self, ws: Workspace, column: str) -> Comparison:
        """Count the run's rows in the same bins. Closes the file at once: the run may want to commit."""
        made = ws.browse(self.run, kind="synth")
        try:
            if column not in self.counted:
                self.counted[column] = self._real(ws, column, made)
            real = self.counted[column]
            counts = made.distribution(column, most=_VALUES, like=real)
        finally:
            made.release()
        return Comparison(column, bars_of(real) if real is not None else None, bars_of(counts))

    def _real(self, ws: Workspace, column: str, made: Browse) -> ColumnCounts | None:
        """``None`` where there are no real rows, or where the column is none of theirs, or of another type today."""
        try:
            real = ws.browse(self.run.dataset, kind="real", part="train")
        except NotFound:
            return None
        if (
            not real.total
            or column not in real.columns
            or real.types.field(column) != made.types.field(column)
        ):
            return None
        return real.distribution(column, most=_VALUES)


@dataclass(frozen=True)
class Comparison:
    """A column's bars. real : of the train rows, ``None`` where there are none."""

    column: str
    real: Bars | None
    made: Bars


class PlotPanel(Widget, can_focus=True):
    """Real against synthetic, of one column at a time."""

    HELP = """
How the values of one column are spread over the real train rows and over the rows made so far. `█` is what both have, `▀` what
only the real rows have, `▄` what only the synthetic rows have. *Distance* is 0 where both are spread alike and 1 where they
have nothing in common. The arrows, or `[` and `]`, change the column; `l` lists the columns.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "other(-1)", "Column before", show=False, id="run.plot.before"),
        Binding("right", "other(1)", "Column after", show=False, id="run.plot.after"),
    ]

    class ColumnChosen(Message):
        """Another column is to be shown."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    column: reactive[str] = reactive("", init=False)

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, classes="panel")
        self.border_title = "Real against synthetic"
        self.columns: Sequence[str] = ()
        self._shown: Comparison | None = None

    def offer(self, columns: Sequence[str], chosen: str) -> None:
        """Columns there are; shows the chosen one, if it is among them."""
        self.columns, self._shown = columns, None
        self.column = chosen if chosen in columns else next(iter(columns), "")
        self.refresh()

    def tell(self, comparison: Comparison) -> None:
        """Bars of the column; others are too late."""
        if comparison.column == self.column and comparison != self._shown:
            self._shown = comparison
            self.refresh()

    def watch_column(self, column: str) -> None:
        """Say so, and tell where among the others it is."""
        place = self.columns.index(column) + 1 if column in self.columns else 0
        self.border_subtitle = f"column {place:,} of {len(self.columns):,}" if place else ""
        self.post_message(self.ColumnChosen(column))
        self.refresh()

    def action_other(self, step: int) -> None:
        """The next column, or the one before."""
        if self.columns:
            self.column = self.columns[(self.columns.index(self.column) + step) % len(self.columns)]

    def render(self) -> RenderableType:
        """As many lines as there is room for."""
        shown = self._shown
        if shown is None or shown.column != self.column:
            return line(f"{one_line(self.column)}: counting ..." if self.column else "", "dim")
        return DistributionPlot(
            shown.real,
            shown.made,
            shown.column,
            lines=max(self.content_size.height, 3),
            styles=plot_styles(self.app),
        )
