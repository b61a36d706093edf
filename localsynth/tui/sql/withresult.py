"""What can be done with a result: copy it, look at a cell, write it to a file, draw it."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from textual import on

from localsynth.core.celltext import text_of
from localsynth.tui.clipboard import copy
from localsynth.tui.paths import PathDialog
from localsynth.tui.widgets.cellview import CellDialog

from .asking import Answer, cell_left, exported
from .copying import copied
from .drawing import drawing
from .result import ResultPane
from .running import Running
from .texts import Texts
from .values import whole

__all__ = ["WithResult"]

_FILES = (".csv", ".tsv", ".parquet", ".jsonl")


class WithResult(Texts):
    """It has a :class:`ResultPane`, and the last answer."""

    def __init__(self) -> None:
        super().__init__()
        self.asking = Running()
        self.answer: Answer | None = None

    @property
    def pane(self) -> ResultPane:
        """Where results are."""
        return self.query_one(ResultPane)

    def action_copy(self, what: str) -> None:
        """A cell, a row, all rows, into the terminal's clipboard."""
        self.go(self._copy(what), group="copy")

    async def _copy(self, what: str) -> None:
        table = self.pane.table
        if table is None:
            return
        cells, place = table.cells, table.cursor_coordinate
        if not cells.row_count and what in {"cell", "row"}:
            self.say("there are no rows to copy")
            return
        text = await self.ui.desk.do(copied, cells, what, place.row, place.column)
        copy(self.app, text, "e saves to a file")

    def action_plot(self) -> None:
        """A picture of two columns."""
        self.go(self._plot(), group="plot")

    async def _plot(self) -> None:
        table = self.pane.table
        if table is None:
            return
        found = await self.ui.desk.do(drawing, table.cells, table.cursor_coordinate.column)
        if isinstance(found, str):
            self.say(found, warning=True)
            return
        await self.ui.desk.do(import_module, "localsynth.tui.sql.plot")
        from localsynth.tui.sql.plot import PlotDialog

        self.app.push_screen(PlotDialog(found))

    def action_export(self) -> None:
        """The whole result, also what is not shown, into a file."""
        self.go(self._export(), group="export")

    async def _export(self) -> None:
        if self.answer is None or self.asking.busy:
            return
        sql = self.answer.sql
        path = await self.app.push_screen_wait(
            PathDialog("Write the whole result to", "result.csv", _FILES, must_exist=False, save=True)
        )
        if path is None:
            return
        made = await self.asking.ask(self, "writing", lambda ws, stop: exported(ws, sql, path, stop))
        self.pane.tell("Result")
        self.say(f"wrote {made}")

    @on(ResultPane.Opened)
    def _cell(self, event: ResultPane.Opened) -> None:
        cells, answer = event.cells, self.answer
        if cells.row_count and answer is not None:
            value = cells.value(event.row, event.column)
            kind = str(cells.kinds[event.column])
            about = f"row {event.row + 1:,}, {kind}" + (", missing" if value is None else "")
            name = cells.names[event.column]
            left = partial(cell_left, sql=answer.sql)
            self.app.push_screen(CellDialog(name, about, text_of(value), whole(value) or " ", left=left))
