"""The place Rows as far as it shows: tables, filter, distribution, and what is read for them."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.widgets import Static

from localsynth.core.errors import Cancelled, LocalsynthError, SqlError
from localsynth.core.schema import Schema
from localsynth.tui.plain import line
from localsynth.tui.screens.base import PlaceScreen
from localsynth.tui.subject import Subject

from .asking import Kind, Known, Wish, known, opened, spread
from .filterbar import FilterBar, FilterInput
from .grid import Grid
from .spreading import SpreadPanel
from .words import KINDS, nothing_of

if TYPE_CHECKING:
    from .pages import Pages

__all__ = ["RowsView"]

_WIDE = 120  # cells from which two tables stand beside each other
_POLL_S = 1.0
_PAUSE_S = 0.15  # before counting: the cursor may only pass through a column


class RowsView(PlaceScreen):
    """Opens views on rows as the subject, the filter, the order and the kinds of rows that are shown ask for."""

    AUTO_FOCUS = ""  # not the filter, which is hidden at first
    DEFAULT_CSS = """
    RowsView #body { layout: horizontal; height: 1fr; }
    RowsView #body.-below { layout: vertical; }
    RowsView #body.-below #spread { width: 100%; max-width: 100%; height: 45%; min-height: 5; }
    RowsView #tables { width: 1fr; height: 1fr; }
    RowsView #note { height: auto; display: none; padding: 0 1; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.known = Known()
        self.wish = Wish()
        self.kind: Kind = "synth"
        self.both = False
        self._stop: threading.Event | None = None
        self._counting: threading.Event | None = None
        self._stale: set[Kind] = set()
        self._going = False
        self._placed: tuple[Kind, ...] = ()

    def body(self) -> ComposeResult:
        """The filter, one or two tables, a distribution, a note."""
        yield FilterBar()
        with Container(id="body"):
            with Horizontal(id="tables"):
                yield Grid("real", id="real")
                yield Grid("synth", id="synth")
            yield SpreadPanel()
        yield Static(id="note", markup=False)

    def on_mount(self) -> None:
        """Look now and then whether the run goes on."""
        for grid in self.query(Grid):
            grid.display = False
        self.set_interval(_POLL_S, self._poll)

    # --- what is shown -----------------------------------------------------------------------------------------------

    @property
    def bar(self) -> FilterBar:
        """Of the filter."""
        return self.query_one(FilterBar)

    @property
    def panel(self) -> SpreadPanel:
        """Of the distribution."""
        return self.query_one(SpreadPanel)

    def grid_of(self, kind: Kind) -> Grid:
        """The table of that kind."""
        return self.query_one(f"#{kind}", Grid)

    @property
    def grid(self) -> Grid:
        """The table that keys are for: that with the focus, else that of the chosen kind."""
        focused = self.focused
        return focused if isinstance(focused, Grid) else self.grid_of(self.kind)

    @property
    def shown_kinds(self) -> tuple[Kind, ...]:
        """Of the tables to be seen."""
        kinds = self.known.kinds
        if self.both and len(kinds) > 1 and self.size.width >= _WIDE:
            return ("real", "synth")
        return (self.kind,) if self.kind in kinds else kinds[:1]

    def note(self, words: str, *, wrong: bool = False) -> None:
        """A line under the tables; empty takes it away."""
        said = self.query_one("#note", Static)
        said.update(line(words))
        said.set_class(wrong, "wrong")
        said.display = bool(words)

    def show_subject(self, subject: Subject) -> None:
        """Its rows."""
        self.go(self._look(subject), "open")

    async def _look(self, subject: Subject) -> None:
        self.stop_reading()
        for grid in self.query(Grid):
            grid.display = False
            grid.clear()
        self.panel.remove_class("-open")
        self.known = await self.ask(lambda ws: known(ws, subject))
        self._going = False
        self._recall()
        self.bar.use(self.wish.where)
        self._stale = set(self.known.kinds)
        self.note(self._standing())
        try:
            await self.show_tables()
        except SqlError as error:  # a filter that was kept does not fit any more
            self.wish = Wish()
            self.bar.refuse(error)
            await self.show_tables()

    async def show_tables(self, *, stay: bool = False) -> None:
        """Open what is to be seen and is not open yet, and put it side by side."""
        kinds = self.shown_kinds
        for kind in kinds:
            if kind in self._stale:
                await self._open(kind, stay=stay)
        self.put()
        self._remember()
        self.refresh_bindings()
        self._count()

    def put(self) -> None:
        """Show the tables that are open, as there is room for them."""
        kinds = self._placed = self.shown_kinds
        had = self.focused
        for grid in self.query(Grid):
            grid.display = grid.kind in kinds and grid.pages is not None
        below = len(kinds) > 1 or self.size.width < 100
        self.query_one("#body").set_class(below, "-below")
        if len(kinds) > 1:
            real, made = self.grid_of("real"), self.grid_of("synth")
            widths = dict(real.widths)
            real.widen(made.widths)
            made.widen(widths)
        chosen = self.grid_of(self.kind) if self.kind in kinds else None
        if chosen is not None and (had is None or isinstance(had, Grid)):
            chosen.focus()

    async def _open(self, kind: Kind, *, stay: bool) -> None:
        pages = await self._pages(kind, self.wish)
        self._stale.discard(kind)
        self._use(kind, pages, stay=stay)

    async def _pages(self, kind: Kind, wish: Wish) -> Pages:
        stop = self._stop = threading.Event()
        grid = self.grid_of(kind)
        self.note(
            f"reading the {KINDS[kind]} rows; escape stops it" if grid.pages is None or wish.order else ""
        )
        try:
            return await self.ask(lambda ws: opened(ws, self.known, kind, wish, stop))
        finally:
            self._stop = None
            self.note(self._standing())

    def _use(self, kind: Kind, pages: Pages, *, stay: bool) -> None:
        grid = self.grid_of(kind)
        grid.display = True
        grid.show(pages, stay=stay)
        other = self.grid_of("real" if kind == "synth" else "synth")
        if other.pages is not None:
            grid.follow(other)

    # --- the filter and the order ------------------------------------------------------------------------------------

    @on(FilterBar.Wanted)
    def _filter(self, event: FilterBar.Wanted) -> None:
        event.stop()
        self.go(self.use(Wish(event.where, self.wish.order)), "open")

    @on(FilterInput.Left)
    def _unfiltered(self) -> None:
        if (grid := self.grid).display:
            grid.focus()

    async def use(self, wish: Wish) -> None:
        """Other rows, or in another order; what cannot be read leaves those that are there."""
        kinds = self.shown_kinds
        try:
            found = [(kind, await self._pages(kind, wish)) for kind in kinds]
        except SqlError as error:
            self.bar.refuse(error)
            return
        except Cancelled:
            self.say("stopped; the rows are as they were")
            return
        self.wish = wish
        self._stale = set(self.known.kinds) - set(kinds)
        for kind, pages in found:
            self._use(kind, pages, stay=False)
        if kinds:
            self.grid_of(self.kind if self.kind in kinds else kinds[0]).focus()
        self.bar.use(wish.where)
        await self.show_tables()

    def stop_reading(self) -> bool:
        """End what is being read for a new view; whether there was anything."""
        if self._stop is None:
            return False
        self._stop.set()
        return True

    # --- the distribution --------------------------------------------------------------------------------------------

    def _count(self) -> None:
        if self._counting is not None:
            self._counting.set()
        column = self.grid.chosen
        if not self.panel.has_class("-open") or column is None:
            return
        self.panel.wait(column.name)
        self._counting = threading.Event()
        self.go(self._counted(column.name, self._counting), "count")

    async def _counted(self, column: str, stop: threading.Event) -> None:
        await asyncio.sleep(_PAUSE_S)
        try:
            for kind in self.known.kinds:
                if kind in self._stale:
                    await self._open(kind, stay=False)
                    self.put()
            real, made = self.grid_of("real").pages, self.grid_of("synth").pages
            found = await self.ui.desk.do(
                spread, column, real.view if real else None, made.view if made else None, stop
            )
        except Cancelled:
            return
        except LocalsynthError as error:
            self.panel.fail(error.message)
            return
        if not stop.is_set():
            self.panel.tell(found)

    @on(Grid.Aside)
    def _aside(self, event: Grid.Aside) -> None:
        event.stop()
        if len(self.shown_kinds) > 1:
            for other in self.query(Grid):
                if other is not event.grid:
                    other.follow(event.grid)
        self._count()

    @on(Grid.Failed)
    def _failed(self, event: Grid.Failed) -> None:
        event.stop()
        after = "; it is tried again" if event.again else "; r reads the rows again"
        self.note(event.error.message + after, wrong=True)

    # --- the run -----------------------------------------------------------------------------------------------------

    async def _poll(self) -> None:
        run = self.known.run
        if run is None or not self.is_current or "synth" not in self.shown_kinds:
            return
        going = await self.ask(lambda ws: ws.maker(run)) is not None
        if going != self._going:
            self._going = going
            self.note(
                "this run goes on; r shows its new rows"
                if going
                else "this run has ended; r shows all its rows"
            )

    def _standing(self) -> str:
        about = self.known
        if self._going:
            return "this run goes on; r shows its new rows"
        return about.gone or nothing_of(
            about.dataset, exists=about.exists, run=about.run is not None, read_only=self.ui.read_only
        )

    # --- kept between starts -----------------------------------------------------------------------------------------

    def _remember(self) -> None:
        if self.known.dataset is not None or self.known.run is not None:
            kept = {
                "of": [self.subject.dataset, self.subject.run],
                "where": self.wish.where,
                "order": [list(one) for one in self.wish.order],
                "frozen": self.grid.frozen,
            }
            self.ui.memory.put("rows", kept)
        if len(self.known.kinds) > 1:
            self.ui.memory.put("rows.kind", self.kind)
            self.ui.memory.put("rows.both", self.both)

    def _recall(self) -> None:
        memory = self.ui.memory
        self.both = memory.get("rows.both") is True
        kind = memory.get("rows.kind")
        self.kind = kind if kind in self.known.kinds else next(iter(self.known.kinds), "real")
        kept: Any = memory.get("rows")
        self.wish, frozen = Wish(), 0
        if isinstance(kept, dict) and kept.get("of") == [self.subject.dataset, self.subject.run]:
            where, order, held = kept.get("where"), kept.get("order"), kept.get("frozen")
            names = self._names()
            pairs = [(name, bool(down)) for name, down in order] if isinstance(order, list) else []
            self.wish = Wish(
                where if isinstance(where, str) else "", tuple(one for one in pairs if one[0] in names)
            )
            frozen = held if isinstance(held, int) else 0
        for grid in self.query(Grid):
            grid.frozen, grid.left, grid.row, grid.column = frozen, 0, 0, 0

    def _names(self) -> list[str]:
        run, dataset = self.known.run, self.known.dataset
        if run is not None:
            return list(Schema.model_validate_json(run.schema_json).names)
        return list(dataset.schema.names) if dataset is not None else []
