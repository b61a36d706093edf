"""Asking for a path: what is typed is completed from the folders there are, and nothing is overwritten unasked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from localsynth.core.words import size_text

from .dialogs import ConfirmDialog
from .folders import Answer, Entry, Listing, Sense, Wanted, completed, judged, listing
from .leaving import unless_left
from .plain import line

if TYPE_CHECKING:
    from .app import LocalsynthApp

__all__ = ["PathDialog"]


class PathDialog(ModalScreen[Path | None]):
    """Gives the path of a file, or ``None`` where a person leaves without one.

    title : what it is for. start : what is in the field at first. suffixes : of the files to show, and of one to save.
    must_exist : of a file to read. save : a file to write: a person has agreed that one that is there is replaced, so
    write it with ``overwrite=True``. The folder of ``start`` is made when something is saved in it.
    """

    HELP = """\
Type a path, or choose one below: Tab goes on with what is typed as far as it is clear, the arrows choose, Enter goes into a
folder or takes a file, Escape leaves. `~` is your home; what does not begin with `/` is in the folder where localsynth was
started. Hidden files come when you type a dot.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", id="path.complete"),
        Binding("down", "choose(1)", "Next", show=False, id="path.next"),
        Binding("up", "choose(-1)", "Previous", show=False, id="path.previous"),
        Binding("pagedown", "choose(8)", "Further", show=False, id="path.further"),
        Binding("pageup", "choose(-8)", "Back", show=False, id="path.back"),
        Binding("escape", "leave", "Leave", id="path.leave"),
    ]
    DEFAULT_CSS = """
    PathDialog .dialog { height: 20; max-height: 95%; }
    PathDialog OptionList { height: 1fr; border: none; background: $surface; padding: 0; }
    PathDialog #said { height: auto; max-height: 3; }
    PathDialog Input { margin-bottom: 1; }
    PathDialog.-narrow Input { margin-bottom: 0; }
    """

    def __init__(
        self,
        title: str,
        start: str | Path = "",
        suffixes: tuple[str, ...] = (),
        must_exist: bool = True,
        save: bool = False,
    ) -> None:
        super().__init__()
        self._title, self._start = title, str(start)
        self._base = Path.cwd()
        makes = Path(start).parent if save and str(start) else None
        self._wanted = Wanted(suffixes, save, must_exist, makes)
        self._entries: tuple[Entry, ...] = ()

    def compose(self) -> ComposeResult:
        """A field, what it can go on with, and what there is to say."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "tab completes, enter takes, escape leaves"
            yield Input(self._start, placeholder="a path, such as ~/tables/clinic.csv", select_on_focus=False)
            found = OptionList(markup=False)
            found.can_focus = False  # the keys stay in the field, so that one can always go on typing
            yield found
            yield Static(id="said", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Leave", id="leave", compact=True)
                yield Button(
                    "Save" if self._wanted.save else "Open", id="take", variant="primary", compact=True
                )

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()
        self._look()

    # --- what it can go on with --------------------------------------------------------------------------------------

    @on(Input.Changed)
    def _look(self) -> None:
        self.run_worker(self._list(), group="listing", exclusive=True)

    async def _list(self) -> None:
        with unless_left(self):
            self._show(await self._listing(self.query_one(Input).value))

    async def _listing(self, typed: str) -> Listing:
        desk = cast("LocalsynthApp", self.app).desk
        return await desk.do(listing, typed, self._base, self._wanted.suffixes)

    def _show(self, found: Listing) -> None:
        self._entries = found.entries
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_row(one)) for one in found.entries])
        if found.problem:
            self._tell(found.problem)
        elif found.more:
            self._tell(f"and {found.more:,} more: type the beginning of the name", wrong=False)
        elif not found.entries and not self._wanted.save:
            self._tell("nothing here begins like this", wrong=False)
        else:
            self._tell("")

    def _tell(self, words: str, *, wrong: bool = True) -> None:
        said = self.query_one("#said", Static)
        said.update(line(words))
        said.set_class(wrong, "wrong")
        said.set_class(not wrong, "hint")

    def action_complete(self) -> None:
        """Go on with what is typed as far as it is clear."""
        self.run_worker(self._complete(), group="completing", exclusive=True)

    async def _complete(self) -> None:
        with unless_left(self):
            field = self.query_one(Input)
            typed = field.value
            chosen = self._chosen()
            whole = completed(typed, await self._listing(typed)) if chosen is None else _joined(typed, chosen)
            if field.value == typed:  # nothing was typed meanwhile
                self._put(whole)

    def _put(self, typed: str) -> None:
        field = self.query_one(Input)
        field.value = typed
        field.cursor_position = len(typed)

    def action_choose(self, step: int) -> None:
        """The mark goes so far down; above the first entry there is none."""
        options = self.query_one(OptionList)
        if self._entries:
            place = (-1 if options.highlighted is None else options.highlighted) + step
            options.highlighted = None if place < 0 else min(place, len(self._entries) - 1)

    def _chosen(self) -> Entry | None:
        place = self.query_one(OptionList).highlighted
        return self._entries[place] if place is not None and place < len(self._entries) else None

    # --- done --------------------------------------------------------------------------------------------------------

    @on(Button.Pressed, "#take")
    @on(Input.Submitted)
    def _take(self) -> None:
        chosen = self._chosen()
        self._take_entry(chosen) if chosen is not None else self._answer()

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._take_entry(self._entries[event.option_index])

    def _take_entry(self, entry: Entry) -> None:
        self._put(_joined(self.query_one(Input).value, entry))
        if not entry.folder:
            self._answer()

    def _answer(self) -> None:
        self.run_worker(self._judge(), group="judging", exclusive=True)

    async def _judge(self) -> None:
        typed = self.query_one(Input).value
        desk = cast("LocalsynthApp", self.app).desk
        answer = await desk.do(judged, typed, self._base, self._wanted)
        with unless_left(self):
            self._hear(typed, answer)

    def _hear(self, typed: str, answer: Answer) -> None:
        match answer.sense:
            case Sense.TAKEN:
                self.dismiss(answer.path)
            case Sense.FOLDER:
                self._put(typed.rstrip("/") + "/")
            case Sense.WRONG:
                self._tell(answer.words)
            case Sense.EXISTS:
                self._ask(answer, "Replace")
            case Sense.NO_FOLDER:
                self._ask(answer, "Make it")

    def _ask(self, answer: Answer, yes: str) -> None:
        def heard(agreed: bool | None) -> None:
            if agreed and answer.sense is Sense.EXISTS:
                self.dismiss(answer.path)
            elif agreed:
                self._make(answer.path)

        self.app.push_screen(ConfirmDialog(answer.words, yes), heard)

    def _make(self, path: Path) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            self._tell(f"{path.parent} cannot be made: {error.strerror}")
        else:
            self.dismiss(path)

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        """Without a path."""
        self.dismiss(None)


def _joined(typed: str, entry: Entry) -> str:
    """The typed path with an entry in place of its last part."""
    stem = typed.rpartition("/")[2]
    head = typed + "/" if typed == "~" or stem == ".." else typed[: len(typed) - len(stem)]
    return head + entry.name + ("/" if entry.folder else "")


def _row(entry: Entry) -> Table:
    """A name, and how big it is."""
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(ratio=1, no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    size = "folder" if entry.folder else "?" if entry.size is None else size_text(entry.size)
    name = line(entry.name + "/" if entry.folder else entry.name, "bold" if entry.folder else "")
    table.add_row(name, Text(size, "dim"))
    return table
