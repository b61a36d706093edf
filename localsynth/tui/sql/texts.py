"""The texts of the SQL place: several in one editor, those that were run, those that are saved."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.content import Content
from textual.widgets import TextArea

from localsynth.tui.paths import PathDialog
from localsynth.tui.screens.base import PlaceScreen

from .buffers import Buffers
from .editor import Editor
from .history import History, outcome
from .picker import Pick, PickDialog
from .saved import read_query, save_query, saved_queries

__all__ = ["Texts"]


class Texts(PlaceScreen):
    """What may stand in the editor. It has an :class:`Editor`, in a box with the id ``query``."""

    WRITES = frozenset({"save_query"})

    def __init__(self) -> None:
        super().__init__()
        self._buffers = Buffers()
        self._history = History(None)

    def on_mount(self) -> None:
        """As it was left."""
        folder = self.ui.memory.folder
        self._history = History(None if folder is None else folder / "history.jsonl")
        self._buffers = Buffers(self.ui.memory.get("sql"))
        self._show_buffer()

    @property
    def editor(self) -> Editor:
        """Where queries are written."""
        return self.query_one(Editor)

    @on(TextArea.Changed)
    def _typed(self) -> None:
        self._buffers.text = self.editor.text
        self.ui.memory.put("sql", self._buffers.kept)

    def _show_buffer(self) -> None:
        self.editor.load_text(self._buffers.text)
        self.query_one("#query").border_title = Content(self._buffers.title)

    def action_new_buffer(self) -> None:
        """An empty text beside this one."""
        self._buffers.new()
        self._show_buffer()
        self.editor.focus()

    def action_next_buffer(self) -> None:
        """The next text."""
        self._buffers.turn()
        self._show_buffer()
        self.editor.focus()

    def take(self, sql: str) -> None:
        """A text from elsewhere; what is being written stays, in another buffer."""
        if self._buffers.text.strip() != sql.strip():
            self._buffers.new(sql)
            self._show_buffer()
        self.editor.focus()

    def action_history(self) -> None:
        """Find an old query."""
        self.go(self._find_old(), group="history")

    async def _find_old(self) -> None:
        entries = await self.ui.desk.do(self._history.entries)
        picks = [Pick(f"{one.at[5:16]}  {outcome(one):>22}  {one.sql}", "", one.sql) for one in entries]
        nothing = "no query was run yet"
        chosen = await self.app.push_screen_wait(PickDialog("Queries that were run", picks, nothing))
        if chosen is not None:
            self.take(chosen.text)

    def action_open_query(self) -> None:
        """A saved query."""
        self.go(self._open(), group="open")

    async def _open(self) -> None:
        folder = await self._folder()
        picks = await self.ui.desk.do(saved_queries, folder)
        other = Pick("Another file", "asks for a path", "-- a .sql file from elsewhere")
        chosen = await self.app.push_screen_wait(
            PickDialog("Saved queries", [*picks, other], "nothing is saved")
        )
        if chosen is other:
            path = await self.app.push_screen_wait(PathDialog("Open a query", "", (".sql",)))
            if path is not None:
                self.take(await self.ui.desk.do(read_query, path))
        elif chosen is not None:
            self.take(chosen.text)

    def action_save_query(self) -> None:
        """Save the text in a file."""
        self.go(self._save(), group="save")

    async def _save(self) -> None:
        text = self.editor.text
        if not text.strip():
            self.say("there is nothing to save")
            return
        start = await self._folder() / "query.sql"
        path = await self.app.push_screen_wait(
            PathDialog("Save the query to", start, (".sql",), must_exist=False, save=True)
        )
        if path is not None:
            self.say(f"saved to {await self.ui.desk.do(save_query, text, path)}")

    async def _folder(self) -> Path:
        return await self.ask(lambda ws: ws.folder / "queries")
