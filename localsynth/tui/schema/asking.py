"""Dialogs of the place Schema that ask or tell: problems of a file, suggestions, an order of the columns, the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from localsynth.core.errors import LocalsynthError
from localsynth.core.finding import Found, FoundDependency, FoundKey
from localsynth.core.run import Exposure
from localsynth.core.words import counted
from localsynth.tui.dialogs import error_text
from localsynth.tui.plain import line, one_line, paragraph

from .checklist import CheckList

if TYPE_CHECKING:
    from localsynth.core.ordering import Ordering
    from localsynth.tui.app import LocalsynthApp

__all__ = ["OrderDialog", "PolicyDialog", "ProblemsDialog", "SuggestionsDialog"]


class ProblemsDialog(ModalScreen[bool]):
    """What is wrong with a file that was edited; gives ``True`` to edit it again, ``False`` to drop it."""

    HELP = "The file has mistakes, so nothing was taken over. `e` opens it again as you left it, `d` drops what you wrote."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e,enter", "dismiss(True)", "Edit again", id="problems.again"),
        Binding("d", "dismiss(False)", "Drop it", id="problems.drop"),
    ]

    def __init__(self, error: LocalsynthError) -> None:
        super().__init__()
        self._error = error

    def compose(self) -> ComposeResult:
        """Every problem with its line."""
        with VerticalScroll(classes="dialog -error") as box:
            box.border_title = "The file has mistakes"
            box.border_subtitle = "e edits it again, d drops what you wrote"
            yield Static(paragraph(error_text(self._error)), markup=False)


class SuggestionsDialog(ModalScreen[tuple[tuple[str, ...], Found] | None]):
    """What the train rows keep without anybody having said so; gives the names to accept, and what was found."""

    HELP = """\
Dependencies, keys and rules **found in the train rows**, each with the evidence. Space marks, `a` marks all, Enter writes
what is marked into the schema. The schema then tells of the rows, and counts as inferred until a person has checked it.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave", id="suggestions.leave"),
    ]
    DEFAULT_CSS = """
    SuggestionsDialog CheckList { margin-top: 1; }
    SuggestionsDialog #left-out { height: auto; max-height: 4; }
    """

    def __init__(self, dataset: str, rows: int, *, able: bool) -> None:
        super().__init__()
        self._dataset, self._rows, self._able = dataset, rows, able
        self._found: Found | None = None

    def compose(self) -> ComposeResult:
        """At first that it is looked for."""
        with Vertical(classes="dialog -large") as box:
            box.border_title = "Suggestions"
            box.border_subtitle = (
                "space marks, enter accepts, escape leaves" if self._able else "escape leaves"
            )
            yield Static(
                f"Looking for dependencies, keys and rules in {counted(self._rows, 'train row')} ...",
                id="state",
            )

    def on_mount(self) -> None:
        """Look."""
        self.run_worker(self._look(), exclusive=True)

    async def _look(self) -> None:
        try:
            found: Found = await cast("LocalsynthApp", self.app).ask(lambda ws: ws.suggest(self._dataset))
        except LocalsynthError as error:
            for state in self.query("#state").results(Static):
                state.update(paragraph(error_text(error)))
            return
        if not self.query("#state"):  # closed meanwhile
            return
        self._found = found
        every: list[Any] = [*found.dependencies, *found.rules, *found.keys]
        fixed = [at for at, one in enumerate(every) if not self._able or not _can(one)]
        entries = [(_suggestion(one), one.name) for one in every]
        box = self.query_one(".dialog", Vertical)
        state = self.query_one("#state", Static)
        if not every:
            state.update("Nothing was found that the rows keep without exception and that chance would not.")
        else:
            told = f"{counted(len(every) - len(fixed), 'suggestion')} to accept"
            state.update(told if self._able else f"{counted(len(every), 'suggestion')}; this UI only looks")
            await box.mount(CheckList(entries, fixed=fixed))
            self.query_one(CheckList).focus()
        if found.left_out:
            words = "\n".join(f"left out: {line(one).plain}" for one in found.left_out)
            await box.mount(Static(paragraph(words, "dim"), id="left-out", markup=False))

    @on(CheckList.Accepted)
    def _accept(self) -> None:
        marked = self.query_one(CheckList).marked
        if self._found is not None and marked:
            self.dismiss((marked, self._found))
        else:
            self.notify("mark something first: space marks, a marks all", markup=False)


