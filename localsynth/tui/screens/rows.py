"""The place Rows: real and synthetic rows, page by page, however many there are."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType

from localsynth.core.celltext import line_writer, text_of
from localsynth.core.errors import LocalsynthError
from localsynth.tui.clipboard import copy
from localsynth.tui.paths import PathDialog
from localsynth.tui.rows.asking import FILES, Wish, cell_left, exported, known, row_of
from localsynth.tui.rows.going import GoDialog
from localsynth.tui.rows.grid import Grid
from localsynth.tui.rows.nearest import NearestDialog
from localsynth.tui.rows.viewing import RowsView
from localsynth.tui.rows.words import KINDS, meaning
from localsynth.tui.sql.picker import Pick, PickDialog
from localsynth.tui.sql.values import whole
from localsynth.tui.widgets.cellview import CellDialog

__all__ = ["RowsScreen"]

_ON_A_TABLE = frozenset(
    {"filter", "sort", "goto", "jump", "freeze", "spread", "copy", "export", "fresh", "nearest"}
)


class RowsScreen(RowsView):
    """What can be done with the rows that are shown."""

    HELP = """\
# Rows

The rows of the chosen run, and the real rows of its dataset (those that methods may learn from: the train part), page by page.
`/` filters by a condition in SQL, `s` sorts by the column under the cursor, `g` goes to a row, `j` to a column, `f` holds the
columns up to the cursor in place.
`d` shows how the column is distributed, `v` puts real and synthetic rows side by side, `t` changes between them, `n` shows the
real rows nearest to the synthetic row under the cursor. `y` copies the cell, `Y` the row, `x` writes all rows to a file.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="rows.filter", tooltip="Only rows that meet a condition"),
        Binding("s", "sort", "Sort", id="rows.sort", tooltip="By the cursor's column: up, down, not at all"),
        Binding("g", "goto", "Go to a row", id="rows.goto", show=False, tooltip="Go to a row by its number"),
        Binding(
            "j", "jump", "Go to a column", id="rows.jump", show=False, tooltip="Go to a column by its name"
        ),
        Binding(
            "f", "freeze", "Freeze", id="rows.freeze", show=False, tooltip="Hold columns up to the cursor"
        ),
        Binding("d", "spread", "Distribution", id="rows.spread", tooltip="Of the cursor's column"),
        Binding("v", "side", "Both", id="rows.side", tooltip="Real and synthetic rows side by side"),
        Binding("t", "turn", "Other", id="rows.turn", tooltip="The real rows, or the synthetic ones"),
        Binding(
            "n", "nearest", "Nearest", id="rows.nearest", tooltip="Real rows like the one under the cursor"
        ),
        Binding("y", "copy('cell')", "Copy the cell", id="rows.copy_cell", show=False),
        Binding("Y", "copy('row')", "Copy the row", id="rows.copy_row", show=False),
        Binding("x", "export", "Export", id="rows.export", tooltip="Write all rows of the view to a file"),
        Binding("r", "fresh", "Read again", id="rows.fresh", show=False, tooltip="Show rows made meanwhile"),
        Binding("escape", "leave", "Stop", id="rows.leave", show=False),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What makes no sense just now is dim."""
        allowed = super().check_action(action, parameters)
        if not allowed:
            return allowed
        if action in {"side", "turn"}:
            return True if len(self.known.kinds) > 1 else None
        if action in _ON_A_TABLE and self.is_mounted and self.grid.pages is None:
            return None
        if action == "nearest":
            return True if self.grid.kind == "synth" else None
        return True

    def on_screen_suspend(self, event: events.ScreenSuspend) -> None:
        """Others may want to write."""
        for grid in self.query(Grid):
            if grid.pages is not None:
                self.run_worker(self.ui.desk.do(grid.pages.view.release), group="release")

    def on_resize(self, event: events.Resize) -> None:
        """Two tables may have room now, or no room any more."""
        if self.known.kinds and self.shown_kinds != self._placed:
            self.go(self.show_tables(), "open")
        elif self.known.kinds:
            self.put()

    # --- which rows --------------------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Write a condition."""
        self.bar.edit([one.name for one in self.grid.columns])

    def action_sort(self) -> None:
        """Upwards, downwards, not at all."""
        column = self.grid.chosen
        if column is None:
            return
        now = dict(self.wish.order).get(column.name)
        order = {None: ((column.name, False),), False: ((column.name, True),), True: ()}[now]
        self.go(self.use(Wish(self.wish.where, order)), "open")

    def action_side(self) -> None:
        """Two tables, or one."""
        if self.size.width < 120 and not self.both:
            self.say("two tables need 120 columns of the terminal; t changes between them")
            self.action_turn()
            return
        self.both = not self.both
        self.go(self.show_tables(), "open")

    def action_turn(self) -> None:
        """The other table."""
        before = self.grid
        self.kind = "real" if before.kind == "synth" else "synth"
        self.grid_of(self.kind).follow(before)
        self.go(self.show_tables(), "open")

    def action_fresh(self) -> None:
        """Rows as they are now."""
        self.go(self._fresh(), "open")

    async def _fresh(self) -> None:
        before = sum(grid.total for grid in self.query(Grid))
        subject = self.subject
        self.known = await self.ask(lambda ws: known(ws, subject))
        self._stale = set(self.known.kinds)
        self.note("")
        await self.show_tables(stay=True)
        more = sum(grid.total for grid in self.query(Grid)) - before
        self.say(f"{more:,} rows more" if more > 0 else "these are all rows there are")

    def action_leave(self) -> None:
        """Stop what is being read, or close the distribution."""
        if not self.stop_reading():
            self.panel.remove_class("-open")

    # --- where -------------------------------------------------------------------------------------------------------

    def action_goto(self) -> None:
        """A row by its number."""
        grid = self.grid

        def heard(number: int | None) -> None:
            if number is not None:
                grid.go_to(number - 1, grid.column)

        if grid.total:
            self.app.push_screen(GoDialog(grid.total), heard)

    def action_jump(self) -> None:
        """A column by its name."""
        grid = self.grid
        if grid.pages is None:
            return
        schema = grid.pages.schema
        picks = [
            Pick(one.name, one.sign, f"{one.name}\n\n{meaning(schema.column(one.name), None)}")
            for one in grid.columns
        ]

        def heard(pick: Pick | None) -> None:
            if pick is not None:
                grid.go_to(grid.row, picks.index(pick))

        self.app.push_screen(PickDialog("Go to a column", picks, "there are no columns"), heard)

    def action_freeze(self) -> None:
        """Hold the columns up to the cursor in place, or let them go."""
        count = self.grid.column + 1
        held = 0 if self.grid.frozen == count else count
        for grid in self.query(Grid):
            grid.freeze(held)
        self._remember()

    # --- one cell, one row -------------------------------------------------------------------------------------------

    @on(Grid.Asked)
    def _asked(self, event: Grid.Asked) -> None:
        event.stop()
        event.grid.focus()
        if event.wish == "sort":
            self.action_sort()
        else:
            self.go(self._cell(event.grid), "cell")

    async def _cell(self, grid: Grid) -> None:
        if grid.pages is None or grid.chosen is None or not grid.total:
            return
        pages, name, row = grid.pages, grid.chosen.name, grid.row
        value = (await self.ui.desk.do(row_of, pages.view, row))[name]
        column = pages.schema.column(name)
        about = f"{KINDS[grid.kind]} row {row + 1:,}" + (", missing" if value is None else "")
        left = partial(cell_left, view=pages.view, column=name)
        self.app.push_screen(
            CellDialog(
                name, about, text_of(value), whole(value) or " ", left=left, meaning=meaning(column, value)
            )
        )

    def action_copy(self, what: str) -> None:
        """The cell or the row, into the terminal's clipboard."""
        self.go(self._copy(what), "copy")

    async def _copy(self, what: str) -> None:
        grid = self.grid
        if grid.pages is None or grid.chosen is None or not grid.total:
            return
        row = await self.ui.desk.do(row_of, grid.pages.view, grid.row)
        cell = text_of(row[grid.chosen.name])
        text = cell if what == "cell" else line_writer("\t", len(row))(row.values()).rstrip("\n")
        copy(self.app, text, "x writes to a file")

    def action_nearest(self) -> None:
        """Real rows like the synthetic one under the cursor."""
        self.go(self._nearest(), "nearest")

    async def _nearest(self) -> None:
        grid, run = self.grid, self.known.run
        if run is None or grid.kind != "synth" or grid.pages is None or not grid.total:
            self.say("this is for a synthetic row: t shows those", warning=True)
            return
        number = grid.pages.key(grid.row)
        if number is None:
            return
        pages, row = grid.pages, grid.row
        self.note("comparing with the real rows ...")
        try:
            found = await self.ask(lambda ws: ws.nearest(run, number))
            values = await self.ui.desk.do(row_of, pages.view, row)
        finally:
            self.note(self._standing())
        self.app.push_screen(NearestDialog(pages.schema, number, values, found))

    # --- all rows ----------------------------------------------------------------------------------------------------

    def action_spread(self) -> None:
        """How the cursor's column is distributed; again closes it."""
        self.panel.toggle_class("-open")
        self._count()

    def action_export(self) -> None:
        """All rows of the view into a file."""
        self.go(self._export(), "export")

    async def _export(self) -> None:
        grid = self.grid
        if grid.pages is None:
            return
        view = grid.pages.view
        name = self.known.dataset.name if self.known.dataset is not None else "rows"
        path: Path | None = await self.app.push_screen_wait(
            PathDialog(
                f"Write {view.total:,} {KINDS[grid.kind]} rows to",
                f"{name}-{KINDS[grid.kind]}.csv",
                FILES,
                must_exist=False,
                save=True,
            )
        )
        if path is None:
            return
        stop = self._stop = threading.Event()
        self.note("writing; escape stops it")
        try:
            made = await self.ask(lambda ws: exported(ws, view, path, stop))
        except LocalsynthError as error:
            self.note("")
            self.show_error(error)
            return
        finally:
            self._stop = None
        self.note(self._standing())
        self.say(f"wrote {view.total:,} rows to {made}")
