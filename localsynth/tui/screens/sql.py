"""The SQL place: an editor above, what the query gave below."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from localsynth.core.errors import Cancelled, LocalsynthError
from localsynth.tui.sql.asking import answered, planned
from localsynth.tui.sql.catalogue import read_catalogue
from localsynth.tui.sql.colours import load_grammar
from localsynth.tui.sql.editor import Editor
from localsynth.tui.sql.examples import examples
from localsynth.tui.sql.history import Entry
from localsynth.tui.sql.popup import Popup
from localsynth.tui.sql.problem import ProblemPanel
from localsynth.tui.sql.result import ResultPane
from localsynth.tui.sql.withresult import WithResult
from localsynth.tui.subject import Subject

__all__ = ["SqlScreen"]

_SHARES = (15, 28, 42, 60, 82)  # of the height for the editor, in percent
_FILES = (".csv", ".tsv", ".parquet", ".jsonl")


class SqlScreen(WithResult):
    """Ask the workspace anything that only reads."""

    HELP = """\
# SQL

Write a query above and run it with Ctrl+R; the result comes below. Datasets are `<name>_real` and `<name>_synth`, runs and
scores are in schema `meta`; everything is DuckDB's SQL, and nothing can be changed from here. Escape stops a query.
The file is open only while a query runs. Without the focus in the editor, single letters do what Alt and the letter do:
Alt+H finds old queries, Alt+E writes the whole result to a file, Alt+P draws a result of two columns.
Ctrl+Up and Ctrl+Down make the editor smaller and larger.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+r,alt+enter,ctrl+enter",
            "run",
            "Run",
            id="sql.run",
            tooltip="The statement at the cursor, or what is selected",
            priority=True,
        ),
        Binding("alt+x,x", "explain_query", "Explain", id="sql.explain", tooltip="How DuckDB would do it"),
        Binding("alt+h,h", "history", "History", id="sql.history", tooltip="Find a query that was run"),
        Binding("alt+e,e", "export", "Export", id="sql.export", tooltip="Write the whole result to a file"),
        Binding("alt+p,p", "plot", "Draw", id="sql.plot", tooltip="A picture of two columns"),
        Binding("alt+o,o", "open_query", "Open a saved query", id="sql.open", show=False),
        Binding("alt+s,s", "save_query", "Save the query", id="sql.save", show=False),
        Binding("alt+n,n", "new_buffer", "New query beside this one", id="sql.new", show=False),
        Binding("alt+b,b", "next_buffer", "Next query", id="sql.next", show=False),
        Binding("alt+i,i", "examples", "Examples", id="sql.examples", show=False),
        Binding("c", "copy('cell')", "Copy the cell", id="sql.copy_cell", show=False),
        Binding("r", "copy('row')", "Copy the row", id="sql.copy_row", show=False),
        Binding("a", "copy('all')", "Copy all rows shown", id="sql.copy_all", show=False),
        Binding("A", "copy('csv')", "Copy all rows shown as CSV", id="sql.copy_csv", show=False),
        Binding("ctrl+down", "share(1)", "Larger editor", id="sql.larger", show=False, priority=True),
        Binding("ctrl+up", "share(-1)", "Larger result", id="sql.smaller", show=False, priority=True),
        Binding("escape", "close", "Stop", id="sql.close", priority=True, show=False),
        Binding("ctrl+c", "stop", "Stop", id="sql.stop", priority=True, show=False),
    ]
    DEFAULT_CSS = """
    SqlScreen #query { height: 42%; min-height: 4; padding: 0; }
    SqlScreen #result { padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._share = 2

    def body(self) -> ComposeResult:
        """The editor, what is wrong, the result, the list of choices."""
        with Vertical(id="query", classes="panel"):
            yield Editor()
        yield ProblemPanel()
        yield ResultPane()
        yield Popup()

    def on_mount(self) -> None:
        """As it was left."""
        share = self.ui.memory.get("sql.share")
        self._share = share if isinstance(share, int) and 0 <= share < len(_SHARES) else 2
        self.action_share(0)
        self.editor.focus()
        self.go(self._colour(), "colour")

    @property
    def problem(self) -> ProblemPanel:
        """What is wrong."""
        return self.query_one(ProblemPanel)

    # --- what there is -----------------------------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        """Other places may have brought new tables."""
        self.go(self._catalogue(), "catalogue")

    def on_unmount(self) -> None:
        """Nothing runs when the UI is gone."""
        self.asking.stop()

    def show_subject(self, subject: Subject) -> None:
        """Examples are of the chosen dataset."""
        if self.pane.is_offering:
            self._offer_examples()

    async def _colour(self) -> None:
        self.editor.colour(await self.ui.desk.do(load_grammar))

    async def _catalogue(self) -> None:
        known = self.editor.catalogue.functions
        try:
            self.editor.catalogue = await self.ask(lambda ws: read_catalogue(ws, known))
        except LocalsynthError:
            return  # somebody writes just now, or nothing can be read: a query will say so
        if self.pane.is_offering:
            self._offer_examples()

    def _offer_examples(self) -> None:
        picks = (
            examples(self.editor.catalogue, self.subject.dataset) if self.editor.catalogue.relations else []
        )
        way = (
            "this is open for looking only, and somebody who may write has to import a table"
            if self.ui.read_only
            else "press F2 and import a table, or try a sample"
        )
        self.pane.offer(picks, "" if picks else f"There is nothing to ask yet: {way}.")

    def action_examples(self) -> None:
        """Queries to begin with, in place of the result."""
        self._offer_examples()
        self.pane.focus_shown()

    @on(ResultPane.Chosen)
    def _example(self, event: ResultPane.Chosen) -> None:
        self.take(event.sql)
        self.action_run()

    @on(Popup.Taken)
    def _clicked(self, event: Popup.Taken) -> None:
        self.editor.take(event.choice)

    # --- running -----------------------------------------------------------------------------------------------------

    def action_run(self) -> None:
        """Run what is selected, or the statement at the cursor."""
        if (sql := self._wanted()) is not None:
            self.go(self._run(sql), group="query")

    def action_explain_query(self) -> None:
        """Show how DuckDB would do it."""
        if (sql := self._wanted()) is not None:
            self.go(self._explain(sql), group="query")

    def _wanted(self) -> str | None:
        """What is to be run, with as many empty lines before it that the lines DuckDB counts are those of the editor."""
        found = self.editor.under_cursor()
        self.editor.popup.close()
        if self.asking.busy:
            self.say("a query is running; escape stops it", warning=True)
        elif found is None:
            self.say("write a query first, or choose an example")
        else:
            return "\n" * found[1] + found[0]
        return None

    async def _run(self, sql: str) -> None:
        self.problem.close()
        try:
            answer = await self.asking.ask(self, "running", lambda ws, stop: answered(ws, sql, stop))
        except LocalsynthError as error:
            await self._failed(sql, error)
            return
        self.answer = answer
        await self.pane.show(answer.cells, answer.about)
        self.refresh_bindings()
        await self._remember(sql, seconds=answer.seconds, rows=answer.cells.row_count, more=answer.more)

    async def _explain(self, sql: str) -> None:
        self.problem.close()
        try:
            plan = await self.asking.ask(self, "explaining", lambda ws, stop: planned(ws, sql, stop))
        except LocalsynthError as error:
            await self._failed(sql, error)
            return
        self.pane.explain(plan, "i shows examples, ctrl+r runs it")

    async def _failed(self, sql: str, error: LocalsynthError) -> None:
        took = self.asking.seconds
        if isinstance(error, Cancelled):
            self.pane.tell("Result")
            self.say(f"stopped after {took:,.1f} s")
            return
        self.pane.tell("Result")
        self.problem.show(error)
        self.refresh_bindings()
        await self._remember(sql, seconds=took, problem=error.message.split("\n")[0])

    async def _remember(
        self, sql: str, *, seconds: float, rows: int = 0, more: bool = False, problem: str = ""
    ) -> None:
        at = datetime.now().astimezone().isoformat(" ", "seconds")
        entry = Entry(at, sql.strip(), round(seconds, 3), rows, more, problem)
        await self.ui.desk.do(self._history.add, entry)

    def action_close(self) -> None:
        """What is in the way: the choices, the query that runs, what was wrong."""
        if self.editor.popup.is_open:
            self.editor.popup.close()
        elif self.asking.busy:
            self.asking.stop()
        else:
            self.problem.close()
            self.refresh_bindings()

    def action_stop(self) -> None:
        """The query that runs."""
        self.asking.stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys are for what there is."""
        if action == "close":
            return self.query_one(Popup).is_open or self.asking.busy or self.problem.is_open
        if action == "stop":
            return self.asking.busy
        if action in {"copy", "plot"}:
            return self.pane.table is not None
        if action == "export":
            return self.answer is not None
        return super().check_action(action, parameters)

    def action_share(self, by: int) -> None:
        """More of the height for the editor, or for the result."""
        self._share = min(max(self._share + by, 0), len(_SHARES) - 1)
        self.query_one("#query").styles.height = f"{_SHARES[self._share]}%"
        self.ui.memory.put("sql.share", self._share)