def _can(one: Any) -> bool:
    """Whether a schema can declare it."""
    return not isinstance(one, FoundKey) and (not isinstance(one, FoundDependency) or one.exact)


def _suggestion(one: Any) -> Text:
    if isinstance(one, FoundKey):
        kind, check = "key (for information: a schema declares none)", ""
    elif isinstance(one, FoundDependency):
        kind, check = "dependency" if one.exact else "dependency that holds only nearly", ""
    else:
        kind, check = f"rule ({one.kind})", "" if one.check == one.name else one.check
    text = Text.assemble(line(one.name, "bold"), f"  {kind}")
    if check:
        text = Text.assemble(text, "\n      ", line(check))
    return Text.assemble(text, "\n      ", line(one.evidence, "dim"))


class OrderDialog(ModalScreen[None]):
    """The order in which methods that write a row column by column would write this one, and why."""

    HELP = "What determines stands before what is determined, like beside like. A run's recipe can ask for another order."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,o,q", "dismiss(None)", "Close", id="order.close"),
    ]

    def __init__(self, dataset: str) -> None:
        super().__init__()
        self._dataset = dataset

    def compose(self) -> ComposeResult:
        """At first that it is looked for."""
        with VerticalScroll(classes="dialog -large") as box:
            box.border_title = "Order of the columns"
            box.border_subtitle = "escape closes"
            yield Static("Looking at what depends on what ...", id="state")

    def on_mount(self) -> None:
        """Look."""
        self.query_one(VerticalScroll).focus()
        self.run_worker(self._look(), exclusive=True)

    async def _look(self) -> None:
        state = self.query_one("#state", Static)  # held, for the dialog may be closed meanwhile
        try:
            made: Ordering = await cast("LocalsynthApp", self.app).ask(lambda ws: ws.order(self._dataset))
        except LocalsynthError as error:
            state.update(paragraph(error_text(error)))
            return
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right")
        for at, name in enumerate(made.order, 1):
            table.add_row(Text(f"{at:,}"), line(name, "bold"), paragraph(one_line(made.placed[name]), "dim"))
        for circle in made.components:
            table.add_row(Text(), Text("in a circle"), paragraph(one_line(", ".join(circle))))
        state.update(table)


class PolicyDialog(ModalScreen[str | None]):
    """How much of a dataset a model may see; gives the word for it."""

    HELP = "The **policy** is the owner's word. A run that needs more is refused before any prompt is made."
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave", id="policy.leave")]
    DEFAULT_CSS = """
    PolicyDialog OptionList, PolicyDialog OptionList:focus { height: auto; border: none; background: $surface; }
    """
    _ABOUT: ClassVar[dict[Exposure, str]] = {
        Exposure.SCHEMA: "the description of the table alone: no model sees anything of the rows",
        Exposure.STATISTICS: "statistics of the train rows, such as counts of categories; no row",
        Exposure.ROWS: "rows of the train part themselves, in prompts or in training",
    }

    def __init__(self, dataset: str, now: Exposure) -> None:
        super().__init__()
        self._dataset, self._now = dataset, now

    def compose(self) -> ComposeResult:
        """The three choices, the least first."""
        with Vertical(classes="dialog") as box:
            box.border_title = Text.assemble("What may a model see of ", line(self._dataset, "bold", 40), "?")
            box.border_subtitle = "enter chooses, escape leaves"
            yield OptionList(*(Option(self._prompt(one)) for one in self._ABOUT), markup=False)

    def on_mount(self) -> None:
        """Start at the present one."""
        self.query_one(OptionList).highlighted = list(self._ABOUT).index(self._now)

    def _prompt(self, one: Exposure) -> Text:
        now = "  (now)" if one is self._now else ""
        return Text.assemble((one.label, "bold"), now, "\n  ", (self._ABOUT[one], "dim"))

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(list(self._ABOUT)[event.option_index].label)
