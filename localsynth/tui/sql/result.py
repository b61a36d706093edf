"""The lower half of the SQL place: examples before the first query, then rows, or a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import ScrollableContainer, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from localsynth.tui.plain import line, paragraph

from .picker import Pick

if TYPE_CHECKING:
    from .table import Cells, ResultTable

__all__ = ["ResultPane"]


class ResultPane(Vertical):
    """Shows one thing at a time."""

    HELP: ClassVar[str | None] = "What the last query gave. Before the first one: examples; Enter runs one."
    DEFAULT_CSS = """
    ResultPane { height: 1fr; min-height: 4; }
    ResultPane #examples {
        height: 1fr; border: none; background: $background; padding: 0; text-wrap: nowrap; text-overflow: ellipsis;
    }
    ResultPane #said { height: auto; }
    ResultPane #plan { height: 1fr; }
    ResultPane #plan Static { width: auto; height: auto; }
    """

    class Chosen(Message):
        """An example is to be run."""

        def __init__(self, sql: str) -> None:
            super().__init__()
            self.sql = sql

    class Opened(Message):
        """A cell is to be looked at."""

        def __init__(self, cells: Cells, row: int, column: int) -> None:
            super().__init__()
            self.cells, self.row, self.column = cells, row, column

    def __init__(self) -> None:
        super().__init__(id="result", classes="panel")
        self.cells: Cells | None = None
        self._examples: tuple[Pick, ...] = ()

    def compose(self) -> ComposeResult:
        """All that may be seen; the table comes with the first result."""
        yield Static(id="said", classes="hint", markup=False)
        yield OptionList(id="examples", markup=False)
        with ScrollableContainer(id="plan"):
            yield Static(id="text", markup=False)

    def on_mount(self) -> None:
        """Nothing yet."""
        self.border_title = "Result"
        self._only("#examples")

    # --- what is shown -----------------------------------------------------------------------------------------------

    def _only(self, *seen: str) -> None:
        for part in ("#said", "#examples", "#plan", "#table"):
            for widget in self.query(part):
                widget.display = part in seen

    def _titles(self, title: str, about: str) -> None:
        self.border_title = Content(title)
        self.border_subtitle = Content(about)

    def offer(self, picks: Sequence[Pick], why: str) -> None:
        """Examples. why : a sentence above them; may be empty."""
        self._examples = tuple(picks)
        found = self.query_one("#examples", OptionList)
        found.clear_options()
        found.add_options([Option(_row(one)) for one in picks])
        found.highlighted = 0 if picks else None
        self.query_one("#said", Static).update(line(why))
        self._only("#examples", *(["#said"] if why else []))
        self._titles("To begin with", "enter runs one" if picks else "")

    @property
    def is_offering(self) -> bool:
        """Whether examples are seen."""
        return bool(self.query_one("#examples").display)

    def tell(self, title: str) -> None:
        """What is going on, over what was there before."""
        self.border_title = Content(title)

    async def show(self, cells: Cells, about: str) -> None:
        """Rows."""
        from .table import ResultTable  # the thread that made the cells has imported it

        had_focus = self.table is not None and self.table.has_focus
        await self.query(ResultTable).remove()
        self.cells = cells
        table = ResultTable(cells)
        await self.mount(table)
        said = "" if cells.row_count else "no rows"
        self.query_one("#said", Static).update(line(said))
        self._only("#table", *(["#said"] if said else []))
        self._titles("Result", about)
        if had_focus:
            table.focus()

    def explain(self, text: str, about: str) -> None:
        """A plan."""
        self.query_one("#text", Static).update(paragraph(text))
        self._only("#plan")
        self._titles("Plan", about)

    @property
    def table(self) -> ResultTable | None:
        """The table, once there is one and it is seen."""
        for found in self.query("#table"):
            if found.display:
                return found  # type: ignore[return-value]  # its module is imported late
        return None

    def focus_shown(self) -> None:
        """The focus on what can be moved through."""
        for part in ("#table", "#examples", "#plan"):
            for found in self.query(part):
                if found.display:
                    found.focus()
                    return

    # --- examples ----------------------------------------------------------------------------------------------------

    @on(OptionList.OptionSelected, "#examples")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen(self._examples[event.option_index].text))


def _row(pick: Pick) -> Text:
    row = line(f"{pick.name:<34}", "bold")
    row.append_text(line(" ".join(pick.text.split()), "dim", 120))
    return row
